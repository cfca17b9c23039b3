//! The way into a thread: a bounded channel, and a descriptor that wakes the thread if it sleeps.
//!
//! To wake a thread costs both sides a system call and somebody the core: so a thread that is awake is
//! not rung for, and one that will wake soon anyway can be left to it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use hitless_core::audit::{Bucket, Digest, Listing};
use hitless_core::node::{BatchId, Captured, HandoverCause, NodeConfig, Snapshot, Status};
use hitless_model::Instant;
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::oneshot;

use super::announce::Announcement;
use super::clock;

/// Inputs of the core thread that may wait: enough that the table thread rarely blocks, little enough
/// that what is read is recent.
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
    /// Digests of the table.
    Digests(Vec<(Bucket, Digest)>),
    /// What the table holds of a bucket that differs from the peer's.
    Listing(Listing),
    /// Differences between the tables.
    Compared(Vec<Captured>),
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
    /// The configuration changed: what the node is told of it, and what is announced.
    Configure(Box<NodeConfig>, Vec<Announcement>),
    /// Tell the state of the machines.
    Status(oneshot::Sender<Status>),
    /// Fall silent for good and end the thread.
    Leave(oneshot::Sender<()>),
}

/// The way to the core thread.
pub(crate) type CoreSender = Sender<CoreInput>;
/// The core thread's end of it.
pub(crate) type CoreInbox = Inbox<CoreInput>;

/// The sending side; cheap to clone.
pub(crate) struct Sender<T> {
    inputs: SyncSender<T>,
    bell: Arc<Bell>,
}

/// The receiving side.
pub(crate) struct Inbox<T> {
    inputs: Receiver<T>,
    bell: Arc<Bell>,
}

/// What both sides know of each other.
struct Bell {
    descriptor: OwnedFd,
    /// Inputs that were sent and not taken. Below zero for the moment in which one was taken that its
    /// sender has not counted yet.
    waiting: AtomicIsize,
    /// The receiver sleeps, or is about to and will look at `waiting` once more.
    asleep: AtomicBool,
    /// Until when it sleeps at most, in nanoseconds.
    wakes_at: AtomicU64,
}

/// The thread has ended.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the core thread has ended")]
pub(crate) struct Gone;

/// Both sides of a new inbox of the core thread.
pub(crate) fn inbox() -> std::io::Result<(CoreSender, CoreInbox)> {
    with_room(WAITING)
}

/// Both sides of a new inbox in which so many inputs may wait.
pub(crate) fn with_room<T>(room: usize) -> std::io::Result<(Sender<T>, Inbox<T>)> {
    let bell = Arc::new(Bell {
        descriptor: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        waiting: AtomicIsize::new(0),
        asleep: AtomicBool::new(false),
        wakes_at: AtomicU64::new(0),
    });
    let (inputs, receiver) = sync_channel(room);
    let sender = Sender { inputs, bell: Arc::clone(&bell) };
    Ok((sender, Inbox { inputs: receiver, bell }))
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { inputs: self.inputs.clone(), bell: Arc::clone(&self.bell) }
    }
}

impl<T> Sender<T> {
    /// Sends one input; waits while the inbox is full.
    pub(crate) fn send(&self, input: T) -> Result<(), Gone> {
        self.put(input)?;
        self.bell.wake();
        Ok(())
    }

    /// Sends one input that may be taken so much later than now.
    pub(crate) fn send_within(&self, input: T, patience: Duration) -> Result<(), Gone> {
        self.put(input)?;
        let wakes_at = Instant::from_nanos(self.bell.wakes_at.load(Ordering::SeqCst));
        if wakes_at > clock::now() + patience {
            self.bell.wake();
        }
        Ok(())
    }

    fn put(&self, input: T) -> Result<(), Gone> {
        self.inputs.send(input).map_err(|_| Gone)?;
        // After it was sent: a receiver that is told of an input finds it.
        self.bell.waiting.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl CoreSender {
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
}

impl Bell {
    /// Wakes a receiver that sleeps.
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // The counter of an eventfd only overflows after 2^64 rings; a refusal means it rings already.
            let _rings_already = rustix::io::write(&self.descriptor, &1_u64.to_ne_bytes());
        }
    }
}

