//! The management API of the real daemon, called as its own document describes it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod asking;
mod place;

use std::path::{Path, PathBuf};
use std::time::Duration;

use asking::{Question, Reply, ask};
use hitless::api::client;
use hyper::{Method, StatusCode};
use place::{CONFIGURATION, Place, in_own_namespace};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A route of the document.
#[derive(Clone, Debug)]
struct Route {
    method: Method,
    path: String,
    operation: Value,
}

impl Place {
    fn administrators(&self) -> PathBuf {
        self.folder.join("hitless.sock")
    }

    fn readers(&self) -> PathBuf {
        self.folder.join("hitless.sock-ro")
    }

    fn ask(&self, socket: &Path, question: Question<'_>) -> Reply {
        self.runtime.block_on(ask(socket, question)).unwrap()
    }

    fn get(&self, route: &str) -> Reply {
        self.ask(&self.administrators(), Question::new(Method::GET, route, "".into()))
    }

    fn send(&self, method: Method, route: &str, body: &Value) -> Reply {
        let body = body.to_string().into();
        self.ask(&self.administrators(), Question::new(method, route, body))
    }

    fn document(&self) -> Value {
        serde_json::from_slice(&self.get("/v1/openapi.json").body).unwrap()
    }

    /// Every route, with what stands in braces filled in.
    fn routes(&self) -> Vec<Route> {
        let document = self.document();
        let mut routes = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path =
                path.replace("{slot}", "4").replace("{name}", "WEB").replace("{revision}", "1");
            for (method, operation) in methods.as_object().unwrap() {
                let method = method.to_ascii_uppercase().parse().unwrap();
                routes.push(Route { method, path: path.clone(), operation: operation.clone() });
            }
        }
        assert!(routes.len() > 35, "{}", routes.len());
        routes
    }

    fn revision(&self) -> u64 {
        self.get("/v1/configuration").revision().unwrap()
    }
}

impl Route {
    fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.path == path
    }

    fn is_stream(&self) -> bool {
        !self.operation["responses"]["200"]["content"]["text/event-stream"].is_null()
    }

    fn is_for_readers(&self) -> bool {
        self.operation["x-privilege"] == "reader"
    }

    /// What it takes in JSON, if anything.
    fn takes(&self) -> Option<&str> {
        let content = self.operation["requestBody"]["content"].as_object()?;
        content.keys().next().map(String::as_str)
    }

    /// Calls that would replace the daemon or its configuration are made so that they are refused.
    fn question(&self, body: &str) -> Question<'_> {
        let media = self.takes().unwrap_or("application/json");
        let question = Question::new(self.method.clone(), &self.path, body.to_owned().into());
        Question { media, on_top_of: Some(0), ..question }
    }
}

/// Whether a value is what a schema of the document asks for.
fn check(document: &Value, schema: &Value, value: &Value, what: &str) {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": document["components"],
        "allOf": [schema],
    });
    let validator = jsonschema::validator_for(&root).unwrap();
    let wrong: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{what}: {wrong:?}\n{value:#}");
}

fn check_reply(document: &Value, route: &Route, reply: &Reply) {
    let what = format!("{} {}: {}", route.method, route.path, reply.status);
    let content = &route.operation["responses"]["200"]["content"];
    let is_text = !reply.headers["content-type"].to_str().unwrap().starts_with("application/json");
    if reply.status == StatusCode::OK && is_text {
        assert!(content["application/json"].is_null(), "{what}: is said to be JSON");
        return;
    }
    let value: Value = serde_json::from_slice(&reply.body)
        .unwrap_or_else(|error| panic!("{what}: {error}: {:?}", reply.body));
    let problem = &document["components"]["responses"]["Refused"]["content"]["application/json"];
    let schema = match reply.status {
        StatusCode::OK => &content["application/json"]["schema"],
        _ => &problem["schema"],
    };
    check(document, schema, &value, &what);
}

/// Routes that end or replace what the test runs on, or wait.
fn is_left_out(route: &Route) -> bool {
    route.is_stream() || route.is(&Method::POST, "/v1/reload")
}

