//! The data plane of one module: loaded or adopted, attached, filled.
//!
//! Maps and hooks are pinned and outlive the process; [`Plane::open`] finds out whether it starts
//! afresh or takes over what an earlier process left. Threads get handles of their own from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aya::Ebpf;
use hitless_model::abi;

use crate::apply::{self, Applied};
use crate::conn::ConnTable;
use crate::counters::CounterReader;
use crate::desired::Desired;
use crate::error::Result;
use crate::events::EventReader;
use crate::hook::{Hook, HookKind, Hooks, Wanted};
use crate::info::{self, Dataplane};
use crate::kernel_map::KernelMap;
use crate::layout::{Contents, lay_out};
use crate::load;
use crate::maps::Maps;
use crate::neighbours::NextHops;
use crate::pins::{self, Found};
use crate::resolver::Resolver;
use crate::role::RoleHandle;
use crate::sticky::StickyTable;

/// What the handles of one process share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    resolver: RwLock<Arc<Resolver>>,
    /// Held while entries of `NEXT_HOPS` are read, changed and written back.
    pub(crate) next_hops: Mutex<()>,
    /// Held while `USE_USER` is read, changed and written back.
    pub(crate) usage: Mutex<()>,
}

impl Shared {
    /// The look-ups in force.
    pub(crate) fn resolver(&self) -> Arc<Resolver> {
        let guard = self.resolver.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&guard)
    }

    fn replace_resolver(&self, resolver: Resolver) {
        let mut guard = self.resolver.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *guard = Arc::new(resolver);
    }
}

/// Locks, whatever became of another thread that held it: the data behind is the kernel's.
pub(crate) fn lock(mutex: &Mutex<()>) -> std::sync::MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where everything of a configuration would lie in the maps.
#[derive(Debug)]
pub struct Layout {
    contents: Contents,
    /// The filling that it goes on from.
    after: u64,
}

/// What was filled last.
#[derive(Debug, Default)]
struct Filled {
    contents: Option<Arc<Contents>>,
    /// Which filling that was.
    number: u64,
}

/// A loaded data plane.
#[derive(Debug)]
pub struct Plane {
    pins: PathBuf,
    program: Ebpf,
    maps: Maps,
    shared: Arc<Shared>,
    hooks: Hooks,
    adopted: bool,
    capacity: u32,
    filled: Mutex<Filled>,
}

impl Plane {
    /// Loads the programs, with maps pinned in `pins` that hold `connections` connections, or with the
    /// maps that are pinned there already.
    pub fn open(pins: &Path, connections: u32) -> Result<Self> {
        pins::prepare(pins)?;
        let shapes = pins::shapes(connections);
        let found = pins::check(pins, &shapes)?;
        let program =
            load::maps_and_tc(pins, &shapes, connections).inspect_err(|_| forget(pins, found))?;
        let maps = Maps::open(pins)?;
        set_capacity(&maps.use_user, connections)?;
        let adopted = found == Found::All;
        tracing::info!(adopted, connections, pins = %pins.display(), "data plane loaded");
        Ok(Self {
            pins: pins.to_owned(),
            program,
            maps,
            shared: Arc::default(),
            hooks: Hooks::new(pins, HookKind::of_this_kernel()),
            adopted,
            capacity: connections,
            filled: Mutex::default(),
        })
    }

    /// Whether the maps were there already, with connections of an earlier process.
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// Connections that the main table holds.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The pin folder.
    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// Puts the program on an interface of the calling thread's network namespace, or replaces, without
    /// a gap, the program that an earlier process put there.
    pub fn attach(&mut self, ifindex: u32) -> Result<Hook> {
        self.attach_where(ifindex, Wanted::Tc)
    }

    /// The same, with a choice of the hook.
    pub fn attach_where(&mut self, ifindex: u32, wanted: Wanted) -> Result<Hook> {
        self.hooks.attach(&mut self.program, ifindex, wanted)
    }

