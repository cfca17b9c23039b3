//! The world: two boxes, their links, their clients, and one time line.
//!
//! [`World::step`] takes the next event off the queue, lets it happen, and has the watchers look.
//! Everything is drawn from the plan's seed, so equal plans give equal runs.

mod audit;
mod clients;
mod faults;
mod feed;
mod gateway;
mod hostile;
mod kernel;
mod perform;
mod settle;
mod view;

use hitless_core::node::{Node, NodeConfig, Resume, Story};
use hitless_model::{Epoch, Instant, Mac, Role};

use crate::check::{Invariant, OutputWatch, RoleWatch, Violation};
use crate::client::Client;
use crate::fault::Fault;
use crate::link::{Datagram, Link};
use crate::pair::{Pair, Side};
use crate::plan::Plan;
use crate::plane::Plane;
use crate::process::Process;
use crate::queue::Queue;
use crate::rng::Rng;
use crate::time::{BoxClock, Moment};
use crate::trace::Trace;

use gateway::Gateway;
use hostile::Hostile;

pub use view::Stats;

/// Something that happens at a moment.
#[derive(Debug)]
enum Event {
    /// A box starts, if it is down.
    Start(Side),
    /// A datagram reaches a box.
    Arrive(Side, Datagram),
    /// A core asked to be woken.
    Wake(Side, u32),
    /// A stopped process goes on.
    Resume(Side, u32),
    /// The table thread does its next step.
    TableStep(Side, u32),
    /// The table thread reads the ring.
    ReadRing(Side, u32),
    /// The table thread does its next step in comparing the tables.
    Audit(Side, u32),
    /// The table thread asks whether reports were lost.
    LookForLosses(Side, u32),
    /// User space removes a closed connection.
    Sweep(Side, hitless_model::ConnKey),
    /// A stopping daemon waits no longer.
    StopTimeout(Side, u32),
    /// A process is replaced by one that starts so much later.
    Replace(Side, u32, std::time::Duration),
    /// A switch learns where the floating addresses of a VLAN are.
    Learn(Vlan, Side),
    /// A client does its next step.
    Client(usize),
    /// A gateway's answer reaches a box.
    GatewayAnswers(Side, u32),
    /// Something goes wrong.
    Fault(Fault),
    /// The injector sends something.
    Hostile,
    /// The other pair's box has something to do.
    Foreign,
    /// The watchers look at what costs more.
    Sample,
    /// Everything is healed.
    Heal,
    /// Everything must have settled, and another stage begins.
    Settled(Stage),
    /// The run is over.
    End,
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Anything may happen, or everything is healed and settles.
    Rough,
    /// A plan that promises calm: the pair is at work.
    Calm,
    /// Settled after the heal: nothing may change any more.
    Quiet,
    /// The end.
    Over,
}

impl Stage {
    const fn is_settled(self) -> bool {
        matches!(self, Self::Calm | Self::Quiet)
    }
}

/// A VLAN with floating addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vlan {
    Client,
    Server,
}

/// A box.
#[derive(Debug)]
struct Host {
    clock: BoxClock,
    config: NodeConfig,
    /// The epoch on its disk.
    disk: Epoch,
    plane: Plane,
    process: Option<Process>,
    gateway: Gateway,
    lives: u32,
    /// Own link-local address on each path.
    addresses: Vec<[u8; 16]>,
    /// When its connection table was lost last.
    wiped_at: Option<Moment>,
    /// When its process went on last after it had been stopped.
    went_on_at: Moment,
    /// A promise to its peer that it lost with its gate.
    promised: Option<Instant>,
}

/// One source of numbers for each part of the world.
#[derive(Debug)]
struct Rngs {
    links: Rng,
    boxes: Rng,
    clients: Rng,
    hostile: Rng,
}

/// Where the switches believe the floating addresses to be.
#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    client: Option<Side>,
    server: Option<Side>,
}

/// The world.
#[derive(Debug)]
pub struct World {
    plan: Plan,
    now: Moment,
    queue: Queue<Event>,
    rngs: Rngs,
    hosts: Pair<Host>,
    /// By sender, then by path.
    links: Pair<Vec<Link>>,
    clients: Vec<Client>,
    switches: Switches,
    hostile: Hostile,
    roles: RoleWatch,
    outputs: Pair<OutputWatch>,
    violation: Option<Violation>,
    stage: Stage,
    /// When a handover was refused or given up last: a wish to preempt then rests for a while.
    refused_at: Option<Moment>,
    stats: Stats,
    trace: Trace,
    /// Records of decisions, if they are kept.
    stories: Option<Vec<Story>>,
}

/// VLAN numbers of the paths, the fault-tolerant one first.
const PATH_VLANS: [u64; 3] = [9, 2, 3];

impl World {
    /// The world of a plan at its start.
    pub fn new(plan: Plan, trace: Trace) -> Self {
        let mut rng = Rng::new(plan.seed);
        let rngs =
            Rngs { links: rng.fork(), boxes: rng.fork(), clients: rng.fork(), hostile: rng.fork() };
        let paths = plan.second_paths + 1;
        let window = plan.failover_max();
        let mut world = Self {
            now: Moment::START,
            queue: Queue::new(),
            rngs,
            hosts: Pair::of(|side| Host::new(&plan, side)),
            links: Pair::of(|_| vec![Link::new(plan.weather); paths]),
            clients: (0..plan.traffic.clients).map(Client::new).collect(),
            switches: Switches::default(),
            hostile: Hostile::new(&plan, &mut rng),
            roles: RoleWatch::new(&plan),
            outputs: Pair::of(|_| OutputWatch::new(window)),
            violation: None,
            stage: Stage::Rough,
            refused_at: None,
            stats: Stats::default(),
            trace,
            stories: None,
            plan,
        };
        world.set_the_scene();
        world
    }