#[test]
fn every_route_answers_as_the_document_says() {
    in_own_namespace("document", |mut place| {
        place.wire();
        place.start();
        let document = place.document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut done = 0;
        for route in place.routes().iter().filter(|route| !is_left_out(route)) {
            let reply = place.ask(&place.administrators(), route.question("null"));
            assert!(!reply.status.is_server_error(), "{route:?}: {:?}", reply.problem());
            check_reply(&document, route, &reply);
            done += u32::from(reply.status == StatusCode::OK);
        }
        assert!(done > 25, "only {done} routes did something");
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn the_document_has_a_type_for_every_answer_and_names_no_operation_twice() {
    in_own_namespace("types", |mut place| {
        place.wire();
        place.start();
        let routes = place.routes();
        let mut names: Vec<_> =
            routes.iter().map(|route| route.operation["operationId"].clone()).collect();
        for route in &routes {
            let content = route.operation["responses"]["200"]["content"].as_object().unwrap();
            assert!(!content.is_empty(), "{route:?}");
            assert!(route.operation["summary"].as_str().unwrap().len() > 5, "{route:?}");
        }
        names.sort_by_key(Value::to_string);
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn readers_may_look_and_change_nothing() {
    in_own_namespace("readers", |mut place| {
        place.wire();
        place.start();
        let before = place.get("/v1/configuration");
        for route in place.routes().iter().filter(|route| !is_left_out(route)) {
            let reply = place.ask(&place.readers(), route.question("null"));
            let is_refused = reply.status == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, !route.is_for_readers(), "{route:?}: {}", reply.status);
        }
        for command in ["clear module csm 4 counters", "write memory", "reload daemon"] {
            let body = json!({ "command": command }).to_string().into();
            let question = Question::new(Method::POST, "/v1/exec", body);
            let reply = place.ask(&place.readers(), question);
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{command}");
        }
        let keys = Question::new(Method::GET, "/v1/configuration/text?keys=true", "".into());
        assert_eq!(place.ask(&place.readers(), keys).status, StatusCode::FORBIDDEN);
        assert_eq!(place.get("/v1/configuration").revision(), before.revision());
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn the_second_of_two_who_change_the_same_is_told_who_came_first() {
    in_own_namespace("conflict", |mut place| {
        place.wire();
        place.start();
        let seen = place.revision();
        let change = |name: &str| {
            let body = json!({ "lines": [format!("hostname {name}")] }).to_string().into();
            let question = Question::new(Method::PATCH, "/v1/configuration", body);
            place.ask(&place.administrators(), Question { on_top_of: Some(seen), ..question })
        };
        let first = change("first");
        assert_eq!(first.status, StatusCode::OK, "{:?}", first.problem());
        assert_eq!(first.revision(), Some(seen + 1));
        let second = change("second");
        assert_eq!(second.status, StatusCode::CONFLICT);
        let conflict = second.problem().conflict.unwrap();
        assert_eq!((conflict.revision, conflict.by.as_str()), (seen + 1, "root"));
        let text = place.get("/v1/configuration/text");
        assert!(String::from_utf8_lossy(&text.body).contains("hostname first"));
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn a_wrong_line_is_told_by_number_and_column_and_nothing_is_changed() {
    in_own_namespace("lines", |mut place| {
        place.wire();
        place.start();
        let seen = place.revision();
        let lines = json!({ "context": ["module csm 4", "vserver WEB"], "lines": ["idle 7200", "idle many"] });
        let reply = place.send(Method::PATCH, "/v1/configuration", &lines);
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let problem = reply.problem();
        assert_eq!(problem.lines.len(), 1, "{problem:?}");
        assert_eq!((problem.lines[0].line, problem.lines[0].column), (Some(4), 7), "{problem:?}");
        assert_eq!(place.revision(), seen);
        let lines = json!({ "context": ["module csm 4", "vserver WEB"], "lines": ["idle 7200"] });
        let reply = place.send(Method::PATCH, "/v1/configuration", &lines);
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.problem());
        let server: Value =
            serde_json::from_slice(&place.get("/v1/modules/4/vservers/WEB").body).unwrap();
        assert_eq!(server["idle_s"], 7200);
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn what_was_read_can_be_sent_back_and_changes_nothing() {
    in_own_namespace("roundtrip", |mut place| {
        place.configure(&with_keys());
        place.wire();
        place.start();
        let read = place.get("/v1/configuration");
        let question = Question::new(Method::PUT, "/v1/configuration", read.body.clone());
        let reply = place.ask(&place.administrators(), question);
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.problem());
        assert_eq!(reply.revision(), read.revision(), "hidden keys stand for those that run");
        let text = place.get("/v1/configuration/text?keys=true");
        let question = Question::new(Method::PUT, "/v1/configuration", text.body);
        let text = Question { media: "text/plain", ..question };
        let reply = place.ask(&place.administrators(), text);
        assert_eq!(reply.revision(), read.revision(), "{:?}", reply.problem());
        let hidden = place.get("/v1/configuration/text");
        let question = Question::new(Method::PUT, "/v1/configuration", hidden.body);
        let text = Question { media: "text/plain", ..question };
        let refused = place.ask(&place.administrators(), text).problem();
        assert!(refused.error.contains("hidden key"), "no key is called so: {refused:?}");
        let patch = json!({ "hostname": "patched" }).to_string().into();
        let question = Question::new(Method::PATCH, "/v1/configuration", patch);
        let media = "application/merge-patch+json";
        let reply = place.ask(&place.administrators(), Question { media, ..question });
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.problem());
        let kept = place.get("/v1/configuration/text?keys=true");
        let kept = String::from_utf8_lossy(&kept.body).into_owned();
        assert!(kept.contains("hostname patched") && kept.contains("opensesame"), "{kept}");
        assert!(place.end(Signal::TERM));
    });
}

fn with_keys() -> String {
    format!("{CONFIGURATION} vlan 9\n ft group 90 vlan 9\n  key-string opensesame\n")
}

#[test]
fn no_answer_has_a_key_in_it() {
    in_own_namespace("secrets", |mut place| {
        place.configure(&with_keys());
        place.wire();
        place.start();
        let saved = place.send(Method::POST, "/v1/configuration/startup", &Value::Null);
        assert_eq!(saved.status, StatusCode::OK, "{:?}", saved.problem());
        let mut said = Vec::new();
        for route in place.routes().iter().filter(|route| !is_left_out(route)) {
            let reply = place.ask(&place.administrators(), route.question("null"));
            said.push((route.path.clone(), reply.body));
        }
        let shows =
            ["running-config", "startup-config", "tech-support", "archive differences", "log"];
        for show in
            shows.iter().flat_map(|show| [format!("show {show}"), format!("show {show} | json")])
        {
            let reply = place.send(Method::POST, "/v1/exec", &json!({ "command": show }));
            said.push((show, reply.body));
        }
        for (what, body) in said {
            let body = String::from_utf8_lossy(&body);
            assert!(!body.contains("opensesame"), "{what}: {body}");
        }
        assert!(!place.log().contains("opensesame"));
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn a_hostile_body_is_refused_and_the_daemon_goes_on() {
    in_own_namespace("hostile", |mut place| {
        place.wire();
        place.start();
        let routes = place.routes();
        let taking = routes.iter().filter(|route| route.takes().is_some() && !is_left_out(route));
        let taking: Vec<_> = taking.cloned().collect();
        let document = place.document();
        let mut runner =
            TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
        let bodies = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:a-z0-9 ]{0,80}".prop_map(String::into_bytes),
            Just(b"[".repeat(100_000)),
            Just(vec![b' '; 1 << 20]),
        ];
        let any_route = proptest::sample::select(taking);
        let run = runner.run(&(any_route, bodies), |(route, body)| {
            let question = Question { body: body.into(), ..route.question("") };
            let reply = place.ask(&place.administrators(), question);
            prop_assert!(!reply.status.is_server_error(), "{}", reply.status);
            check_reply(&document, &route, &reply);
            Ok(())
        });
        run.unwrap();
        let huge = Question::new(Method::PUT, "/v1/configuration", vec![b'x'; 33 << 20].into());
        let refused = place.runtime.block_on(ask(&place.administrators(), huge));
        assert!(refused.is_err() || refused.unwrap().status == StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(place.get("/v1/system").status, StatusCode::OK);
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn a_watcher_hears_of_a_change_and_of_the_module() {
    in_own_namespace("events", |mut place| {
        place.wire();
        place.start();
        let (sender, heard) = std::sync::mpsc::channel();
        let socket = place.readers();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut events = client::events(&socket, "/v1/events?after=0").await.unwrap();
                while let Ok(Some(event)) = events.next().await {
                    sender.send((event.event, event.data)).unwrap();
                }
            });
        });
        let change = json!({ "lines": ["hostname heard"] });
        let reply = place.send(Method::PATCH, "/v1/configuration", &change);
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.problem());
        let mut seen = String::new();
        let is_wanted = |(kind, data): &(String, String)| {
            kind == "configuration" && data.contains("\"by\":\"root\"")
        };
        loop {
            let event = heard.recv_timeout(Duration::from_secs(20));
            let event = event.unwrap_or_else(|_| panic!("heard only:\n{seen}"));
            seen.push_str(&event.1);
            if is_wanted(&event) {
                break;
            }
        }
        assert!(seen.contains("ready on"), "the log is in it: {seen}");
        assert!(place.end(Signal::TERM));
    });
}
