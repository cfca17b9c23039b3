//! What the supervisor is told by signals.

use std::io;

use nix::sys::signal::{SigSet, Signal as Number};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGTERM, SIGINT: leave, and leave no trace.
    Leave,
    /// SIGHUP: reload.
    Reload,
}

/// The signals that the supervisor listens to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens, from the thread that [`block`] was called on in the life before.
    pub(crate) fn listen() -> io::Result<Self> {
        let signals = Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        };
        ours().thread_unblock()?;
        Ok(signals)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Leave,
            _ = self.interrupt.recv() => Asked::Leave,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }

    /// Waits for one that means leaving.
    pub(crate) async fn leave(&mut self) {
        while self.next().await == Asked::Reload {
            tracing::warn!("SIGHUP: not now");
        }
    }
}

fn ours() -> SigSet {
    [Number::SIGTERM, Number::SIGINT, Number::SIGHUP].into_iter().collect()
}

/// Holds them back on the calling thread, over the `exec` that replaces the program: until the next
/// life listens, they would end it. Gives the undoing.
pub(crate) fn block() -> io::Result<impl FnOnce()> {
    ours().thread_block()?;
    Ok(|| {
        if let Err(error) = ours().thread_unblock() {
            tracing::error!("signals stay blocked: {error}");
        }
    })
}