    fn set_the_scene(&mut self) {
        for side in Side::BOTH {
            self.after(self.plan.boxes[side].starts_after, Event::Start(side));
        }
        for (at, fault) in self.plan.faults.clone() {
            self.queue.push(at, Event::Fault(fault));
        }
        for number in 0..self.clients.len() {
            self.queue.push(self.plan.warmed_up_at(), Event::Client(number));
        }
        if self.plan.promises_calm() {
            self.queue.push(self.plan.warmed_up_at(), Event::Settled(Stage::Calm));
        }
        if self.plan.hostile_every.is_some() {
            self.queue.push(Moment::START, Event::Hostile);
        }
        if self.plan.foreign_pair {
            self.queue.push(Moment::START, Event::Foreign);
        }
        self.queue.push(self.plan.warmed_up_at(), Event::Sample);
        self.queue.push(self.plan.heal_at, Event::Heal);
        let settled_at = self.plan.heal_at + self.plan.settles_within();
        self.queue.push(settled_at, Event::Settled(Stage::Quiet));
        self.queue.push(self.plan.ends_at(), Event::End);
    }

    /// Runs to the end, or to the first violation.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Runs up to `moment`.
    pub fn run_until(&mut self, moment: Moment) {
        while self.queue.next_at().is_some_and(|at| at <= moment) && self.step() {}
    }

    /// Lets the next event happen; false when the run is over.
    pub fn step(&mut self) -> bool {
        if self.stage == Stage::Over || self.violation.is_some() {
            return false;
        }
        let Some((at, event)) = self.queue.pop() else { return false };
        self.now = at;
        self.stats.events += 1;
        self.happen(event);
        self.look();
        self.stage != Stage::Over && self.violation.is_none()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(side) => self.start(side),
            Event::Arrive(side, datagram) => self.arrive(side, datagram),
            Event::Wake(side, life) => self.wake(side, life),
            Event::Resume(side, life) => self.resume(side, life),
            Event::TableStep(side, life) => self.table_step(side, life),
            Event::ReadRing(side, life) => self.read_ring(side, life),
            Event::Audit(side, life) => self.audit(side, life),
            Event::LookForLosses(side, life) => self.look_for_losses(side, life),
            Event::Sweep(side, key) => self.sweep(side, key),
            Event::StopTimeout(side, life) => self.stop_timeout(side, life),
            Event::Replace(side, life, after) => self.replace(side, life, after),
            Event::Learn(vlan, side) => self.learn(vlan, side),
            Event::Client(number) => self.client_step(number),
            Event::GatewayAnswers(side, life) => self.gateway_answers(side, life),
            Event::Fault(fault) => self.strike(fault),
            Event::Hostile => self.inject(),
            Event::Foreign => self.foreign(),
            Event::Sample => self.sample(),
            Event::Heal => self.heal(),
            Event::Settled(stage) => self.settled(stage),
            Event::End => self.end(),
        }
    }

    fn after(&mut self, delay: std::time::Duration, event: Event) {
        self.queue.push(self.now + delay, event);
    }

    fn violated(&mut self, invariant: Invariant, what: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { at: self.now, invariant, what });
        }
    }
}

impl Host {
    fn new(plan: &Plan, side: Side) -> Self {
        let own = &plan.boxes[side];
        let config = view::node_config(plan, side);
        let macs = PATH_VLANS.map(|vlan| view::mac_of(own.unit, vlan));
        Self {
            clock: BoxClock {
                offset: own.clock_offset,
                gain_per_milli: own.clock_gain,
                tick: own.tick,
            },
            disk: Epoch(own.epoch),
            config,
            plane: Plane::new(own.table_size, if side == Side::A { 1 } else { 2 }),
            process: None,
            gateway: Gateway::default(),
            lives: 0,
            addresses: macs.into_iter().map(Mac::link_local).collect(),
            wiped_at: None,
            went_on_at: Moment::START,
            promised: None,
        }
    }

    /// The process, if it is not stopped.
    fn running(&mut self) -> Option<&mut Process> {
        self.process.as_mut().filter(|process| process.paused_until.is_none())
    }

    fn is_life(&self, life: u32) -> bool {
        self.process.as_ref().is_some_and(|process| process.life == life)
    }

    fn begin_life(&mut self, now: Moment, seed: [u8; 32]) {
        self.lives += 1;
        self.config.seed = seed;
        self.config.epoch = self.disk;
        let gate = self.plane.gate;
        self.config.warm = self.plane.len() > 0;
        self.config.resume = (gate.role == Role::Active).then_some(Resume {
            epoch: gate.epoch,
            lease_until: gate.lease_until,
            alone: gate.alone,
        });
        let held = (!gate.role.forwards()).then_some(gate.lease_until);
        self.config.held_until = held.max(self.promised);
        let node = Node::new(self.clock.read(now), self.config.clone());
        self.process = Some(Process::new(node, self.lives, self.addresses.len()));
    }
}
