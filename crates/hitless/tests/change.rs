//! The configuration of a running chassis is changed: under traffic, wholly or not at all, and so
//! that the next daemon knows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod boxes;
mod place;

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use boxes::{Pair, Wiring};
use hitless::api::client::{self, ClientError};
use hitless::api::types::Ready;
use hitless::netlink::netns;
use hitless::store::{Applied, ArchiveEntry};
use hitless_model::Role;
use hyper::Method;
use place::{CONFIGURATION, Place, in_own_namespace, is_alive, send};
use rustix::process::Signal;
use serde_json::json;

/// Adds lines to the configuration of the daemon on a socket.
async fn change(socket: &Path, context: &[&str], lines: &[&str]) -> Result<Applied, ClientError> {
    let body = json!({ "context": context, "lines": lines });
    client::call(socket, Method::PATCH, "/v1/configuration", &body).await
}

fn on_box(pair: &Pair, which: usize, lines: &[&str]) -> Applied {
    let socket = pair.boxes[which].folder.join("hitless.sock");
    let made = pair.runtime.block_on(change(&socket, &["module csm 5"], lines));
    made.unwrap_or_else(|error| panic!("{error}\n{}", pair.boxes[which].log()))
}

fn on_place(place: &Place, lines: &[&str]) -> Result<Applied, ClientError> {
    place.runtime.block_on(change(&place.folder.join("hitless.sock"), &[], lines))
}

/// Segments that had to be sent again in a namespace, which is what a lost one comes to.
fn sent_again(namespace: &boxes::Namespace) -> u64 {
    let read = || std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let text = netns::run_in(&namespace.0, read).unwrap();
    let mut tcp = text.lines().filter(|line| line.starts_with("Tcp:")).map(str::split_whitespace);
    let at = tcp.next().unwrap().position(|word| word == "RetransSegs").unwrap();
    tcp.next().unwrap().nth(at).unwrap().parse().unwrap()
}

fn reach(pair: &Pair, address: &str) {
    let answer = netns::run_in(&pair.client.0, || {
        let address = address.parse().unwrap();
        TcpStream::connect_timeout(&address, Duration::from_secs(10)).map(drop)
    });
    answer.unwrap().unwrap_or_else(|error| panic!("{address}: {error}"));
}

fn is_closed(pair: &Pair, address: &str) -> bool {
    let answer = netns::run_in(&pair.client.0, || {
        TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_millis(300))
    });
    answer.unwrap().is_err()
}

fn life(ready: &Ready) -> (u32, u64) {
    (ready.pid, ready.life)
}

const ALSO: [&str; 4] =
    ["vserver ALSO", "virtual 10.9.2.81 tcp 80", "serverfarm FARM", "inservice"];

#[test]
fn virtual_servers_and_reals_come_and_go_under_traffic_without_a_lost_packet() {
    boxes::in_own_namespace("live", Wiring::Bridged, |mut pair| {
        let lives = [0, 1].map(|which| life(&pair.ready(which).unwrap()));
        let before = sent_again(&pair.client) + sent_again(pair.server());
        pair.under_traffic(|pair| {
            for which in [0, 1] {
                let applied = on_box(pair, which, &ALSO);
                let expected = [" module csm 5", "+ vserver ALSO"];
                assert_eq!(applied.difference[..2], expected, "{:?}", applied.difference);
            }
            reach(pair, "10.9.2.81:80");
            for which in [0, 1] {
                on_box(pair, which, &["serverfarm FARM", "real 10.9.3.12"]);
                on_box(pair, which, &["serverfarm FARM", "no real 10.9.3.12"]);
                on_box(pair, which, &["no vserver ALSO"]);
            }
            assert!(is_closed(pair, "10.9.2.81:80"));
            reach(pair, boxes::VIRTUAL);
            pair.until("both agree", |pair| {
                pair.ft(0).is_some_and(|ft| ft.status.peer.is_some_and(|peer| peer.config_agrees))
            });
        });
        let after = sent_again(&pair.client) + sent_again(pair.server());
        // What the closed virtual server was asked in vain.
        assert!(after - before <= 1, "{} segments were sent again", after - before);
        assert_eq!([0, 1].map(|which| life(&pair.ready(which).unwrap())), lives);
    });
}

#[test]
fn connections_of_a_virtual_server_that_is_gone_go_on() {
    boxes::in_own_namespace("orphan", Wiring::Bridged, |mut pair| {
        pair.while_talking(|pair| {
            on_box(pair, 0, &["no vserver WEB"]);
            assert!(is_closed(pair, boxes::VIRTUAL));
            on_box(
                pair,
                0,
                &[
                    "vserver WEB",
                    "virtual 10.9.2.80 tcp 80",
                    "serverfarm FARM",
                    "replicate csrp connection",
                    "inservice",
                ],
            );
            reach(pair, boxes::VIRTUAL);
        });
    });
}

