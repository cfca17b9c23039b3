//! The OpenAPI document: the routes, and the types that go over them, as JSON.

use hitless_config::Privilege;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, SchemaOf};
use super::types::Problem;

/// The version of OpenAPI whose schemas are JSON Schema 2020-12 as it is.
const VERSION: &str = "3.1.0";

/// The document.
pub(crate) fn document(endpoints: &[Endpoint]) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for endpoint in endpoints {
        let operation = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let refused = json!({
        "description": "Refused: 400 not understood, 401 and 403 not allowed, 404 not there, 409 somebody \
                        else changed it since, 422 not possible, 503 the module does not answer",
        "content": { "application/json": { "schema": problem } },
    });
    json!({
        "openapi": VERSION,
        "info": {
            "title": "hitless",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Management of a chassis with content switching modules.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Refused": refused },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let who = match endpoint.privilege {
        Privilege::Reader => "reader",
        Privilege::Administrator => "administrator",
    };
    let mut operation = json!({
        "operationId": id(endpoint),
        "summary": endpoint.summary,
        "tags": [tag(endpoint.path)],
        "x-privilege": who,
        "parameters": parameters(endpoint, generator),
        "responses": {
            "200": {
                "description": "Done",
                "content": content(&endpoint.answers, generator),
            },
            "default": { "$ref": "#/components/responses/Refused" },
        },
    });
    if !endpoint.bodies.is_empty()
        && let Value::Object(operation) = &mut operation
    {
        let body = json!({ "required": true, "content": content(&endpoint.bodies, generator) });
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn content(of: &[(&str, SchemaOf)], generator: &mut SchemaGenerator) -> Value {
    let one = |(media, schema): &(&str, SchemaOf)| {
        ((*media).to_owned(), json!({ "schema": schema(generator) }))
    };
    Value::Object(of.iter().map(one).collect())
}

/// `get /v1/modules/{slot}/ft` is `get_modules_slot_ft`.
fn id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.trim_start_matches("/v1").split(['/', '-', '.']);
    let words = words.map(|word| word.trim_matches(['{', '}'])).filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    format!("{}_{}", endpoint.method.as_str().to_ascii_lowercase(), words.join("_"))
}

fn tag(path: &str) -> &str {
    let parts = path.trim_start_matches("/v1").trim_start_matches('/');
    parts.split('/').next().unwrap_or_default()
}

fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    for name in endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')) {
        let name = name.trim_end_matches('}');
        let schema = path_schema(name, generator);
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    if let Some(query) = endpoint.query {
        parameters.extend(query_parameters(query, generator));
    }
    if endpoint.conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "ETag of the configuration that the change is made on top of; 409 if that is \
                            not in force any more",
            "schema": { "type": "string" },
        }));
    }
    parameters
}

/// What a word in braces stands for.
fn path_schema(name: &str, generator: &mut SchemaGenerator) -> Value {
    let schema = match name {
        "slot" => hitless_model::Slot::json_schema(generator),
        "revision" => u64::json_schema(generator),
        _ => hitless_config::model::Name::json_schema(generator),
    };
    schema.to_value()
}

/// Each property of the query's type is a parameter.
fn query_parameters(query: SchemaOf, generator: &mut SchemaGenerator) -> Vec<Value> {
    let reference = query(generator).to_value();
    let name =
        reference.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
    let definition = name.and_then(|name| generator.definitions().get(name)).unwrap_or(&reference);
    let Some(Value::Object(properties)) = definition.get("properties") else { return Vec::new() };
    let one = |(name, schema): (&String, &Value)| {
        let description = schema.get("description").cloned().unwrap_or_default();
        json!({
            "name": name, "in": "query", "required": false,
            "description": description, "schema": schema,
        })
    };
    properties.iter().map(one).collect()
}
