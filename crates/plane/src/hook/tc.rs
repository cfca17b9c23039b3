//! TC ingress, both ways.

use std::fs;
use std::io;
use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::{
    NlOptions, SchedClassifierLink, TcAttachOptions, TcAttachType, TcError, TcHandle,
};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier, tc};

use super::io_error;

/// Our filter's place among the filters of an interface; any place will do, if it is always the same.
const PRIORITY: u16 = 9;
const HANDLE: TcHandle = TcHandle::new(0, 1);

/// Attaches by a link that is pinned; says whether an earlier process's program was replaced.
pub(super) fn attach_link(
    program: &mut SchedClassifier,
    pin: &Path,
    name: &str,
) -> Result<bool, ProgramError> {
    if pin.exists() {
        if replace_link(program, pin).is_ok() {
            return Ok(true);
        }
        // The link of an interface that is gone: its number was given to another one.
        fs::remove_file(pin).map_err(TcError::IoError)?;
    }
    let options = TcAttachOptions::TcxOrder(LinkOrder::first());
    let id = program.attach_with_options(name, TcAttachType::Ingress, options)?;
    let link: FdLink = program.take_link(id)?.try_into().map_err(|error| io_error(&error))?;
    link.pin(pin).map_err(|error| io_error(&error))?;
    Ok(false)
}

fn replace_link(program: &mut SchedClassifier, pin: &Path) -> Result<(), ProgramError> {
    let pinned = PinnedLink::from_pin(pin).map_err(|error| io_error(&error))?;
    let link =
        SchedClassifierLink::try_from(FdLink::from(pinned)).map_err(|error| io_error(&error))?;
    let id = program.attach_to_link(link)?;
    // The pin holds the link; ours may go.
    program.take_link(id).map(drop)
}

/// Attaches by a filter; says whether an earlier process's program was replaced.
pub(super) fn attach_filter(
    program: &mut SchedClassifier,
    name: &str,
) -> Result<bool, ProgramError> {
    if let Err(error) = tc::qdisc_add_clsact(name)
        && !already_there(&error)
    {
        return Err(error.into());
    }
    let options = NlOptions { priority: PRIORITY, handle: HANDLE, classid: None };
    let made =
        program.attach_with_options(name, TcAttachType::Ingress, TcAttachOptions::Netlink(options));
    let (id, replaced) = match made {
        Ok(id) => (id, false),
        Err(ProgramError::TcError(error)) if already_there(&error) => {
            let old = filter(name).map_err(TcError::IoError)?;
            (program.attach_to_link(old)?, true)
        }
        Err(error) => return Err(error),
    };
    // Dropping it would detach it.
    std::mem::forget(program.take_link(id)?);
    Ok(replaced)
}

/// Takes our filter off, if it is there.
pub(super) fn remove_filter(name: &str) {
    if let Ok(link) = filter(name) {
        drop(link);
    }
}

fn filter(name: &str) -> io::Result<SchedClassifierLink> {
    SchedClassifierLink::attached(name, TcAttachType::Ingress, PRIORITY, HANDLE, None)
}

fn already_there(error: &TcError) -> bool {
    matches!(error, TcError::NetlinkError(inner) if inner.raw_os_error() == Some(libc::EEXIST))
}
