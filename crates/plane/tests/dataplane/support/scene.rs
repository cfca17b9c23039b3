//! The addresses of the fixtures, after figure 7-1: clients on one VLAN, three reals on another, and
//! this box between them, active.

use std::net::{Ipv4Addr, SocketAddrV4};

use hitless_model::Role;
use hitless_model::abi::{
    FLOATING_ALIAS, FLOATING_VIRTUAL, Floating, FloatingKey, FlowKey, KIND_CLIENT, KIND_SERVER,
    NEXT_HOP_VALID, NextHop, Real, RoleWord, TableUse, VS_IN_SERVICE, VS_REPLICATE, VirtualKey,
    VirtualServer, VlanPort, map,
};
use hitless_model::tcp::{ACK, SYN};

use super::frame::{Carries, Frame};
use super::kernel::{Ports, enter_namespace};
use super::world::{Verdict, World};

pub(crate) const CLIENT_VLAN: u16 = 2;
pub(crate) const SERVER_VLAN: u16 = 3;
/// Own and virtual MAC on the client VLAN.
pub(crate) const OWN_CLIENT_MAC: [u8; 6] = [6, 0, 0, 0, 2, 1];
pub(crate) const VIRTUAL_CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 2, 9];
/// Own and virtual MAC on the server VLAN.
pub(crate) const OWN_SERVER_MAC: [u8; 6] = [6, 0, 0, 0, 3, 1];
pub(crate) const VIRTUAL_SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 3, 9];
pub(crate) const CLIENT_MAC: [u8; 6] = [0xa, 0, 0, 0, 2, 100];
pub(crate) const GATEWAY_MAC: [u8; 6] = [0xa, 0, 0, 0, 2, 254];
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

pub(crate) const OWN_CLIENT_IP: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 10);
pub(crate) const CLIENT_ALIAS: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 20);
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 30);
pub(crate) const GATEWAY_IP: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 254);
pub(crate) const OWN_SERVER_IP: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 10);
pub(crate) const SERVER_ALIAS: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 20);
/// A client on the client VLAN, and one behind the gateway.
pub(crate) const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 158, 38, 100), 40_000);
pub(crate) const FAR_CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 8, 7), 40_000);

/// The virtual servers: TCP 80 and UDP 53.
pub(crate) const WEB: SocketAddrV4 = SocketAddrV4::new(VIP, 80);
pub(crate) const DNS: SocketAddrV4 = SocketAddrV4::new(VIP, 53);
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
/// `pending` of both.
pub(crate) const PENDING_NS: u64 = 4_000_000_000;

/// Farms: the web farm's schedule begins at 0, the name servers' at 8.
pub(crate) const WEB_FARM: u32 = 1;
pub(crate) const DNS_FARM: u32 = 2;
/// Weights 2, 1, 1, as indices of reals.
pub(crate) const WEB_SCHEDULE: [u32; 4] = [1, 2, 1, 3];
/// The entry in `NEXT_HOPS` of the gateway; those of the reals are their own indices.
pub(crate) const GATEWAY_HOP: u32 = 9;
/// Entries that the main table has.
pub(crate) const CONNECTIONS: u32 = 64;

/// A real of the web farm by index: it listens on 8080, not on the virtual server's port.
pub(crate) fn real(index: u32) -> SocketAddrV4 {
    SocketAddrV4::new(real_ip(index), 8080)
}

/// A real of the name servers' farm: the same hosts, the virtual server's port.
pub(crate) fn name_server(index: u32) -> SocketAddrV4 {
    SocketAddrV4::new(real_ip(index), 53)
}

fn real_ip(index: u32) -> Ipv4Addr {
    Ipv4Addr::new(192, 158, 39, 100 + u8::try_from(index).expect("few reals"))
}

/// MAC of a real.
pub(crate) fn real_mac(index: u32) -> [u8; 6] {
    [0xa, 0, 0, 0, 3, u8::try_from(index).expect("few reals")]
}

