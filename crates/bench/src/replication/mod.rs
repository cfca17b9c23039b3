//! `replication`: what telling the peer costs for each connection, how late it knows, and how long a fresh
//! one takes to be told everything; beside it nftables with conntrackd, over the same cables.
//!
//! Connections are made by the laboratory's crowd: both sides' segments are put on the wire at a pace, and
//! the boxes alone remember them. [`boxes`] is what is measured, [`cost`] and [`fill`] measure, [`copy`] is the
//! floor of a copy, [`report`] tells. The method is described in `docs/performance.md`.

mod boxes;
mod conntrackd;
mod copy;
mod cost;
mod ctnetlink;
mod fill;
mod lag;
mod report;

use std::net::SocketAddrV4;

use anyhow::{Context, Result, ensure};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::strain::crowd::{Crowd, Flows, Place};
use hitless_lab::topology::Cidr;
use hitless_model::Mac;

use crate::forward::ground::{FAR, REAL, VIRTUAL};
use crate::forward::{nft, steer};
use crate::machine::Machine;
use boxes::{Boxes, Which};
use report::Column;
pub(crate) use report::Report;

/// New connections a second unless told otherwise.
pub(crate) const RATE: u32 = 50_000;
const PORT: u16 = 80;
/// Entries that a fresh peer is told.
const SIZES: [u32; 2] = [100_000, 1_000_000];
const QUICK_SIZES: [u32; 1] = [20_000];

/// Measures, telling on standard error what it is about.
pub(crate) fn run((rate, quick): (u32, bool), interrupt: &Interrupt) -> Result<Report> {
    ensure!(rate >= 1000, "at least 1000 new connections a second");
    let machine = Machine::this();
    ensure!(machine.cores >= 2, "the box under test needs a core for itself: this machine has one");
    steer::stay_on(steer::OTHERS)?;
    let has_rival = conntrackd::is_installed() && nft::is_installed();
    let mut report = Report::new(machine, rate, has_rival);
    let all = [(Which::Hitless, true), (Which::Conntrackd, has_rival)];
    for (which, _) in all.into_iter().filter(|(_, is_there)| *is_there) {
        match measure(which, (rate, quick), interrupt) {
            Ok(column) => report.columns.push(column),
            // The other's figures are good all the same; an interruption ends everything.
            Err(error) => {
                interrupt.check()?;
                report.failures.push(format!("{}: {error:#}", which.name()));
            }
        }
    }
    ensure!(!report.columns.is_empty(), "nothing could be measured: {:?}", report.failures);
    Ok(report)
}

fn measure(which: Which, (rate, quick): (u32, bool), interrupt: &Interrupt) -> Result<Column> {
    let name = which.name();
    eprintln!("{name}: {rate} new connections a second …");
    let boxes = which.start(true)?;
    let load = cost::Load { rate, quick };
    let cost = cost::measure(&boxes, load, interrupt).with_context(|| boxes.say())?;
    drop(boxes);
    let mut boxes = which.start(false)?;
    let mut fills = Vec::new();
    let sizes: &[u32] = if quick { &QUICK_SIZES } else { &SIZES };
    let mut opened = 0;
    for size in sizes {
        eprintln!("{name}: a fresh peer is told {size} connections …");
        let fill = fill::measure(&mut boxes, opened..*size, interrupt);
        fills.push(fill.with_context(|| boxes.say())?);
        opened = *size;
    }
    let memory = boxes.memory_per_connection()?;
    Ok(Column { name, cost, fills, memory_octets: memory })
}

/// Connections through a box, in no host's memory.
fn crowd(boxes: &Boxes) -> Result<Crowd> {
    let flows = Flows {
        network: Cidr { ip: FAR, prefix: 16 },
        virtual_server: SocketAddrV4::new(VIRTUAL, PORT),
        real: SocketAddrV4::new(REAL, PORT),
    };
    let (to_client, to_server) = boxes.aim()?.macs;
    let network = boxes.network();
    let mut places = Vec::new();
    for (host, mac) in [("client", to_client), ("server", to_server)] {
        let node = network.node(host)?;
        for interface in ["all", "eth0"] {
            // With no way back, what comes from there is thrown away before anybody answers it.
            node.namespace.sysctl(&format!("ipv4/conf/{interface}/rp_filter"), "1")?;
        }
        node.netlink.shun(flows.network)?;
        places.push(Place { node, interface: "eth0", to: Mac(mac) });
    }
    let places = <[Place<'_>; 2]>::try_from(places).ok().context("two ends")?;
    Crowd::between(flows, places)
}
