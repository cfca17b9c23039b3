//! Kernel parameters under /proc/sys/net: those of the calling thread's network namespace.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Error;

fn file(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

/// Reads one, by its path below /proc/sys; an absent one is none.
pub fn read(name: &str) -> Option<String> {
    fs::read_to_string(file(name)).ok().map(|text| text.trim().to_owned())
}

/// Writes one, by its path below /proc/sys.
pub fn write(name: &str, value: &str) -> Result<(), Error> {
    fs::write(file(name), value)
        .map_err(|error| Error::new(format!("kernel parameter {name} = {value}"), error))
}

/// Writes one if this kernel has it; says whether it was changed.
pub fn write_if_present(name: &str, value: &str) -> Result<bool, Error> {
    if read(name).is_none_or(|old| old == value) {
        return Ok(false);
    }
    match fs::write(file(name), value) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::new(format!("kernel parameter {name} = {value}"), error)),
    }
}