/// An address and port as maps have them.
pub(crate) fn raw(address: SocketAddrV4) -> ([u8; 4], [u8; 2]) {
    (address.ip().octets(), address.port().to_be_bytes())
}

/// Key of a flow.
pub(crate) fn flow(src: SocketAddrV4, dst: SocketAddrV4, protocol: u8) -> FlowKey {
    FlowKey::new(raw(src), raw(dst), protocol)
}

/// Key of a virtual server or of a real.
pub(crate) fn service(address: SocketAddrV4, protocol: u8) -> VirtualKey {
    let (ip, port) = raw(address);
    VirtualKey { ip, port, protocol, reserved: 0 }
}

/// CLOCK_MONOTONIC in nanoseconds, some seconds from now (or before).
pub(crate) fn seconds_from_now(seconds: i64) -> u64 {
    nanoseconds_from_now(seconds * 1_000_000_000)
}

/// CLOCK_MONOTONIC in nanoseconds, some nanoseconds from now (or before, but not before boot).
pub(crate) fn nanoseconds_from_now(nanoseconds: i64) -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let time = now.tv_sec * 1_000_000_000 + now.tv_nsec + nanoseconds;
    u64::try_from(time).unwrap_or_default()
}

/// A virtual server in service that replicates.
pub(crate) fn virtual_server(index: u32, farm: u32, schedule: (u32, u32)) -> VirtualServer {
    VirtualServer {
        index,
        flags: VS_IN_SERVICE | VS_REPLICATE,
        sticky_group: 0,
        reserved: 0,
        schedule_start: schedule.0,
        schedule_len: schedule.1,
        farm,
        sticky_mask: [0; 4],
        pending_ns: PENDING_NS,
    }
}

/// The client VLAN's interface, without a gateway.
pub(crate) fn client_port() -> VlanPort {
    VlanPort {
        vlan: CLIENT_VLAN,
        kind: KIND_CLIENT,
        own_mac: OWN_CLIENT_MAC,
        virtual_mac: VIRTUAL_CLIENT_MAC,
        ip: OWN_CLIENT_IP.octets(),
        mask: [255, 255, 255, 0],
        ..VlanPort::default()
    }
}

impl World {
    /// The whole scene for test runs, this box active with a lease of an hour.
    pub(crate) fn active() -> Self {
        Self::active_at(enter_namespace())
    }

    /// The same at these interfaces.
    pub(crate) fn active_at(ports: Ports) -> Self {
        let mut world = Self::empty(CONNECTIONS, ports);
        world.set_role(Role::Active, seconds_from_now(3600));
        let capacity = u64::from(CONNECTIONS);
        world.set_element(map::USE_USER, 0, TableUse { capacity, ..TableUse::default() });
        world.put_ports();
        world.put_floating();
        world.put_farms();
        world.put_virtual_servers();
        world
    }

    /// The role and how long it lasts.
    pub(crate) fn set_role(&mut self, role: Role, lease_until: u64) {
        let word = RoleWord { role: role as u32, epoch: 1, lease_until, ..RoleWord::default() };
        self.set_element(map::ROLE, 0, word);
    }

