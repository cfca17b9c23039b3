//! What the programs have to know of stickiness: how each virtual server's clients stick, and which reals
//! of its farm they may stick to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hitless_config::model::{StickyAddress, Subnet};
use hitless_model::abi::{self, FarmRealKey};

use super::ByPosition;
use crate::desired::{Desired, Sticky, VirtualServer};

/// The bits of a virtual server whose clients stick.
pub(super) fn flags(sticky: &Sticky) -> u16 {
    let by = match sticky.by {
        StickyAddress::Source => abi::VS_STICKY_SOURCE,
        StickyAddress::Destination => abi::VS_STICKY_DESTINATION,
        StickyAddress::Both => abi::VS_STICKY_SOURCE | abi::VS_STICKY_DESTINATION,
    };
    by | if sticky.replicate { abi::VS_REPLICATE_STICKY } else { 0 }
}

/// The number of its group.
pub(super) fn group(server: &VirtualServer) -> u8 {
    let group = server.sticky.and_then(|sticky| sticky.group);
    group.map_or(0, hitless_model::StickyGroup::get)
}

/// How much of an address tells its clients apart.
pub(super) fn mask(server: &VirtualServer) -> [u8; 4] {
    let mask = |sticky: Sticky| {
        let network = Subnet { address: Ipv4Addr::UNSPECIFIED, prefix: sticky.prefix };
        network.mask().octets()
    };
    server.sticky.map_or([0; 4], mask)
}

/// Reals that take connections, of farms that clients stick to.
pub(super) fn farm_reals(
    desired: &Desired,
    reals: &ByPosition<abi::Real>,
    turns: &BTreeMap<usize, u32>,
) -> BTreeMap<FarmRealKey, u32> {
    let servers = desired.virtual_servers.iter().filter(|server| server.sticky.is_some());
    let farms: BTreeSet<usize> = servers.filter_map(|server| server.farm).collect();
    let mut found = BTreeMap::new();
    for position in farms {
        let (Some(farm), Some(turn)) = (desired.farms.get(position), turns.get(&position)) else {
            continue;
        };
        for (index, real) in farm.schedule.iter().filter_map(|real| reals.get(real)) {
            if real.port != [0; 2] {
                found.insert(FarmRealKey::new(*turn, (real.ip, real.port)), *index);
            }
        }
        for (ip, real) in &farm.by_address {
            if let Some((index, _)) = reals.get(real) {
                found.insert(FarmRealKey::new(*turn, (ip.octets(), [0; 2])), *index);
            }
        }
    }
    found
}
