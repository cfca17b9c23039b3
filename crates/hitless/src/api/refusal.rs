//! Refusals: a status code and a [`Problem`].

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::types::Problem;
use crate::store::ChangeError;

/// A refusal with its status code.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    /// A refusal in one sentence.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, problem: Problem::new(error) }
    }

    /// What was asked for is not possible now, or wrong.
    pub fn unprocessable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// The request cannot be understood.
    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// There is no such thing.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// Who asks may not.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "this is for administrators: ask on their socket")
    }

    /// The sentence.
    pub fn error(&self) -> &str {
        &self.problem.error
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        let status = match &error {
            ChangeError::Conflict { .. } => StatusCode::CONFLICT,
            ChangeError::Lines(_) => StatusCode::BAD_REQUEST,
            ChangeError::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self { status, problem: Problem::from(&error) }
    }
}
