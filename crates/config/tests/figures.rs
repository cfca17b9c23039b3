//! A large configuration: 4,000 virtual servers with 16,000 reals. The bounds are for any machine;
//! `cargo test --release -p hitless-config --test figures -- --nocapture` prints the figures themselves.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hitless_config::{Configuration, digest, merge, parse, render, validate};

/// Virtual servers, each with a farm of four reals.
const SERVERS: u32 = 4000;

fn text() -> String {
    let mut text = String::from(
        "module csm 5\n vlan 2 client\n  ip address 10.1.0.1 255.255.0.0\n vlan 3 server\n  \
         ip address 10.2.0.1 255.254.0.0\n",
    );
    for number in 0..SERVERS {
        let _ = writeln!(text, " serverfarm F{number}");
        for real in 0..4 {
            let [_, _, c, d] = (number * 4 + real + 256).to_be_bytes();
            let _ = writeln!(text, "  real 10.3.{c}.{d}\n   inservice");
        }
    }
    for number in 0..SERVERS {
        let [_, _, c, d] = (number + 256).to_be_bytes();
        let _ = writeln!(
            text,
            " vserver V{number}\n  virtual 10.1.{c}.{d} tcp www\n  serverfarm F{number}\n  \
             replicate csrp connection\n  inservice"
        );
    }
    text
}

/// One farm with all the reals.
fn one_farm() -> String {
    let mut text = String::from("module csm 5\n serverfarm F\n");
    for real in 0..SERVERS * 4 {
        let [_, _, c, d] = (real + 256).to_be_bytes();
        let _ = writeln!(text, "  real 10.3.{c}.{d}\n   inservice");
    }
    text
}

fn timed<T>(what: &str, bound: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    // Seen with `--nocapture`, which nothing else of the test runner offers.
    eprintln!("{what}: {took:?}");
    assert!(took < bound, "{what} took {took:?}, more than {bound:?}");
    done
}

/// Everything that is done with a large configuration, each within `bound`.
fn walk_through(bound: Duration) -> Configuration {
    let text = text();
    let configuration = timed("parse", bound, || parse(&text, "large").expect("it is right"));
    let module = configuration.modules.values().next().expect("a module");
    assert_eq!(module.virtual_servers.len(), 4000);
    assert_eq!(module.farms.values().map(|farm| farm.reals.len()).sum::<usize>(), 16_000);
    let rendered = timed("render", bound, || render(&configuration));
    assert!(rendered.lines().count() > 50_000);
    assert_eq!(timed("validate", bound, || validate(&configuration)), []);
    timed("digest", bound, || digest(module));
    timed("json", bound, || serde_json::to_string(&configuration).expect("JSON"));
    let line = "module csm 5\n vserver V7\n  no inservice\n";
    let merged = timed("one line on top", bound, || {
        merge(&configuration, line, "line").expect("it is right")
    });
    assert_ne!(merged.configuration, configuration);
    let one_farm = one_farm();
    timed("one farm of all reals", bound, || parse(&one_farm, "farm").expect("it is right"));
    configuration
}

#[test]
fn a_large_configuration_is_no_standstill() {
    walk_through(Duration::from_secs(30));
}
