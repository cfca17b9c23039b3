//! Modules, and everything that one of them tells of itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use hitless_config::model::Name;
use hitless_model::Slot;
use serde::de::DeserializeOwned;

use crate::api::app::App;
use crate::api::endpoint::Endpoint;
use crate::api::extract::{Asked, At};
use crate::api::refusal::Refusal;
use crate::api::types::{
    ArpInfo, ConnPage, ConnQuery, Dataplane, FarmInfo, FtHistory, FtState, ModuleStatus, RealInfo,
    Stats, StickyPage, StickyQuery, Variable, VirtualServerInfo, VlanInfo,
};
use crate::exec::{module_status, variables};

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Refusal>;

pub(super) fn endpoints() -> Vec<Endpoint> {
    states().into_iter().chain(balancing()).chain(network()).collect()
}

fn states() -> [Endpoint; 5] {
    [
        Endpoint::get("/v1/modules", "Every module of the chassis", list)
            .answers::<Vec<ModuleStatus>>(),
        Endpoint::get("/v1/modules/{slot}/status", "Whether a module is at work", status)
            .answers::<ModuleStatus>(),
        Endpoint::get("/v1/modules/{slot}/ft", "Its fault tolerance; null without a group", ft)
            .answers::<Option<FtState>>(),
        Endpoint::get("/v1/modules/{slot}/history", "Why it has the role that it has", history)
            .answers::<Option<FtHistory>>(),
        Endpoint::get("/v1/modules/{slot}/variables", "Its variables", all_variables)
            .answers::<Vec<Variable>>(),
    ]
}

fn balancing() -> [Endpoint; 6] {
    [
        Endpoint::get("/v1/modules/{slot}/vservers", "Its virtual servers", virtual_servers)
            .answers::<Vec<VirtualServerInfo>>(),
        Endpoint::get("/v1/modules/{slot}/vservers/{name}", "A virtual server", virtual_server)
            .answers::<VirtualServerInfo>(),
        Endpoint::get("/v1/modules/{slot}/reals", "Its real servers", reals)
            .answers::<Vec<RealInfo>>(),
        Endpoint::get("/v1/modules/{slot}/serverfarms", "Its server farms", farms)
            .answers::<Vec<FarmInfo>>(),
        Endpoint::get("/v1/modules/{slot}/conns", "Its connections, page by page", conns)
            .asks::<ConnQuery>()
            .answers::<ConnPage>(),
        Endpoint::get("/v1/modules/{slot}/sticky", "Clients that stick, page by page", sticky)
            .asks::<StickyQuery>()
            .answers::<StickyPage>(),
    ]
}

fn network() -> [Endpoint; 4] {
    [
        Endpoint::get("/v1/modules/{slot}/vlans", "Its VLANs", vlans).answers::<Vec<VlanInfo>>(),
        Endpoint::get("/v1/modules/{slot}/arp", "Addresses and their MACs", arp)
            .answers::<Vec<ArpInfo>>(),
        Endpoint::get("/v1/modules/{slot}/stats", "What it counts, since that was cleared", stats)
            .answers::<Stats>(),
        Endpoint::get("/v1/modules/{slot}/dataplane", "What its data plane is made of", dataplane)
            .answers::<Dataplane>(),
    ]
}

async fn view<T: DeserializeOwned>(app: &App, slot: Slot, view: &str) -> Answer<T> {
    app.module(slot)?.get(view).await.map(Json)
}

async fn list(State(app): Shared) -> Json<Vec<ModuleStatus>> {
    let modules = app.chassis().modules();
    let asked = modules.map(|(slot, state)| module_status(app.chassis(), slot, state));
    Json(join_all(asked).await)
}

async fn status(State(app): Shared, At(slot): At<Slot>) -> Answer<ModuleStatus> {
    let state = app.chassis().modules().find(|(found, _)| *found == slot);
    let none = || Refusal::not_found(format!("There is no module in slot {slot}."));
    let (_, state) = state.ok_or_else(none)?;
    Ok(Json(module_status(app.chassis(), slot, state).await))
}

async fn ft(State(app): Shared, At(slot): At<Slot>) -> Answer<Option<FtState>> {
    view(&app, slot, "ft").await
}

async fn history(State(app): Shared, At(slot): At<Slot>) -> Answer<Option<FtHistory>> {
    view(&app, slot, "history").await
}

async fn all_variables(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<Variable>> {
    variables(&app.chassis().configuration(), slot, None).map(Json)
}

async fn virtual_servers(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<VirtualServerInfo>> {
    view(&app, slot, "vservers").await
}

async fn virtual_server(
    State(app): Shared,
    At((slot, name)): At<(Slot, Name)>,
) -> Answer<VirtualServerInfo> {
    let Json(all): Json<Vec<VirtualServerInfo>> = view(&app, slot, "vservers").await?;
    let found = all.into_iter().find(|server| server.name == name).map(Json);
    let none = || format!("There is no virtual server {name} in module {slot}.");
    found.ok_or_else(|| Refusal::not_found(none()))
}

async fn reals(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<RealInfo>> {
    view(&app, slot, "reals").await
}

async fn farms(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<FarmInfo>> {
    view(&app, slot, "serverfarms").await
}

async fn conns(
    State(app): Shared,
    At(slot): At<Slot>,
    Asked(query): Asked<ConnQuery>,
) -> Answer<ConnPage> {
    app.module(slot)?.conns(&query).await.map(Json)
}

async fn sticky(
    State(app): Shared,
    At(slot): At<Slot>,
    Asked(query): Asked<StickyQuery>,
) -> Answer<StickyPage> {
    app.module(slot)?.sticky(&query).await.map(Json)
}

async fn vlans(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<VlanInfo>> {
    view(&app, slot, "vlans").await
}

async fn arp(State(app): Shared, At(slot): At<Slot>) -> Answer<Vec<ArpInfo>> {
    view(&app, slot, "arp").await
}

async fn stats(State(app): Shared, At(slot): At<Slot>) -> Answer<Stats> {
    view(&app, slot, "stats").await
}

async fn dataplane(State(app): Shared, At(slot): At<Slot>) -> Answer<Dataplane> {
    view(&app, slot, "dataplane").await
}
