//! `predictor ...`: how a real is chosen.

use crate::commands::forms::{Family, Saying, forms, may, must, one_of};
use crate::commands::small;
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{HashedAddress, Predictor, ServerFarm};

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

pub(super) fn predictor() -> Vec<Command<ServerFarm>> {
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
