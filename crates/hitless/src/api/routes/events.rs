//! The stream of what happens: server-sent events, each an [`Entry`] by its kind.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::api::endpoint::{EVENTS, Endpoint};
use crate::api::extract::Asked;
use crate::api::types::EventQuery;
use crate::log::{self, Entry, Feed, News};

/// A connection through something that forgets idle ones stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "What happens from now on: role changes, changes of the configuration, log lines";
    vec![
        Endpoint::get("/v1/events", summary, events)
            .streams()
            .asks::<EventQuery>()
            .answers_as::<Entry>(EVENTS),
    ]
}

async fn events(
    Asked(query): Asked<EventQuery>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    stream(log::feed(), query)
}

/// What comes to `feed` as events. A watcher that is too slow loses the oldest, and gets an event `lost`
/// with their number.
pub(crate) fn stream(
    feed: &Feed,
    query: EventQuery,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let subscription = feed.subscribe(query.after);
    let watcher = (VecDeque::from(subscription.missed), subscription.coming);
    let events = futures::stream::unfold(watcher, |watcher| async move {
        let (event, watcher) = next(watcher).await?;
        Some((Ok(event), watcher))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

type Watcher = (VecDeque<Arc<Entry>>, Receiver<Arc<Entry>>);

async fn next((mut missed, mut coming): Watcher) -> Option<(Event, Watcher)> {
    let event = match missed.pop_front() {
        Some(entry) => event(&entry),
        None => match coming.recv().await {
            Ok(entry) => event(&entry),
            Err(RecvError::Lagged(lost)) => Event::default().event("lost").data(lost.to_string()),
            Err(RecvError::Closed) => return None,
        },
    };
    Some((event, (missed, coming)))
}

fn event(entry: &Entry) -> Event {
    let kind = match entry.news {
        News::Log { .. } => "log",
        News::Role { .. } => "role",
        News::Configuration { .. } => "configuration",
    };
    // An entry has nothing in it that JSON could not say.
    let data = serde_json::to_string(entry).unwrap_or_default();
    Event::default().event(kind).id(entry.number.to_string()).data(data)
}
