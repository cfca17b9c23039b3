use hitless_model::{Epoch, Role, VlanId};
use hitless_plane::{Hook, HookKind, LoadedProgram, MapUse, Usage};

use crate::api::types::{CounterInfo, Dataplane, GateInfo, InterfaceInfo};
use crate::exec::Answer;
use crate::show::text;

fn interface(number: u64, index: u32, device: Option<&str>) -> InterfaceInfo {
    let vlan = VlanId::try_from(number).expect("a VLAN");
    InterfaceInfo { vlan, index, device: device.map(ToOwned::to_owned) }
}

fn program(name: &str, id: u32, tag: &str, jitted: Option<u32>) -> LoadedProgram {
    LoadedProgram {
        name: name.to_owned(),
        id,
        tag: tag.to_owned(),
        verified_instructions: jitted.map(|octets| octets * 2),
        octets: jitted,
    }
}

fn map(name: &str, kind: &str, used: Option<u64>, room: u32) -> MapUse {
    let octets = used.map(|_| u64::from(room) * 80);
    MapUse { name: name.to_owned(), kind: kind.to_owned(), used, room, octets }
}

fn counter(name: &str, value: u64, help: &str) -> CounterInfo {
    CounterInfo { name: name.to_owned(), value, help: help.to_owned() }
}

fn dataplane() -> Dataplane {
    let hook = |ifindex, kind| Hook { ifindex, kind, replaced: false };
    Dataplane {
        adopted: true,
        interfaces: vec![
            interface(71, 3, Some("eth2")),
            interface(72, 4, None),
            interface(272, 5, None),
            interface(273, 6, None),
        ],
        gate: GateInfo { role: Some(Role::Active), epoch: Epoch(7), lease_ms: Some(2750) },
        plane: hitless_plane::Dataplane {
            kernel: "6.18.0".to_owned(),
            abi: 1,
            programs: vec![
                program("hitless_tc", 41, "8f2c11d09ab34e57", Some(26_504)),
                program("hitless_xdp", 42, "00c511d09ab34e57", None),
            ],
            hooks: vec![hook(3, HookKind::Xdp), hook(4, HookKind::Tcx), hook(5, HookKind::Clsact)],
            maps: vec![
                map("CONN_FWD", "hash", Some(65_536), 131_072),
                map("EVENTS", "ring buffer", None, 4_194_304),
            ],
            connections: Usage { in_use: 65_536, capacity: 131_072 },
        },
        counters: vec![
            counter("forwarded_to_real", 1_200_345, "To a real."),
            counter("forwarded_to_client", 900_100, "To a client."),
            counter("drop_malformed", 0, "Dropped: malformed."),
            counter("drop_not_active", 12, "Dropped: this box is not active."),
            counter("drop_table_full", 3, "Dropped: the table is full."),
        ],
    }
}

#[test]
fn the_data_plane_is_told_from_the_gate_to_the_reasons_of_drops() {
    let expected = "\
Kernel 6.18.0, map layout 1, maps adopted
Gate active, epoch 7, lease 2750 ms

vlan   interface  device           hook
------------------------------------------------------------
71     3          eth2             XDP, in the driver
72     4          bridged          TC ingress, by a TCX link
272    5          bridged          TC ingress, by a filter of clsact
273    6          bridged          none

program            id  tag               verified    octets
------------------------------------------------------------
hitless_tc         41  8f2c11d09ab34e57     53008     26504
hitless_xdp        42  00c511d09ab34e57         -         -

map            kind                used      room  full      octets
-------------------------------------------------------------------
CONN_FWD       hash               65536    131072   50%    10485760
EVENTS         ring buffer            -   4194304     -           -

Forwarded to reals:           1200345
Forwarded to clients:          900100
Routed by the kernel:               0
Dropped:                           15
  not_active                       12  this box is not active.
  table_full                        3  the table is full.
";
    assert_eq!(text(&Answer::Dataplane(dataplane()), &crate::log::Zone::default()), expected);
}

#[test]
fn a_lease_that_is_over_and_a_role_without_one_are_told_apart() {
    let second_line = |gate: GateInfo| {
        let text = text(
            &Answer::Dataplane(Dataplane { gate, ..dataplane() }),
            &crate::log::Zone::default(),
        );
        text.lines().nth(1).expect("a second line").to_owned()
    };
    let gate = GateInfo { role: Some(Role::Active), epoch: Epoch(7), lease_ms: Some(0) };
    assert_eq!(second_line(gate), "Gate active, epoch 7, its lease is over");
    let gate = GateInfo { role: Some(Role::Standby), lease_ms: None, ..gate };
    assert_eq!(second_line(gate), "Gate standby, epoch 7");
    assert_eq!(second_line(GateInfo { role: None, ..gate }), "Gate unknown, epoch 7");
}

#[test]
fn as_json_it_can_be_read_again() {
    let json = Answer::Dataplane(dataplane()).json().expect("JSON");
    assert_eq!(serde_json::from_str::<Dataplane>(&json).expect("what was written"), dataplane());
}
