//! How long a peer that begins with nothing takes until it holds what the box holds.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::strain::crowd::Step;
use serde::Serialize;

use super::boxes::Boxes;
use super::copy::{Copied, copy};
use super::crowd;

/// Connections opened a second: so that nearly none is lost on the way.
const PACE: u32 = 25_000;
const GLANCE: Duration = Duration::from_millis(1);
const SETTLING: Duration = Duration::from_millis(500);
/// A peer that was told nothing for so long is told nothing any more.
const STILL: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(2);
/// Connections of the boxes themselves.
const FEW: u64 = 16;
/// Room of the table that entries are copied into.
const ROOM: u32 = 1_310_720;

/// What a fresh peer was told.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Fill {
    /// Entries that the box holds.
    pub(super) entries: u64,
    /// Entries that the peer came to hold.
    pub(super) arrived: u64,
    /// Seconds from its first entry to its last.
    pub(super) filling_s: f64,
    /// Seconds from the start of its process (conntrackd: from its asking) to its last entry.
    pub(super) from_start_s: f64,
    /// The floor: batches read and written by the kernel's own operations.
    pub(super) copied: Option<Copied>,
}

/// Opens further connections, and lets the peer begin anew.
pub(super) fn measure(boxes: &mut Boxes, flows: Range<u32>, interrupt: &Interrupt) -> Result<Fill> {
    crowd(boxes)?.run((&Step::OPENING, flows.clone()), PACE, |_, _| interrupt.check())?;
    interrupt.sleep(SETTLING)?;
    let [entries, _] = boxes.entries()?;
    let wanted = u64::from(flows.end);
    ensure!(entries >= wanted * 9 / 10, "{entries} of {wanted} connections were established");
    boxes.stop_peer()?;
    let base = boxes.at_peer();
    let start = Instant::now();
    boxes.start_peer()?;
    let (mut most, mut first, mut grown) = (base, None, start);
    loop {
        let now = boxes.at_peer();
        if now > most {
            (most, grown) = (now, Instant::now());
            if first.is_none() && now > base + FEW {
                first = Some(grown);
            }
        }
        let is_still = first.is_some() && grown.elapsed() > STILL;
        if most >= entries || is_still || start.elapsed() > PATIENCE {
            break;
        }
        interrupt.sleep(GLANCE)?;
    }
    boxes.await_step(interrupt)?;
    let copied = boxes.maps()?.map(|pins| copy(&pins, ROOM)).transpose()?;
    let since = |from: Instant| grown.saturating_duration_since(from).as_secs_f64();
    let (filling_s, from_start_s) = (first.map_or(0.0, since), since(start));
    Ok(Fill { entries, arrived: most, filling_s, from_start_s, copied })
}
