//! Keys that are changed under way.

use anyhow::{Result, ensure};
use hitless::api::types::KeyInUse;

use crate::arena::Arena;
use crate::config_text::FIRST_KEY;
use crate::scenario::fault::Struck;

/// The figure that counts changes: the key's name has its number.
const CHANGES: &str = "keys_changed";
/// Steps of a change.
const STEPS: u32 = 3;

/// The key is changed on both boxes, the standby first, and the old one is taken out again.
pub(crate) fn rotate(arena: &mut Arena, struck: Struck) -> Result<()> {
    let number = arena.findings.figures.get(CHANGES).copied().unwrap_or_default();
    let old = if number > 0.0 { format!("key-{number:.0}") } else { FIRST_KEY.to_owned() };
    let new = format!("key-{:.0}", number + 1.0);
    let before = look(arena)?;
    let (first, second) = (struck.standby(), struck.active);
    let steps: [(usize, Vec<String>); 3] = [
        (first, vec![format!("key-string {old} accept"), format!("key-string {new}")]),
        (second, vec![format!("key-string {new}")]),
        (first, vec![format!("no key-string {old} accept")]),
    ];
    for (which, lines) in steps {
        arena.pair.configure_ft(which, &lines)?;
        arena.interrupt.sleep(struck.lasts / STEPS)?;
    }
    arena.findings.add(CHANGES, 1);
    let after = look(arena)?;
    for number in [0, 1] {
        judge(arena, number, before[number], after[number]);
    }
    Ok(())
}

/// What is seen of a box.
#[derive(Clone, Copy, Debug)]
struct Look {
    key: Option<KeyInUse>,
    dropped: u64,
    life: i32,
}

fn look(arena: &Arena) -> Result<[Look; 2]> {
    let one = |number: usize| -> Result<Look> {
        let status = arena.pair.ft(number)?.status;
        ensure!(status.peer.is_some(), "the two do not hear each other");
        let dropped = status.rejected.iter().map(|(_, count)| count).sum();
        Ok(Look { key: status.key, dropped, life: arena.pair.module_process(number)? })
    };
    Ok([one(0)?, one(1)?])
}

fn judge(arena: &mut Arena, number: usize, before: Look, after: Look) {
    let violated = &mut arena.findings.violated;
    let name = crate::pair::LETTERS[number];
    if after.key != Some(KeyInUse::Own) {
        violated.push(format!("{name} does not speak under its own key: {:?}", after.key));
    }
    if after.dropped > before.dropped {
        let dropped = after.dropped - before.dropped;
        violated.push(format!("{name} dropped {dropped} frames of its peer"));
    }
    if after.life != before.life {
        violated.push(format!("{name}'s module process is another one"));
    }
}
