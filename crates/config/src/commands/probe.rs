//! `(config-slb-probe-KIND)`: how a real is found to be alive. Each kind has a table of its own.

mod answer;
mod http;

use std::collections::BTreeMap;

use super::forms::{Family, Saying, forms, may, must};
use super::{DESCRIPTION, finish, probe_table, show_description, small};
use crate::defaults::PROBE;
use crate::grammar::{
    Args, Child, Command, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{Module, Name, Probe, ProbeAddress, ProbeKind};

/// `probe NAME KIND` in `(config-module-csm)`.
pub(super) fn commands() -> Vec<Command<Module>> {
    let start = [keyword("probe", "How a real is found to be alive"), arg(Kind::Name, "Its name")];
    let mut commands: Vec<Command<Module>> = ProbeKind::ALL
        .into_iter()
        .map(|kind| {
            let path = [&start[..], &[keyword(kind.word(), help(kind))]].concat();
            Command::new(&path)
                .enters(Mode::Probe(kind), enter)
                .resets(2, remove)
                .without_effect("a probe")
        })
        .collect();
    if let Some(first) = commands.first_mut() {
        *first = first.clone().shows(show_all);
    }
    commands
}

const fn help(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Icmp => "It answers an echo",
        ProbeKind::Tcp => "It takes connections",
        ProbeKind::Udp => "It does not refuse datagrams",
        ProbeKind::Http => "It answers a request",
        ProbeKind::Ftp => "It greets as an FTP server",
        ProbeKind::Telnet => "It takes a session",
        ProbeKind::Smtp => "It greets as a mail server",
        ProbeKind::Dns => "It answers a question",
        ProbeKind::Script => "A script says so",
        ProbeKind::KalAp => "It tells its load",
    }
}

fn enter(module: &mut Module, args: &Args) -> Result<Child, Refusal> {
    let name: Name = args.get(0)?;
    let kind = ProbeKind::ALL.into_iter().find(|kind| args.says(kind.word()));
    let kind = kind.ok_or_else(|| Refusal::command("a probe is of some kind"))?;
    let probe = module.probes.entry(name.clone()).or_insert_with(|| Probe::new(kind.check()));
    if probe.check.kind() != kind {
        let text = format!("probe {name} is of kind {} already", probe.check.kind());
        return Err(Refusal::argument(0, text));
    }
    Ok(Child::Probe(name, kind))
}

fn remove(module: &mut Module, args: &Args) -> Result<(), Refusal> {
    module.probes.remove(&args.get::<Name>(0)?);
    Ok(())
}

fn show_all(module: &Module, lines: &mut Lines<'_>) {
    for (name, probe) in &module.probes {
        let kind = probe.check.kind();
        let path = [keyword("probe", ""), arg(Kind::Name, ""), keyword(kind.word(), "")];
        lines.block_by(&path, &[Value::Name(name.clone())], probe_table(kind), probe);
        lines.separator();
    }
}

/// The table of each kind.
pub(super) fn tables() -> BTreeMap<ProbeKind, Table<Probe>> {
    ProbeKind::ALL.into_iter().map(|kind| (kind, table(kind))).collect()
}

fn table(kind: ProbeKind) -> Table<Probe> {
    let mut commands = vec![description()];
    commands.extend(match kind {
        ProbeKind::Http => http::http(),
        ProbeKind::Ftp | ProbeKind::Smtp => answer::status(),
        ProbeKind::Dns => answer::dns(),
        ProbeKind::Script => vec![answer::script()],
        ProbeKind::Icmp
        | ProbeKind::Tcp
        | ProbeKind::Udp
        | ProbeKind::Telnet
        | ProbeKind::KalAp => Vec::new(),
    });
    commands.extend(address());
    commands.extend(times());
    if kind != ProbeKind::Icmp {
        commands.push(port());
    }
    let commands = commands.into_iter().map(|command| command.without_effect("a probe"));
    finish(commands.collect())
}

fn description() -> Command<Probe> {
    Command::<Probe>::new(&DESCRIPTION)
        .sets(|probe, args| {
            probe.description = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |probe| probe.description = None)
        .shows(|probe, lines| show_description(probe.description.as_ref(), lines))
}

fn address() -> Vec<Command<Probe>> {
    let path = [keyword("address", "Ask there instead of the real"), arg(Kind::Ipv4, "Address")];
    let routed = keyword("routed", "By the module's routes");
    let family = Family::<Probe> {
        set: |probe, args| {
            let is_routed = args.says("routed");
            probe.address = Some(ProbeAddress { address: args.get(0)?, is_routed });
            Ok(())
        },
        reset: |probe, _| {
            probe.address = None;
            Ok(())
        },
        shows: |probe, lines| {
            let Some(ProbeAddress { address, is_routed }) = probe.address else { return };
            let mut saying = Saying::new(&[keyword("address", "")]);
            saying.and(&[arg(Kind::Ipv4, "")], [Value::Ipv4(address)]);
            if is_routed {
                saying.and(&[keyword("routed", "")], []);
            }
            saying.print(lines);
        },
    };
    family.commands(1, &forms(&[must(&path), may(&[routed])]))
}

/// A time or a count of a probe: its word, its smallest value and its field.
macro_rules! time {
    ($word:literal, $help:literal, $min:literal, $unit:literal, $field:ident) => {{
        let number = arg(Kind::Number { min: $min, max: 65_535 }, $unit);
        Command::<Probe>::new(&[keyword($word, $help), number])
            .sets(|probe, args| {
                probe.$field = small(args.get(0)?)?;
                Ok(())
            })
            .clears(1, |probe| probe.$field = PROBE.$field)
            .shows(|probe, lines| {
                let shown = probe.$field != PROBE.$field;
                lines.line_if(shown, &[Value::Number(probe.$field.into())]);
            })
    }};
}

fn times() -> Vec<Command<Probe>> {
    vec![
        time!("interval", "Time between checks", 2, "Seconds", interval_s),
        time!("retries", "Failures until a real has failed", 0, "Failures in a row", retries),
        time!("failed", "Time between checks of a real that failed", 2, "Seconds", failed_s),
        time!("recover", "Successes until it is back", 1, "Successes in a row", recover),
        time!("open", "Time for the handshake", 1, "Seconds", open_s),
        time!("receive", "Time for the answer", 1, "Seconds", receive_s),
    ]
}

fn port() -> Command<Probe> {
    Command::<Probe>::new(&[keyword("port", "Ask this port"), arg(Kind::Port, "Port")])
        .sets(|probe, args| {
            let port: u16 = args.get(0)?;
            probe.port = Some(port).filter(|port| *port != 0);
            Ok(())
        })
        .clears(1, |probe| probe.port = None)
        .shows(|probe, lines| {
            if let Some(port) = probe.port {
                lines.line(&[Value::Port(port)]);
            }
        })
}
