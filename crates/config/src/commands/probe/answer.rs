//! What the answer to a probe may be.

use crate::commands::forms::{Family, Saying, forms, may, must};
use crate::commands::{label, small};
use crate::grammar::{Args, Command, Element, Kind, Refusal, Value, arg, keyword};
use crate::model::{DnsCheck, Probe, ProbeCheck, StatusRanges};

const EXPECT: Element = keyword("expect", "What the answer may be");

pub(super) fn wrong_kind() -> Refusal {
    Refusal::command("a probe of this kind does not have it")
}

fn ranges_of(probe: &mut Probe) -> Result<&mut StatusRanges, Refusal> {
    probe.check.statuses_mut().ok_or_else(wrong_kind)
}

pub(super) fn status() -> Vec<Command<Probe>> {
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

pub(super) fn dns() -> Vec<Command<Probe>> {
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

pub(super) fn script() -> Command<Probe> {
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
