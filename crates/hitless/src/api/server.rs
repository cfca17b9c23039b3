//! Answers on a Unix socket.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::BoxFuture;
use tokio::net::UnixListener;
use tokio::sync::watch;

use super::types::{ExecReply, ExecRequest, Problem};

/// Carries out one command line: what it printed, or the error for people.
pub type Exec = dyn Fn(String) -> BoxFuture<'static, Result<ExecReply, String>> + Send + Sync;

/// How the reload ended that this process came out of; none until it has ended.
pub type Reloaded = watch::Receiver<Option<Result<String, String>>>;

/// A refusal with its status code.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    /// What was asked for is not possible now, or wrong.
    pub fn unprocessable(error: impl Into<String>) -> Self {
        let problem = Problem { error: error.into() };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, problem }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

/// Opens a socket that only its owner and group may use; a stale one of a dead process is replaced.
pub fn bind(path: &Path) -> std::io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::AddrInUse,
            format!("another process answers on {}", path.display()),
        ));
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// The supervisor's routes.
pub fn supervisor(exec: Arc<Exec>) -> Router {
    Router::new().route("/v1/exec", post(run)).with_state(exec)
}

async fn run(
    State(exec): State<Arc<Exec>>,
    Json(request): Json<ExecRequest>,
) -> Result<Json<ExecReply>, Refusal> {
    exec(request.command).await.map(Json).map_err(Refusal::unprocessable)
}

/// The route that tells how a reload ended.
pub fn reloaded(outcome: Reloaded) -> Router {
    Router::new().route("/v1/reload", get(tell_reloaded)).with_state(outcome)
}

async fn tell_reloaded(State(mut outcome): State<Reloaded>) -> Result<Json<ExecReply>, Refusal> {
    let ended = outcome.wait_for(Option::is_some).await.map(|ended| ended.clone());
    match ended.ok().flatten() {
        Some(Ok(text)) => Ok(Json(ExecReply::done(text))),
        Some(Err(why)) => Err(Refusal::unprocessable(why)),
        None => Err(Refusal::unprocessable("the daemon is leaving")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::client::{self, ClientError};

    #[tokio::test]
    async fn a_command_travels_there_and_its_error_back() {
        let folder = std::env::temp_dir().join(format!("hitless-api-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("s.sock");
        let listener = bind(&path).unwrap();
        let exec: Arc<Exec> = Arc::new(|line: String| {
            Box::pin(async move {
                if line == "good" { Ok(ExecReply::done("fine\n")) } else { Err("% bad".to_owned()) }
            })
        });
        let server = tokio::spawn(async move { axum::serve(listener, supervisor(exec)).await });
        let ask = async |command: &str| {
            let request = ExecRequest { command: command.to_owned() };
            client::call::<_, ExecReply>(&path, hyper::Method::POST, "/v1/exec", &request).await
        };
        assert_eq!(ask("good").await.unwrap().output, "fine\n");
        assert!(matches!(ask("other").await, Err(ClientError::Refused(text)) if text == "% bad"));
        assert!(bind(&path).is_err(), "a live socket is not taken over");
        server.abort();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
