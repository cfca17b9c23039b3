//! The maps. Keys, values, writers and sizes are in `hitless_model::abi`; user space may choose other
//! sizes when it loads the object. No map is pinned from here: user space pins.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use hitless_model::abi;

/// Role, epoch and lease. Written by user space, read for every packet.
#[map]
pub(crate) static ROLE: Array<abi::RoleWord> = Array::with_max_entries(1, 0);

/// Interface number → what it is. Written by user space.
#[map]
pub(crate) static PORTS: HashMap<u32, abi::VlanPort> = HashMap::with_max_entries(abi::MAX_PORTS, 0);

/// The same by a place that is found without a hash. Written by user space.
#[map]
pub(crate) static PORT_SLOTS: Array<abi::VlanPort> = Array::with_max_entries(abi::PORT_SLOTS, 0);

/// Floating addresses. Written by user space; most modules have few, so none are preallocated.
#[map]
pub(crate) static FLOATING: HashMap<abi::FloatingKey, abi::Floating> =
    HashMap::with_max_entries(abi::MAX_FLOATING, BPF_F_NO_PREALLOC);

/// Virtual servers. Written by user space.
#[map]
pub(crate) static VIRTUAL: HashMap<abi::VirtualKey, abi::VirtualServer> =
    HashMap::with_max_entries(abi::MAX_VIRTUAL, BPF_F_NO_PREALLOC);

/// The predictor's order, as indices into `REALS`. Written by user space.
#[map]
pub(crate) static SCHEDULE: Array<u32> = Array::with_max_entries(abi::MAX_SCHEDULE, 0);

/// Farm → how many connections it was asked for; counted up here.
#[map]
pub(crate) static TURN: Array<u64> = Array::with_max_entries(abi::MAX_FARMS, 0);

/// Reals. Written by user space.
#[map]
pub(crate) static REALS: Array<abi::Real> = Array::with_max_entries(abi::MAX_REALS, 0);

/// Addresses and ports of reals of farms that translate. Written by user space.
#[map]
pub(crate) static REAL_ADDRS: HashMap<abi::VirtualKey, u32> =
    HashMap::with_max_entries(abi::MAX_REALS, BPF_F_NO_PREALLOC);

/// Where frames leave. Written by user space.
#[map]
pub(crate) static NEXT_HOPS: Array<abi::NextHop> = Array::with_max_entries(abi::MAX_NEXT_HOPS, 0);

/// Established connections, client to virtual server. Preallocated: an insert must not wait for memory.
#[map]
pub(crate) static CONN_FWD: HashMap<abi::FlowKey, abi::Conn> =
    HashMap::with_max_entries(abi::DEFAULT_CONNECTIONS, 0);

/// Established connections, real to client.
#[map]
pub(crate) static CONN_REV: HashMap<abi::FlowKey, abi::Conn> =
    HashMap::with_max_entries(abi::DEFAULT_CONNECTIONS, 0);

/// Connections that are not established, client to virtual server. A flood evicts only from here.
#[map]
pub(crate) static EMB_FWD: LruHashMap<abi::FlowKey, abi::Conn> =
    LruHashMap::with_max_entries(abi::MAX_EMBRYONIC, 0);

/// Connections that are not established, real to client.
#[map]
pub(crate) static EMB_REV: LruHashMap<abi::FlowKey, abi::Conn> =
    LruHashMap::with_max_entries(abi::MAX_EMBRYONIC, 0);

/// Which real a client sticks to. What is in it is never evicted: a client that finds it full does not stick.
#[map]
pub(crate) static STICKY: HashMap<abi::StickyKey, abi::StickyEntry> =
    HashMap::with_max_entries(abi::MAX_STICKY, BPF_F_NO_PREALLOC);

/// The same of clients none of whose connections is established. A flood evicts only from here.
#[map]
pub(crate) static STICKY_NEW: LruHashMap<abi::StickyKey, abi::StickyEntry> =
    LruHashMap::with_max_entries(abi::MAX_EMBRYONIC, 0);

/// Reals in service of farms that clients stick to, as indices into `REALS`. Written by user space.
#[map]
pub(crate) static FARM_REALS: HashMap<abi::FarmRealKey, u32> =
    HashMap::with_max_entries(abi::MAX_FARM_REALS, BPF_F_NO_PREALLOC);

/// What the programs put into and took out of the main table.
#[map]
pub(crate) static USE_BPF: Array<abi::TableUse> = Array::with_max_entries(1, 0);

/// What user space put into and took out of the main table, and how many entries it has.
#[map]
pub(crate) static USE_USER: Array<abi::TableUse> = Array::with_max_entries(1, 0);

/// Events for user space.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(abi::EVENT_RING_BYTES, 0);

/// Counters and clock of each processor, so that counting costs an addition.
#[map]
pub(crate) static LOCAL: PerCpuArray<abi::Local> = PerCpuArray::with_max_entries(1, 0);
