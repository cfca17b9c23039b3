//! One hook at one number of flows: every case, three programs in turn, round after round.
//!
//! What is read is the processor time of this thread, so that other processes cost precision only
//! through the caches. The programs take turns within a round: a machine that changes its speed changes
//! it for all three.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use hitless_lab::interrupt::Interrupt;
use rustix::time::{ClockId, clock_gettime};

use super::case::{CASES, Case, service};
use super::report::Figure;
use super::scene::{Scene, room_for};
use crate::object::{Hook, Object, Run};
use crate::plan::{FRAME_LEN, Plan};
use crate::stats::{Summary, less};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Rounds.
    pub(crate) rounds: usize,
    /// Runs of a program in a round.
    pub(crate) repeat: u32,
}

/// A hook's programs, ready.
pub(crate) struct Meter<'a> {
    scene: &'a Scene,
    bench: Object,
    hitless: Object,
    ours: String,
    hook: Hook,
    flows: u32,
}

/// Processor time of one run in nanoseconds, round by round.
#[derive(Debug, Default)]
struct Times {
    empty: Vec<f64>,
    floor: Vec<f64>,
    ours: Vec<f64>,
}

impl<'a> Meter<'a> {
    /// Loads everything for a hook; `None` if the data plane's object, or the other one that is to be
    /// measured, has no program for it.
    pub(crate) fn new(
        scene: &'a Scene,
        hook: Hook,
        flows: u32,
        object: Option<&[u8]>,
    ) -> Result<Option<Self>> {
        let mut hitless = Object::hitless(scene.pins(), object)?;
        let Some(ours) = hitless.program_for(hook) else { return Ok(None) };
        hitless.load(&ours)?;
        let mut bench = Object::bench(room_for(flows))?;
        let name = hook.name();
        for program in ["restore", "empty", "forward", "reverse"] {
            bench.load(&format!("{program}_{name}"))?;
        }
        bench.load("fill")?;
        bench.set_service(&service(scene))?;
        let mut meter = Self { scene, bench, hitless, ours, hook, flows };
        for case in [Case::TcpToReal, Case::UdpToReal] {
            meter.fill(case)?;
        }
        Ok(Some(meter))
    }

    /// Opens the floor's flows.
    fn fill(&mut self, case: Case) -> Result<()> {
        let plan = case.plan(self.scene, self.flows)?;
        self.bench.set_plan(&plan)?;
        let run = Run { frame: &plan.frame, ifindex: self.scene.ports.client, repeat: self.flows };
        let ran = self.bench.run("fill", &run)?;
        ensure!(ran.verdict == Hook::Tc.pass(), "the floor's tables do not take all flows");
        Ok(())
    }

    /// Test run and entry of a program, without restoring anything.
    pub(crate) fn entry(&self, effort: Effort) -> Result<Summary> {
        let times =
            (0..effort.rounds).map(|_| self.time(&self.empty(), Case::TcpToReal, effort.repeat));
        Ok(Summary::of(&times.collect::<Result<Vec<_>>>()?))
    }

    /// All cases.
    pub(crate) fn measure(&mut self, effort: Effort, interrupt: &Interrupt) -> Result<Vec<Figure>> {
        let each = CASES.iter().map(|case| {
            interrupt.check()?;
            self.case(*case, effort)
        });
        each.collect()
    }

    fn case(&mut self, case: Case, effort: Effort) -> Result<Figure> {
        self.check(case).with_context(|| format!("{}: {}", self.hook.name(), case.title()))?;
        self.bench.set_plan(&case.plan(self.scene, self.flows)?)?;
        let repeat = case.share_of(effort.repeat);
        let before = self.counted(case)?;
        // A round that is not counted warms caches and branch predictors.
        self.round(case, repeat, &mut Times::default())?;
        let mut times = Times::default();
        for _ in 0..effort.rounds {
            self.round(case, repeat, &mut times)?;
        }
        let runs = u64::from(repeat) * (effort.rounds as u64 + 1);
        if let (Some(before), Some(after)) = (before, self.counted(case)?) {
            let counted = after - before;
            ensure!(counted == runs, "{}: {counted} of {runs} packets counted", case.title());
        }
        Ok(Figure {
            case,
            hook: self.hook,
            flows: self.flows,
            restore: Summary::of(&times.empty),
            floor: Summary::of(&less(&times.floor, &times.empty)),
            ours: Summary::of(&less(&times.ours, &times.empty)),
        })
    }

