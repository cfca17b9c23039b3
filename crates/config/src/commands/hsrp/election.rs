//! Who of a group is active: `standby priority`, `standby preempt` and `standby track`.

use super::{AnyInterface, each, edit, grouped};
use crate::commands::forms::{Family, forms, may, must, one_of};
use crate::commands::names::{interface_forms, interface_of};
use crate::commands::small;
use crate::defaults::HSRP_DECREMENT;
use crate::grammar::{Args, Command, Element, Kind, Refusal, Value, arg, keyword};
use crate::model::{Hsrp, PreemptDelay};

const PRIORITY: Element = keyword("priority", "The higher one is active");
const VALUE: Element = arg(Kind::Number { min: 0, max: 255 }, "Priority");
const PREEMPT: Element = keyword("preempt", "Take over from a lower priority");
const DELAY: Element = keyword("delay", "Wait before that");
const SECONDS: Element = arg(Kind::Number { min: 0, max: 3600 }, "Seconds");
const MINIMUM: Element = keyword("minimum", "After the interface came up");
const RELOAD: Element = keyword("reload", "After the first time that it came up");
const SYNC: Element = keyword("sync", "For others to be ready");
const TRACK: Element = keyword("track", "Lower the priority while an interface is down");
const DECREMENT: Element = arg(Kind::Number { min: 1, max: 255 }, "By how much");

/// One line may say that the group preempts, too.
pub(super) fn priority<T: AnyInterface>() -> Vec<Command<T>> {
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

pub(super) fn preempt<T: AnyInterface>() -> Vec<Command<T>> {
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

pub(super) fn track<T: AnyInterface>() -> Vec<Command<T>> {
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
