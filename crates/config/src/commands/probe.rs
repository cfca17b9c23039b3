//! `(config-slb-probe-KIND)`: how a real is found to be alive. Each kind has a table of its own.

use std::collections::BTreeMap;

use super::forms::{Family, Saying, forms, may, must};
use super::{DESCRIPTION, finish, label, probe_table, show_description, shown_key, small};
use crate::defaults::PROBE;
use crate::grammar::{
    Args, Child, Command, Element, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{
    Credentials, DnsCheck, HttpCheck, HttpMethod, Module, Name, Probe, ProbeAddress, ProbeCheck,
    ProbeKind, StatusRanges,
};

const EXPECT: Element = keyword("expect", "What the answer may be");

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
        ProbeKind::Http => http(),
        ProbeKind::Ftp | ProbeKind::Smtp => status(),
        ProbeKind::Dns => dns(),
        ProbeKind::Script => vec![script()],
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

fn http_of(probe: &mut Probe) -> Result<&mut HttpCheck, Refusal> {
    if let ProbeCheck::Http(check) = &mut probe.check { Ok(check) } else { Err(wrong_kind()) }
}

fn wrong_kind() -> Refusal {
    Refusal::command("a probe of this kind does not have it")
}

fn http() -> Vec<Command<Probe>> {
    let mut commands = request();
    commands.push(header());
    commands.extend(credentials());
    commands.extend(status());
    commands
}

const REQUEST: Element = keyword("request", "What is asked for");
const METHOD: Element = keyword("method", "How");
const URL: Element = keyword("url", "What");
const URL_TEXT: Element = arg(Kind::Word, "Path, as /index.html");

fn request() -> Vec<Command<Probe>> {
    let methods = vec![
        Vec::new(),
        vec![METHOD, keyword("get", "The whole answer (default)")],
        vec![METHOD, keyword("head", "Its headers")],
    ];
    let mut paths = forms(&[must(&[REQUEST]), methods, may(&[URL, URL_TEXT])]);
    paths.retain(|path| path.len() > 1);
    let family = Family::<Probe> {
        set: |probe, args| {
            let http = http_of(probe)?;
            if args.says("method") {
                let head = args.says("head");
                http.method = if head { HttpMethod::Head } else { HttpMethod::Get };
            }
            if args.says("url") {
                http.url = Some(label(args.get(0)?)?);
            }
            Ok(())
        },
        reset: |probe, _| {
            let http = http_of(probe)?;
            http.method = HttpMethod::Get;
            http.url = None;
            Ok(())
        },
        shows: |probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            let mut saying = Saying::new(&[REQUEST]);
            if http.method == HttpMethod::Head {
                saying.and(&[METHOD, keyword("head", "")], []);
            }
            if let Some(url) = &http.url {
                saying.and(&[URL, URL_TEXT], [Value::Word(url.to_string())]);
            }
            if http.method == HttpMethod::Head || http.url.is_some() {
                saying.print(lines);
            }
        },
    };
    family.commands(1, &paths)
}

fn header() -> Command<Probe> {
    let path = [
        keyword("header", "A header of the request"),
        arg(Kind::Word, "Its name"),
        arg(Kind::Word, "Its value"),
    ];
    Command::<Probe>::new(&path)
        .sets(|probe, args| {
            let (name, value) = (label(args.get(0)?)?, label(args.get(1)?)?);
            http_of(probe)?.headers.insert(name, value);
            Ok(())
        })
        .resets(2, |probe, args| {
            let name = label(args.get(0)?)?;
            http_of(probe)?.headers.remove(&name);
            Ok(())
        })
        .shows(|probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            for (name, value) in &http.headers {
                lines.line(&[Value::Word(name.to_string()), Value::Word(value.to_string())]);
            }
        })
}

