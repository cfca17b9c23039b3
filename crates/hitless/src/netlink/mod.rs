//! Typed access to the kernel's interfaces, addresses, routes, neighbours and network namespaces.
//!
//! A thin layer over rtnetlink that speaks in the words of `hitless-model` and hides the churn of
//! netlink's message types. It decides nothing: [`module_net`] and [`crate::chassis`] compare what
//! should be with what is and call down here. A [`Netlink`] belongs to the namespace of the thread
//! that opened it, for its whole life. Start at [`Netlink::connect`], [`netns`] and [`events`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's message and attribute types are open sets, of which a few matter here"
)]

use std::io;
use std::path::Path;

mod address;
pub mod ethtool;
pub mod events;
mod link;
pub mod module_net;
mod neighbour;
pub mod netns;
mod route;
pub mod sysctl;
#[cfg(test)]
pub(crate) mod testing;

pub use address::Address;
pub use link::{Link, LinkKind, VethEnd};
pub use neighbour::Neighbour;
pub use route::{ROUTE_PROTOCOL, Route};

/// What the kernel refused, and what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct Error {
    what: String,
    #[source]
    source: io::Error,
}

impl Error {
    /// A system call that failed while doing `what`.
    pub fn new(what: impl Into<String>, source: io::Error) -> Self {
        Self { what: what.into(), source }
    }

    /// The system's error number, if it is one.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// The thing to be made is there already.
    pub fn is_present(&self) -> bool {
        self.errno() == Some(libc::EEXIST)
    }

    /// The thing to be changed or removed is not there.
    pub fn is_absent(&self) -> bool {
        const ABSENT: [i32; 4] = [libc::ENODEV, libc::ENOENT, libc::ESRCH, libc::EADDRNOTAVAIL];
        self.errno().is_some_and(|errno| ABSENT.contains(&errno))
    }

    /// For a removal: being gone already is as good.
    pub fn absent_is_fine(result: Result<(), Self>) -> Result<(), Self> {
        match result {
            Err(error) if error.is_absent() => Ok(()),
            other => other,
        }
    }
}

/// Turns rtnetlink's error into ours.
fn refused(what: impl FnOnce() -> String) -> impl FnOnce(rtnetlink::Error) -> Error {
    move |error| {
        let source = if let rtnetlink::Error::NetlinkError(message) = error {
            message.to_io()
        } else {
            io::Error::other(error.to_string())
        };
        Error { what: what(), source }
    }
}

/// A connection to the kernel, in one network namespace.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: rtnetlink::Handle,
}

impl Netlink {
    /// Connects in the network namespace of the calling thread, which must be in a tokio runtime.
    pub fn connect() -> Result<Self, Error> {
        let (connection, handle, _) = rtnetlink::new_connection()
            .map_err(|error| Error::new("netlink cannot be opened", error))?;
        // Ends by itself when the last handle is gone.
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// Connects in a named network namespace; the caller must be in a tokio runtime.
    pub fn connect_in(namespace: &Path) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::current();
        netns::run_in(namespace, || {
            let _in_runtime = runtime.enter();
            Self::connect()
        })
        .map_err(|error| Error::new(format!("namespace {}", namespace.display()), error))?
    }
}