#[test]
fn priority_and_preempt_reach_the_peer_in_place_and_times_begin_another_life() {
    boxes::in_own_namespace("terms", Wiring::Bridged, |mut pair| {
        let before = life(&pair.ready(1).unwrap());
        pair.under_traffic(|pair| {
            on_box(pair, 1, &["ft group 90 vlan 9", "priority 7"]);
            pair.until("the peer knows", |pair| {
                let peer = pair.ft(0).and_then(|ft| ft.status.peer);
                peer.is_some_and(|peer| u64::from(peer.priority) == 7)
            });
            assert_eq!(life(&pair.ready(1).unwrap()), before);
            for which in [1, 0] {
                let terms = ["ft group 90 vlan 9", "heartbeat-time msec 500", "failover 2"];
                let applied = on_box(pair, which, &terms);
                assert!(applied.notices[0].contains("begins another life"), "{applied:?}");
                pair.until("both are in step", |pair| {
                    pair.ft(0).is_some_and(|ft| ft.status.in_step && ft.heartbeat_ms <= 1_000)
                });
            }
        });
        assert_eq!(pair.role(0), Some(Role::Active));
        let after = life(&pair.ready(1).unwrap());
        assert_eq!(after.0, before.0);
        assert_ne!(after.1, before.1);
    });
}

