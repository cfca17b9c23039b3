//! The daemon itself: what it is, what it counts, what it logged, and command lines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::access::Peer;
use crate::api::app::App;
use crate::api::endpoint::{Endpoint, METRICS};
use crate::api::extract::{Asked, Body};
use crate::api::refusal::Refusal;
use crate::api::types::{EventQuery, ExecReply, ExecRequest, System};
use crate::log::{self, Entry};
use crate::{exec, metrics};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/system", "The daemon", system).answers::<System>(),
        Endpoint::get("/v1/log", "What happened last, oldest first", log_lines)
            .asks::<EventQuery>()
            .answers::<Vec<Entry>>(),
        Endpoint::post("/v1/exec", "Carries out one command line of exec mode", run)
            .for_readers()
            .takes::<ExecRequest>()
            .answers::<ExecReply>(),
        Endpoint::get("/v1/reload", "How the reload ended that this daemon came out of", reloaded)
            .streams()
            .answers::<ExecReply>(),
        Endpoint::get("/v1/openapi.json", "This document", openapi).answers::<Value>(),
        Endpoint::get("/metrics", "Everything that is counted, for Prometheus", prometheus)
            .answers_as::<String>(METRICS),
    ]
}

async fn system(State(app): State<Arc<App>>) -> Json<System> {
    Json(app.system())
}

async fn log_lines(Asked(query): Asked<EventQuery>) -> Json<Vec<Entry>> {
    let entries = log::feed().since(query.after.unwrap_or(0));
    Json(entries.iter().map(|entry| (**entry).clone()).collect())
}

async fn run(
    State(app): State<Arc<App>>,
    peer: Peer,
    Body(request): Body<ExecRequest>,
) -> Result<Json<ExecReply>, Refusal> {
    exec::run(&app, &peer, &request.command).await.map(Json)
}

/// A watcher of a reload waits for as long as that takes.
async fn reloaded(State(app): State<Arc<App>>) -> Result<Json<ExecReply>, Refusal> {
    let mut outcome = app.reloaded.clone();
    let ended = outcome.wait_for(Option::is_some).await.map(|ended| ended.clone());
    match ended.ok().flatten() {
        Some(Ok(text)) => Ok(Json(ExecReply::done(text))),
        Some(Err(why)) => Err(Refusal::unprocessable(why)),
        None => Err(Refusal::unprocessable("the daemon is leaving")),
    }
}

async fn openapi() -> Json<&'static Value> {
    Json(super::document())
}

async fn prometheus(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let text = metrics::text(&app).await.map_err(Refusal::unprocessable)?;
    let media = format!("{METRICS}; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, media)], text).into_response())
}
