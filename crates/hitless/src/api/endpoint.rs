//! Routes as data: from one list of them come the router, who may use them, and the OpenAPI document.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use hitless_config::Privilege;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::access::Peer;
use super::app::App;
use super::refusal::Refusal;

/// What is sent and answered in JSON.
pub(crate) const JSON: &str = "application/json";
/// Configurations in the form of IOS, and everything else for people.
pub(crate) const TEXT: &str = "text/plain";
/// RFC 7396.
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
/// Server-sent events.
pub(crate) const EVENTS: &str = "text/event-stream";
/// What Prometheus reads.
pub(crate) const METRICS: &str = "application/openmetrics-text";

/// How long an answer may take: a module may take ten seconds, a change of the configuration more.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Who may use it.
    pub(crate) privilege: Privilege,
    /// What follows the `?`.
    pub(crate) query: Option<SchemaOf>,
    /// What is sent: types of media and their schemas.
    pub(crate) bodies: Vec<(&'static str, SchemaOf)>,
    /// What is answered.
    pub(crate) answers: Vec<(&'static str, SchemaOf)>,
    /// It ends when the client wants.
    pub(crate) streams: bool,
    /// `If-Match` counts.
    pub(crate) conditional: bool,
    handler: MethodRouter<Arc<App>>,
}

impl Endpoint {
    fn new<H, T>(method: Method, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        // Only the four methods below come here, and each has a filter.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let privilege = match method {
            Method::GET => Privilege::Reader,
            _ => Privilege::Administrator,
        };
        Self {
            method,
            path,
            summary,
            privilege,
            query: None,
            bodies: Vec::new(),
            answers: Vec::new(),
            streams: false,
            conditional: false,
            handler: on(filter, handler),
        }
    }

    /// Looks; for everybody.
    pub(crate) fn get<H, T>(path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(Method::GET, path, summary, handler)
    }

    /// Does something; for administrators.
    pub(crate) fn post<H, T>(path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(Method::POST, path, summary, handler)
    }

    /// Replaces something; for administrators.
    pub(crate) fn put<H, T>(path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(Method::PUT, path, summary, handler)
    }

    /// Changes something; for administrators.
    pub(crate) fn patch<H, T>(path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(Method::PATCH, path, summary, handler)
    }

    /// Readers may use it too: it changes nothing, or looks itself who asks.
    pub(crate) fn for_readers(self) -> Self {
        Self { privilege: Privilege::Reader, ..self }
    }

    /// What follows the `?`.
    pub(crate) fn asks<T: JsonSchema>(self) -> Self {
        Self { query: Some(schema_of::<T>), ..self }
    }

    /// Takes JSON.
    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        self.takes_as::<T>(JSON)
    }

    /// Takes a type of media.
    pub(crate) fn takes_as<T: JsonSchema>(mut self, media: &'static str) -> Self {
        self.bodies.push((media, schema_of::<T>));
        self
    }

    /// Answers JSON.
    pub(crate) fn answers<T: JsonSchema>(self) -> Self {
        self.answers_as::<T>(JSON)
    }

    /// Answers a type of media.
    pub(crate) fn answers_as<T: JsonSchema>(mut self, media: &'static str) -> Self {
        self.answers.push((media, schema_of::<T>));
        self
    }

    /// It ends when the client wants.
    pub(crate) fn streams(self) -> Self {
        Self { streams: true, ..self }
    }

    /// Makes a change only on top of the revision in `If-Match`.
    pub(crate) fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    /// Adds it to a router.
    pub(crate) fn add_to(self, router: Router<Arc<App>>) -> Router<Arc<App>> {
        let (privilege, streams) = (self.privilege, self.streams);
        let guard = move |request: Request, next: Next| guarded(privilege, streams, request, next);
        router.route(self.path, self.handler.layer(from_fn(guard)))
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Only those who may get in, and nobody waits for ever.
async fn guarded(needed: Privilege, streams: bool, request: Request, next: Next) -> Response {
    let may = request.extensions().get::<Peer>().is_some_and(|peer| peer.may(needed));
    if !may {
        return Refusal::forbidden().into_response();
    }
    if streams {
        return next.run(request).await;
    }
    let late = || {
        let error = format!("no answer within {} s", PATIENCE.as_secs());
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, error).into_response()
    };
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| late())
}