impl<T> Inbox<T> {
    /// The descriptor that becomes readable when a sleeper is to wake.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.bell.descriptor.as_fd()
    }

    /// Says that this thread will sleep until `wakes_at` at most; `false` if something waits already.
    pub(crate) fn may_sleep(&self, wakes_at: Instant) -> bool {
        self.bell.wakes_at.store(wakes_at.as_nanos(), Ordering::SeqCst);
        self.bell.asleep.store(true, Ordering::SeqCst);
        self.bell.waiting.load(Ordering::SeqCst) <= 0
    }

    /// Says that this thread is awake; `rang` tells whether the descriptor was readable.
    pub(crate) fn is_awake(&self, rang: bool) {
        self.bell.asleep.store(false, Ordering::SeqCst);
        if rang {
            let mut count = [0; 8];
            let _was_silent = rustix::io::read(&self.bell.descriptor, &mut count);
        }
    }

    /// The next input, if one waits; an error if there will be none any more.
    pub(crate) fn next(&self) -> Result<Option<T>, Gone> {
        match self.inputs.try_recv() {
            Ok(input) => {
                self.bell.waiting.fetch_sub(1, Ordering::SeqCst);
                Ok(Some(input))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Sleeps as the threads do; says whether it was woken.
    fn sleep<T>(inbox: &Inbox<T>, at_most: Duration) -> bool {
        if !inbox.may_sleep(clock::now() + at_most) {
            inbox.is_awake(false);
            return true;
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap(),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        let mut waiting = [PollFd::new(&inbox.bell.descriptor, PollFlags::IN)];
        let rang = poll(&mut waiting, Some(&timeout)).unwrap() > 0;
        inbox.is_awake(rang);
        rang
    }

    #[test]
    fn a_sleeper_is_woken_and_one_that_is_awake_finds_what_waits() {
        let (sender, inbox) = with_room(8).unwrap();
        sender.send(1).unwrap();
        assert!(!inbox.may_sleep(clock::now() + LONG), "something waits");
        assert_eq!(inbox.next().unwrap(), Some(1));
        inbox.is_awake(false);
        let sleeper = std::thread::spawn(move || (sleep(&inbox, LONG), inbox));
        while !sender.bell.asleep.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        sender.send(2).unwrap();
        let (rang, inbox) = sleeper.join().unwrap();
        assert!(rang);
        assert_eq!(inbox.next().unwrap(), Some(2));
        drop(sender);
        assert!(inbox.next().is_err());
    }

    #[test]
    fn who_has_patience_leaves_a_sleeper_alone_that_wakes_soon() {
        let (sender, inbox) = with_room(8).unwrap();
        assert!(inbox.may_sleep(clock::now() + Duration::from_millis(1)));
        sender.send_within(1, LONG).unwrap();
        assert!(inbox.bell.asleep.load(Ordering::SeqCst), "nobody rang");
        assert!(inbox.may_sleep(clock::now() + LONG * 9) || inbox.next().unwrap() == Some(1));
        sender.send_within(2, Duration::from_millis(1)).unwrap();
        assert!(!inbox.bell.asleep.load(Ordering::SeqCst), "it would have slept too long");
    }

    #[test]
    fn nothing_is_slept_over_however_the_two_meet() {
        const INPUTS: u32 = 20_000;
        let (sender, inbox) = with_room(4).unwrap();
        let writer = std::thread::spawn(move || {
            for number in 0..INPUTS {
                if number % 3 == 0 {
                    sender.send_within(number, Duration::from_millis(1)).unwrap();
                } else {
                    sender.send(number).unwrap();
                }
            }
            sender
        });
        let mut taken = 0;
        while taken < INPUTS {
            assert!(sleep(&inbox, LONG), "slept for ever after {taken}");
            while let Some(number) = inbox.next().unwrap() {
                assert_eq!(number, taken);
                taken += 1;
            }
        }
        drop(writer.join().unwrap());
    }
}
