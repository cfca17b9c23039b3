//! Commands that change something: the role, run-time state, the configuration as a whole.

use std::time::Duration;

use super::super::{Clear, Configure, Connections, Copy, ExecCommand, Show, StickyEntries, Stored};
use super::{CSM, Chosen, FT, MODULE, NAME, SLOT, Set, choose, entries, entry};
use crate::grammar::{Action, Args, Command, Element, Extract, Kind, Refusal, arg, keyword, rest};

const CLEAR: Element = keyword("clear", "Reset something");
const CONFIGURE: Element = keyword("configure", "Change the configuration");
const COPY: Element = keyword("copy", "Copy a configuration");
const REVERT: Element = keyword("revert", "Change back by itself, unless confirmed");
const TIMER: Element = keyword("timer", "After this time");
const MINUTES: Element = arg(Kind::Number { min: 1, max: 120 }, "Minutes");
const RUNNING: Element = keyword("running-config", "The configuration in force");
const STARTUP: Element = keyword("startup-config", "The configuration after a start");
const FILE: Element = arg(Kind::File, "A file here, or archive:N for one of the archive");
const NUMBER: Element = arg(Kind::Number { min: 1, max: 9999 }, "Its number in the archive");
const FORCE: Element = keyword("force", "Without asking");
const WRITE: Element = keyword("write", "Write the configuration in force");
const IP: Element = arg(Kind::Ipv4, "Its address");

/// Commands of the original that this release lacks.
const LACKING: &[&str] =
    &["debug", "erase", "ping", "telnet", "test", "traceroute", "undebug", "verify"];

pub(super) fn commands() -> Vec<Command<Chosen>> {
    let reload = keyword("reload", "Start again in place, without a pause");
    let daemon = keyword("daemon", "The program and its configuration");
    let standby = keyword("standby", "The other box of the pair");
    let sync = keyword("config-sync", "Give it this module's configuration");
    let hardware = keyword("hw-module", "Act on a module");
    let mut commands = clears();
    commands.extend(configures());
    commands.extend(copies());
    commands.extend([
        entry(&[reload, daemon], |c, _| choose(c, ExecCommand::ReloadDaemon)),
        entry(&[hardware, CSM, SLOT, standby, sync], |c, a| {
            choose(c, ExecCommand::ConfigSync { slot: a.get(0)? })
        }),
        lacking(&[hardware, MODULE]),
        lacking(&[WRITE, keyword("erase", "")]),
        lacking(&[WRITE, keyword("network", "")]),
    ]);
    commands.extend(LACKING.iter().map(|word| lacking(&[keyword(word, "")])));
    commands
}

fn lacking(path: &[Element]) -> Command<Chosen> {
    Command::<Chosen>::new(&[path, &[rest()]].concat()).acts(Action::Unavailable)
}

fn clears() -> Vec<Command<Chosen>> {
    let connections = keyword("connections", "Forget connections, here and at the peer");
    let arp = keyword("arp-cache", "Forget addresses and their MACs");
    let sticky = keyword("sticky", "Forget sticky entries");
    let all = keyword("all", "Of every group");
    let group = arg(Kind::Number { min: 0, max: 255 }, "Of one group");
    let views: [(Vec<Element>, Set); 9] = [
        (vec![FT, keyword("active", "Hand the role over")], |c, a| clear(c, a, Clear::FtActive)),
        (vec![connections], |c, a| clear(c, a, Clear::Connections(Connections::All))),
        (vec![connections, keyword("real", "To one real server"), IP], |c, a| {
            clear(c, a, Clear::Connections(Connections::Real(a.get(1)?)))
        }),
        (vec![connections, keyword("vserver", "To one virtual server"), NAME], |c, a| {
            clear(c, a, Clear::Connections(Connections::VirtualServer(a.get(1)?)))
        }),
        (vec![keyword("counters", "Count from zero again")], |c, a| clear(c, a, Clear::Counters)),
        (vec![arp], |c, a| clear(c, a, Clear::ArpCache(None))),
        (vec![arp, IP], |c, a| clear(c, a, Clear::ArpCache(Some(a.get(1)?)))),
        (vec![sticky, all], |c, a| clear(c, a, Clear::Sticky(StickyEntries::All))),
        (vec![sticky, group], |c, a| {
            clear(c, a, Clear::Sticky(StickyEntries::Group(narrow(a, 1)?)))
        }),
    ];
    let soft_reset =
        keyword("linecard-configuration", "Forget all state, read the configuration again");
    let soft_reset: (Vec<Element>, Set) =
        (vec![soft_reset], |c, a| clear(c, a, Clear::LinecardConfiguration));
    let under = |path: &[Element]| [&[CLEAR, MODULE, CSM, SLOT], path].concat();
    views.into_iter().chain([soft_reset]).map(|(path, set)| entry(&under(&path), set)).collect()
}

