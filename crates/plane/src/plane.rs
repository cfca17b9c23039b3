//! The data plane of one module: loaded or adopted, attached, filled.
//!
//! Maps and hooks are pinned and outlive the process; [`Plane::open`] finds out whether it starts
//! afresh or takes over what an earlier process left. Threads get handles of their own from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use aya::programs::{ProgramError, SchedClassifier};
use aya::{Ebpf, EbpfLoader};
use hitless_model::abi;

use crate::apply::{self, Applied};
use crate::conn::ConnTable;
use crate::counters::CounterReader;
use crate::desired::Desired;
use crate::error::{Error, Result};
use crate::events::EventReader;
use crate::hook::{Hook, HookKind, Hooks};
use crate::info::Dataplane;
use crate::kernel_map::KernelMap;
use crate::maps::Maps;
use crate::neighbours::NextHops;
use crate::pins::{self, Found};
use crate::resolver::Resolver;
use crate::role::RoleHandle;

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/hitless.bpf.o");

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
}

impl Plane {
    /// Loads the programs, with maps pinned in `pins` that hold `connections` connections, or with the
    /// maps that are pinned there already.
    pub fn open(pins: &Path, connections: u32) -> Result<Self> {
        pins::prepare(pins)?;
        let shapes = pins::shapes(connections);
        let found = pins::check(pins, &shapes)?;
        let program = load(pins, &shapes, connections).inspect_err(|_| forget(pins, found))?;
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
        self.hooks.attach(classifier(&mut self.program)?, ifindex)
    }

    /// Takes the program off every interface.
    pub fn detach_all(&mut self) -> Result<()> {
        self.hooks.detach_all()
    }

    /// Makes the maps equal to `desired`. Applying it again changes nothing.
    pub fn apply(&self, desired: &Desired) -> Result<Applied> {
        let _guard = lock(&self.shared.next_hops);
        let (done, contents) = apply::apply(&self.maps, desired)?;
        self.shared.replace_resolver(Resolver::new(desired, &contents));
        Ok(done)
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
        let program = classifier(&mut self.program)?;
        Dataplane::new(program, &self.hooks, usage)
    }
}

pub(crate) fn classifier(program: &mut Ebpf) -> Result<&mut SchedClassifier> {
    let program =
        program.program_mut(abi::PROGRAM_TC).ok_or(Error::ObjectLacks(abi::PROGRAM_TC))?;
    program.try_into().map_err(|_| Error::ObjectLacks(abi::PROGRAM_TC))
}

fn load(pins: &Path, shapes: &[pins::Shape], connections: u32) -> Result<Ebpf> {
    let mut loader = EbpfLoader::new();
    for shape in shapes {
        loader.map_max_entries(shape.name, shape.max_entries);
        loader.map_pin_path(shape.name, pins.join(shape.name));
    }
    let mut program = loader.load(OBJECT).map_err(|error| explain(&error, connections))?;
    match classifier(&mut program)?.load() {
        Ok(()) => Ok(program),
        Err(ProgramError::LoadError { io_error, verifier_log }) => {
            Err(refusal(io_error, &verifier_log.to_string()))
        }
        Err(error) => Err(Error::Object(chain(&error))),
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

fn refusal(source: std::io::Error, log: &str) -> Error {
    if source.raw_os_error() == Some(libc::EPERM) && log.trim().is_empty() {
        return Error::NotPermitted;
    }
    tracing::debug!("verifier: {log}");
    let verdict = log.lines().map(str::trim).rfind(|line| !line.is_empty() && !is_statistics(line));
    let verdict = verdict.unwrap_or("no reason given").to_owned();
    Error::Refused { program: abi::PROGRAM_TC, source, verdict }
}

/// Lines that the verifier ends with whatever it decided.
fn is_statistics(line: &str) -> bool {
    ["processed ", "verification time", "stack depth"].iter().any(|start| line.starts_with(start))
}

/// aya's error as one of ours: no rights, no `bpf()` and no memory have sentences of their own.
fn explain(error: &aya::EbpfError, connections: u32) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        let os_error =
            current.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        match os_error {
            Some(libc::EPERM) => return Error::NotPermitted,
            Some(libc::E2BIG | libc::ENOMEM) => return Error::NoMemory { connections },
            Some(libc::ENOSYS) => {
                let source = std::io::Error::from_raw_os_error(libc::ENOSYS);
                return Error::KernelLacks { feature: "eBPF (CONFIG_BPF_SYSCALL)", source };
            }
            _ => cause = current.source(),
        }
    }
    Error::Object(chain(error))
}

/// An error and its causes in one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let more = current.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = current.source();
    }
    text
}

fn set_capacity(map: &KernelMap<u32, abi::TableUse>, connections: u32) -> Result<()> {
    let mut usage = map.get(&0)?.unwrap_or_default();
    usage.capacity = u64::from(connections);
    map.put(&0, &usage)
}
