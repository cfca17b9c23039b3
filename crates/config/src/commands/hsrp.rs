//! `standby ...` in `(config-if)`: the virtual routers of a segment.

use hitless_model::HsrpGroup;

use super::forms::{Family, Part, Saying, forms, may, must, one_of};
use super::interface::AnyInterface;
use super::names::{interface_forms, interface_of};
use super::{label, shown_key, small};
use crate::defaults::{HSRP_DECREMENT, HSRP_TIMERS};
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{
    Hsrp, HsrpAddress, HsrpAuthentication, HsrpPassword, HsrpTime, HsrpTimers, HsrpVersion,
    KeyString, PreemptDelay,
};

const STANDBY: Element = keyword("standby", "A virtual router on this segment (HSRP)");
const GROUP: Element = arg(Kind::HsrpGroup, "Its group; without it 0");
const IP: Element = keyword("ip", "Address of the virtual router");
const IPV4: Element = arg(Kind::Ipv4, "Address");
const SECONDARY: Element = keyword("secondary", "One more");
const PRIORITY: Element = keyword("priority", "The higher one is active");
const VALUE: Element = arg(Kind::Number { min: 0, max: 255 }, "Priority");
const PREEMPT: Element = keyword("preempt", "Take over from a lower priority");
const DELAY: Element = keyword("delay", "Wait before that");
const SECONDS: Element = arg(Kind::Number { min: 0, max: 3600 }, "Seconds");
const MINIMUM: Element = keyword("minimum", "After the interface came up");
const RELOAD: Element = keyword("reload", "After the first time that it came up");
const SYNC: Element = keyword("sync", "For others to be ready");
const TIMERS: Element = keyword("timers", "Time between hellos, and without one");
const MSEC: Element = keyword("msec", "In milliseconds");
const TRACK: Element = keyword("track", "Lower the priority while an interface is down");
const DECREMENT: Element = arg(Kind::Number { min: 1, max: 255 }, "By how much");
const AUTHENTICATION: Element = keyword("authentication", "What routers know each other by");

/// The lines of the running configuration are those of each group in turn.
pub(super) fn hsrp<T: AnyInterface>() -> Vec<Command<T>> {
    let mut commands = interface_wide();
    commands.extend(address());
    commands.extend(priority());
    commands.extend(preempt());
    commands.extend(timers());
    commands.extend(track());
    commands.extend(authentication());
    commands.extend(name_and_mac());
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

/// One line may say that the group preempts, too.
fn priority<T: AnyInterface>() -> Vec<Command<T>> {
    let delay =
        one_of(&[&[], &[PREEMPT], &[PREEMPT, DELAY, SECONDS], &[PREEMPT, DELAY, MINIMUM, SECONDS]]);
    let family = Family::<T> {
        set: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.priority = small(args.nth(0)?)?;
                if args.says("preempt") {
                    let seconds = args.nth::<u64>(1).unwrap_or(0);
                    let minimum_s = small(seconds)?;
                    hsrp.preempt = Some(PreemptDelay { minimum_s, ..PreemptDelay::default() });
                }
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.priority = Hsrp::default().priority;
                if args.says("preempt") {
                    hsrp.preempt = None;
                }
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |mut saying, hsrp| {
                if hsrp.priority != Hsrp::default().priority {
                    let priority = Value::Number(hsrp.priority.into());
                    saying.and(&[PRIORITY, VALUE], [priority]).print(lines);
                }
            });
        },
    };
    grouped(&family, 1, &[must(&[PRIORITY, VALUE]), delay])
}

