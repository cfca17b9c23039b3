//! The configuration in force, and changing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hitless_config::{Configuration, Privilege, render, render_with_secrets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::access::Peer;
use crate::api::app::App;
use crate::api::endpoint::{Endpoint, JSON, MERGE_PATCH, TEXT};
use crate::api::extract::{Asked, Body, Document, IfMatch, read};
use crate::api::keys;
use crate::api::refusal::Refusal;
use crate::api::types::{Lines, Proposal};
use crate::store::{Applied, Change, ChangeError, Outlook, Running};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = "/v1/configuration/text";
    vec![
        Endpoint::get("/v1/configuration", "What runs, keys hidden; its revision is the ETag", get)
            .answers::<Configuration>(),
        Endpoint::put("/v1/configuration", "Replaces what runs, by JSON or by text", put)
            .conditional()
            .takes::<Configuration>()
            .takes_as::<String>(TEXT)
            .answers::<Applied>(),
        Endpoint::patch(
            "/v1/configuration",
            "Changes what runs, by lines or by a merge patch",
            patch,
        )
        .conditional()
        .takes::<Lines>()
        .takes_as::<Configuration>(MERGE_PATCH)
        .takes_as::<String>(TEXT)
        .answers::<Applied>(),
        Endpoint::get(text, "What runs, in the form of IOS", get_text)
            .asks::<TextQuery>()
            .answers_as::<String>(TEXT),
        Endpoint::post("/v1/configuration/validate", "What a change would come to", validate)
            .takes::<Proposal>()
            .answers::<Outlook>(),
        Endpoint::post("/v1/configuration/difference", "Lines that a change would bring", differ)
            .for_readers()
            .takes::<Proposal>()
            .answers::<Vec<String>>(),
    ]
}

/// With the revision as its ETag.
fn tagged(running: &Running, answer: impl IntoResponse) -> Response {
    let tag = format!("\"{}\"", running.revision);
    ([(header::ETAG, tag)], answer).into_response()
}

async fn get(State(app): State<Arc<App>>) -> Response {
    let running = app.store().running();
    tagged(&running, Json(keys::hidden(&running.configuration)))
}

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TextQuery {
    /// With its keys, for administrators only: to be stored, and sent back.
    #[serde(default)]
    keys: bool,
}

async fn get_text(
    State(app): State<Arc<App>>,
    peer: Peer,
    Asked(TextQuery { keys }): Asked<TextQuery>,
) -> Result<Response, Refusal> {
    if keys && !peer.may(Privilege::Administrator) {
        return Err(Refusal::forbidden());
    }
    let running = app.store().running();
    let print = if keys { render_with_secrets } else { render };
    Ok(tagged(&running, print(&running.configuration)))
}

async fn put(
    State(app): State<Arc<App>>,
    peer: Peer,
    IfMatch(base): IfMatch,
    document: Document,
) -> Result<Response, Refusal> {
    let change = match document.media.as_str() {
        JSON => typed(&app, read(&document.bytes)?)?,
        TEXT => Change::Replace(document.text()?),
        _ => return Err(document.unknown(&[JSON, TEXT])),
    };
    apply(&app, change, base, &peer).await
}

async fn patch(
    State(app): State<Arc<App>>,
    peer: Peer,
    IfMatch(base): IfMatch,
    document: Document,
) -> Result<Response, Refusal> {
    let base = match document.media.as_str() {
        // What is patched must be what was read.
        MERGE_PATCH => Some(base.unwrap_or(app.store().running().revision)),
        _ => base,
    };
    let change = match document.media.as_str() {
        JSON => Change::Merge(read::<Lines>(&document.bytes)?.text()),
        TEXT => Change::Merge(document.text()?),
        MERGE_PATCH => merge_patch(&app, read(&document.bytes)?)?,
        _ => return Err(document.unknown(&[JSON, TEXT, MERGE_PATCH])),
    };
    apply(&app, change, base, &peer).await
}

async fn apply(
    app: &App,
    change: Change,
    base: Option<u64>,
    peer: &Peer,
) -> Result<Response, Refusal> {
    let applied = app.store().change(change, base, peer.name().await).await?;
    let tag = format!("\"{}\"", applied.revision);
    Ok(([(header::ETAG, tag)], Json(applied)).into_response())
}

async fn validate(
    State(app): State<Arc<App>>,
    Body(proposal): Body<Proposal>,
) -> Result<Json<Outlook>, Refusal> {
    Ok(Json(app.store().validate(proposed(&app, proposal)?).await?))
}

async fn differ(
    State(app): State<Arc<App>>,
    Body(proposal): Body<Proposal>,
) -> Result<Json<Vec<String>>, Refusal> {
    Ok(Json(app.store().difference(proposed(&app, proposal)?).await?))
}

fn proposed(app: &App, proposal: Proposal) -> Result<Change, Refusal> {
    match proposal {
        Proposal::Replace(text) => Ok(Change::Replace(text)),
        Proposal::Merge(text) => Ok(Change::Merge(text)),
        Proposal::Lines(lines) => Ok(Change::Merge(lines.text())),
        Proposal::Configuration(configuration) => typed(app, *configuration),
    }
}

/// A typed configuration has to stand as text as well: what cannot be rendered and read back is refused
/// at its line, like any other text.
fn typed(app: &App, mut configuration: Configuration) -> Result<Change, Refusal> {
    restore(&mut configuration, app)?;
    let text = render_with_secrets(&configuration);
    hitless_config::parse(&text, "configuration").map_err(ChangeError::Lines)?;
    Ok(Change::Patch(Box::new(configuration)))
}

fn restore(wanted: &mut Configuration, app: &App) -> Result<(), Refusal> {
    let running = app.store().running();
    keys::restore(wanted, &running.configuration).map_err(Refusal::unprocessable)
}

fn merge_patch(app: &App, patch: Value) -> Result<Change, Refusal> {
    let running = keys::hidden(&app.store().running().configuration);
    let mut value =
        serde_json::to_value(running).map_err(|error| Refusal::bad(error.to_string()))?;
    merge(&mut value, patch);
    let patched = serde_json::from_value(value);
    typed(app, patched.map_err(|error| Refusal::bad(format!("the patch: {error}")))?)
}

/// RFC 7396, section 2. JSON that was read is not nested deeper than its reader allows.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_does_what_its_rfc_prints() {
        // RFC 7396, appendix A.
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, result) in cases {
            merge(&mut target, patch.clone());
            assert_eq!(target, result, "{patch}");
        }
    }
}
