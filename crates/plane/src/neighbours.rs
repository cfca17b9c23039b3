//! The next hops of the data plane: which neighbours it needs, and their MACs as the kernel's
//! neighbour table learns them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use hitless_model::abi::{NEXT_HOP_UNKNOWN, NEXT_HOP_VALID, NextHop as Entry};
use hitless_model::{Mac, VlanId};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::kernel_map::KernelMap;
use crate::plane::{Shared, lock};

/// A neighbour that the data plane sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its index in the map.
    pub index: u32,
    /// Interface that it is behind.
    pub ifindex: u32,
    /// VLAN of that interface.
    pub vlan: VlanId,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Its MAC, if known.
    pub mac: Option<Mac>,
}

/// Reads and completes the next hops.
#[derive(Clone, Debug)]
pub struct NextHops {
    map: KernelMap<u32, Entry>,
    shared: Arc<Shared>,
}

impl NextHops {
    pub(crate) fn new(map: KernelMap<u32, Entry>, shared: Arc<Shared>) -> Self {
        Self { map, shared }
    }

    /// Neighbours of the configuration in force: the kernel should keep their MACs known.
    pub fn list(&self) -> Result<Vec<Neighbour>> {
        let resolver = self.shared.resolver();
        let mut list = Vec::new();
        for (hop, ip) in &resolver.next_hops {
            let entry = self.map.get(&hop.index)?.unwrap_or_default();
            let mac = (entry.state == NEXT_HOP_VALID).then_some(Mac(entry.mac));
            let (index, ifindex, vlan) = (hop.index, hop.ifindex, hop.vlan);
            list.push(Neighbour { index, ifindex, vlan, ip: *ip, mac });
        }
        Ok(list)
    }

    /// What the kernel knows of a neighbour now. Says whether the data plane uses that neighbour.
    pub fn set_mac(&self, ifindex: u32, ip: Ipv4Addr, mac: Option<Mac>) -> Result<bool> {
        let _guard = lock(&self.shared.next_hops);
        let Some(index) = self.shared.resolver().by_neighbour.get(&(ifindex, ip)).copied() else {
            return Ok(false);
        };
        let old = self.map.get(&index)?.unwrap_or_default();
        let state = if mac.is_some() { NEXT_HOP_VALID } else { NEXT_HOP_UNKNOWN };
        let new = Entry { mac: mac.unwrap_or_default().0, state, ..old };
        if new != old {
            self.map.put(&index, &new)?;
        }
        Ok(true)
    }
}
