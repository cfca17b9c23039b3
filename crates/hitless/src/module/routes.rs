//! The module's API: HTTP and JSON on a socket in the state directory.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use hitless_model::Slot;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, OnceCell};

use super::engine::Engine;
use super::views;
use crate::api::server::{self, Refusal};
use crate::api::types::{
    ArpInfo, ConnInfo, Dataplane, FarmInfo, FtState, ModuleConfig, Ready, RealInfo, Stats,
    VirtualServerInfo, VlanInfo,
};
use crate::names::Names;

/// What all requests share.
struct App {
    names: Names,
    slot: Slot,
    engine: OnceCell<Engine>,
    leave: Notify,
}

/// Longest request: far more than the largest configuration, which only the supervisor sends.
const LONGEST_REQUEST: usize = 64 << 20;

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// Serves until the module was stopped, by request or by SIGTERM.
pub(crate) async fn serve(names: Names, slot: Slot) -> Result<()> {
    let socket = names.module_socket(slot);
    let listener = server::bind(&socket).with_context(|| socket.display().to_string())?;
    let app = Arc::new(App { names, slot, engine: OnceCell::new(), leave: Notify::new() });
    let mut terminated = signal(SignalKind::terminate())?;
    let leaving = Arc::clone(&app);
    let end = async move {
        tokio::select! {
            () = leaving.leave.notified() => {}
            _ = terminated.recv() => {
                if let Err(error) = leaving.stop().await {
                    tracing::error!("{error:#}");
                }
            }
        }
    };
    axum::serve(listener, router(app)).with_graceful_shutdown(end).await?;
    // The next supervisor must not mistake a dead socket for a module.
    std::fs::remove_file(&socket).with_context(|| socket.display().to_string())
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/config", put(configure))
        .route("/v1/ready", get(ready))
        .route("/v1/ft", get(ft))
        .route("/v1/vservers", get(virtual_servers))
        .route("/v1/reals", get(reals))
        .route("/v1/serverfarms", get(farms))
        .route("/v1/vlans", get(vlans))
        .route("/v1/arp", get(arp))
        .route("/v1/conns", get(conns))
        .route("/v1/stats", get(stats))
        .route("/v1/dataplane", get(dataplane))
        .route("/v1/handover", post(hand_over))
        .route("/v1/stop", post(stop))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .with_state(app)
}

impl App {
    fn engine(&self) -> Result<&Engine, Refusal> {
        self.engine
            .get()
            .ok_or_else(|| Refusal::unprocessable("the module has no configuration yet"))
    }

    async fn stop(&self) -> Result<()> {
        match self.engine.get() {
            Some(engine) => engine.stop().await,
            None => Ok(()),
        }
    }
}

/// The first configuration starts the engine; the same one again is fine.
async fn configure(State(app): Shared, Json(config): Json<ModuleConfig>) -> Answer<()> {
    let wanted = config.clone();
    let start = || async { Engine::start(&app.names, app.slot, config).await };
    let engine = app.engine.get_or_try_init(start).await.map_err(|error| {
        tracing::error!("{error:#}");
        said(error)
    })?;
    if engine.config != wanted {
        return Err(Refusal::unprocessable(
            "the module runs with another configuration; restart hitlessd to change it",
        ));
    }
    Ok(Json(()))
}

async fn ready(State(app): Shared) -> Json<Ready> {
    Json(Ready { configured: app.engine.initialized(), pid: std::process::id() })
}

async fn ft(State(app): Shared) -> Answer<Option<FtState>> {
    views::ft(app.engine()?).await.map(Json).map_err(said)
}

async fn virtual_servers(State(app): Shared) -> Answer<Vec<VirtualServerInfo>> {
    views::virtual_servers(app.engine()?).await.map(Json).map_err(said)
}

async fn reals(State(app): Shared) -> Answer<Vec<RealInfo>> {
    views::reals(app.engine()?).map(Json).map_err(said)
}

async fn farms(State(app): Shared) -> Answer<Vec<FarmInfo>> {
    Ok(Json(views::farms(app.engine()?)))
}

async fn vlans(State(app): Shared) -> Answer<Vec<VlanInfo>> {
    Ok(Json(views::vlans(app.engine()?)))
}

async fn arp(State(app): Shared) -> Answer<Vec<ArpInfo>> {
    views::arp(app.engine()?).map(Json).map_err(said)
}

async fn conns(State(app): Shared) -> Answer<Vec<ConnInfo>> {
    views::conns(app.engine()?).map(Json).map_err(said)
}

async fn stats(State(app): Shared) -> Answer<Stats> {
    views::stats(app.engine()?).map(Json).map_err(said)
}

async fn dataplane(State(app): Shared) -> Answer<Dataplane> {
    views::dataplane(app.engine()?).map(Json).map_err(said)
}

async fn hand_over(State(app): Shared) -> Answer<()> {
    app.engine()?.hand_over().await.map(Json).map_err(said)
}

async fn stop(State(app): Shared) -> Answer<()> {
    let stopped = app.stop().await;
    // Whatever went wrong, the supervisor takes the rest away.
    app.leave.notify_one();
    stopped.map(Json).map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn said(error: anyhow::Error) -> Refusal {
    Refusal::unprocessable(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::client;

    #[tokio::test]
    async fn a_large_configuration_is_read() {
        let folder = std::env::temp_dir().join(format!("hitless-routes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (names, slot) = (Names::new(&folder).unwrap(), Slot::try_from(5).unwrap());
        let path = names.module_socket(slot);
        let listener = server::bind(&path).unwrap();
        let app = App { names, slot, engine: OnceCell::new(), leave: Notify::new() };
        let served = axum::serve(listener, router(Arc::new(app))).into_future();
        let server = tokio::spawn(served);
        // Not a configuration, so that none is started; but it has to be read to know that.
        let body = "x".repeat(8 << 20);
        let put = client::call::<_, ()>(&path, hyper::Method::PUT, "/v1/config", &body).await;
        let refusal = put.unwrap_err().to_string();
        assert!(refusal.contains("422"), "{refusal}");
        server.abort();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
