use hitless_model::Protocol;
use proptest::prelude::*;

use super::*;
use crate::desired::{PortFacts, desired};
use crate::testing::*;

fn laid_out(current: &Contents, module: &hitless_config::model::Module) -> Contents {
    lay_out(current, &desired(module, &ports())).unwrap()
}

/// The addresses of the reals that a virtual server's schedule leads to, all indices followed.
fn followed(contents: &Contents, port: u16) -> Vec<(u8, u32)> {
    let key = crate::Endpoint::new(VIP, port, Protocol::Tcp).key();
    let server = contents.virtuals[&key];
    if server.schedule_len == 0 {
        return Vec::new();
    }
    let order = &contents.schedules[&server.schedule_start];
    assert_eq!(order.len(), server.schedule_len as usize);
    order
        .iter()
        .map(|index| {
            let real = contents.reals[index];
            let hop = contents.next_hops[&real.next_hop];
            assert_eq!(hop.ip, real.ip, "on-link reals are their own next hops");
            (real.ip[3], hop.ifindex)
        })
        .collect()
}

#[test]
fn a_schedule_leads_to_the_reals_and_their_neighbours() {
    let contents = laid_out(&Contents::default(), &module());
    assert_eq!(followed(&contents, 80), [(11, 4), (11, 4), (12, 4)]);
    assert!(!contents.next_hops.contains_key(&0));
}

#[test]
fn laying_out_twice_changes_nothing() {
    let once = laid_out(&Contents::default(), &module());
    assert_eq!(laid_out(&once, &module()), once);
}

#[test]
fn every_port_has_a_slot_but_two_cannot_share_one() {
    let mut facts = ports();
    let contents = lay_out(&Contents::default(), &desired(&module(), &facts)).unwrap();
    assert_eq!(
        contents.port_slots.values().collect::<Vec<_>>(),
        contents.ports.values().collect::<Vec<_>>()
    );
    let far = 3 + abi::PORT_SLOTS;
    facts.insert(vlan(SERVER_VLAN), PortFacts { ifindex: far, mac: hitless_model::Mac([4; 6]) });
    let contents = lay_out(&Contents::default(), &desired(&module(), &facts)).unwrap();
    assert_eq!(contents.ports.keys().copied().collect::<Vec<_>>(), [3, far]);
    assert_eq!(contents.port_slots, [(abi::slot_of(3), contents.ports[&3])].into());
}

#[test]
fn a_vlan_that_had_reals_may_still_have_answers_of_theirs() {
    let before = laid_out(&Contents::default(), &module());
    let reals = |contents: &Contents, ifindex| contents.ports[&ifindex].has_reals;
    assert_eq!((reals(&before, 3), reals(&before, 4)), (0, 1));
    let mut without = module();
    without.farms.clear();
    without.virtual_servers.clear();
    assert_eq!(reals(&laid_out(&Contents::default(), &without), 4), 0);
    assert_eq!(reals(&laid_out(&before, &without), 4), 1);
}

#[test]
fn a_farm_that_changes_gets_fresh_room_and_keeps_its_turn() {
    let before = laid_out(&Contents::default(), &module());
    let mut changed = module();
    changed.farms.insert(name("web"), farm(vec![real(12, 2), real(13, 1)]));
    let after = laid_out(&before, &changed);
    assert_eq!(followed(&after, 80), [(12, 4), (12, 4), (13, 4)]);
    let server = |contents: &Contents| *contents.virtuals.values().next().unwrap();
    assert_eq!(server(&after).farm, server(&before).farm);
    assert_eq!(server(&after).index, server(&before).index);
    let end = |contents: &Contents| server(contents).schedule_start + server(contents).schedule_len;
    assert!(server(&after).schedule_start >= end(&before), "the order in force is not touched");
}

#[test]
fn the_neighbour_of_a_real_that_is_gone_keeps_its_entry_and_mac() {
    let mut before = laid_out(&Contents::default(), &module());
    for hop in before.next_hops.values_mut() {
        hop.mac = [2, 0, 0, 0, 0, hop.ip[3]];
        hop.state = abi::NEXT_HOP_VALID;
    }
    let mut changed = module();
    changed.farms.insert(name("web"), farm(vec![real(13, 1)]));
    let after = laid_out(&before, &changed);
    for (index, hop) in &before.next_hops {
        assert_eq!(after.next_hops[index], *hop);
    }
    assert_eq!(after.next_hops.len(), before.next_hops.len() + 1);
}

#[test]
fn a_neighbour_whose_interface_was_made_anew_keeps_its_index() {
    let before = laid_out(&Contents::default(), &module());
    let mut moved = ports();
    moved.insert(vlan(SERVER_VLAN), PortFacts { ifindex: 40, mac: hitless_model::Mac([4; 6]) });
    let after = lay_out(&before, &desired(&module(), &moved)).unwrap();
    assert_eq!(before.next_hops.len(), after.next_hops.len());
    for (index, hop) in &before.next_hops {
        let now = after.next_hops[index];
        assert_eq!(now.ip, hop.ip);
        assert_eq!(now.ifindex, if hop.ifindex == 4 { 40 } else { 3 });
    }
}

