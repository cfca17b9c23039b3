//! Heartbeats survive the wire, and nothing else does.

use std::time::Duration;

use hitless_model::{Epoch, Priority, Role, VlanId};
use proptest::prelude::*;

use crate::ft::beat::{Beat, Flags, Purpose, Seq};
use crate::node::PathId;

prop_compose! {
    fn beats()(
        numbers in (1..u64::MAX, any::<u64>(), any::<u64>(), any::<u64>()),
        role in 0_u8..4,
        purpose in 0_usize..5,
        priority in 1_u64..255,
        times in (0..u64::MAX, 0..u64::MAX, 0..u64::MAX),
        vlans in prop::collection::vec(2_u64..4_095, 0..20),
        coup in any::<bool>(),
    ) -> Beat {
        Beat {
            seq: Seq(numbers.0),
            purpose: Purpose::ALL[purpose],
            role: Role::from_number(role).unwrap(),
            role_age: Duration::from_nanos(times.0),
            epoch: Epoch(numbers.1),
            priority: Priority::try_from(priority).unwrap(),
            flags: Flags::WARM.with(Flags::COUP, coup),
            heartbeat: Duration::from_nanos(times.1),
            failover: Duration::from_nanos(times.2),
            heard: Seq(numbers.2),
            heard_paths: vlans.into_iter().map(|v| PathId(VlanId::try_from(v).unwrap())).collect(),
            config_digest: numbers.3,
            hold: coup.then(|| Duration::from_nanos(times.1)),
            holding: (!coup).then(|| Duration::from_nanos(times.2)),
        }
    }
}

proptest! {
    #[test]
    fn a_heartbeat_round_trips_with_fields_of_a_later_release(beat in beats()) {
        let mut bytes = beat.write();
        bytes.extend_from_slice(&[0x70, 0, 0, 2, 1, 2]);
        prop_assert_eq!(Beat::parse(&bytes), Ok(beat));
    }

    #[test]
    fn no_octets_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Beat::parse(&bytes);
    }

    #[test]
    fn a_cut_heartbeat_is_malformed_or_lacks_only_what_may_be_missing(
        beat in beats(), cut in any::<prop::sample::Index>()
    ) {
        let bytes = beat.write();
        if let Ok(read) = Beat::parse(&bytes[..cut.index(bytes.len())]) {
            prop_assert_eq!((read.seq, read.role, read.epoch), (beat.seq, beat.role, beat.epoch));
        }
    }
}

/// The heartbeat that `docs/protocol/frames.md` shows.
#[test]
fn the_octets_of_a_heartbeat_are_those_of_the_document() {
    let mut beat = super::puppet::beat(7, Role::Active);
    (beat.epoch, beat.heard, beat.config_digest) = (Epoch(2), Seq(6), 0x0102_0304_0506_0708);
    beat.flags = Flags::ASK.with(Flags::WARM, true).with(Flags::FT_VLAN_UP, true);
    let document = include_str!("../../../../../docs/protocol/frames.md");
    crate::wire::tests::assert_shown(document, "heartbeat", &beat.write());
}

/// The fields of an absence that the document shows come after all the others.
#[test]
fn the_octets_of_a_wish_and_of_a_promise_to_wait_are_those_of_the_document() {
    let document = include_str!("../../../../../docs/protocol/frames.md");
    let two_seconds = Some(Duration::from_secs(2));
    let plain = super::puppet::beat(7, Role::Active);
    let wish = Beat { hold: two_seconds, ..plain.clone() }.write();
    let promise = Beat { holding: two_seconds, ..plain.clone() }.write();
    let usual = plain.write().len();
    crate::wire::tests::assert_shown(document, "hold", &wish[usual..]);
    crate::wire::tests::assert_shown(document, "holding", &promise[usual..]);
}
