//! What the daemons say: to standard error, the journal or syslog, to the hosts of `logging host`, and
//! to everybody who watches.
//!
//! ```text
//!  tracing ─ layer ─▶ thread "log" ─▶ feed ─▶ show log, event streams, logging hosts (remote)
//!                        └─▶ thread "log-writer" ─▶ standard error | journald | syslog
//! ```
//! Nobody waits who logs: both channels are bounded, and what does not fit is counted and said later.
//! Each process writes its own lines; the supervisor's [`feed`] has those of its modules as well, which
//! it follows over their API. Times are of the calendar, in the zone that `clock timezone` names.

mod feed;
mod layer;
mod line;
mod remote;
mod writer;
mod zone;

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use feed::{Entry, Feed, News, Subscription};
pub use line::Severity;
pub use remote::Hosts;
pub use zone::Zone;

use layer::{Layer, Said};
use writer::Sink;

/// Lines that may wait: a burst of every event of a takeover many times over.
const WAITING: usize = 4_096;
/// How long the end of a process waits for its last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);
/// netlink_proto warns of everything that arrives while a connection is being closed.
const FILTER: &str = "info,netlink_proto=error";

static FEED: LazyLock<Feed> = LazyLock::new(Feed::new);
static ZONE: LazyLock<RwLock<Zone>> = LazyLock::new(RwLock::default);

/// What this process said and what it was told to pass on.
pub fn feed() -> &'static Feed {
    &FEED
}

/// The zone that times are printed in.
pub fn zone() -> Zone {
    ZONE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Changes the zone.
pub fn set_zone(zone: Zone) {
    *ZONE.write().unwrap_or_else(PoisonError::into_inner) = zone;
}

/// Starts logging for this process: what `HITLESS_LOG` lets through, to where `HITLESS_LOG_TO` says.
/// What is waiting is written when the guard is dropped.
pub fn start() -> Guard {
    let filter = EnvFilter::try_from_env("HITLESS_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let (said, lines) = sync_channel(WAITING);
    let (written, waiting) = sync_channel(WAITING);
    let (done, ended) = sync_channel(1);
    let sink = Sink::chosen();
    spawn("log", move || layer::pass_on(&lines, &FEED, &written));
    spawn("log-writer", move || {
        writer::run(sink, &waiting);
        let _nobody_waits = done.send(());
    });
    let layer = Layer::new(said);
    let guard = Guard { said: layer.clone(), ended };
    tracing_subscriber::registry().with(filter).with(layer).init();
    guard
}

/// A process that cannot have a thread for its log works without one.
fn spawn(name: &str, job: impl FnOnce() + Send + 'static) {
    drop(std::thread::Builder::new().name(name.into()).spawn(job));
}

/// Keeps the log going.
#[derive(Debug)]
pub struct Guard {
    said: Layer,
    ended: Receiver<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.said.say(Said::End);
        match self.ended.recv_timeout(LAST_LINES) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
    }
}