#[test]
fn a_full_table_of_next_hops_is_an_error_and_retired_ones_are_room() {
    let mut before = Contents::default();
    for index in 1..abi::MAX_NEXT_HOPS {
        let ip = (0xc000_0000 + index).to_be_bytes();
        before.next_hops.insert(index, abi::NextHop { ifindex: 3, ip, ..Default::default() });
    }
    let after = laid_out(&before, &module());
    assert_eq!(followed(&after, 80), [(11, 4), (11, 4), (12, 4)]);
    assert_eq!(after.next_hops.len(), before.next_hops.len());
}

/// Weights of up to eight reals for each of three farms, and which farm each of six servers uses.
fn configurations() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<Option<usize>>)> {
    let farms = proptest::collection::vec(proptest::collection::vec(0_u8..5, 0..8), 3);
    let servers = proptest::collection::vec(proptest::option::of(0_usize..3), 6);
    (farms, servers)
}

fn configured(farms: &[Vec<u8>], servers: &[Option<usize>]) -> hitless_config::model::Module {
    let mut module = module();
    module.farms.clear();
    module.virtual_servers.clear();
    for (number, weights) in farms.iter().enumerate() {
        let reals = (1_u8..)
            .zip(weights)
            .map(|(last, weight)| real(u8::try_from(number).unwrap() * 10 + last, *weight));
        module.farms.insert(name(&format!("f{number}")), farm(reals.collect()));
    }
    for (port, farm) in (80_u16..).zip(servers) {
        if let Some(farm) = farm {
            let server = virtual_server(&format!("f{farm}"), Protocol::Tcp, port);
            module.virtual_servers.insert(name(&format!("v{port}")), server);
        }
    }
    module
}

proptest! {
    /// Whatever was in force before: every server leads to its reals, nothing that running programs
    /// or open connections use is overwritten, and no index serves two.
    #[test]
    fn a_change_reaches_its_goal_without_touching_what_is_in_use(
        steps in proptest::collection::vec(configurations(), 1..5)
    ) {
        let mut current = Contents::default();
        for (farms, servers) in steps {
            let module = configured(&farms, &servers);
            let next = laid_out(&current, &module);
            for (port, server) in (80_u16..).zip(&servers) {
                let Some(server) = server else { continue };
                let expected: Vec<(u8, u32)> = (1_u8..).zip(&farms[*server])
                    .flat_map(|(last, weight)| {
                        let last = u8::try_from(*server).unwrap() * 10 + last;
                        std::iter::repeat_n((last, 4), usize::from(*weight))
                    })
                    .collect();
                prop_assert_eq!(followed(&next, port), expected);
            }
            check_untouched(&current, &next)?;
            prop_assert_eq!(&laid_out(&next, &module), &next);
            current = next;
        }
    }
}

fn check_untouched(current: &Contents, next: &Contents) -> Result<(), TestCaseError> {
    for (index, real) in &next.reals {
        prop_assert!(current.reals.get(index).is_none_or(|old| old == real));
    }
    for (index, hop) in &current.next_hops {
        prop_assert_eq!(&next.next_hops[index], hop);
    }
    let cells = |contents: &Contents| -> BTreeMap<u32, u32> {
        let orders = contents.schedules.iter();
        orders.flat_map(|(start, order)| (*start..).zip(order.clone())).collect()
    };
    let (old, new) = (cells(current), cells(next));
    let total: usize = next.schedules.values().map(Vec::len).sum();
    prop_assert_eq!(new.len(), total, "extents do not overlap");
    for (cell, real) in &new {
        prop_assert!(old.get(cell).is_none_or(|before| before == real));
    }
    let indices: BTreeSet<u32> = next.virtuals.values().map(|entry| entry.index).collect();
    prop_assert_eq!(indices.len(), next.virtuals.len());
    for (key, entry) in &next.virtuals {
        prop_assert!(current.virtuals.get(key).is_none_or(|old| old.index == entry.index));
    }
    Ok(())
}

#[test]
fn clients_find_the_reals_of_their_farm_that_take_connections_and_of_no_other_farm() {
    let mut module = module();
    let mut other_port = real(12, 1);
    other_port.port = Some(8080);
    let mut resting = real(13, 1);
    resting.in_service = hitless_config::model::InService::No;
    module.farms.insert(name("web"), farm(vec![real(11, 2), other_port, resting]));
    assert_eq!(laid_out(&Contents::default(), &module).farm_reals, BTreeMap::new());
    let sticky = hitless_config::model::ClientSticky {
        minutes: 5,
        group: None,
        prefix: 24,
        by: hitless_config::model::StickyAddress::Both,
    };
    module.virtual_servers.get_mut(&name("http")).unwrap().sticky = Some(sticky);
    let contents = laid_out(&Contents::default(), &module);
    let server = contents.virtuals[&crate::Endpoint::new(VIP, 80, Protocol::Tcp).key()];
    assert_eq!(server.sticky_mask, [255, 255, 255, 0]);
    let sticks = abi::VS_STICKY_SOURCE | abi::VS_STICKY_DESTINATION;
    assert_eq!(server.flags & sticks, sticks);
    let found: Vec<_> = contents
        .farm_reals
        .iter()
        .map(|(key, index)| {
            assert_eq!(key.farm, server.farm);
            let real = contents.reals[index];
            assert_eq!(key.ip, real.ip);
            (key.ip[3], u16::from_be_bytes(key.port), u16::from_be_bytes(real.port))
        })
        .collect();
    assert_eq!(found, [(11, 0, 0), (12, 0, 8080), (12, 8080, 8080)]);
}
