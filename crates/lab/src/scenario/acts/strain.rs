//! Busy processors, and a flood of SYNs.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::Result;

use crate::arena::Arena;
use crate::clock::millis;
use crate::load::TCP_PORT;
use crate::scenario::fault::Struck;
use crate::strain::{Busy, FLOOD_NETWORK, Flood};
use crate::topology::{NEAR, SERVER_HOSTS, VIRTUAL};

const LOOPS: usize = 8;
/// SYNs a second.
const FLOOD: u32 = 100_000;
/// An ordinary thread waits this long for its turn now and then, flood or not.
const NOISE: Duration = Duration::from_millis(25);

/// Eight loops want both processors.
pub(crate) fn keep_busy(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.strain.busy = Some(Busy::start(LOOPS)?);
    arena.interrupt.sleep(struck.lasts)?;
    arena.strain.busy = None;
    Ok(())
}

/// The servers learn to throw the flood away, and undisturbed exchanges are measured.
pub(crate) fn prepare_flood(arena: &mut Arena, struck: Struck) -> Result<()> {
    for name in SERVER_HOSTS {
        let node = arena.network.node(name)?;
        for interface in ["all", "eth0"] {
            node.namespace.sysctl(&format!("ipv4/conf/{interface}/rp_filter"), "1")?;
        }
        node.netlink.shun(FLOOD_NETWORK)?;
    }
    arena.traffic.longest_exchanges();
    arena.interrupt.sleep(struck.lasts)?;
    let (p50, p99) = exchanges(arena);
    arena.findings.raise("exchange_before_ms_p50", millis(p50));
    arena.findings.raise("exchange_before_ms_p99", millis(p99));
    Ok(())
}

/// SYNs from made-up sources to the virtual server.
pub(crate) fn flood(arena: &mut Arena, struck: Struck) -> Result<()> {
    let target = SocketAddrV4::new(VIRTUAL, TCP_PORT);
    let flood = Flood::start(&arena.network.node(NEAR)?.namespace, target, FLOOD)?;
    arena.strain.flood = Some(flood);
    arena.interrupt.sleep(struck.lasts)?;
    let (p50, p99) = exchanges(arena);
    let sent = arena.strain.flood.take().map_or(0, |flood| flood.sent());
    let rate = sent as f64 / struck.lasts.as_secs_f64();
    let findings = &mut arena.findings;
    findings.raise("syn_per_second", rate);
    findings.raise("exchange_during_ms_p50", millis(p50));
    findings.raise("exchange_during_ms_p99", millis(p99));
    let before = findings.figures.get("exchange_before_ms_p99").copied().unwrap_or_default();
    if millis(p99) > before + millis(NOISE) {
        let (p99, before) = (millis(p99), before);
        findings.violated.push(format!(
            "the slowest exchanges took {p99:.1} ms (99th of 100) in the flood, {before:.1} ms before"
        ));
    }
    Ok(())
}

/// Of the longest exchange of each connection since the last look: the middle one, and the 99th of
/// a hundred.
fn exchanges(arena: &Arena) -> (Duration, Duration) {
    let all = arena.traffic.longest_exchanges();
    let at = |percent: usize| {
        let place = all.len().saturating_sub(1) * percent / 100;
        all.get(place).copied().unwrap_or_default()
    };
    (at(50), at(99))
}
