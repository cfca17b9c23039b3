//! Two boxes' table threads on two real kernel tables, joined by the real replication machine.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::mpsc;

use hitless_core::machine::Machine;
use hitless_core::replica::{Input, Mode, Output, Replica, SessionId, Status};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, Mac, Protocol, VlanId};
use hitless_plane::{Plane, PortFacts, remove_pins};

use super::super::inbox::{CoreInbox, Sender, inbox, with_room};
use super::*;

const CAPACITY: u32 = 16_384;
const MANY: u32 = 8_000;
const LONG: Duration = Duration::from_mins(1);

/// A module that balances one server, in words of the configuration.
const MODULE: &str = "hostname a\nvlan 2,3,9\nmodule csm 5\n vlan 2 client\n  ip address 10.6.0.245 \
                      255.255.255.0\n vlan 3 server\n  ip address 10.7.0.5 255.255.255.0\n \
                      serverfarm FARM\n  real 10.7.0.11\n   inservice\n vserver WEB\n  virtual \
                      10.6.0.200 tcp 80\n  serverfarm FARM\n  replicate csrp connection\n  \
                      inservice\n";

fn vlan(number: u64) -> VlanId {
    VlanId::try_from(number).unwrap()
}

/// An established connection of client number `number`.
fn record(number: u32) -> ConnRecord {
    let [_, a, b, low] = number.to_be_bytes();
    let client = SocketAddrV4::new(Ipv4Addr::new(172, 16, a, b), 10_000 + u16::from(low));
    let virtual_server = SocketAddrV4::new(Ipv4Addr::new(10, 6, 0, 200), 80);
    ConnRecord {
        key: ConnKey { client, virtual_server, protocol: Protocol::Tcp },
        real: SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, 11), 80),
        client_vlan: vlan(2),
        server_vlan: vlan(3),
        seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
        idle: Duration::ZERO,
    }
}

/// A box: its data plane, its table thread, and what stands for its core thread.
struct Member {
    pins: PathBuf,
    plane: Plane,
    replica: Replica,
    inbox: CoreInbox,
    jobs: Sender<TableJob>,
}

impl Member {
    fn new(name: &str, role: Role) -> Self {
        let (test, abi) = (std::process::id(), hitless_model::abi::ABI_VERSION);
        let pins: PathBuf = format!("/sys/fs/bpf/hitless-table-{test}-{name}-abi{abi}").into();
        let plane = Plane::open(&pins, CAPACITY).expect("as root, with a BPF file system");
        let configuration = hitless_config::parse(MODULE, "a.conf").unwrap();
        let module = configuration.modules.values().next().unwrap();
        let port =
            |number: u32| PortFacts { ifindex: number, mac: Mac::derived_from(number.into()) };
        let ports = [2, 3].map(|number| (vlan(number.into()), port(number))).into();
        plane.apply(&hitless_plane::desired(module, &ports)).unwrap();
        let lease_until = Instant::FAR_FUTURE.as_nanos();
        let word = RoleWord { role: u32::from(role as u8), lease_until, ..RoleWord::default() };
        plane.role().unwrap().write(word).unwrap();
        let (core, inbox) = inbox().unwrap();
        let (jobs, waiting) = with_room(JOBS_WAITING).unwrap();
        let thread = TableThread {
            table: plane.connections(),
            events: plane.events().unwrap(),
            counters: plane.counters().unwrap(),
            gate: plane.role().unwrap(),
            sticky: plane.sticky(),
            core: Some(core),
            jobs: waiting,
        };
        std::thread::spawn(move || thread.run());
        Self { pins, plane, replica: Replica::new(), inbox, jobs }
    }

    /// Brings in what the table thread says, and does what is due.
    fn turn(&mut self) {
        let now = clock::now();
        while let Ok(Some(input)) = self.inbox.next() {
            let replica = &mut self.replica;
            match input {
                CoreInput::Captured(changes) => {
                    replica.handle_input(now, Input::Captured(&changes));
                }
                CoreInput::CapturesLost => replica.handle_input(now, Input::CapturesLost),
                CoreInput::Snapshot(part) => replica.handle_input(now, Input::Snapshot(part)),
                CoreInput::Digests(told) => replica.handle_input(now, Input::Digests(told)),
                CoreInput::Listing(listing) => replica.handle_input(now, Input::Listing(listing)),
                CoreInput::Compared(changes) => {
                    replica.handle_input(now, Input::Compared(&changes));
                }
                CoreInput::Applied { batch, refused } => {
                    replica.handle_input(now, Input::Applied { batch, refused });
                }
                CoreInput::Handover(..)
                | CoreInput::Absence(..)
                | CoreInput::Configure(..)
                | CoreInput::Status(_)
                | CoreInput::Leave(_) => panic!("the table thread asks nothing"),
            }
        }
        if self.replica.next_deadline().is_some_and(|due| due.at <= now) {
            self.replica.handle_deadline(now);
        }
    }

