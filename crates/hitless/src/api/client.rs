//! Asks over a Unix socket.

use std::path::Path;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::types::Problem;

/// Why an answer did not come.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("cannot reach {path}: {source}")]
    Connect {
        /// The socket.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The conversation broke off.
    #[error("the connection broke off: {0}")]
    Transport(#[from] hyper::Error),
    /// The request cannot be written down.
    #[error("the request cannot be made: {0}")]
    Request(#[from] hyper::http::Error),
    /// The other side said no, and why.
    #[error("{0}")]
    Refused(String),
    /// The answer is not what was expected.
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

/// Gets a value.
pub async fn get<T: DeserializeOwned>(socket: &Path, route: &str) -> Result<T, ClientError> {
    let body = send(socket, Method::GET, route, Bytes::new()).await?;
    Ok(serde_json::from_slice(&body)?)
}

/// Sends a value by `method` and reads the answer.
pub async fn call<B: Serialize, T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    route: &str,
    body: &B,
) -> Result<T, ClientError> {
    let body = Bytes::from(serde_json::to_vec(body)?);
    let answer = send(socket, method, route, body).await?;
    Ok(serde_json::from_slice(&answer)?)
}

async fn send(
    socket: &Path,
    method: Method,
    route: &str,
    body: Bytes,
) -> Result<Bytes, ClientError> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|source| ClientError::Connect { path: socket.display().to_string(), source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(route)
        .header("host", "hitless")
        .header("content-type", "application/json")
        .body(Full::new(body))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    driver.abort();
    if status.is_success() { Ok(bytes) } else { Err(refusal(status, &bytes)) }
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    let said = serde_json::from_slice::<Problem>(body).map(|problem| problem.error);
    ClientError::Refused(said.unwrap_or_else(|_| format!("the daemon answered {status}")))
}
