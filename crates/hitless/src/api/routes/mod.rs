//! What the supervisor answers: the list of all routes, and the router that comes of it.

mod actions;
mod archive;
mod configuration;
pub(crate) mod events;
mod modules;
mod system;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use serde_json::Value;

use super::app::App;
use super::endpoint::Endpoint;
use super::openapi;
use super::refusal::Refusal;

/// Longest request: several times the largest configuration.
const LONGEST_REQUEST: usize = 32 << 20;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(&endpoints()));

/// All of them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let areas = [
        system::endpoints(),
        configuration::endpoints(),
        archive::endpoints(),
        modules::endpoints(),
        actions::endpoints(),
        events::endpoints(),
    ];
    areas.into_iter().flatten().collect()
}

/// The OpenAPI document of all of them.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// The supervisor's routes.
pub fn router(app: Arc<App>) -> Router {
    let routes = endpoints().into_iter().fold(Router::new(), |router, one| one.add_to(router));
    routes
        .fallback(async || Refusal::not_found("there is no such route: see /v1/openapi.json"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this route has other methods")
        })
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .with_state(app)
}
