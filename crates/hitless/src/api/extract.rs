//! What is taken out of requests; what does not fit is refused with a sentence.

use axum::body::Bytes;
use axum::extract::{
    FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Query, Request,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::access::Peer;
use super::refusal::Refusal;

/// Parts of the path.
#[derive(Debug)]
pub(crate) struct At<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = <Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|error| Refusal::not_found(error.body_text()))
    }
}

/// What follows the `?`.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|error| Refusal::bad(error.body_text()))
    }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let Document { bytes, .. } = Document::from_request(request, state).await?;
        read(&bytes).map(Self)
    }
}

/// Reads JSON; no body at all stands for `null`.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let bytes = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Refusal::bad(format!("the body: {error}")))
}

/// A body of more than one possible type.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its type, without parameters; JSON if it is not said.
    pub(crate) media: String,
    /// It.
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let media = media(request.headers());
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Refusal::new(error.status(), error.body_text()))?;
        Ok(Self { media, bytes })
    }
}

impl Document {
    /// The body as text.
    pub(crate) fn text(&self) -> Result<String, Refusal> {
        let text = std::str::from_utf8(&self.bytes);
        text.map(str::to_owned).map_err(|error| Refusal::bad(format!("the body: {error}")))
    }

    /// A type that the route does not know.
    pub(crate) fn unknown(&self, known: &[&str]) -> Refusal {
        let error = format!("{} is not understood here, but {}", self.media, known.join(", "));
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
    }
}

fn media(headers: &HeaderMap) -> String {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let said = said.unwrap_or("application/json");
    said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The revision that a change is made on top of: `If-Match`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(tag) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let tag = tag.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return Ok(Self(None));
        }
        let number = tag.trim_start_matches("W/").trim_matches('"').parse().map(Some).map(Self);
        number.map_err(|_| Refusal::bad("If-Match: not an ETag of the configuration"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().copied().ok_or_else(Refusal::forbidden)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Peer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        Ok(parts.extensions.get::<Self>().copied())
    }
}
