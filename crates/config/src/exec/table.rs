//! The tree of exec commands.

use std::sync::LazyLock;

use super::{ExecCommand, ModuleView};
use crate::grammar::{
    Action, Args, Command, Element, Kind, Refusal, Table, arg, keyword, keyword_or, rest,
};

type Chosen = Option<ExecCommand>;
type Set = fn(&mut Chosen, &Args) -> Result<(), Refusal>;

/// `Router#`.
pub(crate) static EXEC: LazyLock<Table<Chosen>> = LazyLock::new(table);

/// Exec commands of the original that this release lacks.
const LACKING: &[&str] = &["copy", "debug", "hw-module", "ping", "traceroute", "undebug", "write"];

const SHOW: Element = keyword("show", "Show what is running");
const CLEAR: Element = keyword("clear", "Reset something");
const RELOAD: Element = keyword("reload", "Start again in place, without a pause");
const MODULE: Element = keyword("module", "A module of this chassis");
const CSM: Element = keyword_or("csm", "contentSwitchingModule", "Content switching module");
const SLOT: Element = arg(Kind::Slot, "Its slot");
const DETAIL: Element = keyword("detail", "Everything that is known");
const NAME: Element = arg(Kind::Name, "Name");
const FT: Element = keyword("ft", "Fault tolerance");
const VSERVERS: Element = keyword_or("vservers", "vserver", "Virtual servers");
const REALS: Element = keyword_or("reals", "real", "Real servers");
const FARMS: Element = keyword_or("serverfarms", "serverfarm", "Server farms");
const CONNS: Element = keyword("conns", "Connections");
const VLAN: Element = keyword("vlan", "VLANs");

/// The command that a match in [`EXEC`] is.
pub(crate) fn command(index: usize, args: &Args) -> Option<ExecCommand> {
    let mut chosen = None;
    if let Action::Set(set) = EXEC.commands().get(index)?.action()? {
        set(&mut chosen, args).ok()?;
    }
    chosen
}

fn table() -> Table<Chosen> {
    let mut commands = vec![
        Command::<Chosen>::new(&[SHOW, MODULE, CSM, keyword("all", "Every module")])
            .sets(|chosen, _| choose(chosen, ExecCommand::ShowAll)),
        Command::<Chosen>::new(&[SHOW, keyword("running-config", "The configuration in force")])
            .sets(|chosen, _| choose(chosen, ExecCommand::ShowRunningConfig)),
        Command::<Chosen>::new(&[
            CLEAR,
            MODULE,
            CSM,
            SLOT,
            FT,
            keyword("active", "Hand the role over"),
        ])
        .sets(|chosen, args| choose(chosen, ExecCommand::ClearFtActive { slot: args.get(0)? })),
    ];
    commands.push(
        Command::<Chosen>::new(&[RELOAD, keyword("daemon", "The program and its configuration")])
            .sets(|chosen, _| choose(chosen, ExecCommand::ReloadDaemon)),
    );
    commands.extend(fault_tolerance());
    commands.extend(servers());
    commands.extend(network());
    commands.extend(lacking());
    Table::new(commands)
}

fn fault_tolerance() -> Vec<Command<Chosen>> {
    let history = keyword("history", "Every change of role, and why");
    let mut commands = view(
        &[FT],
        |c, a| show(c, a, ModuleView::Ft, false),
        |c, a| show(c, a, ModuleView::Ft, true),
    );
    commands.push(
        Command::<Chosen>::new(&under_module(&[FT, history]))
            .sets(|c, a| show(c, a, ModuleView::FtHistory, false)),
    );
    commands
}