#[test]
fn what_cannot_be_had_is_refused_at_its_line_and_everything_is_as_before() {
    in_own_namespace("whole", |mut place| {
        place.wire();
        place.start();
        let (before, links) = (place.ready(), place.links());
        let text = place.exec("show running-config").1;
        let refused = |lines: &[&str], sentence: &str| {
            let error = on_place(&place, lines).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
            assert_eq!(place.exec("show running-config").1, text);
            assert_eq!((place.ready(), place.links()), (before.clone(), links.clone()));
        };
        let real = "module csm 4\n serverfarm FARM\n real 10.5.0.12";
        refused(&[real, "interface eth7", "switchport access vlan 2"], "eth7");
        refused(&["module csm 4", "serverfarm FARM", "rael 10.5.0.12"], "% ");
        refused(
            &["module csm 4", "no vserver WEBB", "vserver NEW", "virtual 10.5.0.245 tcp 80"],
            "10.5.0.245",
        );
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn vlans_ports_and_modules_come_and_go_while_another_module_notices_nothing() {
    in_own_namespace("grow", |mut place| {
        place.wire();
        place.start();
        let (before, links) = (place.ready(), place.links());
        let more = ["module csm 6", "vlan 7 client", "ip address 10.7.0.2 255.255.255.0"];
        let applied = on_place(&place, &more).unwrap();
        assert_eq!(applied.notices, ["module csm 6: is started"]);
        assert!(place.links().contains("vlan7"));
        assert!(place.exec("show module csm all").1.contains('6'));
        on_place(&place, &["interface eth2", "switchport access vlan 7"]).unwrap();
        assert_eq!(place.bridge_of("eth2").as_deref(), Some("vlan7"));
        on_place(&place, &["interface eth2", "switchport access vlan 2"]).unwrap();
        let applied = on_place(&place, &["no module csm 6", "no vlan 7"]).unwrap();
        assert_eq!(applied.notices, ["module csm 6: hands over and is stopped"]);
        assert_eq!(place.links(), links);
        assert_eq!(place.ready(), before);
        // A VLAN more begins another life of the module, and a larger table starts it anew.
        on_place(&place, &["module csm 4", "vlan 7 client", "ip address 10.7.0.2 255.255.255.0"])
            .unwrap();
        let renewed = place.ready();
        assert_eq!(renewed.pid, before.pid);
        assert_ne!(renewed.life, before.life);
        let applied = on_place(&place, &["module csm 4", "variable MAX_CONNECTIONS 65536"]);
        assert!(applied.unwrap().notices[0].contains("is stopped and started"));
        assert!(!is_alive(before.pid));
        place.ready();
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn what_runs_outlives_the_daemon_and_what_was_saved_outlives_the_box() {
    in_own_namespace("keep", |mut place| {
        place.wire();
        place.start();
        let module = life(&place.ready());
        let name = |place: &Place| place.exec("show running-config | include hostname").1;
        on_place(&place, &["hostname changed"]).unwrap();
        let entries = archive(&place);
        place.end(Signal::KILL);
        place.start();
        assert_eq!((life(&place.ready()), name(&place)), (module, "hostname changed\n".to_owned()));
        assert!(place.exec("reload daemon").0);
        assert_eq!(name(&place), "hostname changed\n");
        assert_eq!(archive(&place), entries);

        // Not saved, it is gone with the modules.
        assert!(place.end(Signal::TERM));
        place.start();
        assert_eq!(name(&place), "hostname chasA\n");
        on_place(&place, &["hostname saved"]).unwrap();
        let socket = place.folder.join("hitless.sock");
        let save = client::call::<_, ()>(&socket, Method::POST, "/v1/configuration/startup", &());
        place.runtime.block_on(save).unwrap();
        assert!(place.end(Signal::TERM));
        place.start();
        assert_eq!(name(&place), "hostname saved\n");

        // An edited file wins over what runs, as ever.
        place.configure(&CONFIGURATION.replace("chasA", "edited"));
        assert!(place.exec("reload daemon").0);
        assert_eq!(name(&place), "hostname edited\n");

        // A checkpoint that is damaged is told, and the file is used.
        on_place(&place, &["hostname lost"]).unwrap();
        place.end(Signal::KILL);
        let checkpoint = place.folder.join("state/running-config");
        let text = std::fs::read(&checkpoint).unwrap();
        std::fs::write(&checkpoint, &text[..text.len() / 2]).unwrap();
        place.start();
        assert_eq!(name(&place), "hostname edited\n");
        assert!(place.log().contains("running-config: it was cut short"), "{}", place.log());
        assert!(place.end(Signal::TERM));
    });
}

fn archive(place: &Place) -> Vec<ArchiveEntry> {
    let socket = place.folder.join("hitless.sock");
    let route = "/v1/configuration/archive";
    place.runtime.block_on(async { client::get(&socket, route).await.unwrap() })
}

#[test]
fn a_change_that_nobody_confirms_goes_back_by_itself_even_under_another_daemon() {
    in_own_namespace("revert", |mut place| {
        place.wire();
        place.start();
        let name = |place: &Place| place.exec("show running-config | include hostname").1;
        let socket = place.folder.join("hitless.sock");
        let arm = |seconds: u32| {
            let body = json!({ "seconds": seconds });
            let route = "/v1/configuration/revert";
            let put = client::call::<_, serde_json::Value>(&socket, Method::PUT, route, &body);
            place.runtime.block_on(put).unwrap();
        };
        arm(1);
        on_place(&place, &["hostname fleeting"]).unwrap();
        assert_eq!(name(&place), "hostname fleeting\n");
        place.wait_for("it goes back", || name(&place) == "hostname chasA\n");

        arm(30);
        on_place(&place, &["hostname kept"]).unwrap();
        let confirm =
            client::call::<_, ()>(&socket, Method::POST, "/v1/configuration/confirm", &());
        place.runtime.block_on(confirm).unwrap();

        arm(2);
        on_place(&place, &["hostname fleeting"]).unwrap();
        send(place.daemon.as_ref().unwrap().id(), Signal::KILL);
        place.end(Signal::KILL);
        place.start();
        place.wait_for("the next one goes back", || name(&place) == "hostname kept\n");
        assert!(place.end(Signal::TERM));
    });
}

/// 4,000 virtual servers with 16,000 reals, which are behind a router: the kernel keeps a thousand
/// neighbours unless it is told otherwise.
fn large() -> String {
    use std::fmt::Write;
    let mut farms = "  route 10.64.0.0 255.192.0.0 gateway 10.5.0.9\n".to_owned();
    let mut servers = String::new();
    for number in 0..4_000_u32 {
        let (high, low) = (number / 250, number % 250 + 1);
        writeln!(farms, " serverfarm F{number}").unwrap();
        for real in 64..68 {
            writeln!(farms, "  real 10.{real}.{high}.{low}\n   weight 4\n   inservice").unwrap();
        }
        writeln!(servers, " vserver V{number}\n  virtual 10.200.{high}.{low} tcp 80").unwrap();
        writeln!(servers, "  serverfarm F{number}\n  inservice").unwrap();
    }
    // In a virtual server's mode a farm is its own: farms come first.
    CONFIGURATION.replacen(" serverfarm FARM\n", &(farms + " serverfarm FARM\n"), 1) + &servers
}

#[test]
fn a_line_on_top_of_four_thousand_virtual_servers_costs_little() {
    in_own_namespace("large", |mut place| {
        place.wire();
        place.configure(&large());
        place.start();
        let before = place.ready();
        let mut took = Vec::new();
        for weight in 21..31 {
            let weight = format!("weight {weight}");
            let lines = ["module csm 4", "serverfarm F1234", "real 10.66.4.235", &weight];
            let begun = std::time::Instant::now();
            let applied = on_place(&place, &lines).unwrap();
            took.push(begun.elapsed());
            assert_eq!(applied.difference.len(), 5, "{:?}", applied.difference);
        }
        took.sort();
        println!("a line on top of 4,000 virtual servers: {:?}, of ten {:?}", took[5], took);
        assert!(took[0] < Duration::from_secs(5), "{took:?}");
        assert_eq!(place.ready(), before);
        assert!(place.end(Signal::TERM));
    });
}
