//! The driver of an interface.

use std::fs;
use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::TcError;
use aya::programs::xdp::XdpLink;
use aya::programs::{ProgramError, Xdp, XdpMode};

use super::io_error;

/// Attaches by a link that is pinned; says whether an earlier process's program was replaced.
pub(super) fn attach(program: &mut Xdp, pin: &Path, ifindex: u32) -> Result<bool, ProgramError> {
    if pin.exists() {
        if replace(program, pin).is_ok() {
            return Ok(true);
        }
        // The link of an interface that is gone: its number was given to another one.
        fs::remove_file(pin).map_err(TcError::IoError)?;
    }
    let id = program.attach_to_if_index(ifindex, XdpMode::Driver)?;
    let link: FdLink = program.take_link(id)?.try_into().map_err(|error| io_error(&error))?;
    link.pin(pin).map_err(|error| io_error(&error))?;
    Ok(false)
}

fn replace(program: &mut Xdp, pin: &Path) -> Result<(), ProgramError> {
    let pinned = PinnedLink::from_pin(pin).map_err(|error| io_error(&error))?;
    let link = XdpLink::try_from(FdLink::from(pinned)).map_err(|error| io_error(&error))?;
    let id = program.attach_to_link(link)?;
    // The pin holds the link; ours may go.
    program.take_link(id).map(drop)
}
