//! Tags that a driver leaves in the frame.

use hitless_model::Counter::{ConnectionsCreated, DropMalformed, ForwardedToReal};
use hitless_model::tcp::SYN;

use crate::support::case::Case;
use crate::support::scene::{at_real, from_client};
use crate::support::world::{Verdict, World};

/// Tag types of a VLAN and of a provider's VLAN.
const KINDS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];

/// A frame with a tag put in.
fn tagged(frame: &[u8], kind: [u8; 2], tag: u16) -> Vec<u8> {
    let (macs, rest) = frame.split_at(12);
    [macs, &kind, &tag.to_be_bytes(), rest].concat()
}

#[test]
fn frames_of_another_vlan_are_the_kernels() {
    let mut world = World::active();
    for kind in KINDS {
        let frame = tagged(&from_client(SYN).bytes(), kind, 0x6007);
        world.check_passed("SYN of VLAN 7", world.ports.client, frame);
    }
}

#[test]
fn a_tag_that_is_only_about_priority_is_taken_off() {
    for kind in KINDS {
        let mut world = World::active();
        let syn = from_client(SYN);
        world.check(Case {
            says: "SYN with a priority",
            at: world.ports.client,
            frame: tagged(&syn.bytes(), kind, 0x6000),
            verdict: Verdict::Redirect,
            becomes: Some(at_real(1, &syn).bytes()),
            counts: &[ConnectionsCreated, ForwardedToReal],
        });
    }
}

#[test]
fn a_tag_within_a_tag_is_dropped() {
    for kind in KINDS {
        let mut world = World::active();
        let inner = tagged(&from_client(SYN).bytes(), kind, 7);
        let both = tagged(&inner, KINDS[0], 0);
        let outcome = world.run(world.ports.client, &both);
        assert_eq!(outcome.verdict, Verdict::Drop);
        assert_eq!(world.counters(), [(DropMalformed, 1)].into());
    }
}