fn servers() -> Vec<Command<Chosen>> {
    let name = keyword("name", "By name");
    let sfarm = keyword("sfarm", "Of one server farm");
    let of_vserver = keyword("vserver", "Of one virtual server");
    let (vservers, vservers_detail): (Set, Set) = (
        |c, a| show(c, a, ModuleView::VirtualServers(a.optional(1)), false),
        |c, a| show(c, a, ModuleView::VirtualServers(a.optional(1)), true),
    );
    let (reals, reals_detail): (Set, Set) = (
        |c, a| show(c, a, ModuleView::Reals(a.optional(1)), false),
        |c, a| show(c, a, ModuleView::Reals(a.optional(1)), true),
    );
    let (farms, farms_detail): (Set, Set) = (
        |c, a| show(c, a, ModuleView::Farms(a.optional(1)), false),
        |c, a| show(c, a, ModuleView::Farms(a.optional(1)), true),
    );
    let (conns, conns_detail): (Set, Set) = (
        |c, a| show(c, a, ModuleView::Conns(a.optional(1)), false),
        |c, a| show(c, a, ModuleView::Conns(a.optional(1)), true),
    );
    [
        view(&[VSERVERS], vservers, vservers_detail),
        view(&[VSERVERS, NAME], vservers, vservers_detail),
        view(&[VSERVERS, name, NAME], vservers, vservers_detail),
        view(&[REALS], reals, reals_detail),
        view(&[REALS, sfarm, NAME], reals, reals_detail),
        view(&[FARMS], farms, farms_detail),
        view(&[FARMS, NAME], farms, farms_detail),
        view(&[FARMS, name, NAME], farms, farms_detail),
        view(&[CONNS], conns, conns_detail),
        view(&[CONNS, of_vserver, NAME], conns, conns_detail),
    ]
    .concat()
}

fn network() -> Vec<Command<Chosen>> {
    let id = [VLAN, keyword("id", "One of them"), arg(Kind::Vlan, "Its number")];
    let (vlans, vlans_detail): (Set, Set) = (
        |c, a| show(c, a, ModuleView::Vlans(a.optional(1)), false),
        |c, a| show(c, a, ModuleView::Vlans(a.optional(1)), true),
    );
    let mut commands =
        [view(&[VLAN], vlans, vlans_detail), view(&id, vlans, vlans_detail)].concat();
    let plain: [(Element, Set); 3] = [
        (keyword("arp", "Addresses and their MACs"), |c, a| show(c, a, ModuleView::Arp, false)),
        (keyword("stats", "Counters"), |c, a| show(c, a, ModuleView::Stats, false)),
        (keyword("dataplane", "The programs in the kernel and what they count"), |c, a| {
            show(c, a, ModuleView::Dataplane, false)
        }),
    ];
    commands
        .extend(plain.map(|(word, set)| Command::<Chosen>::new(&under_module(&[word])).sets(set)));
    commands
}

fn under_module(path: &[Element]) -> Vec<Element> {
    [&[SHOW, MODULE, CSM, SLOT], path].concat()
}

/// A view with and without `detail`.
fn view(path: &[Element], plain: Set, detailed: Set) -> Vec<Command<Chosen>> {
    let plain_path = under_module(path);
    let detail_path = [&plain_path[..], &[DETAIL]].concat();
    vec![
        Command::<Chosen>::new(&plain_path).sets(plain),
        Command::<Chosen>::new(&detail_path).sets(detailed),
    ]
}

fn show(chosen: &mut Chosen, args: &Args, view: ModuleView, detail: bool) -> Result<(), Refusal> {
    choose(chosen, ExecCommand::ShowModule { slot: args.get(0)?, view, detail })
}

#[expect(clippy::unnecessary_wraps, reason = "every handler of a table has this form")]
fn choose(chosen: &mut Chosen, command: ExecCommand) -> Result<(), Refusal> {
    *chosen = Some(command);
    Ok(())
}

/// What of the original this release lacks.
fn lacking() -> Vec<Command<Chosen>> {
    let words = LACKING.iter().map(|word| vec![keyword(word, ""), rest()]);
    let views =
        ["memory", "policy", "probe", "script", "status", "sticky", "tech-support", "variable"];
    let views = views.map(|word| under_module(&[keyword(word, ""), rest()]));
    let clears = ["arp-cache", "connections", "counters", "linecard-configuration", "sticky"];
    let clears = clears.map(|word| vec![CLEAR, MODULE, CSM, SLOT, keyword(word, ""), rest()]);
    let paths = words.chain(views).chain(clears);
    paths.map(|path| Command::<Chosen>::new(&path).acts(Action::Unavailable)).collect()
}
