//! What is loaded, where it hangs and how full it is, for `show` and the API.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use aya::Ebpf;
use hitless_model::abi::map;
use serde::{Deserialize, Serialize};

use crate::apply;
use crate::conn::Usage;
use crate::error::{Error, Result};
use crate::hook::Hook;
use crate::load::chain;
use crate::maps::Maps;
use crate::{pins, sys};

/// A loaded data plane as a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dataplane {
    /// Version of the running kernel.
    pub kernel: String,
    /// Version of the maps' layout.
    pub abi: u32,
    /// The programs that are loaded.
    pub programs: Vec<LoadedProgram>,
    /// Where they hang.
    pub hooks: Vec<Hook>,
    /// The maps.
    pub maps: Vec<MapUse>,
    /// How full the main table is.
    pub connections: Usage,
}

/// A program in the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoadedProgram {
    /// Its name in the object.
    pub name: String,
    /// The kernel's number of it.
    pub id: u32,
    /// The kernel's digest of its instructions, in hexadecimal.
    pub tag: String,
    /// Instructions that the verifier walked.
    pub verified_instructions: Option<u32>,
    /// Octets of machine code.
    pub octets: Option<u32>,
}

/// A map in the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MapUse {
    /// Its name in the object.
    pub name: String,
    /// What sort of map.
    pub kind: String,
    /// Entries in use, where that can be told.
    pub used: Option<u64>,
    /// Entries that it has room for; octets of a ring buffer.
    pub room: u32,
    /// Octets of memory.
    pub octets: Option<u64>,
}

/// The programs that are loaded.
pub(crate) fn programs(programs: &Ebpf) -> Result<Vec<LoadedProgram>> {
    let mut loaded = Vec::new();
    for (name, program) in programs.programs().filter(|(_, program)| program.fd().is_ok()) {
        let info = program.info().map_err(|error| Error::Object(chain(&error)))?;
        loaded.push(LoadedProgram {
            name: name.to_owned(),
            id: info.id(),
            tag: format!("{:016x}", info.tag()),
            verified_instructions: info.verified_instruction_count(),
            octets: Some(info.size_jitted()).filter(|octets| *octets != 0),
        });
    }
    loaded.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(loaded)
}

/// The maps pinned in a folder.
pub(crate) fn maps(folder: &Path, maps: &Maps, usage: Usage) -> Result<Vec<MapUse>> {
    let shapes = pins::shapes(u32::try_from(usage.capacity).unwrap_or(u32::MAX));
    shapes.iter().map(|shape| one(folder, shape.name, used(shape.name, maps, usage)?)).collect()
}

fn one(folder: &Path, name: &'static str, used: Option<u64>) -> Result<MapUse> {
    let failed = |error| Error::io("ask about pinned map", name, error);
    let fd = sys::open_pinned(&folder.join(name)).map_err(failed)?;
    let facts = sys::map_facts(fd.as_fd()).map_err(failed)?;
    Ok(MapUse {
        name: name.to_owned(),
        kind: pins::kind_name(facts.kind).to_owned(),
        used,
        room: facts.max_entries,
        octets: octets(fd.as_fd()),
    })
}

/// The kernel tells the memory of a map beside its descriptor, and nowhere else.
fn octets(map: BorrowedFd<'_>) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", map.as_raw_fd())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok())
}

/// Entries in use. An array is always full; what is told of one is how much of it has a meaning.
fn used(name: &str, maps: &Maps, usage: Usage) -> Result<Option<u64>> {
    let contents = || apply::read(maps);
    let used = match name {
        map::CONN_FWD | map::CONN_REV => usage.in_use,
        map::EMB_FWD => maps.embryonic.forward.count()?,
        map::EMB_REV => maps.embryonic.reverse.count()?,
        map::FLOATING => maps.floating.count()?,
        map::VIRTUAL => maps.virtuals.count()?,
        map::REAL_ADDRS => maps.real_addresses.count()?,
        map::STICKY => maps.sticky.count()?,
        map::STICKY_NEW => maps.sticky_new.count()?,
        map::FARM_REALS => maps.farm_reals.count()?,
        map::PORTS => count(contents()?.ports.len()),
        map::PORT_SLOTS => count(contents()?.port_slots.len()),
        map::SCHEDULE => count(contents()?.schedules.values().map(Vec::len).sum()),
        map::REALS => count(contents()?.reals.len()),
        map::NEXT_HOPS => count(contents()?.next_hops.len()),
        map::TURN => {
            let virtuals = contents()?.virtuals;
            count(virtuals.values().map(|server| server.farm).collect::<BTreeSet<_>>().len())
        }
        _ => return Ok(None),
    };
    Ok(Some(used))
}

fn count(entries: usize) -> u64 {
    entries as u64
}
