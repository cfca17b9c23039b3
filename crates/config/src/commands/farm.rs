//! `(config-slb-sfarm)` and `(config-slb-real)`: real servers and how one is chosen.

use std::net::Ipv4Addr;

use super::forms::{Family, Saying, forms, may, must, one_of};
use super::{DESCRIPTION, REAL, finish, show_description, small};
use crate::defaults::WEIGHT;
use crate::grammar::{
    Args, Child, Command, Element, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{
    FailAction, HashedAddress, InService, InbandHealth, Name, Predictor, Real, ServerFarm,
};

pub(super) fn table() -> Table<ServerFarm> {
    let description = Command::<ServerFarm>::new(&DESCRIPTION)
        .sets(|farm, args| {
            farm.description = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |farm| farm.description = None)
        .shows(|farm, lines| show_description(farm.description.as_ref(), lines));
    let mut commands = vec![description, nat_server(), nat_client()];
    commands.extend(predictor());
    commands.extend(fail_action());
    commands.extend([probe(), health(), return_codes(), bind_id(), real(), real_with_port()]);
    finish(commands)
}

fn nat_server() -> Command<ServerFarm> {
    let path =
        [keyword("nat", "Translation of addresses"), keyword("server", "Virtual to real address")];
    Command::<ServerFarm>::new(&path)
        .puts(|farm| farm.nat_server = true)
        .clears(2, |farm| farm.nat_server = false)
        .shows(|farm, lines| {
            if !farm.nat_server {
                lines.no(&[]);
            }
        })
        .without_effect_if(|farm| (!farm.nat_server).then_some("no nat server"))
}

fn nat_client() -> Command<ServerFarm> {
    let path = [
        keyword("nat", "Translation of addresses"),
        keyword("client", "Client's to the module's address"),
        arg(Kind::Name, "Pool of addresses"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.nat_client = Some(args.get(0)?);
            Ok(())
        })
        .clears(2, |farm| farm.nat_client = None)
        .shows(|farm, lines| {
            if let Some(pool) = &farm.nat_client {
                lines.line(&[Value::Name(pool.clone())]);
            }
        })
        .without_effect("nat client")
}

const PREDICTOR: Element = keyword("predictor", "How a real is chosen");
const ROUND_ROBIN: Element = keyword("roundrobin", "Each in turn, by weight (default)");
const LEAST_CONNS: Element = keyword("leastconns", "The one with the fewest connections");
const SLOW_START: [Element; 2] = [
    keyword("slowstart", "A real that comes back gets its share little by little"),
    arg(Kind::Number { min: 1, max: 65_535 }, "Seconds"),
];
const HASH: Element = keyword("hash", "Always the same for the same");
const URL: Element = keyword("url", "Beginning of what is asked for");
const ADDRESS: Element = keyword("address", "Addresses");
const SOURCE: Element = keyword("source", "The client's alone");
const DESTINATION: Element = keyword("destination", "The virtual server's alone");
const MASK: Element = arg(Kind::Mask, "How much of the address");
const FORWARD: Element = keyword("forward", "None: packets are routed on");

fn predictor() -> Vec<Command<ServerFarm>> {
    let mut paths = vec![vec![PREDICTOR, ROUND_ROBIN]];
    paths.extend(forms(&[must(&[PREDICTOR, LEAST_CONNS]), may(&SLOW_START)]));
    paths.push(vec![PREDICTOR, HASH, URL]);
    let which = one_of(&[&[], &[SOURCE], &[DESTINATION]]);
    paths.extend(forms(&[must(&[PREDICTOR, HASH, ADDRESS]), which, may(&[MASK])]));
    paths.push(vec![PREDICTOR, FORWARD]);
    let family = Family::<ServerFarm> {
        set: |farm, args| {
            farm.predictor = predictor_of(args)?;
            Ok(())
        },
        reset: |farm, _| {
            farm.predictor = Predictor::RoundRobin;
            Ok(())
        },
        shows: show_predictor,
    };
    let commands = family.commands(1, &paths).into_iter();
    let lacks = |farm: &ServerFarm| match farm.predictor {
        Predictor::RoundRobin => None,
        Predictor::LeastConns { .. } => Some("predictor leastconns"),
        Predictor::HashUrl => Some("predictor hash url"),
        Predictor::HashAddress { .. } => Some("predictor hash address"),
        Predictor::Forward => Some("predictor forward"),
    };
    commands.map(|command| command.without_effect_if(lacks)).collect()
}

fn predictor_of(args: &Args) -> Result<Predictor, Refusal> {
    let says = |word| args.says(word);
    if says("leastconns") {
        let slow_start_s = args.find::<u64>().map(small).transpose()?;
        return Ok(Predictor::LeastConns { slow_start_s });
    }
    if says("hash") && says("address") {
        let of = match (says("source"), says("destination")) {
            (true, _) => HashedAddress::Source,
            (_, true) => HashedAddress::Destination,
            (false, false) => HashedAddress::Both,
        };
        return Ok(Predictor::HashAddress { of, prefix: args.find::<u8>().unwrap_or(32) });
    }
    if says("hash") {
        return Ok(Predictor::HashUrl);
    }
    Ok(if says("forward") { Predictor::Forward } else { Predictor::RoundRobin })
}

fn show_predictor(farm: &ServerFarm, lines: &mut Lines<'_>) {
    let mut saying = Saying::new(&[PREDICTOR]);
    match farm.predictor {
        Predictor::RoundRobin => return,
        Predictor::LeastConns { slow_start_s } => {
            saying.and(&[LEAST_CONNS], []);
            if let Some(seconds) = slow_start_s {
                saying.and(&SLOW_START, [Value::Number(seconds.into())]);
            }
        }
        Predictor::HashUrl => {
            saying.and(&[HASH, URL], []);
        }
        Predictor::HashAddress { of, prefix } => {
            saying.and(&[HASH, ADDRESS], []);
            match of {
                HashedAddress::Both => {}
                HashedAddress::Source => {
                    saying.and(&[SOURCE], []);
                }
                HashedAddress::Destination => {
                    saying.and(&[DESTINATION], []);
                }
            }
            if prefix != 32 {
                saying.and(&[MASK], [Value::Mask(prefix)]);
            }
        }
        Predictor::Forward => {
            saying.and(&[FORWARD], []);
        }
    }
    saying.print(lines);
}

fn fail_action() -> [Command<ServerFarm>; 2] {
    let first = keyword("failaction", "What becomes of the connections to a real that failed");
    let purge = keyword("purge", "They are closed");
    let reassign = keyword("reassign", "They go on at another real");
    let purge = Command::<ServerFarm>::new(&[first, purge])
        .puts(|farm| farm.fail_action = Some(FailAction::Purge))
        .clears(1, |farm| farm.fail_action = None)
        .shows(|farm, lines| lines.line_if(farm.fail_action == Some(FailAction::Purge), &[]));
    let reassign = Command::<ServerFarm>::new(&[first, reassign])
        .puts(|farm| farm.fail_action = Some(FailAction::Reassign))
        .clears(1, |farm| farm.fail_action = None)
        .shows(|farm, lines| lines.line_if(farm.fail_action == Some(FailAction::Reassign), &[]));
    [purge, reassign].map(|command| command.without_effect("failaction"))
}

fn probe() -> Command<ServerFarm> {
    let path = [keyword("probe", "How a real is found to be alive"), arg(Kind::Name, "Its name")];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.probes.insert(args.get(0)?);
            Ok(())
        })
        .resets(2, |farm, args| {
            farm.probes.remove(&args.get::<Name>(0)?);
            Ok(())
        })
        .shows(|farm, lines| {
            for probe in &farm.probes {
                lines.line(&[Value::Name(probe.clone())]);
            }
        })
        .without_effect("a probe")
}

