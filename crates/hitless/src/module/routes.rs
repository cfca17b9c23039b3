//! The module's API: HTTP and JSON on a socket in the state directory.

use std::future::{IntoFuture, pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, OnceCell, Semaphore, oneshot};
use tokio::time::sleep;

use super::clears::{self, Baseline};
use super::engine::Engine;
use super::pulse::Pulse;
use super::resume::{Former, Resumed};
use super::wanted::{Prospect, Wanted};
use super::{Life, renew, sticky, views};
use crate::api::routes::events::stream;
use crate::api::server::{self, Refusal};
use crate::api::types::{
    ArpInfo, Cleared, Clearing, ConnPage, ConnQuery, Dataplane, EventQuery, FarmInfo, FtHistory,
    FtState, ModuleConfig, Ready, RealInfo, Renew, Renewal, Stats, StickyPage, StickyQuery, Totals,
    VirtualServerInfo, VlanInfo,
};
use crate::log::{self, Zone};

/// What all requests share.
struct App {
    life: Life,
    /// An active role that waits for the rest of the engine.
    resumed: Mutex<Option<Box<Resumed>>>,
    engine: OnceCell<Arc<Engine>>,
    leave: Notify,
    cleared: Baseline,
    /// Places for questions about whole tables: more at a time would only slow each other down.
    readers: Semaphore,
}

/// Time for the last answer to reach the one who asked.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// Longest request: far more than the largest configuration, which only the supervisor sends.
const LONGEST_REQUEST: usize = 64 << 20;
/// Questions about whole tables at a time.
const READERS: usize = 2;

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// Serves until the module was stopped, by request or by SIGTERM.
pub(crate) async fn serve(life: Life, former: Former) -> Result<()> {
    let socket = life.names.module_socket(life.slot);
    // Held by this process's own program of before, it is stale: nobody listens.
    let listener = server::bind(&socket).with_context(|| socket.display().to_string())?;
    let app = Arc::new(App::new(life));
    go_on(&app, former);
    let mut terminated = signal(SignalKind::terminate())?;
    let leaving = Arc::clone(&app);
    let (left, gone) = oneshot::channel();
    let end = async move {
        tokio::select! {
            () = leaving.leave.notified() => {}
            _ = terminated.recv() => {
                if let Err(error) = leaving.stop().await {
                    tracing::error!("{error:#}");
                }
            }
        }
        let _nobody_waits = left.send(());
    };
    // Who follows its events would keep it from leaving.
    let hurried = async {
        match gone.await {
            Ok(()) => sleep(LAST_WORDS).await,
            Err(_) => pending().await,
        }
    };
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(end).into_future();
    tokio::select! {
        served = served => served?,
        () = hurried => {}
    }
    // The next supervisor must not mistake a dead socket for a module.
    std::fs::remove_file(&socket).with_context(|| socket.display().to_string())
}

/// Completes what an earlier life left, while requests are served. A module that cannot go on leaves:
/// its supervisor starts another.
fn go_on(app: &Arc<App>, former: Former) {
    let config = match former {
        Former::Nothing => return,
        Former::Configuration(config) => *config,
        Former::Active(resumed) => {
            let config = resumed.config.clone();
            *app.resumed.lock().unwrap_or_else(PoisonError::into_inner) = Some(resumed);
            config
        }
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = app.bring_up(config).await {
            tracing::error!("{error:#}");
            app.leave.notify_one();
        }
    });
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/config", put(configure))
        .route("/v1/ready", get(ready))
        .route("/v1/ft", get(ft))
        .route("/v1/history", get(history))
        .route("/v1/vservers", get(virtual_servers))
        .route("/v1/reals", get(reals))
        .route("/v1/serverfarms", get(farms))
        .route("/v1/vlans", get(vlans))
        .route("/v1/arp", get(arp))
        .route("/v1/conns", post(conns))
        .route("/v1/sticky", post(sticky_entries))
        .route("/v1/stats", get(stats))
        .route("/v1/counters", get(counters))
        .route("/v1/totals", get(totals))
        .route("/v1/events", get(events))
        .route("/v1/zone", put(zone))
        .route("/v1/clear", post(clear))
        .route("/v1/dataplane", get(dataplane))
        .route("/v1/change", post(prepare))
        .route("/v1/change/{number}", post(commit))
        .route("/v1/handover", post(hand_over))
        .route("/v1/reload", post(reload))
        .route("/v1/stop", post(stop))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .with_state(app)
}

impl App {
    fn new(life: Life) -> Self {
        let (resumed, engine) = (Mutex::default(), OnceCell::new());
        let (cleared, readers) = (Baseline::default(), Semaphore::new(READERS));
        Self { life, resumed, engine, leave: Notify::new(), cleared, readers }
    }

    /// The engine, started with what an earlier life left, or else with `config`.
    async fn bring_up(&self, config: ModuleConfig) -> Result<&Arc<Engine>> {
        let start = || async {
            let resumed = self.resumed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let engine = match resumed {
                Some(resumed) => Engine::go_on(&self.life, *resumed).await?,
                None => Engine::start(&self.life, config).await?,
            };
            Ok(Arc::new(engine))
        };
        self.engine.get_or_try_init(start).await
    }

    fn engine(&self) -> Result<&Arc<Engine>, Refusal> {
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

    /// Runs a question about whole tables where it keeps nobody else waiting.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Answer<T> {
        let engine = Arc::clone(self.engine()?);
        let _place = self.readers.acquire().await;
        let asked = tokio::task::spawn_blocking(move || question(&engine)).await;
        let answer = asked.map_err(|error| Refusal::unprocessable(error.to_string()))?;
        answer.map(Json).map_err(said)
    }
}

