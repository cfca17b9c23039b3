//! The way into the core thread: a bounded channel and a descriptor that wakes it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use hitless_core::node::{BatchId, Captured, HandoverCause, Snapshot, Status};
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::oneshot;

/// Inputs that may wait: enough that the table thread rarely blocks, little enough that what is
/// read is recent.
const WAITING: usize = 1_024;

/// What other threads tell or ask the core thread.
#[derive(Debug)]
pub(crate) enum CoreInput {
    /// Changes of the connection table.
    Captured(Vec<Captured>),
    /// Changes were lost.
    CapturesLost,
    /// A part of a dump.
    Snapshot(Snapshot),
    /// A batch is in the kernel.
    Applied {
        /// Which.
        batch: BatchId,
        /// Records that were refused.
        refused: u32,
    },
    /// Hand over; answers with the refusal, if it is one.
    Handover(HandoverCause, oneshot::Sender<Result<(), String>>),
    /// Have the peer wait for this process to be replaced; answers with the refusal, if it is one.
    Absence(Duration, oneshot::Sender<Result<(), String>>),
    /// Tell the state of the machines.
    Status(oneshot::Sender<Status>),
    /// Fall silent for good and end the thread.
    Leave(oneshot::Sender<()>),
}

/// The sending side; cheap to clone.
#[derive(Clone)]
pub(crate) struct CoreSender {
    inputs: SyncSender<CoreInput>,
    bell: Arc<OwnedFd>,
}

/// The receiving side.
pub(crate) struct CoreInbox {
    inputs: Receiver<CoreInput>,
    bell: Arc<OwnedFd>,
}

/// The core thread has ended.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the core thread has ended")]
pub(crate) struct Gone;

/// Both sides of a new inbox.
pub(crate) fn inbox() -> std::io::Result<(CoreSender, CoreInbox)> {
    let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
    let (sender, receiver) = sync_channel(WAITING);
    let sender = CoreSender { inputs: sender, bell: Arc::clone(&bell) };
    Ok((sender, CoreInbox { inputs: receiver, bell }))
}

impl CoreSender {
    /// Sends one input; waits while the inbox is full.
    pub(crate) fn send(&self, input: CoreInput) -> Result<(), Gone> {
        self.inputs.send(input).map_err(|_| Gone)?;
        self.ring();
        Ok(())
    }

    /// Asks something and waits for the answer, from a tokio task.
    pub(crate) async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> CoreInput,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let input = question(reply);
        let sender = self.clone();
        let sent = tokio::task::spawn_blocking(move || sender.send(input)).await;
        sent.map_err(|_| Gone)??;
        answer.await.map_err(|_| Gone)
    }

    fn ring(&self) {
        ring(&self.bell);
    }
}

fn ring(bell: &OwnedFd) {
    // The counter of an eventfd only overflows after 2^64 rings; a refusal means it rings already.
    let _rings_already = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

impl CoreInbox {
    /// The descriptor that becomes readable when something waits.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Silences the bell; call it before taking what waits.
    pub(crate) fn silence(&self) {
        let mut count = [0; 8];
        let _was_silent = rustix::io::read(&self.bell, &mut count);
    }

    /// Rings by itself, for a reader that leaves something for its next turn.
    pub(crate) fn ring(&self) {
        ring(&self.bell);
    }

    /// The next input, if one waits.
    pub(crate) fn next(&self) -> Option<CoreInput> {
        self.inputs.try_recv().ok()
    }
}
