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
/// What the time of an answer may differ by from one run without a flood to the next.
const NOISE: Duration = Duration::from_millis(5);

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
    look(arena, struck, "before")?;
    Ok(())
}

/// SYNs from made-up sources to the virtual server.
pub(crate) fn flood(arena: &mut Arena, struck: Struck) -> Result<()> {
    let target = SocketAddrV4::new(VIRTUAL, TCP_PORT);
    let flood = Flood::start(&arena.network.node(NEAR)?.namespace, target, FLOOD)?;
    arena.strain.flood = Some(flood);
    let during = look(arena, struck, "during")?;
    let sent = arena.strain.flood.take().map_or(0, |flood| flood.sent());
    let findings = &mut arena.findings;
    let sent = f64::from(u32::try_from(sent).unwrap_or(u32::MAX));
    findings.raise("syn_per_second", sent / struck.lasts.as_secs_f64());
    let before = findings.figures.get("answer_before_ms_p99").copied().unwrap_or_default();
    if during > before + millis(NOISE) {
        findings.violated.push(format!(
            "99 of 100 answers took at most {during:.1} ms in the flood, {before:.1} ms before"
        ));
    }
    Ok(())
}

/// Watches connections for a while: the 99th of a hundred answers to probes, in milliseconds. That
/// is what counts: both ends of the probes run under SCHED_FIFO, while an exchange of a TCP
/// connection also waits for processors that the flood itself keeps busy.
fn look(arena: &mut Arena, struck: Struck, when: &str) -> Result<f64> {
    arena.traffic.longest_exchanges();
    let start = arena.traffic.position()?;
    arena.interrupt.sleep(struck.lasts)?;
    let answers = arena.traffic.answer_times(start)?;
    let exchanges = arena.traffic.longest_exchanges();
    let findings = &mut arena.findings;
    for (name, times) in [("answer", &answers), ("slowest_exchange", &exchanges)] {
        for percent in [50, 99] {
            let name = format!("{name}_{when}_ms_p{percent}");
            findings.raise(&name, millis(at(times, percent)));
        }
    }
    Ok(millis(at(&answers, 99)))
}

/// The one of a hundred, shortest first.
fn at(times: &[Duration], percent: usize) -> Duration {
    let place = times.len().saturating_sub(1) * percent / 100;
    times.get(place).copied().unwrap_or_default()
}
