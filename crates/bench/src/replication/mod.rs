//! `replication`: what telling the peer costs for each flow, and how late the peer knows.
//!
//! Flows of datagrams come at a rate, each with an answer, and are forgotten after four seconds. Both
//! boxes' processes are watched while flows come and until the last one is gone; now and then a flow
//! is looked for in the peer's table from the moment its answer was sent. [`lag`] looks, [`report`]
//! tells. The method is described in `docs/performance.md`.

mod lag;
mod report;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hitless_lab::interrupt::Interrupt;
use hitless_model::abi::FlowKey;

use crate::forward::core_time::Work;
use crate::forward::daemons::{Lives, Pair};
use crate::forward::ground::{FAR, VIRTUAL, Wiring};
use crate::forward::udp::Range;
use crate::forward::{Kind, Subject, steer};
use crate::machine::Machine;
use crate::plan::{FIRST_PORT, PORTS};
use lag::{Table, Watch};
pub(crate) use report::Report;
use report::{Cost, Lags};

/// Different flows at most, a power of two.
const FLOWS: u32 = 1 << 18;
/// Flows that are opened at once.
const PART: u32 = 32;
/// What the box has to forward the first datagrams before their answers come.
const PAUSE: Duration = Duration::from_micros(50);
/// How long the boxes are watched before anything happens.
const IDLE: Duration = Duration::from_secs(2);
/// How long the boxes may take to forget all flows.
const FORGETTING: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);
/// New flows a second unless told otherwise.
pub(crate) const RATE: u32 = 50_000;

/// Measures, telling on standard error what it is about.
pub(crate) fn run(rate: u32, quick: bool, interrupt: &Interrupt) -> Result<Report> {
    ensure!(rate > 0, "there must be new flows");
    let machine = Machine::this();
    ensure!(machine.cores >= 2, "the box under test needs a core for itself: this machine has one");
    steer::stay_on(steer::OTHERS)?;
    let subject = Subject::build(Kind::HitlessTc, Wiring::Direct, Lives::Short)?;
    let pair = subject.pair.as_ref().context("a pair")?;
    eprintln!("watching an idle pair …");
    let idle = Pace::watch(pair, || interrupt.sleep(IDLE))?;
    let range = Range::new(&subject.network, (subject.aim()?, subject.direct_rings()?), FLOWS)?;
    let time = Duration::from_secs(if quick { 1 } else { 4 });
    let mut load = Load { range, rate, watch: Watch::start(&pair.pins()?)?, last: None };
    eprintln!("{rate} new flows a second …");
    let mut opened = 0;
    let setting_up = Pace::watch(pair, || {
        opened = load.run(time, interrupt)?;
        // What was told last is on its way.
        interrupt.sleep(GLANCE)
    })?;
    let lags = load.watch.finish();
    eprintln!("waiting until all of them are forgotten …");
    let last = load.last.context("no flow was opened")?;
    let tables = pair.pins()?.iter().map(|pins| Table::open(pins)).collect::<Result<Vec<_>>>()?;
    let taking_down = Pace::watch(pair, || forget(&tables, &last, interrupt))?;
    let costs = setting_up.costs(&taking_down, &idle, opened);
    Ok(Report::new(machine, (rate, opened, setting_up.time), costs, Lags::of(&lags)))
}

/// Waits until the tables are empty: a flow is gone from the peer's when it is gone from the box's.
fn forget(tables: &[Table], last: &FlowKey, interrupt: &Interrupt) -> Result<()> {
    let start = Instant::now();
    loop {
        interrupt.sleep(GLANCE)?;
        let holds = |table: &Table| Ok::<_, anyhow::Error>(table.has(last)? || !table.is_empty()?);
        if !tables.iter().map(holds).collect::<Result<Vec<_>>>()?.contains(&true) {
            return Ok(());
        }
        ensure!(start.elapsed() < FORGETTING, "flows are not forgotten within {FORGETTING:?}");
    }
}

/// What the boxes' processes did in a while.
struct Pace {
    work: Vec<Work>,
    time: Duration,
}

impl Pace {
    fn watch(pair: &Pair, during: impl FnOnce() -> Result<()>) -> Result<Self> {
        let (before, start) = (pair.work()?, Instant::now());
        during()?;
        let work = pair.work()?.into_iter().zip(before).map(|(now, then)| now.since(then));
        Ok(Self { work: work.collect(), time: start.elapsed() })
    }

    /// Of each box, for each flow: what setting up and taking down cost beyond what idling costs.
    fn costs(&self, taking_down: &Self, idle: &Self, flows: u64) -> Vec<Cost> {
        let parts = self.work.iter().zip(&taking_down.work).zip(&idle.work);
        parts
            .map(|((set_up, taken_down), idling)| {
                let share = idling.time.as_secs_f64() / idle.time.as_secs_f64();
                let beyond = |work: &Work, time: Duration| {
                    (work.time.as_secs_f64() - share * time.as_secs_f64()).max(0.0)
                };
                Cost::new(
                    (beyond(set_up, self.time), beyond(taken_down, taking_down.time)),
                    set_up.turns,
                    flows,
                )
            })
            .collect()
    }
}

/// Flows that come at a rate.
struct Load<'a> {
    range: Range<'a>,
    rate: u32,
    watch: Watch,
    last: Option<FlowKey>,
}

impl Load<'_> {
    /// Opens flows for a while; gives how many.
    fn run(&mut self, time: Duration, interrupt: &Interrupt) -> Result<u64> {
        let (start, mut state, mut opened) = (Instant::now(), 0, 0_u32);
        while start.elapsed() < time && opened + PART <= FLOWS {
            interrupt.check()?;
            let due = Duration::from_secs_f64(f64::from(opened) / f64::from(self.rate));
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            state = self.range.open_part((state, PART), PAUSE)?;
            opened += PART;
            let key = key(state & (FLOWS - 1))?;
            self.watch.look_for(key);
            self.last = Some(key);
        }
        Ok(u64::from(opened))
    }
}

/// The key of a flow in its box's table.
fn key(flow: u32) -> Result<FlowKey> {
    let client = std::net::Ipv4Addr::from(u32::from(FAR) + flow / PORTS);
    let port = FIRST_PORT + u16::try_from(flow % PORTS)?;
    let from = (client.octets(), port.to_be_bytes());
    Ok(FlowKey::new(from, (VIRTUAL.octets(), 80_u16.to_be_bytes()), 17))
}