fn health() -> Command<ServerFarm> {
    let path = [
        keyword("health", "Connections that come to nothing take a real out"),
        keyword("retries", "How many"),
        arg(Kind::Number { min: 0, max: 65_534 }, "Connections"),
        keyword("failed", "For how long"),
        arg(Kind::Number { min: 0, max: 65_535 }, "Seconds; 0 = for good"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            let (retries, failed_s) = (small(args.nth(0)?)?, small(args.nth(1)?)?);
            farm.health = Some(InbandHealth { retries, failed_s });
            Ok(())
        })
        .clears(1, |farm| farm.health = None)
        .shows(|farm, lines| {
            if let Some(InbandHealth { retries, failed_s }) = farm.health {
                lines.line(&[Value::Number(retries.into()), Value::Number(failed_s.into())]);
            }
        })
        .without_effect("inband health")
}

fn return_codes() -> Command<ServerFarm> {
    let path = [keyword("retcode-map", "What codes of answers mean"), arg(Kind::Name, "Its name")];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.return_codes = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |farm| farm.return_codes = None)
        .shows(|farm, lines| {
            if let Some(map) = &farm.return_codes {
                lines.line(&[Value::Name(map.clone())]);
            }
        })
        .without_effect("retcode-map")
}

fn bind_id() -> Command<ServerFarm> {
    let path = [
        keyword("bindid", "How outside agents call it"),
        arg(Kind::Number { min: 0, max: 65_533 }, "Number; 0 = they do not"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.bind_id = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |farm| farm.bind_id = 0)
        .shows(|farm, lines| {
            lines.line_if(farm.bind_id != 0, &[Value::Number(farm.bind_id.into())]);
        })
        .without_effect("bindid")
}

fn real() -> Command<ServerFarm> {
    let path = [keyword("real", "A real server"), arg(Kind::Ipv4, "Its address")];
    Command::<ServerFarm>::new(&path).enters(Mode::Real, enter_real).resets(2, remove_real)
}

/// Shows the reals of both forms, to keep their order.
fn real_with_port() -> Command<ServerFarm> {
    let path = [
        keyword("real", "A real server"),
        arg(Kind::Ipv4, "Its address"),
        arg(Kind::Port, "Its port, if not the virtual server's"),
    ];
    Command::<ServerFarm>::new(&path)
        .enters(Mode::Real, enter_real)
        .resets(2, remove_real)
        .shows(show_reals)
}

fn show_reals(farm: &ServerFarm, lines: &mut Lines<'_>) {
    for real in &farm.reals {
        let mut values = vec![Value::Ipv4(real.address)];
        values.extend(real.port.map(Value::Port));
        lines.block(&values, &REAL, real);
    }
}

fn which(args: &Args) -> Result<(Ipv4Addr, Option<u16>), Refusal> {
    let port = args.optional(1);
    if port == Some(0) {
        return Err(Refusal::argument(1, "a real has one port, or the virtual server's"));
    }
    Ok((args.get(0)?, port))
}

fn enter_real(farm: &mut ServerFarm, args: &Args) -> Result<Child, Refusal> {
    let (address, port) = which(args)?;
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        return Err(Refusal::argument(0, format!("{address} is not a host's address")));
    }
    // Who pastes a farm mostly means one of the last.
    if !farm.reals.iter().rev().any(|real| real.address == address && real.port == port) {
        farm.reals.push(Real::new(address, port));
    }
    Ok(Child::Real(address, port))
}