    /// Opens the connection of [`CLIENT`] to [`WEB`] at the first real, up to the main table.
    pub(crate) fn establish(&mut self) {
        self.handshake(CLIENT, 1);
        assert!(self.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).is_some());
    }

    /// A client's handshake with [`WEB`], whose turn is this real's.
    pub(crate) fn handshake(&mut self, client: SocketAddrV4, index: u32) {
        for (at, frame) in [
            (self.ports.client, Frame { src: client, ..from_client(SYN) }),
            (self.ports.server, Frame { dst: client, ..from_real(index, SYN | ACK) }),
            (self.ports.client, Frame { src: client, ..from_client(ACK) }),
        ] {
            assert_eq!(self.run(at, &frame.bytes()).verdict, Verdict::Redirect);
        }
    }

    fn put_ports(&mut self) {
        let server = VlanPort {
            vlan: SERVER_VLAN,
            kind: KIND_SERVER,
            own_mac: OWN_SERVER_MAC,
            virtual_mac: VIRTUAL_SERVER_MAC,
            ip: OWN_SERVER_IP.octets(),
            mask: [255, 255, 255, 0],
            ..VlanPort::default()
        };
        self.set_port(VlanPort { ifindex: self.ports.client, ..client_port() });
        self.set_port(VlanPort { ifindex: self.ports.server, ..server });
    }

    fn put_floating(&mut self) {
        for (ip, vlan, kind) in [
            (VIP, CLIENT_VLAN, FLOATING_VIRTUAL),
            (CLIENT_ALIAS, CLIENT_VLAN, FLOATING_ALIAS),
            (SERVER_ALIAS, SERVER_VLAN, FLOATING_ALIAS),
        ] {
            for vlan in [vlan, 0] {
                let key = FloatingKey { ip: ip.octets(), vlan, reserved: 0 };
                self.set(map::FLOATING, key, Floating { kind });
            }
        }
    }

    fn put_farms(&mut self) {
        for index in 1..=3 {
            let (ip, port) = raw(real(index));
            let web = Real { ip, port, vlan: SERVER_VLAN, next_hop: index, reserved: 0 };
            self.set_element(map::REALS, index, web);
            self.set_element(map::REALS, index + 10, Real { port: [0; 2], ..web });
            let hop = NextHop {
                ifindex: self.ports.server,
                ip,
                mac: real_mac(index),
                state: NEXT_HOP_VALID,
                own_mac: OWN_SERVER_MAC,
                reserved: 0,
            };
            self.set_element(map::NEXT_HOPS, index, hop);
            self.set(map::REAL_ADDRS, service(real(index), TCP), 1_u32);
        }
        for (place, index) in (0..).zip(WEB_SCHEDULE) {
            self.set_element(map::SCHEDULE, place, index);
        }
        self.set_element(map::SCHEDULE, 8, 11_u32);
    }

    fn put_virtual_servers(&mut self) {
        let length = u32::try_from(WEB_SCHEDULE.len()).expect("short");
        let web = virtual_server(1, WEB_FARM, (0, length));
        self.set(map::VIRTUAL, service(WEB, TCP), web);
        self.set(map::VIRTUAL, service(DNS, UDP), virtual_server(2, DNS_FARM, (8, 1)));
    }
}

/// A segment of a client to the web server.
pub(crate) fn from_client(flags: u8) -> Frame {
    Frame {
        macs: (CLIENT_MAC, VIRTUAL_CLIENT_MAC),
        src: CLIENT,
        dst: WEB,
        ttl: 64,
        carries: Carries::Tcp(flags),
        payload: Vec::new(),
    }
}

/// The same as it reaches a real of the web farm.
pub(crate) fn at_real(index: u32, sent: &Frame) -> Frame {
    Frame {
        macs: (OWN_SERVER_MAC, real_mac(index)),
        dst: real(index),
        ttl: sent.ttl - 1,
        ..sent.clone()
    }
}

/// A segment of a real of the web farm to the client.
pub(crate) fn from_real(index: u32, flags: u8) -> Frame {
    Frame {
        macs: (real_mac(index), VIRTUAL_SERVER_MAC),
        src: real(index),
        dst: CLIENT,
        ttl: 64,
        carries: Carries::Tcp(flags),
        payload: Vec::new(),
    }
}

/// The same as it reaches the client.
pub(crate) fn at_client(sent: &Frame) -> Frame {
    Frame { macs: (OWN_CLIENT_MAC, CLIENT_MAC), src: WEB, ttl: sent.ttl - 1, ..sent.clone() }
}
