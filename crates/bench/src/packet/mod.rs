//! `packet`: what a packet costs in the data plane's programs, against the least that it could cost.
//!
//! [`scene`] is the data plane with its flows, [`case`] the packets, [`meter`] the clock, [`report`] what is
//! told. The method and its limits are described in `docs/performance.md`.

mod case;
mod meter;
mod report;
mod scene;

use anyhow::{Context, Result};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::namespace::Namespace;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::machine::Machine;
use crate::object::Hook;
use meter::{Effort, Meter};
use report::{Report, Setup};
use scene::Scene;

/// Flows that the table holds, of TCP and of UDP each.
const FLOWS: [u32; 3] = [1, 16 << 10, 512 << 10];
const QUICK_FLOWS: [u32; 2] = [1, 16 << 10];
const EFFORT: Effort = Effort { rounds: 9, repeat: 524_288 };
const QUICK_EFFORT: Effort = Effort { rounds: 3, repeat: 65_536 };

/// What is measured, and how thoroughly.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Roughly.
    pub(crate) quick: bool,
    /// Another build of the data plane's object.
    pub(crate) object: Option<Vec<u8>>,
}

/// Measures, telling on standard error what it is about.
pub(crate) fn run(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let machine = Machine::this();
    let cpu = stay_on_one_core(machine.cores)?;
    let (flows, effort) =
        if options.quick { (&QUICK_FLOWS[..], QUICK_EFFORT) } else { (&FLOWS[..], EFFORT) };
    let namespace = Namespace::new()?;
    let ports = scene::interfaces(&namespace)?;
    let mut report =
        Report::new(machine, Setup { cpu, rounds: effort.rounds, repeat: effort.repeat });
    for flows in flows {
        let scene = Scene::new(ports, *flows)?;
        let each = scene.open_flows(*flows)?;
        report.opened(*flows, each);
        for hook in [Hook::Tc, Hook::Xdp] {
            interrupt.check()?;
            eprintln!("{} flows of TCP and of UDP, {} …", flows, hook.name());
            let measured =
                namespace.within(|| measure(&scene, (hook, *flows), (effort, options), interrupt));
            report.add(hook, measured.with_context(|| format!("{flows} flows, {}", hook.name()))?);
        }
        scene.expect_all_touched(*flows)?;
    }
    Ok(report)
}

fn measure(
    scene: &Scene,
    (hook, flows): (Hook, u32),
    (effort, options): (Effort, &Options),
    interrupt: &Interrupt,
) -> Result<Option<report::Measured>> {
    let Some(mut meter) = Meter::new(scene, hook, flows, options.object.as_deref())? else {
        return Ok(None);
    };
    let entry = meter.entry(effort)?;
    Ok(Some(report::Measured { entry, figures: meter.measure(effort, interrupt)? }))
}

/// Pins this thread to the last core: the first one has most of the interrupts.
fn stay_on_one_core(cores: usize) -> Result<usize> {
    let cpu = cores.saturating_sub(1);
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).context("cannot stay on one core")?;
    Ok(cpu)
}
