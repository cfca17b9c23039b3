//! The laboratory proved without a balancer: a plain router stands in for it, so that what is
//! measured is known beforehand.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use hitless_lab::load::clients::{ClientGroup, Load};
use hitless_lab::load::servers::Servers;
use hitless_lab::load::{TCP_PORT, UDP_PORT};
use hitless_lab::netlink::{Frames, LinkState};
use hitless_lab::network::Network;
use hitless_lab::probe::{ProbePath, Probes};
use hitless_lab::topology::{self, FAR, NEAR, Port, SERVER_HOSTS, SERVERS};
use hitless_lab::{clock, system};
use hitless_model::Mac;

struct Stand {
    network: Network,
    servers: Servers,
}

fn stand() -> Stand {
    system::require_root().unwrap();
    system::prepare_process().unwrap();
    let network = Network::build(&topology::stand_in()).unwrap();
    let places: Vec<_> = SERVER_HOSTS
        .iter()
        .zip(SERVERS)
        .map(|(name, address)| (&network.node(name).unwrap().namespace, address))
        .collect();
    let servers = Servers::start(&places).unwrap();
    Stand { network, servers }
}

impl Stand {
    fn load(&self, count: usize) -> Load {
        let group = |name, addresses| ClientGroup {
            namespace: &self.network.node(name).unwrap().namespace,
            addresses,
        };
        let groups = [group(FAR, topology::far_clients()), group(NEAR, topology::near_clients())];
        Load::start(&groups, SocketAddrV4::new(SERVERS[0], TCP_PORT), count).unwrap()
    }

    fn probes(&self) -> Probes {
        let path = |name, from| ProbePath {
            namespace: &self.network.node(name).unwrap().namespace,
            from,
            to: SocketAddrV4::new(SERVERS[1], UDP_PORT),
        };
        let far = path(FAR, topology::far_clients()[0]);
        let near = path(NEAR, topology::near_clients()[0]);
        Probes::start(&[far, near]).unwrap()
    }

    /// Drops all frames from the router to the client side for `time`, and tells how long it was.
    ///
    /// The link stays up: a router that loses its carrier forgets its neighbours, and a straggler
    /// that makes it ask for one meanwhile delays the next question by the kernel's second.
    fn cut(&self, time: Duration) -> Duration {
        let port = Port { host: "chassis-a", interface: "eth-client" };
        let before = clock::now();
        self.network.drop_from(port, Frames::All).unwrap();
        std::thread::sleep(time);
        self.network.pass_from(port).unwrap();
        clock::now().saturating_since(before)
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn connections_live_through_a_cut_and_the_outage_is_measured_to_the_millisecond() {
    let stand = stand();
    let load = stand.load(300);
    wait_until("all connections open", || load.open() == 300);
    assert_eq!(stand.servers.accepted(), [300, 0, 0]);
    let probes = stand.probes();
    std::thread::sleep(Duration::from_secs(1));

    let quiet = probes.position();
    std::thread::sleep(Duration::from_secs(1));
    let start = probes.position();
    let baseline = probes.window(quiet, start);
    println!("baseline {baseline:?}");
    assert_eq!(baseline.lost, 0);
    load.take_longest();

    let start = probes.position();
    let cut = stand.cut(Duration::from_millis(100));
    let healed = clock::now();
    wait_until("every connection goes on", || load.waiting(healed) == 0);
    let window = probes.window(start, probes.position());
    let tally = load.settle(healed);
    let longest = load.take_longest().last().copied().unwrap();
    println!("cut {cut:?} {window:?} {tally:?} longest exchange {longest:?}");
    assert_eq!(tally.broken, 0);
    assert!(window.lost > 0);
    let difference = window.outage.abs_diff(cut);
    assert!(difference < Duration::from_millis(15), "{difference:?} off");
    // Without the lowered retransmission time-out no exchange could be over before 200 ms.
    assert!(longest < Duration::from_millis(195), "{longest:?}");
}

#[test]
fn a_connection_that_makes_no_progress_is_broken() {
    let stand = stand();
    let load = stand.load(20);
    wait_until("all connections open", || load.open() == 20);
    let router = stand.network.node("chassis-a").unwrap();
    router.set_ports(&["eth-client"], LinkState::Down).unwrap();
    let event = clock::now();
    std::thread::sleep(Duration::from_millis(300));
    let tally = load.settle(event);
    assert_eq!((tally.total, tally.broken, tally.stalled), (20, 20, 20));
}

#[test]
fn a_connection_that_the_server_closes_is_broken() {
    let Stand { network, servers } = stand();
    let stand = Stand { network, servers };
    let load = stand.load(20);
    wait_until("all connections open", || load.open() == 20);
    drop(stand.servers);
    wait_until("all connections closed", || load.tally().broken == 20);
    let tally = load.tally();
    assert_eq!(tally.closed + tally.reset, 20);
}

/// A socket of a host, with patience for one answer.
fn talker(network: &Network, host: &str, address: Ipv4Addr) -> UdpSocket {
    let namespace = &network.node(host).unwrap().namespace;
    let socket = namespace.within(|| Ok(UdpSocket::bind((address, 4000))?)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    socket
}

fn reaches(from: &UdpSocket, to: &UdpSocket) -> bool {
    from.send_to(b"x", to.local_addr().unwrap()).unwrap();
    to.recv(&mut [0; 8]).is_ok()
}

/// The MAC that a host has learned of an address.
fn learned(network: &Network, host: &str, address: Ipv4Addr) -> Mac {
    let namespace = &network.node(host).unwrap().namespace;
    let read = || Ok(std::fs::read_to_string("/proc/thread-self/net/arp")?);
    let table = namespace.within(read).unwrap();
    let line = table.lines().find(|line| line.starts_with(&address.to_string())).unwrap();
    let mut octets = line.split_whitespace().nth(3).unwrap().split(':');
    Mac(std::array::from_fn(|_| u8::from_str_radix(octets.next().unwrap(), 16).unwrap()))
}

#[test]
fn frames_to_one_station_are_dropped_in_one_direction_and_all_others_pass() {
    let network = stand().network;
    let near = talker(&network, NEAR, topology::near_clients()[0]);
    let gateway = talker(&network, "gateway", topology::GATEWAY);
    let other = talker(&network, "chassis-a", Ipv4Addr::new(192, 158, 38, 10));
    assert!(reaches(&near, &gateway) && reaches(&gateway, &near) && reaches(&near, &other));

    let port = Port { host: NEAR, interface: "eth0" };
    let mac = learned(&network, NEAR, topology::GATEWAY);
    network.drop_from(port, Frames::To(mac)).unwrap();
    assert!(!reaches(&near, &gateway));
    assert!(reaches(&gateway, &near) && reaches(&near, &other));
    network.pass_from(port).unwrap();
    assert!(reaches(&near, &gateway));

    network.drop_from(port, Frames::All).unwrap();
    assert!(!reaches(&near, &other) && reaches(&other, &near));
}
