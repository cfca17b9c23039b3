//! Configurations that are kept: what the daemon begins with, what ran before, and what comes back by
//! itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hitless_config::{render, render_with_secrets};

use crate::api::access::Peer;
use crate::api::app::App;
use crate::api::endpoint::{Endpoint, TEXT};
use crate::api::extract::{At, Body};
use crate::api::refusal::Refusal;
use crate::api::types::{ArchivedText, RevertTimer};
use crate::store::{Applied, ArchiveEntry, Change, PendingRevert};

/// A day: who has not confirmed by then has forgotten it.
const LONGEST: u32 = 86_400;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let startup = "/v1/configuration/startup";
    let revert = "/v1/configuration/revert";
    vec![
        Endpoint::get(startup, "What the daemon begins with, keys hidden", get_startup)
            .answers_as::<String>(TEXT),
        Endpoint::post(startup, "Makes what runs what the daemon begins with", save)
            .answers::<()>(),
        Endpoint::get("/v1/configuration/archive", "What ran before, the newest first", list)
            .answers::<Vec<ArchiveEntry>>(),
        Endpoint::get("/v1/configuration/archive/{revision}", "One of them, keys hidden", archived)
            .answers::<ArchivedText>(),
        Endpoint::post(
            "/v1/configuration/archive/{revision}/rollback",
            "Goes back to one of them",
            rollback,
        )
        .answers::<Applied>(),
        Endpoint::get(revert, "What comes back by itself, and when", pending)
            .answers::<Option<PendingRevert>>(),
        Endpoint::put(revert, "Unless that is confirmed in time, what runs now comes back", arm)
            .takes::<RevertTimer>()
            .answers::<Option<PendingRevert>>(),
        Endpoint::post("/v1/configuration/confirm", "What runs stays", confirm).answers::<()>(),
    ]
}

async fn get_startup(State(app): State<Arc<App>>) -> Result<String, Refusal> {
    let startup = app.store().startup().map_err(Refusal::unprocessable)?;
    let none = || Refusal::not_found("there is no startup-config");
    startup.map(|configuration| render(&configuration)).ok_or_else(none)
}

async fn save(State(app): State<Arc<App>>) -> Result<Json<()>, Refusal> {
    app.store().save().await.map(Json).map_err(Refusal::unprocessable)
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<ArchiveEntry>> {
    Json(app.store().archive())
}

async fn archived(
    State(app): State<Arc<App>>,
    At(revision): At<u64>,
) -> Result<Json<ArchivedText>, Refusal> {
    let kept = app.store().archived(revision).map_err(Refusal::not_found)?;
    let change = Change::Replace(render_with_secrets(&kept));
    let difference = app.store().difference(change).await?;
    Ok(Json(ArchivedText { revision, text: render(&kept), difference }))
}

async fn rollback(
    State(app): State<Arc<App>>,
    peer: Peer,
    At(revision): At<u64>,
) -> Result<Json<Applied>, Refusal> {
    if !app.store().archive().iter().any(|entry| entry.revision == revision) {
        return Err(Refusal::not_found(format!("there is no revision {revision} in the archive")));
    }
    Ok(Json(app.store().rollback(revision, peer.name().await).await?))
}

async fn pending(State(app): State<Arc<App>>) -> Json<Option<PendingRevert>> {
    Json(app.store().pending_revert())
}

async fn arm(
    State(app): State<Arc<App>>,
    peer: Peer,
    Body(RevertTimer { seconds }): Body<RevertTimer>,
) -> Result<Json<Option<PendingRevert>>, Refusal> {
    if !(1..=LONGEST).contains(&seconds) {
        let error = format!("seconds: a number from 1 to {LONGEST}");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, error));
    }
    let after = Duration::from_secs(u64::from(seconds));
    app.store().revert_in(after, peer.name().await).await?;
    Ok(Json(app.store().pending_revert()))
}

async fn confirm(State(app): State<Arc<App>>) -> Result<Json<()>, Refusal> {
    Ok(Json(app.store().confirm().await?))
}