fn remove_real(farm: &mut ServerFarm, args: &Args) -> Result<(), Refusal> {
    let (address, port) = which(args)?;
    farm.reals.retain(|real| real.address != address || real.port != port);
    Ok(())
}

pub(super) fn real_table() -> Table<Real> {
    let in_service = keyword("inservice", "Take connections");
    let standby = keyword("standby", "Only in the place of one that failed");
    let yes = Command::<Real>::new(&[in_service])
        .puts(|real| real.in_service = InService::Yes)
        .clears(1, |real| real.in_service = InService::No)
        .shows(|real, lines| lines.line_if(real.in_service == InService::Yes, &[]));
    let standby = Command::<Real>::new(&[in_service, standby])
        .puts(|real| real.in_service = InService::Standby)
        .clears(1, |real| real.in_service = InService::No)
        .shows(|real, lines| lines.line_if(real.in_service == InService::Standby, &[]))
        .without_effect("inservice standby");
    finish(vec![weight(), max_conns(), min_conns(), yes, standby])
}

fn max_conns() -> Command<Real> {
    let path = [
        keyword("maxconns", "Most connections"),
        arg(Kind::Number { min: 1, max: u32::MAX as u64 }, "Connections"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            let most: u32 = small(args.get(0)?)?;
            // The largest number is how the original writes that there is no limit.
            real.max_conns = Some(most).filter(|most| *most != u32::MAX);
            Ok(())
        })
        .clears(1, |real| real.max_conns = None)
        .shows(|real, lines| {
            if let Some(most) = real.max_conns {
                lines.line(&[Value::Number(most.into())]);
            }
        })
        .without_effect("maxconns")
}

fn min_conns() -> Command<Real> {
    let path = [
        keyword("minconns", "After too many, take connections again below this number"),
        arg(Kind::Number { min: 0, max: u32::MAX as u64 }, "Connections"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            real.min_conns = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |real| real.min_conns = 0)
        .shows(|real, lines| {
            lines.line_if(real.min_conns != 0, &[Value::Number(real.min_conns.into())]);
        })
        .without_effect("minconns")
}

fn weight() -> Command<Real> {
    let path = [
        keyword("weight", "Share of new connections"),
        arg(Kind::Number { min: 0, max: 100 }, "Consecutive connections per turn; 0 = none"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            let weight: u64 = args.get(0)?;
            real.weight = u8::try_from(weight).map_err(|e| Refusal::argument(0, e.to_string()))?;
            Ok(())
        })
        .clears(1, |real| real.weight = WEIGHT)
        .shows(|real, lines| {
            lines.line_if(real.weight != WEIGHT, &[Value::Number(real.weight.into())]);
        })
}
