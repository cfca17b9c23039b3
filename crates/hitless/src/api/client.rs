//! Asks over a Unix socket: one question, one connection.

use std::path::Path;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::types::Problem;

/// What bodies are, unless something else is said.
const JSON: &str = "application/json";

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
    /// A change was refused: which lines are wrong, or who else made one.
    #[error("{}", .0.error)]
    Change(Box<Problem>),
    /// The answer is not what was expected.
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

/// A request with all that can be said in one.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What to do.
    pub method: Method,
    /// With what.
    pub route: &'a str,
    /// Type of the body.
    pub media: &'a str,
    /// The body.
    pub body: Vec<u8>,
    /// The revision that a change is made on top of.
    pub base: Option<u64>,
}

/// Gets a value.
pub async fn get<T: DeserializeOwned>(socket: &Path, route: &str) -> Result<T, ClientError> {
    Ok(serde_json::from_slice(&text(socket, route).await?)?)
}

/// Gets a document that is not JSON.
pub async fn text(socket: &Path, route: &str) -> Result<Bytes, ClientError> {
    let body = Vec::new();
    ask(socket, Ask { method: Method::GET, route, media: JSON, body, base: None }).await
}

/// Sends a value by `method` and reads the answer.
pub async fn call<B: Serialize, T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    route: &str,
    body: &B,
) -> Result<T, ClientError> {
    let body = serde_json::to_vec(body)?;
    let answer = ask(socket, Ask { method, route, media: JSON, body, base: None }).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Sends a request and reads the answer as it is.
pub async fn ask(socket: &Path, ask: Ask<'_>) -> Result<Bytes, ClientError> {
    let (answer, driver) = send(socket, ask).await?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    drop(driver);
    if status.is_success() { Ok(bytes) } else { Err(refusal(status, &bytes)) }
}

/// Drives a connection for as long as somebody reads from it.
#[derive(Debug)]
struct Driver(JoinHandle<hyper::Result<()>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Answer = (Response<Incoming>, Driver);

async fn send(socket: &Path, ask: Ask<'_>) -> Result<Answer, ClientError> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|source| ClientError::Connect { path: socket.display().to_string(), source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = Driver(tokio::spawn(connection));
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.route)
        .header("host", "hitless")
        .header("content-type", ask.media);
    if let Some(base) = ask.base {
        request = request.header("if-match", format!("\"{base}\""));
    }
    let request = request.body(Full::new(Bytes::from(ask.body)))?;
    Ok((sender.send_request(request).await?, driver))
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.conflict.is_some() || !problem.lines.is_empty() => {
            ClientError::Change(Box::new(problem))
        }
        Ok(Problem { error, .. }) => ClientError::Refused(error),
        Err(_) => ClientError::Refused(format!("the daemon answered {status}")),
    }
}

/// Listens to a stream of server-sent events.
pub async fn events(socket: &Path, route: &str) -> Result<Events, ClientError> {
    let body = Vec::new();
    let ask = Ask { method: Method::GET, route, media: JSON, body, base: None };
    let (answer, driver) = send(socket, ask).await?;
    let status = answer.status();
    let body = answer.into_body();
    if !status.is_success() {
        return Err(refusal(status, &body.collect().await?.to_bytes()));
    }
    Ok(Events { body, unread: Vec::new(), _driver: driver })
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its kind.
    pub event: String,
    /// Its content.
    pub data: String,
}

/// A stream of server-sent events.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    unread: Vec<u8>,
    _driver: Driver,
}

impl Events {
    /// The next one; none when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>, ClientError> {
        loop {
            if let Some(event) = take(&mut self.unread) {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                self.unread.extend_from_slice(&data);
            }
        }
    }
}

/// Takes the first whole event out of what was read; comments are skipped.
fn take(unread: &mut Vec<u8>) -> Option<ServerEvent> {
    loop {
        let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = unread.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&block);
        let field = |name: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let values: Vec<_> =
                lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect();
            (!values.is_empty()).then(|| values.join("\n"))
        };
        if let Some(data) = field("data") {
            return Some(ServerEvent { event: field("event").unwrap_or_default(), data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_whatever_pieces_they_come() {
        let stream = b":\n\nevent: log\nid: 7\ndata: {\"a\":1}\n\ndata: x\ndata: y\n\nevent: lo";
        let mut unread = Vec::new();
        let mut seen = Vec::new();
        for octet in stream {
            unread.push(*octet);
            seen.extend(take(&mut unread));
        }
        let event =
            |event: &str, data: &str| ServerEvent { event: event.into(), data: data.into() };
        assert_eq!(seen, [event("log", "{\"a\":1}"), event("", "x\ny")]);
    }
}