    /// Takes what the machine says: jobs go to the table thread, messages to the peer.
    fn pass_on(&mut self, peer: &mpsc::Sender<Vec<u8>>) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Send(bytes) => peer.send(bytes).unwrap(),
                Output::Table(job) => self.jobs.send(job).unwrap(),
                Output::InStep(_) | Output::Event(_) => {}
            }
        }
    }

    fn in_use(&self) -> u64 {
        self.plane.connections().usage().unwrap().in_use
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        remove_pins(&self.pins).expect("pins removed");
    }
}

/// A pair in step, the first one active, with so many connections.
struct Pair {
    active: Member,
    standby: Member,
    to_active: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
    to_standby: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
}

impl Pair {
    fn with(name: &str, connections: u32) -> Self {
        assert!(rustix::process::geteuid().is_root(), "this test loads programs: run it as root");
        let mut active = Member::new(&format!("{name}-a"), Role::Active);
        let standby = Member::new(&format!("{name}-b"), Role::Standby);
        let records: Vec<_> = (0..connections).map(record).collect();
        let refused = active.plane.connections().upsert(&records, clock::now()).unwrap();
        assert_eq!(refused.total(), 0);
        active.replica.handle_input(clock::now(), Input::SetMode(Mode::Telling));
        let (to_active, to_standby) = (mpsc::channel(), mpsc::channel());
        let mut pair = Self { active, standby, to_active, to_standby };
        for side in [&mut pair.active, &mut pair.standby] {
            side.replica.handle_input(clock::now(), Input::PeerUp(SessionId(1)));
        }
        pair.run_until("in step", |pair| {
            pair.status().in_step && pair.standby.in_use() == u64::from(connections)
        });
        pair
    }

    fn status(&self) -> Status {
        self.active.replica.status(clock::now())
    }

    fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Duration {
        let began = clock::now();
        while !done(self) {
            let took = clock::now().saturating_since(began);
            assert!(took < LONG, "not {what} after {took:?}: {:?}", self.status());
            self.active.turn();
            self.active.pass_on(&self.to_standby.0);
            self.standby.turn();
            self.standby.pass_on(&self.to_active.0);
            for (side, messages) in
                [(&mut self.active, &self.to_active.1), (&mut self.standby, &self.to_standby.1)]
            {
                while let Ok(bytes) = messages.try_recv() {
                    side.replica.handle_input(clock::now(), Input::Message(&bytes));
                }
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        clock::now().saturating_since(began)
    }

    /// Runs for long enough that every bucket was compared and every connection walked over.
    fn run_for_a_while(&mut self) {
        let until = clock::now() + Duration::from_millis(2_500);
        self.run_until("over", |_| clock::now() >= until);
    }
}

#[test]
fn what_vanishes_from_the_standbys_table_behind_its_back_comes_back() {
    let mut pair = Pair::with("lost", MANY);
    pair.run_for_a_while();
    assert_eq!((pair.status().diverged, pair.status().repaired), (0, 0), "they are alike");
    let lost: Vec<_> = (0..MANY).step_by(3).map(|number| record(number).key).collect();
    assert_eq!(pair.standby.plane.connections().remove(&lost).unwrap(), lost.len() as u64);
    let took = pair.run_until("repaired", |pair| {
        pair.standby.in_use() == u64::from(MANY) && pair.status().diverged == 0
    });
    assert_eq!(pair.status().repaired, lost.len() as u64);
    assert!(took < Duration::from_secs(10), "{took:?}");
    println!("{} of {MANY} connections found and repaired within {took:?}", lost.len());
}

#[test]
fn what_the_standbys_table_holds_too_much_goes() {
    let mut pair = Pair::with("surplus", MANY);
    let surplus: Vec<_> = (MANY..MANY + 500).map(record).collect();
    pair.standby.plane.connections().upsert(&surplus, clock::now()).unwrap();
    pair.run_until("alike", |pair| pair.standby.in_use() == u64::from(MANY));
    pair.run_for_a_while();
    let status = pair.status();
    assert_eq!((status.diverged, status.repaired), (0, surplus.len() as u64));
}

#[test]
fn what_nobody_reported_on_the_active_reaches_the_standby_and_what_vanished_there_goes() {
    let mut pair = Pair::with("silent", MANY);
    pair.run_for_a_while();
    let mut table = pair.active.plane.connections();
    let unreported: Vec<_> = (MANY..MANY + 500).map(record).collect();
    table.upsert(&unreported, clock::now()).unwrap();
    pair.run_until("told", |pair| pair.standby.in_use() == u64::from(MANY) + 500);
    let gone: Vec<_> = (0..700).map(|number| record(number).key).collect();
    table.remove(&gone).unwrap();
    pair.run_until("forgotten", |pair| pair.standby.in_use() == u64::from(MANY) - 200);
    pair.run_for_a_while();
    assert!(pair.status().in_step && pair.status().diverged == 0, "{:?}", pair.status());
    assert_eq!(pair.standby.in_use(), u64::from(MANY) - 200);
}
