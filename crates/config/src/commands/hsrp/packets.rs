//! What the packets of a group say: `standby timers` and `standby authentication`.

use super::{AnyInterface, each, edit, grouped};
use crate::commands::forms::{Family, Saying, must, one_of};
use crate::commands::{label, shown_key, small};
use crate::defaults::HSRP_TIMERS;
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{HsrpAuthentication, HsrpPassword, HsrpTime, HsrpTimers, KeyString};

const TIMERS: Element = keyword("timers", "Time between hellos, and without one");
const MSEC: Element = keyword("msec", "In milliseconds");
const AUTHENTICATION: Element = keyword("authentication", "What routers know each other by");

type Set<T> = fn(&mut T, &Args) -> Result<(), Refusal>;

pub(super) fn timers<T: AnyInterface>() -> Vec<Command<T>> {
    let hello_s = arg(Kind::Number { min: 1, max: 254 }, "Seconds between hellos");
    let hello_ms = arg(Kind::Number { min: 15, max: 999 }, "Milliseconds between hellos");
    let hold_s = arg(Kind::Number { min: 1, max: 255 }, "Seconds without one");
    let hold_ms = arg(Kind::Number { min: 50, max: 3000 }, "Milliseconds without one");
    let kinds: [(&[Element], Set<T>); 4] = [
        (&[TIMERS, hello_s, hold_s], |t, args| set_timers(t, args, seconds, seconds)),
        (&[TIMERS, hello_s, MSEC, hold_ms], |t, args| set_timers(t, args, seconds, millis)),
        (&[TIMERS, MSEC, hello_ms, hold_s], |t, args| set_timers(t, args, millis, seconds)),
        (&[TIMERS, MSEC, hello_ms, MSEC, hold_ms], |t, args| set_timers(t, args, millis, millis)),
    ];
    let shows: fn(&T, &mut Lines<'_>) = |target, lines| {
        each(target, |saying, hsrp| show_timers(saying, hsrp.timers, lines));
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

pub(super) fn authentication<T: AnyInterface>() -> Vec<Command<T>> {
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
