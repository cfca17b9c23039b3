//! The maps. User space fills them all.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray};
use hitless_model::abi::MAX_EMBRYONIC;

use crate::plan::{Key, Plan, Service, Target};

/// What is written into frames.
#[map]
pub(crate) static PLAN: Array<Plan> = Array::with_max_entries(1, 0);

/// The program under test.
#[map]
pub(crate) static UNDER_TEST: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// The floor's flows, client to virtual server.
#[map]
pub(crate) static FLOOR_FWD: HashMap<Key, Target> = HashMap::with_max_entries(1, 0);

/// The floor's flows, real to client.
#[map]
pub(crate) static FLOOR_REV: HashMap<Key, Target> = HashMap::with_max_entries(1, 0);

/// The floor's new flows, of the size that the data plane has for them.
#[map]
pub(crate) static FLOOR_NEW_FWD: LruHashMap<Key, Target> =
    LruHashMap::with_max_entries(MAX_EMBRYONIC, 0);

/// The floor's new flows, real to client.
#[map]
pub(crate) static FLOOR_NEW_REV: LruHashMap<Key, Target> =
    LruHashMap::with_max_entries(MAX_EMBRYONIC, 0);

/// The floor's virtual server.
#[map]
pub(crate) static SERVICE: Array<Service> = Array::with_max_entries(1, 0);

/// Datagrams that reached the sink.
#[map]
pub(crate) static ARRIVED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);
