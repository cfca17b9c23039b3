//! `standby ...` in `(config-if)`: the virtual routers of a segment.

mod election;
mod packets;

use hitless_model::HsrpGroup;

use super::forms::{Family, Part, Saying, forms, must, one_of};
use super::interface::AnyInterface;
use super::label;
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{Hsrp, HsrpAddress, HsrpVersion};

const STANDBY: Element = keyword("standby", "A virtual router on this segment (HSRP)");
const GROUP: Element = arg(Kind::HsrpGroup, "Its group; without it 0");
const IP: Element = keyword("ip", "Address of the virtual router");
const IPV4: Element = arg(Kind::Ipv4, "Address");
const SECONDARY: Element = keyword("secondary", "One more");

/// The lines of the running configuration are those of each group in turn.
pub(super) fn hsrp<T: AnyInterface>() -> Vec<Command<T>> {
    let mut commands = interface_wide();
    commands.extend(address());
    commands.extend(election::priority());
    commands.extend(election::preempt());
    commands.extend(packets::timers());
    commands.extend(election::track());
    commands.extend(packets::authentication());
    commands.extend(name());
    commands.extend(mac());
    commands.into_iter().map(|command| command.without_effect("HSRP")).collect()
}

/// With and without a group; the `no` form needs the first `least` elements behind it.
fn grouped<T>(family: &Family<T>, least: usize, parts: &[Part]) -> Vec<Command<T>> {
    let with = forms(&[&[must(&[STANDBY, GROUP])], parts].concat());
    let without = forms(&[&[must(&[STANDBY])], parts].concat());
    let mut commands = family.commands(least + 2, &with);
    commands.extend(family.silent(least + 1, &without));
    commands
}

/// Changes a group; one that says nothing any more is none.
fn edit<T: AnyInterface>(
    target: &mut T,
    args: &Args,
    change: impl FnOnce(&mut Hsrp) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let group = match args.find::<HsrpGroup>() {
        Some(group) => group,
        None => HsrpGroup::try_from(0).map_err(|error| Refusal::command(error.to_string()))?,
    };
    let groups = &mut target.routed()?.hsrp;
    let hsrp = groups.entry(group).or_default();
    change(hsrp)?;
    if *hsrp == Hsrp::default() {
        groups.remove(&group);
    }
    Ok(())
}

/// Prints a line, or several, for each group.
fn each<T: AnyInterface>(target: &T, mut print: impl FnMut(Saying, &Hsrp)) {
    for (group, hsrp) in target.shown().into_iter().flat_map(|routed| &routed.hsrp) {
        let mut saying = Saying::new(&[STANDBY]);
        saying.and(&[GROUP], [Value::HsrpGroup(*group)]);
        print(saying, hsrp);
    }
}

fn interface_wide<T: AnyInterface>() -> Vec<Command<T>> {
    let version = [STANDBY, keyword("version", "Of the protocol")];
    let number = arg(Kind::Number { min: 1, max: 2 }, "1: groups 0-255; 2: groups 0-4095");
    let version = Command::<T>::new(&[&version[..], &[number]].concat())
        .sets(|target, args| {
            let is_second = args.nth::<u64>(0)? == 2;
            let version = if is_second { HsrpVersion::Two } else { HsrpVersion::One };
            target.routed()?.hsrp_version = version;
            Ok(())
        })
        .resets(2, |target, _| {
            target.routed()?.hsrp_version = HsrpVersion::One;
            Ok(())
        })
        .shows(|target, lines| {
            let is_second = |version| version == HsrpVersion::Two;
            let second = target.shown().is_some_and(|routed| is_second(routed.hsrp_version));
            lines.line_if(second, &[Value::Number(2)]);
        });
    let own_mac = keyword("use-bia", "With the interface's own MAC");
    let own_mac = Command::<T>::new(&[STANDBY, own_mac])
        .sets(|target, _| {
            target.routed()?.hsrp_uses_own_mac = true;
            Ok(())
        })
        .resets(2, |target, _| {
            target.routed()?.hsrp_uses_own_mac = false;
            Ok(())
        })
        .shows(|target, lines| {
            lines.line_if(target.shown().is_some_and(|routed| routed.hsrp_uses_own_mac), &[]);
        });
    // Takes a whole group away; there is no plain form that is only a number.
    let whole = Command::<T>::new(&[STANDBY, GROUP]).resets(2, |target, args| {
        edit(target, args, |hsrp| {
            *hsrp = Hsrp::default();
            Ok(())
        })
    });
    vec![version, own_mac, whole]
}

fn address<T: AnyInterface>() -> Vec<Command<T>> {
    let parts = [one_of(&[&[IP], &[IP, IPV4], &[IP, IPV4, SECONDARY]])];
    let family = Family::<T> {
        set: |target, args| {
            edit(target, args, |hsrp| {
                let address = args.find();
                match address {
                    Some(address) if args.says("secondary") => {
                        hsrp.secondary.insert(address);
                    }
                    Some(address) => hsrp.address = Some(HsrpAddress::Configured(address)),
                    None => hsrp.address = Some(HsrpAddress::Learnt),
                }
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                match args.find() {
                    Some(address) if args.says("secondary") => {
                        hsrp.secondary.remove(&address);
                    }
                    _ => hsrp.address = None,
                }
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |mut saying, hsrp| {
                let Some(address) = hsrp.address else { return };
                saying.and(&[IP], []);
                if let HsrpAddress::Configured(address) = address {
                    saying.and(&[IPV4], [Value::Ipv4(address)]);
                }
                saying.print(lines);
            });
            show_secondary(target, lines);
        },
    };
    grouped(&family, 1, &parts)
}

fn show_secondary<T: AnyInterface>(target: &T, lines: &mut Lines<'_>) {
    each(target, |saying, hsrp| {
        for address in &hsrp.secondary {
            let mut saying = saying.clone();
            saying.and(&[IP, IPV4, SECONDARY], [Value::Ipv4(*address)]).print(lines);
        }
    });
}

fn name<T: AnyInterface>() -> Vec<Command<T>> {
    let name = [keyword("name", "Of the group"), arg(Kind::Word, "Its name")];
    let names = Family::<T> {
        set: |target, args| {
            let name = label(args.nth(0)?)?;
            edit(target, args, |hsrp| {
                hsrp.name = Some(name);
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.name = None;
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |mut saying, hsrp| {
                if let Some(name) = &hsrp.name {
                    let path = [keyword("name", ""), arg(Kind::Word, "")];
                    saying.and(&path, [Value::Word(name.to_string())]).print(lines);
                }
            });
        },
    };
    grouped(&names, 1, &[must(&name)])
}

fn mac<T: AnyInterface>() -> Vec<Command<T>> {
    let mac = [keyword("mac-address", "Of the virtual router"), arg(Kind::Mac, "MAC")];
    let macs = Family::<T> {
        set: |target, args| {
            let mac = args.find();
            edit(target, args, |hsrp| {
                hsrp.mac = mac;
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.mac = None;
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |mut saying, hsrp| {
                if let Some(mac) = hsrp.mac {
                    let path = [keyword("mac-address", ""), arg(Kind::Mac, "")];
                    saying.and(&path, [Value::Mac(mac)]).print(lines);
                }
            });
        },
    };
    grouped(&macs, 1, &[must(&mac)])
}
