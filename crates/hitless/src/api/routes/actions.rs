//! What can be done to a module, and to the daemon.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hitless_model::Slot;

use crate::api::app::App;
use crate::api::endpoint::Endpoint;
use crate::api::extract::{At, Body};
use crate::api::refusal::Refusal;
use crate::api::types::{ClearConnections, ClearSticky, Cleared, Clearing, ExecReply};
use crate::exec::CONFIG_SYNC;

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Refusal>;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/v1/modules/{slot}/handover",
            "Gives the active role to the peer",
            hand_over,
        )
        .answers::<()>(),
        Endpoint::post("/v1/modules/{slot}/clear/connections", "Forgets connections", connections)
            .takes::<ClearConnections>()
            .answers::<Cleared>(),
        Endpoint::post("/v1/modules/{slot}/clear/counters", "Begins to count from zero", counters)
            .answers::<Cleared>(),
        Endpoint::post("/v1/modules/{slot}/clear/arp-cache", "Asks neighbours for MACs anew", arp)
            .takes::<Option<Ipv4Addr>>()
            .answers::<Cleared>(),
        Endpoint::post("/v1/modules/{slot}/clear/sticky", "Forgets who sticks", sticky)
            .takes::<ClearSticky>()
            .answers::<Cleared>(),
        Endpoint::post("/v1/modules/{slot}/config-sync", "Not built: always refused", config_sync)
            .answers::<()>(),
        Endpoint::post("/v1/reload", "Replaces program and configuration in place", reload)
            .answers::<ExecReply>(),
    ]
}

async fn hand_over(State(app): Shared, At(slot): At<Slot>) -> Answer<()> {
    app.module(slot)?.hand_over().await.map(Json)
}

async fn connections(
    State(app): Shared,
    At(slot): At<Slot>,
    Body(which): Body<ClearConnections>,
) -> Answer<Cleared> {
    app.module(slot)?.clear(&Clearing::Connections(which)).await.map(Json)
}

async fn counters(State(app): Shared, At(slot): At<Slot>) -> Answer<Cleared> {
    app.module(slot)?.clear(&Clearing::Counters).await.map(Json)
}

async fn arp(
    State(app): Shared,
    At(slot): At<Slot>,
    Body(address): Body<Option<Ipv4Addr>>,
) -> Answer<Cleared> {
    app.module(slot)?.clear(&Clearing::ArpCache(address)).await.map(Json)
}

async fn sticky(
    State(app): Shared,
    At(slot): At<Slot>,
    Body(which): Body<ClearSticky>,
) -> Answer<Cleared> {
    app.module(slot)?.clear(&Clearing::Sticky(which)).await.map(Json)
}

async fn config_sync(State(app): Shared, At(slot): At<Slot>) -> Answer<()> {
    app.module(slot)?;
    Err(Refusal::unprocessable(CONFIG_SYNC))
}

/// `GET` of the same tells how it ended.
async fn reload(State(app): Shared) -> Answer<ExecReply> {
    app.chassis().reload().await.map_err(Refusal::unprocessable)?;
    Ok(Json(ExecReply { output: String::new(), follow: true }))
}
