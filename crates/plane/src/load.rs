//! The program object: loading it into the kernel, and its programs by their types.

use std::path::Path;

use aya::programs::{ProgramError, SchedClassifier, Xdp};
use aya::{Ebpf, EbpfLoader};
use hitless_model::abi;

use crate::error::{Error, Result};
use crate::pins::Shape;

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/hitless.bpf.o");

/// Makes or adopts the maps, and loads the program for TC, which nearly every module needs.
pub(crate) fn maps_and_tc(pins: &Path, shapes: &[Shape], connections: u32) -> Result<Ebpf> {
    let mut loader = EbpfLoader::new();
    for shape in shapes {
        loader.map_max_entries(shape.name, shape.max_entries);
        loader.map_pin_path(shape.name, pins.join(shape.name));
    }
    let mut programs = loader.load(OBJECT).map_err(|error| explain(&error, connections))?;
    let loaded = classifier(&mut programs)?.load();
    loaded.map_err(|error| not_loaded(abi::PROGRAM_TC, error))?;
    Ok(programs)
}

/// The program for TC.
pub(crate) fn classifier(programs: &mut Ebpf) -> Result<&mut SchedClassifier> {
    let program =
        programs.program_mut(abi::PROGRAM_TC).ok_or(Error::ObjectLacks(abi::PROGRAM_TC))?;
    program.try_into().map_err(|_| Error::ObjectLacks(abi::PROGRAM_TC))
}

/// The program for XDP, loaded at the first use.
pub(crate) fn xdp(programs: &mut Ebpf) -> Result<&mut Xdp> {
    let program =
        programs.program_mut(abi::PROGRAM_XDP).ok_or(Error::ObjectLacks(abi::PROGRAM_XDP))?;
    let program: &mut Xdp = program.try_into().map_err(|_| Error::ObjectLacks(abi::PROGRAM_XDP))?;
    if program.fd().is_err() {
        program.load().map_err(|error| not_loaded(abi::PROGRAM_XDP, error))?;
    }
    Ok(program)
}

fn not_loaded(program: &'static str, error: ProgramError) -> Error {
    let ProgramError::LoadError { io_error, verifier_log } = error else {
        return Error::Object(chain(&error));
    };
    refusal(program, io_error, &verifier_log.to_string())
}

fn refusal(program: &'static str, source: std::io::Error, log: &str) -> Error {
    if source.raw_os_error() == Some(libc::EPERM) && log.trim().is_empty() {
        return Error::NotPermitted;
    }
    tracing::debug!("verifier: {log}");
    let verdict = log.lines().map(str::trim).rfind(|line| !line.is_empty() && !is_statistics(line));
    let verdict = verdict.unwrap_or("no reason given").to_owned();
    Error::Refused { program, source, verdict }
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
