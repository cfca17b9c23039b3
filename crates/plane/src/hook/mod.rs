//! Where the programs hang: in the driver of an interface (XDP), or at its TC ingress, there by a TCX
//! link on kernels that have it (6.6), else by a filter of the `clsact` queueing discipline.
//!
//! Links are pinned, so they survive this process; taking over replaces the program of a link in one
//! step. A filter survives by itself and is replaced in one step by its priority and handle. The
//! kernel's generic XDP is never used: it costs more than TC and gives less.

mod tc;
mod xdp;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use aya::programs::ProgramError;
use aya::util::KernelVersion;
use aya::{Ebpf, programs::tc::TcError};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::load::{chain, classifier, xdp};
use crate::sys;

/// Pins of links are named so, with the interface's number.
const TC_PIN: &str = "LINK_";
const XDP_PIN: &str = "XDP_";

const FIRST_WITH_TCX: KernelVersion = KernelVersion::new(6, 6, 0);

/// By which mechanism a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HookKind {
    /// TC ingress by a TCX link.
    Tcx,
    /// TC ingress by a filter of `clsact`.
    Clsact,
    /// The interface's driver.
    Xdp,
}

impl HookKind {
    /// The best one at TC that this kernel has.
    pub fn of_this_kernel() -> Self {
        let has_tcx = KernelVersion::current().is_ok_and(|current| current >= FIRST_WITH_TCX);
        if has_tcx { Self::Tcx } else { Self::Clsact }
    }
}

/// Where a program is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// At TC.
    Tc,
    /// In the driver, or nowhere.
    Xdp,
}

/// The program on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The mechanism at TC.
    tc: HookKind,
    attached: BTreeMap<u32, Hook>,
}

impl Hooks {
    pub(crate) fn new(pins: &Path, tc: HookKind) -> Self {
        Self { pins: pins.to_owned(), tc, attached: BTreeMap::new() }
    }

    /// Every interface that has a program.
    pub(crate) fn attached(&self) -> impl Iterator<Item = &Hook> {
        self.attached.values()
    }

    pub(crate) fn attach(
        &mut self,
        programs: &mut Ebpf,
        ifindex: u32,
        wanted: Wanted,
    ) -> Result<Hook> {
        let hook = match wanted {
            Wanted::Tc => self.attach_tc(programs, ifindex)?,
            Wanted::Xdp => self.attach_xdp(programs, ifindex)?,
        };
        self.attached.insert(ifindex, hook);
        Ok(hook)
    }

    fn attach_xdp(&self, programs: &mut Ebpf, ifindex: u32) -> Result<Hook> {
        let pin = self.pin(XDP_PIN, ifindex);
        let replaced = xdp::attach(xdp(programs)?, &pin, ifindex).map_err(refused(ifindex))?;
        // Only now: there is no instant without a program.
        remove_link(&self.pin(TC_PIN, ifindex))?;
        if self.tc == HookKind::Clsact {
            remove_filter(ifindex);
        }
        Ok(Hook { ifindex, kind: HookKind::Xdp, replaced })
    }

    fn attach_tc(&self, programs: &mut Ebpf, ifindex: u32) -> Result<Hook> {
        let name = interface_name(ifindex)?;
        let program = classifier(programs)?;
        let replaced = match self.tc {
            HookKind::Clsact => tc::attach_filter(program, &name),
            HookKind::Tcx | HookKind::Xdp => {
                tc::attach_link(program, &self.pin(TC_PIN, ifindex), &name)
            }
        }
        .map_err(refused(ifindex))?;
        remove_link(&self.pin(XDP_PIN, ifindex))?;
        Ok(Hook { ifindex, kind: self.tc, replaced })
    }

    pub(crate) fn detach_all(&mut self) -> Result<()> {
        for (ifindex, hook) in std::mem::take(&mut self.attached) {
            match hook.kind {
                HookKind::Tcx => remove_link(&self.pin(TC_PIN, ifindex))?,
                HookKind::Xdp => remove_link(&self.pin(XDP_PIN, ifindex))?,
                HookKind::Clsact => remove_filter(ifindex),
            }
        }
        Ok(())
    }

    fn pin(&self, prefix: &str, ifindex: u32) -> PathBuf {
        self.pins.join(format!("{prefix}{ifindex}"))
    }
}

fn refused(ifindex: u32) -> impl Fn(ProgramError) -> Error {
    move |error| Error::Attach { ifindex, reason: chain(&error) }
}

/// Whether a file of a pin folder is a link.
pub(crate) fn is_link_pin(name: &str) -> bool {
    name.starts_with(TC_PIN) || name.starts_with(XDP_PIN)
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
    tc::remove_filter(&name);
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
