//! From tracing's events to lines.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;

use super::feed::{Feed, News};
use super::line;
use super::writer::Written;
use crate::module::clock;

/// What goes to the thread that passes lines on.
#[derive(Debug)]
pub(super) enum Said {
    /// A line.
    Line {
        /// Unix time in milliseconds.
        unix_ms: u64,
        /// Its level.
        level: Level,
        /// As it was said.
        text: String,
    },
    /// The process ends.
    End,
}

/// Hands over what is logged, and never waits.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    lines: SyncSender<Said>,
    lost: Arc<AtomicU64>,
}

impl Layer {
    pub(super) fn new(lines: SyncSender<Said>) -> Self {
        Self { lines, lost: Arc::default() }
    }

    /// Hands over one, behind the number of those that did not fit.
    pub(super) fn say(&self, said: Said) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let text = format!("{lost} lines lost: the log is not written fast enough");
        let unix_ms = clock::unix_ms();
        if lost > 0 && self.push(Said::Line { unix_ms, level: Level::WARN, text }).is_err() {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        if self.push(said).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn push(&self, said: Said) -> Result<(), ()> {
        match self.lines.try_send(said) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(()),
        }
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let (unix_ms, level) = (clock::unix_ms(), *event.metadata().level());
        self.say(Said::Line { unix_ms, level, text: text.finish() });
    }
}

/// The message, then every other field as `name=value`.
#[derive(Debug, Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    /// One line: what would end it is a blank.
    fn finish(self) -> String {
        let text = self.message + &self.fields;
        text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// Passes lines on to the feed and to the writer until the process ends. What the writer has no room for
/// is in the feed all the same.
pub(super) fn pass_on(lines: &Receiver<Said>, feed: &Feed, writer: &SyncSender<Written>) {
    let mut lost = 0_u64;
    for said in lines {
        let Said::Line { unix_ms, level, text } = said else {
            let _writer_gone = writer.send(Written::End);
            return;
        };
        let (severity, text) = line::named(level, text);
        let written = Written::Line { unix_ms, severity, text: text.clone(), lost };
        match writer.try_send(written) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => lost = 0,
            Err(TrySendError::Full(_)) => lost += 1,
        }
        feed.add(unix_ms, None, News::Log { severity, text });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn line(text: &str) -> Said {
        Said::Line { unix_ms: 1, level: Level::INFO, text: text.to_owned() }
    }

    #[test]
    fn who_logs_never_waits_and_what_is_lost_is_counted() {
        let (lines, waiting) = sync_channel(2);
        let layer = Layer::new(lines);
        (0..7).for_each(|_| layer.say(line("x")));
        let (first, second) = (waiting.recv().unwrap(), waiting.recv().unwrap());
        assert!(matches!((first, second), (Said::Line { .. }, Said::Line { .. })));
        layer.say(line("y"));
        let Said::Line { text, .. } = waiting.recv().unwrap() else { panic!("no line") };
        assert_eq!(text, "5 lines lost: the log is not written fast enough");
    }

    #[test]
    fn a_writer_that_stands_still_keeps_nothing_from_the_feed() {
        let (lines, waiting) = sync_channel(100);
        let (writer, _standing_still) = sync_channel(1);
        (0..50).for_each(|number| lines.send(line(&number.to_string())).unwrap());
        drop(lines);
        let feed = Feed::new();
        pass_on(&waiting, &feed, &writer);
        assert_eq!(feed.since(0).len(), 50);
    }
}