/// The first configuration starts the engine; the same one again is fine.
async fn configure(State(app): Shared, Json(config): Json<ModuleConfig>) -> Answer<()> {
    let engine = app.bring_up(config.clone()).await.map_err(|error| {
        tracing::error!("{error:#}");
        said(error)
    })?;
    if engine.held().config != config {
        return Err(Refusal::unprocessable("it runs with another configuration"));
    }
    Ok(Json(()))
}

/// Whether another configuration could be had; it is prepared if so.
async fn prepare(State(app): Shared, Json(wanted): Json<Wanted>) -> Answer<Prospect> {
    app.read(move |engine| Ok(engine.prepare(wanted))).await
}

/// What was prepared is in force from now on.
async fn commit(State(app): Shared, Path(number): Path<u64>) -> Answer<()> {
    let (engine, life) = (Arc::clone(app.engine()?), app.life.clone());
    // Whoever asked may leave: what is begun is brought to its end.
    let committed = tokio::spawn(async move { engine.commit(&life, number).await }).await;
    committed.map_err(|error| Refusal::unprocessable(error.to_string()))?.map(Json).map_err(said)
}

async fn ready(State(app): Shared) -> Json<Ready> {
    let engine = app.engine.get();
    let pulse = engine.and_then(|engine| engine.pulse.as_ref());
    let age = pulse.and_then(Pulse::age);
    Json(Ready {
        configured: engine.is_some(),
        pid: std::process::id(),
        life: app.life.begun.as_nanos(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        core_age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        role: pulse.and_then(Pulse::role_now),
        beginning: engine.map(|engine| engine.beginning(&app.life)).unwrap_or_default(),
    })
}

/// Replaces the program once the answer is on its way.
async fn reload(State(app): Shared, Json(renew): Json<Renew>) -> Json<Renewal> {
    let engine = app.engine.get().map(AsRef::as_ref);
    let answer = renew::answer(&app.life, engine, &renew).await;
    if answer.is_granted() && !renew.trial {
        let app = Arc::clone(&app);
        tokio::spawn(async move { renew::leave(&app.life, &renew.program).await });
    }
    Json(answer)
}

async fn ft(State(app): Shared) -> Answer<Option<FtState>> {
    views::ft(app.engine()?).await.map(Json).map_err(said)
}

async fn history(State(app): Shared) -> Answer<Option<FtHistory>> {
    Ok(Json(views::history(app.engine()?)))
}

async fn virtual_servers(State(app): Shared) -> Answer<Vec<VirtualServerInfo>> {
    let is_active = app.engine()?.is_active().await.map_err(said)?;
    app.read(move |engine| views::virtual_servers(engine, is_active)).await
}

async fn reals(State(app): Shared) -> Answer<Vec<RealInfo>> {
    app.read(views::reals).await
}

async fn farms(State(app): Shared) -> Answer<Vec<FarmInfo>> {
    Ok(Json(views::farms(app.engine()?)))
}

async fn vlans(State(app): Shared) -> Answer<Vec<VlanInfo>> {
    Ok(Json(views::vlans(app.engine()?)))
}

async fn arp(State(app): Shared) -> Answer<Vec<ArpInfo>> {
    app.read(views::arp).await
}

async fn conns(State(app): Shared, Json(query): Json<ConnQuery>) -> Answer<ConnPage> {
    app.read(move |engine| views::conns(engine, &query)).await
}

async fn sticky_entries(State(app): Shared, Json(query): Json<StickyQuery>) -> Answer<StickyPage> {
    app.read(move |engine| sticky::page(engine, &query)).await
}

async fn totals(State(app): Shared) -> Answer<Totals> {
    let is_active = app.engine()?.is_active().await.map_err(said)?;
    app.read(move |engine| views::totals(engine, is_active)).await
}

/// Counters since ever.
async fn counters(State(app): Shared) -> Answer<Stats> {
    app.read(views::stats).await
}

/// Counters since they were cleared.
async fn stats(State(app): Shared) -> Answer<Stats> {
    let Json(mut stats) = app.read(views::stats).await?;
    app.cleared.since(&mut stats.counters);
    Ok(Json(stats))
}

async fn events(Query(query): Query<EventQuery>) -> impl IntoResponse {
    stream(log::feed(), query)
}

async fn zone(Json(zone): Json<Zone>) -> Json<()> {
    log::set_zone(zone);
    Json(())
}

async fn clear(State(app): Shared, Json(what): Json<Clearing>) -> Answer<Cleared> {
    match what {
        Clearing::Connections(which) => {
            if !app.engine()?.is_active().await.map_err(said)? {
                return Err(Refusal::unprocessable(
                    "this box is not active: clear connections on the one that is",
                ));
            }
            app.read(move |engine| clears::connections(engine, &which)).await
        }
        Clearing::Counters => {
            let Json(stats) = app.read(views::stats).await?;
            app.cleared.set(stats.counters);
            Ok(Json(Cleared::default()))
        }
        Clearing::Sticky(which) => app.read(move |engine| sticky::clear(engine, which)).await,
        Clearing::ArpCache(address) => {
            clears::arp_cache(app.engine()?, address).await.map(Json).map_err(said)
        }
    }
}

async fn dataplane(State(app): Shared) -> Answer<Dataplane> {
    app.read(views::dataplane).await
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
    use hitless_model::{Instant, Slot};

    use super::*;
    use crate::api::client;
    use crate::names::Names;

    #[tokio::test]
    async fn a_large_configuration_is_read() {
        let folder = std::env::temp_dir().join(format!("hitless-routes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (names, slot) = (Names::new(&folder).unwrap(), Slot::try_from(5).unwrap());
        let path = names.module_socket(slot);
        let listener = server::bind(&path).unwrap();
        let app = App::new(Life { names, slot, begun: Instant::ZERO });
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
