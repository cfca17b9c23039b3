//! Where the program hangs: TC ingress, by a TCX link on kernels that have it (6.6), else by a filter
//! of the `clsact` queueing discipline.
//!
//! A TCX link is pinned, so it survives this process; taking over replaces the program of the link
//! in one step. A filter survives by itself and is replaced in one step by its priority and handle.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::{
    NlOptions, SchedClassifierLink, TcAttachOptions, TcAttachType, TcError, TcHandle,
};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier, tc};
use aya::util::KernelVersion;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plane::chain;
use crate::sys;

/// Pins of links are named so, with the interface's number.
pub(crate) const LINK_PIN: &str = "LINK_";

/// Our filter's place among the filters of an interface; any place will do, if it is always the same.
const PRIORITY: u16 = 9;
const HANDLE: TcHandle = TcHandle::new(0, 1);

const FIRST_WITH_TCX: KernelVersion = KernelVersion::new(6, 6, 0);

/// By which mechanism the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookKind {
    /// TC ingress by a TCX link.
    Tcx,
    /// TC ingress by a filter of `clsact`.
    Clsact,
}

impl HookKind {
    /// The best one that this kernel has.
    pub fn of_this_kernel() -> Self {
        let has_tcx = KernelVersion::current().is_ok_and(|current| current >= FIRST_WITH_TCX);
        if has_tcx { Self::Tcx } else { Self::Clsact }
    }
}

/// The program on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The interface's number.
    pub ifindex: u32,
    /// The mechanism.
    pub kind: HookKind,
    /// An earlier process's program was replaced.
    pub replaced: bool,
}

/// All hooks of one data plane.
#[derive(Debug)]
pub(crate) struct Hooks {
    pins: PathBuf,
    kind: HookKind,
    attached: BTreeMap<u32, Hook>,
}

impl Hooks {
    pub(crate) fn new(pins: &Path, kind: HookKind) -> Self {
        Self { pins: pins.to_owned(), kind, attached: BTreeMap::new() }
    }

    /// Every interface that has the program.
    pub(crate) fn attached(&self) -> impl Iterator<Item = &Hook> {
        self.attached.values()
    }

    pub(crate) fn attach(&mut self, program: &mut SchedClassifier, ifindex: u32) -> Result<Hook> {
        let name = interface_name(ifindex)?;
        let replaced = match self.kind {
            HookKind::Tcx => self.attach_link(program, &name, ifindex),
            HookKind::Clsact => attach_filter(program, &name),
        }
        .map_err(|error| Error::Attach { ifindex, reason: chain(&error) })?;
        let hook = Hook { ifindex, kind: self.kind, replaced };
        self.attached.insert(ifindex, hook);
        Ok(hook)
    }

    pub(crate) fn detach_all(&mut self) -> Result<()> {
        for (ifindex, hook) in std::mem::take(&mut self.attached) {
            match hook.kind {
                HookKind::Tcx => remove_link(&self.link_pin(ifindex))?,
                HookKind::Clsact => remove_filter(ifindex),
            }
        }
        Ok(())
    }

    fn link_pin(&self, ifindex: u32) -> PathBuf {
        self.pins.join(format!("{LINK_PIN}{ifindex}"))
    }

    fn attach_link(
        &self,
        program: &mut SchedClassifier,
        name: &str,
        ifindex: u32,
    ) -> Result<bool, ProgramError> {
        let pin = self.link_pin(ifindex);
        if pin.exists() {
            if replace_link(program, &pin).is_ok() {
                return Ok(true);
            }
            // The link of an interface that is gone: its number was given to another one.
            fs::remove_file(&pin).map_err(TcError::IoError)?;
        }
        let options = TcAttachOptions::TcxOrder(LinkOrder::first());
        let id = program.attach_with_options(name, TcAttachType::Ingress, options)?;
        let link: FdLink = program.take_link(id)?.try_into().map_err(|error| io_error(&error))?;
        link.pin(&pin).map_err(|error| io_error(&error))?;
        Ok(false)
    }
}

fn replace_link(program: &mut SchedClassifier, pin: &Path) -> Result<(), ProgramError> {
    let pinned = PinnedLink::from_pin(pin).map_err(|error| io_error(&error))?;
    let link =
        SchedClassifierLink::try_from(FdLink::from(pinned)).map_err(|error| io_error(&error))?;
    let id = program.attach_to_link(link)?;
    // The pin holds the link; ours may go.
    program.take_link(id).map(drop)
}

fn attach_filter(program: &mut SchedClassifier, name: &str) -> Result<bool, ProgramError> {
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

fn filter(name: &str) -> io::Result<SchedClassifierLink> {
    SchedClassifierLink::attached(name, TcAttachType::Ingress, PRIORITY, HANDLE, None)
}

fn already_there(error: &TcError) -> bool {
    matches!(error, TcError::NetlinkError(inner) if inner.raw_os_error() == Some(libc::EEXIST))
}

/// Detaches and removes a pinned link, if it is there.
pub(crate) fn remove_link(pin: &Path) -> Result<()> {
    if let Ok(link) = sys::open_pinned(pin)
        && let Err(error) = sys::detach_link(link.as_fd())
    {
        // The interface is gone, and its hook with it.
        tracing::debug!("{} was detached already: {error}", pin.display());
    }
    match fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove the pin", pin.display().to_string(), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An interface that is gone has taken its filter with it.
fn remove_filter(ifindex: u32) {
    let Ok(name) = interface_name(ifindex) else { return };
    if let Ok(link) = filter(&name) {
        drop(link);
    }
}

fn io_error(error: &dyn std::error::Error) -> ProgramError {
    TcError::IoError(io::Error::other(chain(error))).into()
}

fn interface_name(ifindex: u32) -> Result<String> {
    let name = rustix::net::netdevice::index_to_name(
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)
            .map_err(|error| Error::io("open", "a socket", error.into()))?,
        ifindex,
    );
    name.map_err(|error| Error::Attach { ifindex, reason: io::Error::from(error).to_string() })
}