fn clear(chosen: &mut Chosen, args: &Args, what: Clear) -> Result<(), Refusal> {
    choose(chosen, ExecCommand::Clear { slot: args.get(0)?, what })
}

fn narrow(args: &Args, index: usize) -> Result<u8, Refusal> {
    let number: u64 = args.get(index)?;
    u8::try_from(number).map_err(|error| Refusal::argument(index, error.to_string()))
}

fn configures() -> Vec<Command<Chosen>> {
    let revert: &[Element] = &[REVERT, TIMER, MINUTES];
    let replace = keyword("replace", "Put another one in its place, all or nothing");
    let rollback = keyword("rollback", "Bring back a configuration of the archive");
    let confirm = keyword("confirm", "Keep what a timer would change back");
    let now = [CONFIGURE, keyword("revert", "Change back"), keyword("now", "At once")];
    let terminal: Set = |c, a| configure(c, Configure::Terminal { revert: minutes(a) });
    let back: Set = |c, a| replace_with(c, a, Stored::Archive(a.get(0)?));
    let mut commands = vec![
        entry(&[CONFIGURE], terminal),
        entry(&[CONFIGURE, confirm], |c, _| configure(c, Configure::Confirm)),
        entry(&now, |c, _| configure(c, Configure::RevertNow)),
    ];
    let by_commands = keyword("terminal", "By commands");
    commands.extend(entries(&[CONFIGURE, by_commands], &[revert], terminal));
    commands.extend(entries(&[CONFIGURE, replace, STARTUP], &[&[FORCE], revert], |c, a| {
        replace_with(c, a, Stored::Startup)
    }));
    commands.extend(entries(&[CONFIGURE, replace, FILE], &[&[FORCE], revert], |c, a| {
        replace_with(c, a, stored(a, 0)?)
    }));
    commands.extend(entries(&[rollback, NUMBER], &[&[FORCE], revert], back));
    commands.extend(["memory", "network"].map(|word| lacking(&[CONFIGURE, keyword(word, "")])));
    commands
}

fn configure(chosen: &mut Chosen, what: Configure) -> Result<(), Refusal> {
    choose(chosen, ExecCommand::Configure(what))
}

fn replace_with(chosen: &mut Chosen, args: &Args, with: Stored) -> Result<(), Refusal> {
    configure(chosen, Configure::Replace { with, force: args.says("force"), revert: minutes(args) })
}

/// The minutes of `revert timer MIN`: they stand last.
fn minutes(args: &Args) -> Option<Duration> {
    let last = args.values().len().checked_sub(1)?;
    let minutes: u64 = args.says("timer").then(|| args.optional(last)).flatten()?;
    Some(Duration::from_secs(minutes * 60))
}

/// `archive:N`, or else a file.
fn stored(args: &Args, index: usize) -> Result<Stored, Refusal> {
    let file: String = args.get(index)?;
    let Some(number) = file.strip_prefix("archive:") else { return Ok(Stored::File(file)) };
    let read = Kind::Number { min: 1, max: 9999 }.read(number);
    let number = read.and_then(|number| u64::extract(&number));
    let number = number.ok_or_else(|| Refusal::argument(index, "archive:N takes a number"))?;
    Ok(Stored::Archive(number))
}

fn copies() -> Vec<Command<Chosen>> {
    let save: Set = |c, _| choose(c, ExecCommand::Copy(Copy::Save));
    let memory = keyword("memory", "For the next start");
    let terminal = keyword("terminal", "On the terminal");
    vec![
        entry(&[COPY, RUNNING, STARTUP], save),
        entry(&[COPY, RUNNING, FILE], |c, a| choose(c, ExecCommand::Copy(Copy::Export(a.get(0)?)))),
        entry(&[COPY, STARTUP, RUNNING], |c, _| {
            choose(c, ExecCommand::Copy(Copy::Merge(Stored::Startup)))
        }),
        entry(&[COPY, FILE, RUNNING], |c, a| {
            choose(c, ExecCommand::Copy(Copy::Merge(stored(a, 0)?)))
        }),
        entry(&[WRITE], save),
        entry(&[WRITE, memory], save),
        entry(&[WRITE, terminal], |c, _| choose(c, ExecCommand::Show(Show::RunningConfig))),
    ]
}