    /// Takes the program off every interface.
    pub fn detach_all(&mut self) -> Result<()> {
        self.hooks.detach_all()
    }

    /// Makes the maps equal to `desired`. Applying it again changes nothing.
    pub fn apply(&self, desired: &Desired) -> Result<Applied> {
        let _guard = lock(&self.shared.next_hops);
        let (done, contents) = apply::apply(&self.maps, desired)?;
        self.remember(desired, contents);
        Ok(done)
    }

    /// Finds room for `desired` beside what was filled last; nothing is written.
    pub fn lay_out(&self, desired: &Desired) -> Result<Layout> {
        let (contents, after) = {
            let filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
            (filled.contents.clone(), filled.number)
        };
        let before = contents.map_or_else(|| apply::read(&self.maps).map(Arc::new), Ok)?;
        Ok(Layout { contents: lay_out(&before, desired)?, after })
    }

    /// Makes the maps equal to `desired` by writing what is different from what was filled last, and
    /// nothing else: what somebody else wrote into the maps meanwhile is not seen. [`Self::apply`] is
    /// what to do after an error.
    pub fn fill(&self, desired: &Desired, layout: Layout) -> Result<Applied> {
        let _guard = lock(&self.shared.next_hops);
        let (contents, number) = {
            let filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
            (filled.contents.clone(), filled.number)
        };
        let before = contents.filter(|_| layout.after == number);
        let (done, contents) = match before {
            Some(before) => (apply::fill(&self.maps, &before, &layout.contents)?, layout.contents),
            None => apply::apply(&self.maps, desired)?,
        };
        self.remember(desired, contents);
        Ok(done)
    }

    fn remember(&self, desired: &Desired, contents: Contents) {
        self.shared.replace_resolver(Resolver::new(desired, &contents));
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        filled.contents = Some(Arc::new(contents));
        filled.number += 1;
    }

    /// The role word.
    pub fn role(&self) -> Result<RoleHandle> {
        RoleHandle::open_pinned(&self.pins)
    }

    /// The neighbours whose MACs the programs need.
    pub fn next_hops(&self) -> NextHops {
        NextHops::new(self.maps.next_hops.clone(), Arc::clone(&self.shared))
    }

    /// The connection tables.
    pub fn connections(&self) -> ConnTable {
        ConnTable::new(&self.maps, Arc::clone(&self.shared))
    }

    /// The clients that stick.
    pub fn sticky(&self) -> StickyTable {
        StickyTable::new(&self.maps, Arc::clone(&self.shared))
    }

    /// The programs' events; one reader at a time.
    pub fn events(&self) -> Result<EventReader> {
        EventReader::open(&self.pins)
    }

    /// The programs' counters.
    pub fn counters(&self) -> Result<CounterReader> {
        CounterReader::open(&self.pins)
    }

    /// The loaded object, for running its program on made-up frames.
    #[cfg(test)]
    pub(crate) fn program_for_tests(&mut self) -> &mut Ebpf {
        &mut self.program
    }

    /// What is loaded and where it hangs.
    pub fn dataplane(&mut self) -> Result<Dataplane> {
        let usage = self.connections().usage()?;
        Ok(Dataplane {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            abi: abi::ABI_VERSION,
            programs: info::programs(&self.program)?,
            hooks: self.hooks.attached().copied().collect(),
            maps: info::maps(&self.pins, &self.maps, usage)?,
            connections: usage,
        })
    }
}

/// A first start that failed leaves nothing behind.
fn forget(pins: &Path, found: Found) {
    if found == Found::Nothing
        && let Err(error) = pins::remove_pins(pins)
    {
        tracing::warn!("{error}");
    }
}

fn set_capacity(map: &KernelMap<u32, abi::TableUse>, connections: u32) -> Result<()> {
    let mut usage = map.get(&0)?.unwrap_or_default();
    usage.capacity = u64::from(connections);
    map.put(&0, &usage)
}