fn preempt<T: AnyInterface>() -> Vec<Command<T>> {
    let delays = [may(&[MINIMUM, SECONDS]), may(&[RELOAD, SECONDS]), may(&[SYNC, SECONDS])];
    let mut delays = forms(&delays);
    // All of them left out is the form without `delay`.
    delays.retain(|delay| !delay.is_empty());
    let mut ends = vec![Vec::new(), vec![DELAY, SECONDS]];
    ends.extend(delays.into_iter().map(|delay| [&[DELAY], &delay[..]].concat()));
    let family = Family::<T> {
        set: |target, args| {
            let delay = delays_of(args)?;
            edit(target, args, |hsrp| {
                hsrp.preempt = Some(delay);
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.preempt = None;
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |mut saying, hsrp| {
                let Some(delay) = hsrp.preempt else { return };
                saying.and(&[PREEMPT], []);
                if delay != PreemptDelay::default() {
                    saying.and(&[DELAY], []);
                }
                let PreemptDelay { minimum_s, reload_s, sync_s } = delay;
                for (word, seconds) in [(MINIMUM, minimum_s), (RELOAD, reload_s), (SYNC, sync_s)] {
                    if seconds > 0 {
                        saying.and(&[word, SECONDS], [Value::Number(seconds.into())]);
                    }
                }
                saying.print(lines);
            });
        },
    };
    grouped(&family, 1, &[must(&[PREEMPT]), ends])
}

/// A number without a word is the minimum.
fn delays_of(args: &Args) -> Result<PreemptDelay, Refusal> {
    let mut delay = PreemptDelay::default();
    let mut place = 0;
    let mut next = |args: &Args| -> Result<u16, Refusal> {
        let seconds = small(args.nth(place)?);
        place += 1;
        seconds
    };
    let [minimum, reload, sync] = ["minimum", "reload", "sync"].map(|word| args.says(word));
    if minimum || (args.says("delay") && !reload && !sync) {
        delay.minimum_s = next(args)?;
    }
    if reload {
        delay.reload_s = next(args)?;
    }
    if sync {
        delay.sync_s = next(args)?;
    }
    Ok(delay)
}

fn timers<T: AnyInterface>() -> Vec<Command<T>> {
    let hello_s = arg(Kind::Number { min: 1, max: 254 }, "Seconds between hellos");
    let hello_ms = arg(Kind::Number { min: 15, max: 999 }, "Milliseconds between hellos");
    let hold_s = arg(Kind::Number { min: 1, max: 255 }, "Seconds without one");
    let hold_ms = arg(Kind::Number { min: 50, max: 3000 }, "Milliseconds without one");
    type Set<T> = fn(&mut T, &Args) -> Result<(), Refusal>;
    let kinds: [(&[Element], Set<T>); 4] = [
        (&[TIMERS, hello_s, hold_s], |t, args| set_timers(t, args, seconds, seconds)),
        (&[TIMERS, hello_s, MSEC, hold_ms], |t, args| set_timers(t, args, seconds, millis)),
        (&[TIMERS, MSEC, hello_ms, hold_s], |t, args| set_timers(t, args, millis, seconds)),
        (&[TIMERS, MSEC, hello_ms, MSEC, hold_ms], |t, args| set_timers(t, args, millis, millis)),
    ];
    let shows: fn(&T, &mut Lines<'_>) = |target, lines| {
        each(target, |saying, hsrp| {
            show_timers(saying, hsrp.timers, lines);
        })
    };
    let silent: fn(&T, &mut Lines<'_>) = |_, _| {};
    let reset: Set<T> = |target, args| {
        edit(target, args, |hsrp| {
            hsrp.timers = HSRP_TIMERS;
            Ok(())
        })
    };
    let mut commands = Vec::new();
    for (index, (path, set)) in kinds.into_iter().enumerate() {
        let shows = if index == 0 { shows } else { silent };
        commands.extend(grouped(&Family { set, reset, shows }, 1, &[must(path)]));
    }
    commands
}

fn seconds(number: u64) -> Result<HsrpTime, Refusal> {
    small(number).map(HsrpTime::Seconds)
}

fn millis(number: u64) -> Result<HsrpTime, Refusal> {
    small(number).map(HsrpTime::Milliseconds)
}

/// A hold time must leave a hello time to arrive: 50 ms more, as in the original.
fn set_timers<T: AnyInterface>(
    target: &mut T,
    args: &Args,
    hello: fn(u64) -> Result<HsrpTime, Refusal>,
    hold: fn(u64) -> Result<HsrpTime, Refusal>,
) -> Result<(), Refusal> {
    let timers = HsrpTimers { hello: hello(args.nth(0)?)?, hold: hold(args.nth(1)?)? };
    if timers.hold.millis() < timers.hello.millis() + 50 {
        return Err(Refusal::command("the hold time must be longer than the hello time by 50 ms"));
    }
    edit(target, args, |hsrp| {
        hsrp.timers = timers;
        Ok(())
    })
}

fn show_timers(mut saying: Saying, timers: HsrpTimers, lines: &mut Lines<'_>) {
    if timers == HSRP_TIMERS {
        return;
    }
    saying.and(&[TIMERS], []);
    let number = arg(Kind::Number { min: 0, max: 0 }, "");
    for time in [timers.hello, timers.hold] {
        match time {
            HsrpTime::Seconds(seconds) => {
                saying.and(&[number], [Value::Number(seconds.into())]);
            }
            HsrpTime::Milliseconds(millis) => {
                saying.and(&[MSEC, number], [Value::Number(millis.into())]);
            }
        }
    }
    saying.print(lines);
}

fn track<T: AnyInterface>() -> Vec<Command<T>> {
    let family = Family::<T> {
        set: |target, args| {
            let interface = interface_of(args)?;
            let decrement = args.find::<u64>().map(small).transpose()?;
            edit(target, args, |hsrp| {
                hsrp.tracks.insert(interface, decrement.unwrap_or(HSRP_DECREMENT));
                Ok(())
            })
        },
        reset: |target, args| {
            let interface = interface_of(args)?;
            edit(target, args, |hsrp| {
                hsrp.tracks.remove(&interface);
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |saying, hsrp| {
                for (interface, decrement) in &hsrp.tracks {
                    let mut saying = saying.clone();
                    let name = arg(Kind::Interface, "");
                    saying.and(&[TRACK, name], [Value::Interface(interface.clone())]);
                    if *decrement != HSRP_DECREMENT {
                        saying.and(&[DECREMENT], [Value::Number((*decrement).into())]);
                    }
                    saying.print(lines);
                }
            });
        },
    };
    grouped(&family, 2, &[must(&[TRACK]), interface_forms(), may(&[DECREMENT])])
}

fn authentication<T: AnyInterface>() -> Vec<Command<T>> {
    let text = keyword("text", "Everybody on the segment can read it");
    let md5 = keyword("md5", "By a key that nobody reads");
    let word = arg(Kind::Word, "1 to 8 characters");
    let key = [md5, keyword("key-string", "The key"), arg(Kind::Secret, "Up to 64 characters")];
    let chain = [md5, keyword("key-chain", "A chain of keys"), arg(Kind::Word, "Its name")];
    let family = Family::<T> {
        set: |target, args| {
            let authentication = authentication_of(args)?;
            edit(target, args, |hsrp| {
                hsrp.authentication = Some(authentication);
                Ok(())
            })
        },
        reset: |target, args| {
            edit(target, args, |hsrp| {
                hsrp.authentication = None;
                Ok(())
            })
        },
        shows: |target, lines| {
            each(target, |saying, hsrp| {
                if let Some(authentication) = &hsrp.authentication {
                    show_authentication(saying, authentication, lines);
                }
            });
        },
    };
    let kinds = one_of(&[&[text, word], &[word], &key, &chain]);
    grouped(&family, 1, &[must(&[AUTHENTICATION]), kinds])
}

fn authentication_of(args: &Args) -> Result<HsrpAuthentication, Refusal> {
    if let Some(key) = args.find::<KeyString>() {
        return shown_key(key).map(HsrpAuthentication::Md5Key);
    }
    let word: String = args.nth(0)?;
    if args.says("key-chain") {
        return label(word).map(HsrpAuthentication::Md5Chain);
    }
    let password = HsrpPassword::try_from(word);
    password.map(HsrpAuthentication::Text).map_err(|error| Refusal::command(error.to_string()))
}

fn show_authentication(mut saying: Saying, by: &HsrpAuthentication, lines: &mut Lines<'_>) {
    let word = |text: &str| Value::Word(text.to_owned());
    let (keywords, value): (&[&'static str], Value) = match by {
        HsrpAuthentication::Text(text) => (&["text"], word(text.as_str())),
        HsrpAuthentication::Md5Key(key) => (&["md5", "key-string"], Value::Secret(key.clone())),
        HsrpAuthentication::Md5Chain(name) => (&["md5", "key-chain"], word(name.as_str())),
    };
    saying.and(&[AUTHENTICATION], []);
    for text in keywords {
        saying.and(&[keyword(text, "")], []);
    }
    saying.and(&[arg(Kind::Word, "")], [value]).print(lines);
}

fn name_and_mac<T: AnyInterface>() -> Vec<Command<T>> {
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
    let mut commands = grouped(&names, 1, &[must(&name)]);
    commands.extend(grouped(&macs, 1, &[must(&mac)]));
    commands
}
