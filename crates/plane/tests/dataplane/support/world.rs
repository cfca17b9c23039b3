//! A loaded program with its maps, and what can be asked of it.

use std::collections::BTreeMap;

use aya::Ebpf;
use aya::maps::{Array, HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::TestRunOptions;
use hitless_model::Counter;
use hitless_model::abi::{
    Conn, Event, FlowKey, Local, StickyEntry, StickyEvent, StickyKey, VlanPort, map, slot_of,
};
use zerocopy::{FromBytes, transmute};

use super::kernel::{self, Hook, Ports};
use super::raw::Raw;

/// Room for any frame that comes out.
const LARGEST_FRAME: usize = 4096;

/// What a program says about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Drop,
    Redirect,
}

/// What came of a frame.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) frame: Vec<u8>,
}

/// A program of its own, with its own maps.
pub(crate) struct World {
    pub(crate) ebpf: Ebpf,
    pub(crate) ports: Ports,
}

impl World {
    /// With tables of this many connections and nothing in any map.
    pub(crate) fn empty(connections: u32, ports: Ports) -> Self {
        Self { ebpf: kernel::load(connections), ports }
    }

    /// Runs the program once on a frame that arrives at an interface.
    pub(crate) fn run(&self, ifindex: u32, frame: &[u8]) -> Outcome {
        let mut out = vec![0_u8; LARGEST_FRAME];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ctx_in: Some(&context(ifindex, frame.len())),
            ..TestRunOptions::default()
        };
        let result = kernel::test_run(&self.ebpf, options);
        out.truncate(result.data_size_out as usize);
        Outcome { verdict: verdict(result.return_value.cast_signed()), frame: out }
    }

    /// Sets a key of a hash map.
    pub(crate) fn set<K: Raw, V: Raw>(&mut self, name: &str, key: K, value: V) {
        self.hash::<K, V>(name).insert(key.to_raw(), value.to_raw(), 0).expect("it is set");
    }

    /// Says what the interface of its number is, where programs look first and where they look then.
    pub(crate) fn set_port(&mut self, port: VlanPort) {
        self.set(map::PORTS, port.ifindex, port);
        self.set_element(map::PORT_SLOTS, slot_of(port.ifindex), port);
    }

    /// Removes a key of a hash map.
    pub(crate) fn remove<K: Raw, V: Raw>(&mut self, name: &str, key: K) {
        self.hash::<K, V>(name).remove(&key.to_raw()).expect("it was there");
    }

    /// The value of a key of a hash map.
    pub(crate) fn get<K: Raw, V: Raw>(&mut self, name: &str, key: K) -> Option<V> {
        self.hash::<K, V>(name).get(&key.to_raw(), 0).ok().map(V::from_raw)
    }

    /// An entry of a connection table.
    pub(crate) fn conn(&mut self, table: &str, key: FlowKey) -> Option<Conn> {
        self.get(table, key)
    }

    /// Number of entries of a connection table.
    pub(crate) fn connections(&mut self, table: &str) -> usize {
        self.hash::<FlowKey, Conn>(table).keys().count()
    }

    /// Number of entries of a table of clients that stick.
    pub(crate) fn clients(&mut self, table: &str) -> usize {
        self.hash::<StickyKey, StickyEntry>(table).keys().count()
    }

    /// Sets an element of an array.
    pub(crate) fn set_element<V: Raw>(&mut self, name: &str, index: u32, value: V) {
        self.array::<V>(name).set(index, value.to_raw(), 0).expect("it is set");
    }

    /// An element of an array.
    pub(crate) fn element<V: Raw>(&mut self, name: &str, index: u32) -> V {
        V::from_raw(self.array::<V>(name).get(&index, 0).expect("an element"))
    }

    /// Every counter that is not zero, over all CPUs.
    pub(crate) fn counters(&mut self) -> BTreeMap<Counter, u64> {
        let map = self.ebpf.map_mut(map::LOCAL).expect("the object has it");
        let map = PerCpuArray::<_, [u8; size_of::<Local>()]>::try_from(map).expect("it is per CPU");
        let shares = map.get(&0, 0).expect("an element");
        let shares: Vec<Local> = shares.iter().map(|share| transmute!(*share)).collect();
        let sum = |counter: Counter| -> u64 {
            shares.iter().map(|share| share.counters[counter as usize]).sum()
        };
        let all = Counter::ALL.iter().map(|counter| (*counter, sum(*counter)));
        all.filter(|(_, count)| *count != 0).collect()
    }

    /// What the program told of connections since the last time; it told nothing else.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let event = |item: Vec<u8>| Event::read_from_bytes(&item).expect("an event's length");
        self.told().into_iter().map(event).collect()
    }

    /// What the program told of clients that stick since the last time, whatever else it told.
    pub(crate) fn sticky_events(&mut self) -> Vec<StickyEvent> {
        let told = self.told();
        told.iter().filter_map(|item| StickyEvent::read_from_bytes(item).ok()).collect()
    }

    fn told(&mut self) -> Vec<Vec<u8>> {
        let map = self.ebpf.map_mut(map::EVENTS).expect("the object has it");
        let mut ring = RingBuf::try_from(map).expect("it is a ring");
        let mut told = Vec::new();
        while let Some(item) = ring.next() {
            told.push(item.to_vec());
        }
        told
    }

    fn hash<K: Raw, V: Raw>(&mut self, name: &str) -> HashMap<&mut MapData, K::Bytes, V::Bytes> {
        let map = self.ebpf.map_mut(name).expect("the object has it");
        map.try_into().expect("a hash map with these lengths")
    }

    fn array<V: Raw>(&mut self, name: &str) -> Array<&mut MapData, V::Bytes> {
        let map = self.ebpf.map_mut(name).expect("the object has it");
        map.try_into().expect("an array with this length")
    }
}

/// What the kernel is told of a frame besides its bytes.
fn context(ifindex: u32, len: usize) -> Vec<u8> {
    let len = u32::try_from(len).expect("a frame's length");
    match crate::HOOK {
        // The number has its place in `__sk_buff`.
        Hook::Tc => [[0; 40].as_slice(), &ifindex.to_ne_bytes(), &[0; 4]].concat(),
        // `xdp_md`: begin, end, begin of what belongs to it, interface, queue, way out.
        Hook::Xdp => [0, len, 0, ifindex, 0, 0].map(u32::to_ne_bytes).concat(),
    }
}

/// The hook's number of a verdict.
fn verdict(number: i32) -> Verdict {
    match (crate::HOOK, number) {
        (Hook::Tc, -1) | (Hook::Xdp, 2) => Verdict::Pass,
        (Hook::Tc, 2) | (Hook::Xdp, 1) => Verdict::Drop,
        (Hook::Tc, 7) | (Hook::Xdp, 4) => Verdict::Redirect,
        (hook, other) => panic!("{hook:?} does not know the verdict {other}"),
    }
}
