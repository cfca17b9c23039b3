//! `show module csm {N | all} ...`.

use super::super::{ExecCommand, ModuleView, Modules, Show, Sticky, SupportPart};
use super::show::{ALL, SHOW};
use super::{CSM, Chosen, FT, MODULE, NAME, SLOT, Set, choose, entries};
use crate::grammar::{
    Action, Args, Command, Element, Kind, Refusal, arg, keyword, keyword_or, rest,
};

const DETAIL: Element = keyword("detail", "Everything that is known");
const VSERVERS: Element = keyword_or("vservers", "vserver", "Virtual servers");
const REALS: Element = keyword_or("reals", "real", "Real servers");
const FARMS: Element = keyword_or("serverfarms", "serverfarm", "Server farms");
const CONNS: Element = keyword("conns", "Connections");
const VLAN: Element = keyword("vlan", "VLANs");
const STICKY: Element = keyword("sticky", "Sticky entries");
const PROBE: Element = keyword_or("probe", "probes", "Health probes");
const SUPPORT: Element = keyword("tech-support", "Raw counters");
const CLIENT: Element = keyword("client", "Of one client");
const CLIENT_IP: Element = arg(Kind::Ipv4, "Its address");

/// Views of the original that this release lacks.
const LACKING: &[&str] = &[
    "capp", "dfp", "map", "memory", "natpool", "owner", "policy", "pvlan", "script", "static",
    "xml",
];

pub(super) fn commands() -> Vec<Command<Chosen>> {
    let mut commands = Vec::new();
    for modules in [SLOT, ALL] {
        let under = |path: &[Element]| [&[SHOW, MODULE, CSM, modules], path].concat();
        for (path, options, set) in servers().into_iter().chain(network()).chain(state()) {
            let options: Vec<&[Element]> = options.iter().map(Vec::as_slice).collect();
            commands.extend(entries(&under(&path), &options, set));
        }
        commands.extend(LACKING.iter().map(|word| {
            Command::<Chosen>::new(&under(&[keyword(word, ""), rest()])).acts(Action::Unavailable)
        }));
    }
    commands
}

/// A view: its words, what may follow them, and what it is.
type View = (Vec<Element>, Vec<Vec<Element>>, Set);

fn servers() -> Vec<View> {
    let name = keyword("name", "By name");
    let sfarm = vec![keyword("sfarm", "Of one server farm"), NAME];
    let of_vserver = vec![keyword("vserver", "Of one virtual server"), NAME];
    let vservers: Set = |c, a| view(c, a, ModuleView::VirtualServers(a.find()));
    let farms: Set = |c, a| view(c, a, ModuleView::Farms(a.find()));
    let probes: Set = |c, a| view(c, a, ModuleView::Probe(a.find()));
    let conns: Set =
        |c, a| view(c, a, ModuleView::Conns { virtual_server: a.find(), client: a.find() });
    let detail = || vec![vec![DETAIL]];
    vec![
        (vec![VSERVERS], detail(), vservers),
        (vec![VSERVERS, NAME], detail(), vservers),
        (vec![VSERVERS, name, NAME], detail(), vservers),
        (vec![REALS], vec![sfarm, vec![DETAIL]], |c, a| view(c, a, ModuleView::Reals(a.find()))),
        (vec![FARMS], detail(), farms),
        (vec![FARMS, NAME], detail(), farms),
        (vec![FARMS, name, NAME], detail(), farms),
        (vec![CONNS], vec![of_vserver, vec![CLIENT, CLIENT_IP], vec![DETAIL]], conns),
        (vec![PROBE], detail(), probes),
        (vec![PROBE, NAME], detail(), probes),
        (vec![PROBE, name, NAME], detail(), probes),
    ]
}

fn network() -> Vec<View> {
    let id = vec![keyword("id", "One of them"), arg(Kind::Vlan, "Its number")];
    let groups = keyword("groups", "Which entries belong to which group");
    vec![
        (vec![VLAN], vec![id, vec![DETAIL]], |c, a| view(c, a, ModuleView::Vlans(a.find()))),
        (vec![keyword("arp", "Addresses and their MACs")], vec![], |c, a| {
            view(c, a, ModuleView::Arp)
        }),
        (vec![STICKY], vec![], |c, a| view(c, a, ModuleView::Sticky(Sticky::All))),
        (vec![STICKY, groups], vec![], |c, a| view(c, a, ModuleView::Sticky(Sticky::Groups))),
        (vec![STICKY, CLIENT, CLIENT_IP], vec![], |c, a| {
            let client = a.find().ok_or_else(|| Refusal::command("a client is missing"))?;
            view(c, a, ModuleView::Sticky(Sticky::Client(client)))
        }),
    ]
}

fn state() -> Vec<View> {
    let history = keyword("history", "Every change of role, and why");
    let dataplane = keyword("dataplane", "The programs in the kernel and what they count");
    let variable = keyword("variable", "Settings of the module");
    vec![
        (vec![FT], vec![vec![DETAIL]], |c, a| view(c, a, ModuleView::Ft)),
        (vec![FT, history], vec![], |c, a| view(c, a, ModuleView::FtHistory)),
        (vec![keyword("stats", "Counters")], vec![], |c, a| view(c, a, ModuleView::Stats)),
        (vec![keyword("status", "Whether it is at work")], vec![], |c, a| {
            view(c, a, ModuleView::Status)
        }),
        (vec![dataplane], vec![], |c, a| view(c, a, ModuleView::Dataplane)),
        (vec![variable], vec![vec![arg(Kind::Word, "Its name")]], |c, a| {
            let name = a.find::<String>().map(|name| name.to_ascii_uppercase());
            view(c, a, ModuleView::Variable(name))
        }),
        (vec![SUPPORT], vec![], |c, a| view(c, a, ModuleView::TechSupport(SupportPart::All))),
        (vec![SUPPORT, keyword("all", "Everything")], vec![], |c, a| {
            view(c, a, ModuleView::TechSupport(SupportPart::All))
        }),
        (vec![SUPPORT, FT], vec![], |c, a| view(c, a, ModuleView::TechSupport(SupportPart::Ft))),
        (vec![SUPPORT, keyword("utilization", "Load of the module")], vec![], |c, a| {
            view(c, a, ModuleView::TechSupport(SupportPart::Utilization))
        }),
    ]
}

fn view(chosen: &mut Chosen, args: &Args, view: ModuleView) -> Result<(), Refusal> {
    let modules = args.optional(0).map_or(Modules::All, Modules::One);
    let detail = args.says("detail");
    choose(chosen, ExecCommand::Show(Show::Module { modules, view, detail }))
}
