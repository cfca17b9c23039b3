//! The laws of machines hold for this one, whatever comes over the wire.

use std::time::Duration;

use hitless_model::Instant;
use proptest::prelude::*;

use super::wire::{End, FT, config, met, path};
use crate::machine::Machine;
use crate::machine::laws::Bench;
use crate::session::{Input, Session};

fn apply(session: &mut Session, now: Instant, frame: &(u64, Vec<u8>)) {
    session.handle_input(now, Input::Datagram { path: path(frame.0), bytes: &frame.1 });
}

/// Frames of a peer in two lives, of a third box, and garbage.
fn frames() -> Vec<Vec<u8>> {
    let (_, mut b, mut tape) = met(None);
    tape.push(b.seal(b"heartbeat"));
    for (unit, seed) in [(2, 70), (3, 71)] {
        let mut other = config(unit, None);
        other.seed = [seed; 32];
        tape.push(End::new(other).tick(Instant::ZERO).remove(0));
    }
    tape.push(vec![0; 60]);
    tape
}

proptest! {
    #[test]
    fn the_laws_hold(picks in prop::collection::vec((0_u64..40, any::<prop::sample::Index>(), any::<bool>()), 1..60)) {
        let frames = frames();
        let script: Vec<_> = picks
            .into_iter()
            .map(|(wait, pick, second)| {
                let over = if second { 136 } else { FT };
                (Duration::from_millis(wait), (over, pick.get(&frames).clone()))
            })
            .collect();
        let bench = Bench { new: |now| Session::new(now, config(1, None)), apply, max_outputs: 8 };
        bench.check(&script);
    }
}
