//! A hundred clients of the API of an active box, at once: none of them is noticed by the pair.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod asking;
mod boxes;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use asking::{Question, ask};
use boxes::{Pair, Wiring, in_own_namespace};
use hyper::Method;
use serde_json::json;

const CLIENTS: usize = 100;
/// What they ask for, in turn: whole tables, everything that is counted, and what a shell asks.
const ROUTES: [&str; 5] = [
    "/v1/modules/5/conns",
    "/metrics",
    "/v1/modules/5/ft",
    "/v1/configuration",
    "/v1/modules/5/vservers",
];

fn socket(pair: &Pair, which: usize) -> PathBuf {
    pair.boxes[which].folder.join("hitless.sock")
}

/// The pair with short times.
fn hurry(pair: &Pair) {
    for which in 0..2 {
        let lines = json!({
            "context": ["module csm 5", "ft group 90 vlan 9"],
            "lines": ["heartbeat-time msec 50", "failover msec 200"],
        });
        let body = lines.to_string().into();
        let question = Question::new(Method::PATCH, "/v1/configuration", body);
        let reply = pair.runtime.block_on(ask(&socket(pair, which), question)).unwrap();
        assert!(reply.status.is_success(), "{:?}", reply.problem());
        pair.until("it has its times", |pair| {
            pair.ft(which).is_some_and(|ft| (ft.heartbeat_ms, ft.failover_ms) == (50, 200))
        });
    }
}

/// Has a hundred clients ask for a while; how many answers they got.
fn crowd(socket: &Path) -> u64 {
    let answers = Arc::new(AtomicU64::new(0));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    let clients = (0..CLIENTS).map(|number| {
        let (socket, answers) = (socket.to_owned(), Arc::clone(&answers));
        runtime.spawn(async move {
            for route in ROUTES.iter().cycle().skip(number) {
                if Instant::now() > end {
                    return;
                }
                let question = Question::new(Method::GET, route, "".into());
                let reply = ask(&socket, question).await.unwrap();
                assert!(reply.status.is_success(), "{route}: {:?}", reply.problem());
                answers.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        runtime.block_on(client).unwrap();
    }
    answers.load(Ordering::Relaxed)
}

#[test]
fn a_hundred_clients_cost_no_lease_and_no_role() {
    in_own_namespace("clients", Wiring::Bridged, |mut pair| {
        hurry(&pair);
        pair.until("both are in step", |pair| pair.ft(0).is_some_and(|ft| ft.status.in_step));
        let before = pair.ft(0).unwrap().status;
        let busy = socket(&pair, 0);
        let mut answers = 0;
        pair.under_traffic(|_| answers = crowd(&busy));
        let after = pair.ft(0).unwrap().status;
        assert!(answers > 10 * CLIENTS as u64, "only {answers} answers");
        assert_eq!(after.lease_expiries, before.lease_expiries);
        assert_eq!(after.role_changes, before.role_changes);
        let peer = pair.ft(0).unwrap().status.peer;
        assert!(peer.is_some_and(|peer| peer.config_agrees));
        let delay = Duration::from_nanos(after.longest_delay_ns);
        eprintln!("{answers} answers in 5 s, longest delay of the core thread {delay:?}");
    });
}
