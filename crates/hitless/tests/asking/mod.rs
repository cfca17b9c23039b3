//! A client that knows HTTP and nothing of hitless.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::path::Path;
use std::time::Duration;

use hitless::api::types::Problem;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub method: Method,
    pub route: &'a str,
    pub media: &'a str,
    pub body: Bytes,
    /// `If-Match`.
    pub on_top_of: Option<u64>,
}

impl<'a> Question<'a> {
    pub fn new(method: Method, route: &'a str, body: Bytes) -> Self {
        Self { method, route, media: "application/json", body, on_top_of: None }
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// The revision in its ETag.
    pub fn revision(&self) -> Option<u64> {
        self.headers.get("etag")?.to_str().ok()?.trim_matches('"').parse().ok()
    }

    pub fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Asks. The error is how the conversation broke off.
pub async fn ask(socket: &Path, question: Question<'_>) -> Result<Reply, hyper::Error> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let Question { method, route, media, body, on_top_of } = question;
    let mut request = Request::builder()
        .method(method)
        .uri(route)
        .header("host", "hitless")
        .header("content-type", media);
    if let Some(revision) = on_top_of {
        request = request.header("if-match", format!("\"{revision}\""));
    }
    let request = request.body(Full::new(body)).unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(70), sender.send_request(request));
    let (head, body) = asked.await.unwrap()?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Reply { status: head.status, headers: head.headers, body })
}
