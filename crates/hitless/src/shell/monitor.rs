//! `terminal monitor`: what the daemon logs, printed above the line that is being typed.
//!
//! A daemon that is replaced ends the stream: the next one is asked for what came after the last
//! line seen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;

use super::terminal::Printer;
use crate::api::client;
use crate::log::{Entry, News, Zone};

/// How long after a stream has ended the daemon is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// A watcher, until it is dropped.
pub(super) struct Monitor {
    _stop: oneshot::Sender<()>,
}

impl Monitor {
    /// Prints what is logged from now on.
    pub(super) fn start(socket: &Path, zone: Zone, printer: Printer) -> Result<Self, String> {
        let (stop, mut stopped) = oneshot::channel::<()>();
        let socket = socket.to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("% cannot watch: {error}\n"))?;
        let watch = move || {
            runtime.block_on(async {
                let mut watcher = Watcher { socket, zone, printer, seen: None };
                tokio::select! {
                    _ = &mut stopped => {}
                    () = watcher.run() => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("monitor".to_owned()).spawn(watch);
        thread.map(|_| Self { _stop: stop }).map_err(|error| format!("% cannot watch: {error}\n"))
    }
}

struct Watcher {
    socket: PathBuf,
    zone: Zone,
    printer: Printer,
    seen: Option<u64>,
}

impl Watcher {
    async fn run(&mut self) {
        loop {
            let query = self.seen.map(|number| format!("?after={number}")).unwrap_or_default();
            let events = client::events(&self.socket, &format!("/v1/events{query}")).await;
            if let Ok(mut events) = events {
                while let Ok(Some(event)) = events.next().await {
                    self.show(&event.data);
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// What happened; what is no entry is of no interest.
    fn show(&mut self, data: &str) {
        let Ok(entry) = serde_json::from_str::<Entry>(data) else { return };
        self.seen = Some(entry.number);
        if let News::Log { text, .. } = entry.news {
            let line = format!("{}: {}\n", self.zone.stamp(entry.unix_ms), plain(&text));
            // Without a terminal there is nobody to be told.
            let _ = self.printer.print(line);
        }
    }
}

/// What is logged may come from anywhere: nothing in it may steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