fn credentials() -> Vec<Command<Probe>> {
    let user = [keyword("credentials", "Who asks"), arg(Kind::Word, "User")];
    let password = arg(Kind::Secret, "Password");
    let family = Family::<Probe> {
        set: |probe, args| {
            let password = args.find().map(shown_key).transpose()?;
            let user = label(args.get(0)?)?;
            http_of(probe)?.credentials = Some(Credentials { user, password });
            Ok(())
        },
        reset: |probe, _| {
            http_of(probe)?.credentials = None;
            Ok(())
        },
        shows: |probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            let Some(credentials) = &http.credentials else { return };
            let mut saying = Saying::new(&[keyword("credentials", "")]);
            saying.and(&[arg(Kind::Word, "")], [Value::Word(credentials.user.to_string())]);
            if let Some(password) = &credentials.password {
                saying.and(&[arg(Kind::Secret, "")], [Value::Secret(password.clone())]);
            }
            saying.print(lines);
        },
    };
    family.commands(1, &forms(&[must(&user), may(&[password])]))
}

fn ranges_of(probe: &mut Probe) -> Result<&mut StatusRanges, Refusal> {
    probe.check.statuses_mut().ok_or_else(wrong_kind)
}

fn status() -> Vec<Command<Probe>> {
    let path = [EXPECT, keyword("status", "A code"), CODE];
    let family = Family::<Probe> {
        set: |probe, args| {
            let range = range_of(args)?;
            ranges_of(probe)?.insert(range);
            Ok(())
        },
        reset: |probe, args| {
            let range = range_of(args)?;
            ranges_of(probe)?.remove(&range);
            Ok(())
        },
        shows: |probe, lines| {
            for (first, last) in probe.check.statuses().into_iter().flatten() {
                let mut saying = Saying::new(&[EXPECT, keyword("status", "")]);
                saying.and(&[CODE], [Value::Number((*first).into())]);
                if last != first {
                    saying.and(&[CODE], [Value::Number((*last).into())]);
                }
                saying.print(lines);
            }
        },
    };
    family.commands(3, &forms(&[must(&path), may(&[CODE])]))
}

const CODE: Element = arg(Kind::Number { min: 0, max: 999 }, "Code; two of them are a range");

fn range_of(args: &Args) -> Result<(u16, u16), Refusal> {
    let first: u16 = small(args.nth(0)?)?;
    let last = args.nth::<u64>(1).ok().map(small).transpose()?.unwrap_or(first);
    if last < first {
        return Err(Refusal::argument(1, "a range goes from the smaller code to the larger"));
    }
    Ok((first, last))
}

fn dns_of(probe: &mut Probe) -> Result<&mut DnsCheck, Refusal> {
    if let ProbeCheck::Dns(check) = &mut probe.check { Ok(check) } else { Err(wrong_kind()) }
}

fn dns() -> Vec<Command<Probe>> {
    let name = [keyword("name", "What is asked for"), arg(Kind::Word, "A domain")];
    let name = Command::<Probe>::new(&name)
        .sets(|probe, args| {
            dns_of(probe)?.name = Some(label(args.get(0)?)?);
            Ok(())
        })
        .resets(1, |probe, _| {
            dns_of(probe)?.name = None;
            Ok(())
        })
        .shows(|probe, lines| {
            if let ProbeCheck::Dns(DnsCheck { name: Some(name), .. }) = &probe.check {
                lines.line(&[Value::Word(name.to_string())]);
            }
        });
    let address = [EXPECT, keyword("address", "An address"), arg(Kind::Ipv4, "Address")];
    let address = Command::<Probe>::new(&address)
        .sets(|probe, args| {
            dns_of(probe)?.expects.insert(args.get(0)?);
            Ok(())
        })
        .resets(3, |probe, args| {
            dns_of(probe)?.expects.remove(&args.get(0)?);
            Ok(())
        })
        .shows(|probe, lines| {
            let ProbeCheck::Dns(dns) = &probe.check else { return };
            for address in &dns.expects {
                lines.line(&[Value::Ipv4(*address)]);
            }
        });
    vec![name, address]
}

fn script() -> Command<Probe> {
    Command::<Probe>::new(&[keyword("script", "What says so"), arg(Kind::Word, "Its name")])
        .sets(|probe, args| {
            probe.check = ProbeCheck::Script(Some(label(args.get(0)?)?));
            Ok(())
        })
        .clears(1, |probe| probe.check = ProbeCheck::Script(None))
        .shows(|probe, lines| {
            if let ProbeCheck::Script(Some(name)) = &probe.check {
                lines.line(&[Value::Word(name.to_string())]);
            }
        })
}