    /// The three programs in turn. The sequence of flows goes on from one to the next.
    fn round(&mut self, case: Case, repeat: u32, times: &mut Times) -> Result<()> {
        self.bench.set_own_under_test(&self.empty())?;
        times.empty.push(self.time(&self.restore(), case, repeat)?);
        self.bench.set_own_under_test(case.floor(self.hook))?;
        times.floor.push(self.time(&self.restore(), case, repeat)?);
        self.bench.set_under_test(self.hitless.fd(&self.ours)?)?;
        times.ours.push(self.time(&self.restore(), case, repeat)?);
        Ok(())
    }

    fn time(&self, program: &str, case: Case, repeat: u32) -> Result<f64> {
        let frame = [0; FRAME_LEN];
        let run = Run { frame: &frame, ifindex: case.ifindex(self.scene), repeat };
        let before = processor_time();
        self.bench.run(program, &run)?;
        let spent = processor_time().saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e9 / f64::from(repeat))
    }

    /// Makes sure that what is timed does the right thing: verdict, rewriting, checksums.
    fn check(&mut self, case: Case) -> Result<()> {
        self.bench.set_own_under_test(case.floor(self.hook))?;
        let floor = self.one(case)?;
        self.bench.set_under_test(self.hitless.fd(&self.ours)?)?;
        let ours = self.one(case)?;
        ensure!(!case.is_same_on_floor() || ours == floor, "floor and data plane differ");
        check_sums(&ours).context("checksums of the data plane's frame")?;
        check_sums(&floor).context("checksums of the floor's frame")
    }

    /// What the program under test makes of a frame in the middle of the sequence.
    fn one(&mut self, case: Case) -> Result<Vec<u8>> {
        const MIDDLE: u32 = 4711;
        let plan = case.plan(self.scene, self.flows)?;
        self.bench.set_plan(&Plan { state: MIDDLE, ..plan })?;
        let run = Run { frame: &[0; FRAME_LEN], ifindex: case.ifindex(self.scene), repeat: 1 };
        let ran = self.bench.run(&self.restore(), &run)?;
        let expected = case.verdict(self.hook);
        ensure!(ran.verdict == expected, "verdict {} instead of {expected}", ran.verdict);
        Ok(ran.frame)
    }

    fn counted(&self, case: Case) -> Result<Option<u64>> {
        let Some(counter) = case.counter() else { return Ok(None) };
        Ok(Some(self.scene.plane.counters()?.get(counter)?))
    }

    fn restore(&self) -> String {
        format!("restore_{}", self.hook.name())
    }

    fn empty(&self) -> String {
        format!("empty_{}", self.hook.name())
    }
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// An error unless every checksum of the frame is right, summed from scratch.
fn check_sums(frame: &[u8]) -> Result<()> {
    let packet = SlicedPacket::from_ethernet(frame)?;
    let Some(NetSlice::Ipv4(ip)) = packet.net else { anyhow::bail!("no IPv4 packet") };
    let header = ip.header().to_header();
    ensure!(header.header_checksum == header.calc_header_checksum(), "IPv4");
    match packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let sum = tcp.calc_checksum_ipv4(header.source, header.destination)?;
            ensure!(tcp.checksum() == sum, "TCP");
        }
        Some(TransportSlice::Udp(udp)) => {
            let sum = udp.to_header().calc_checksum_ipv4(&header, udp.payload())?;
            ensure!(udp.checksum() == sum, "UDP");
        }
        Some(_) | None => anyhow::bail!("neither TCP nor UDP"),
    }
    Ok(())
}
