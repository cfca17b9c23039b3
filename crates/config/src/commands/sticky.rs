//! `sticky ID ...` in `(config-module-csm)`: groups of virtual servers whose clients keep their real.

use super::forms::{Family, Saying, forms, may, must, one_of};
use super::{label, small};
use crate::defaults::STICKY_TIMEOUT_MIN;
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{Module, StickyAddress, StickyBy, StickyGroupConfig};

/// What does not tell clients apart yet.
pub(crate) const STICKY_BY_CONTENT: &str = "stickiness by what is in a connection";

const STICKY: Element =
    keyword("sticky", "A group of virtual servers whose clients keep their real");
const GROUP: Element = arg(Kind::StickyGroup, "Its number");
const NETMASK: Element = keyword("netmask", "Clients are told apart by their addresses");
const MASK: Element = arg(Kind::Mask, "How much of the address");
const ADDRESS: Element = keyword("address", "Which address");
const COOKIE: Element = keyword("cookie", "Clients are told apart by a cookie");
const COOKIE_NAME: Element = arg(Kind::Word, "Its name");
const INSERT: Element = keyword("insert", "The module makes it");
const SSL: Element = keyword("ssl", "Clients are told apart by their SSL session");
const HEADER: Element = keyword("header", "Clients are told apart by a header");
const HEADER_NAME: Element = arg(Kind::Word, "Its name");
const TIMEOUT: Element = keyword("timeout", "How long an entry lasts");
const MINUTES: Element =
    arg(Kind::Number { min: 0, max: 65_535 }, "Minutes; 0 = until it is cleared");

const SOURCE: Element = keyword("source", "The client's (default)");
const DESTINATION: Element = keyword("destination", "The virtual server's");
const BOTH: Element = keyword("both", "Both together");

pub(super) fn commands() -> Vec<Command<Module>> {
    let by = [
        &[NETMASK, MASK][..],
        &[NETMASK, MASK, ADDRESS, SOURCE],
        &[NETMASK, MASK, ADDRESS, DESTINATION],
        &[NETMASK, MASK, ADDRESS, BOTH],
        &[COOKIE, COOKIE_NAME],
        &[COOKIE, COOKIE_NAME, INSERT],
        &[SSL],
        &[HEADER, HEADER_NAME],
    ];
    let family = Family::<Module> {
        set: |module, args| {
            let timeout = args.nth::<u64>(0).ok().map(small).transpose()?;
            let timeout_min = timeout.unwrap_or(STICKY_TIMEOUT_MIN);
            let group = StickyGroupConfig { by: told_by(args)?, timeout_min };
            module.sticky_groups.insert(args.get(0)?, group);
            Ok(())
        },
        reset: |module, args| {
            module.sticky_groups.remove(&args.get(0)?);
            Ok(())
        },
        shows: |module, lines| {
            for (number, group) in &module.sticky_groups {
                let mut saying = Saying::new(&[STICKY]);
                saying.and(&[GROUP], [Value::StickyGroup(*number)]);
                show(saying, group, lines);
            }
            if !module.sticky_groups.is_empty() {
                lines.separator();
            }
        },
    };
    let forms = forms(&[must(&[STICKY, GROUP]), one_of(&by), may(&[TIMEOUT, MINUTES])]);
    let mark = |(command, form): (Command<Module>, &Vec<Element>)| {
        if form.contains(&NETMASK) { command } else { command.without_effect(STICKY_BY_CONTENT) }
    };
    family.commands(2, &forms).into_iter().zip(&forms).map(mark).collect()
}

fn told_by(args: &Args) -> Result<StickyBy, Refusal> {
    if let Some(prefix) = args.find::<u8>() {
        return Ok(StickyBy::Address { prefix, of: address_of(args) });
    }
    if args.says("ssl") {
        return Ok(StickyBy::Ssl);
    }
    let name = label(args.nth(0)?)?;
    if args.says("header") {
        return Ok(StickyBy::Header { name });
    }
    Ok(StickyBy::Cookie { name, is_inserted: args.says("insert") })
}

/// Which address a line says.
pub(super) fn address_of(args: &Args) -> StickyAddress {
    let all = [StickyAddress::Destination, StickyAddress::Both];
    let said = all.into_iter().find(|address| args.says(address.word()));
    said.unwrap_or_default()
}

/// The word for an address.
pub(super) const fn address_word(address: StickyAddress) -> Element {
    match address {
        StickyAddress::Source => SOURCE,
        StickyAddress::Destination => DESTINATION,
        StickyAddress::Both => BOTH,
    }
}

fn show(mut saying: Saying, group: &StickyGroupConfig, lines: &mut Lines<'_>) {
    match &group.by {
        StickyBy::Address { prefix, of } => {
            saying.and(&[NETMASK, MASK], [Value::Mask(*prefix)]);
            if *of != StickyAddress::default() {
                saying.and(&[ADDRESS, address_word(*of)], []);
            }
        }
        StickyBy::Cookie { name, is_inserted } => {
            saying.and(&[COOKIE, COOKIE_NAME], [Value::Word(name.to_string())]);
            if *is_inserted {
                saying.and(&[INSERT], []);
            }
        }
        StickyBy::Ssl => {
            saying.and(&[SSL], []);
        }
        StickyBy::Header { name } => {
            saying.and(&[HEADER, HEADER_NAME], [Value::Word(name.to_string())]);
        }
    }
    if group.timeout_min != STICKY_TIMEOUT_MIN {
        saying.and(&[TIMEOUT, MINUTES], [Value::Number(group.timeout_min.into())]);
    }
    saying.print(lines);
}
