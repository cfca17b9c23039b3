//! Typed handles of all maps of one data plane, opened from its pins.

use std::path::Path;

use hitless_model::abi::{self, map};

use crate::error::Result;
use crate::kernel_map::KernelMap;

/// A table of one direction.
pub(crate) type Flows = KernelMap<abi::FlowKey, abi::Conn>;

/// Both directions of a table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) forward: Flows,
    pub(crate) reverse: Flows,
}

/// All maps but the ring buffer and the counters, which have readers of their own.
#[derive(Clone, Debug)]
pub(crate) struct Maps {
    pub(crate) ports: KernelMap<u32, abi::VlanPort>,
    pub(crate) port_slots: KernelMap<u32, abi::VlanPort>,
    pub(crate) floating: KernelMap<abi::FloatingKey, abi::Floating>,
    pub(crate) virtuals: KernelMap<abi::VirtualKey, abi::VirtualServer>,
    pub(crate) schedule: KernelMap<u32, u32>,
    pub(crate) reals: KernelMap<u32, abi::Real>,
    pub(crate) real_addresses: KernelMap<abi::VirtualKey, u32>,
    pub(crate) next_hops: KernelMap<u32, abi::NextHop>,
    pub(crate) main: Table,
    pub(crate) embryonic: Table,
    pub(crate) sticky: KernelMap<abi::StickyKey, abi::StickyEntry>,
    pub(crate) sticky_new: KernelMap<abi::StickyKey, abi::StickyEntry>,
    pub(crate) farm_reals: KernelMap<abi::FarmRealKey, u32>,
    pub(crate) use_bpf: KernelMap<u32, abi::TableUse>,
    pub(crate) use_user: KernelMap<u32, abi::TableUse>,
}

impl Maps {
    /// Opens everything pinned in `pins`.
    pub(crate) fn open(pins: &Path) -> Result<Self> {
        let table = |forward, reverse| {
            Ok::<_, crate::Error>(Table {
                forward: KernelMap::open(pins, forward)?,
                reverse: KernelMap::open(pins, reverse)?,
            })
        };
        Ok(Self {
            ports: KernelMap::open(pins, map::PORTS)?,
            port_slots: KernelMap::open(pins, map::PORT_SLOTS)?,
            floating: KernelMap::open(pins, map::FLOATING)?,
            virtuals: KernelMap::open(pins, map::VIRTUAL)?,
            schedule: KernelMap::open(pins, map::SCHEDULE)?,
            reals: KernelMap::open(pins, map::REALS)?,
            real_addresses: KernelMap::open(pins, map::REAL_ADDRS)?,
            next_hops: KernelMap::open(pins, map::NEXT_HOPS)?,
            main: table(map::CONN_FWD, map::CONN_REV)?,
            embryonic: table(map::EMB_FWD, map::EMB_REV)?,
            sticky: KernelMap::open(pins, map::STICKY)?,
            sticky_new: KernelMap::open(pins, map::STICKY_NEW)?,
            farm_reals: KernelMap::open(pins, map::FARM_REALS)?,
            use_bpf: KernelMap::open(pins, map::USE_BPF)?,
            use_user: KernelMap::open(pins, map::USE_USER)?,
        })
    }
}
