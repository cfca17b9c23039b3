//! The data plane in operation, as far as packets can tell: a configuration, an open gate, neighbours,
//! connections. Everything comes about by the code that ships.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hitless_config::model::Module;
use hitless_lab::namespace::Namespace;
use hitless_lab::netlink::Netlink;
use hitless_model::abi::RoleWord;
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant, Mac, Protocol, Role, VlanId};
use hitless_plane::{DumpCursor, Plane, PortFacts, Which, desired, remove_pins};

use crate::plan::{FIRST_PORT, PORTS, REALS};

/// The virtual server.
pub(crate) const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 30);
/// Where clients that are not on-link are answered.
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 20);
/// The first real; the others follow it.
pub(crate) const FIRST_REAL: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 100);
/// The first client of flows that are there already.
pub(crate) const KNOWN: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 0);
/// The first client of flows that come new.
pub(crate) const NEW: Ipv4Addr = Ipv4Addr::new(172, 24, 0, 0);
/// A host that the module routes to, and balances nothing for.
pub(crate) const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 200);
/// Port of both virtual servers; the reals listen on the same.
pub(crate) const PORT: u16 = 80;

/// MACs of the module's two interfaces, of the gateway and of the first real.
pub(crate) const OWN_CLIENT_MAC: [u8; 6] = [6, 0, 0, 0, 2, 1];
pub(crate) const OWN_SERVER_MAC: [u8; 6] = [6, 0, 0, 0, 3, 1];
pub(crate) const GATEWAY_MAC: [u8; 6] = [10, 0, 0, 0, 2, 20];
pub(crate) const REAL_MAC: [u8; 6] = [10, 0, 0, 0, 3, 100];

const CLIENT_VLAN: u16 = 2;
const SERVER_VLAN: u16 = 3;
/// Room in the main table beside the flows: new ones must not find it full.
const SPARE: u32 = 65_536;
/// Records that the table is told at once, as a peer's datagrams tell some dozens.
const PART: usize = 4096;
const LEASE: Duration = Duration::from_hours(24);

const CONFIGURATION: &str = "hostname bench
vlan 2,3,9
module csm 5
 vlan 2 client
  ip address 192.158.38.10 255.255.255.0
  gateway 192.158.38.20
 vlan 3 server
  ip address 192.158.39.10 255.255.255.0
  alias 192.158.39.20 255.255.255.0
 serverfarm FARM
  nat server
  real 192.158.39.100
   inservice
  real 192.158.39.101
   inservice
  real 192.158.39.102
   inservice
  real 192.158.39.103
   inservice
 vserver TCP
  virtual 192.158.38.30 tcp 80
  serverfarm FARM
  replicate csrp connection
  inservice
 vserver UDP
  virtual 192.158.38.30 udp 80
  serverfarm FARM
  replicate csrp connection
  inservice
 ft group 90 vlan 9
";

/// A data plane with flows, in a namespace of the calling thread's choice.
pub(crate) struct Scene {
    pub(crate) plane: Plane,
    pub(crate) ports: Ports,
    module: Module,
    pins: Pins,
}

/// The interfaces' numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Towards the clients.
    pub(crate) client: u32,
    /// Towards the reals.
    pub(crate) server: u32,
}

/// A folder of pins that goes with this value.
struct Pins(PathBuf);

impl Drop for Pins {
    fn drop(&mut self) {
        // What is not there needs no removing; what cannot be removed, the next line of output shows.
        let _ = remove_pins(&self.0);
    }
}

impl Scene {
    /// Everything but the flows, with room for this many.
    pub(crate) fn new(ports: Ports, flows: u32) -> Result<Self> {
        let abi = hitless_model::abi::ABI_VERSION;
        let name = format!("/sys/fs/bpf/hitless-bench-{}-abi{abi}", std::process::id());
        let pins = Pins(name.into());
        let plane = Plane::open(&pins.0, room_for(flows))?;
        let module = module()?;
        plane.apply(&desired(&module, &facts(ports)?))?;
        let scene = Self { plane, ports, module, pins };
        scene.resolve()?;
        scene.open_gate()?;
        Ok(scene)
    }

    /// Where its maps are pinned.
    pub(crate) fn pins(&self) -> &Path {
        &self.pins.0
    }

    /// The MAC that clients send to.
    pub(crate) fn virtual_client_mac(&self) -> Result<[u8; 6]> {
        self.virtual_mac(CLIENT_VLAN)
    }

    /// The MAC that reals send to.
    pub(crate) fn virtual_server_mac(&self) -> Result<[u8; 6]> {
        self.virtual_mac(SERVER_VLAN)
    }

    fn virtual_mac(&self, number: u16) -> Result<[u8; 6]> {
        let ft = self.module.ft.as_ref().context("the configuration has an ft group")?;
        Ok(Mac::virtual_for(ft.group, ft.vlan, vlan(number)?).0)
    }

    fn resolve(&self) -> Result<()> {
        let hops = self.plane.next_hops();
        ensure!(hops.set_mac(self.ports.client, GATEWAY, Some(Mac(GATEWAY_MAC)))?, "no gateway");
        for number in 0..REALS {
            let (ip, mac) = (real(number), Mac(real_mac(number)));
            ensure!(hops.set_mac(self.ports.server, ip, Some(mac))?, "no real {ip}");
        }
        Ok(())
    }

    fn open_gate(&self) -> Result<()> {
        let word = RoleWord {
            role: Role::Active as u32,
            epoch: 1,
            lease_until: (now() + LEASE).as_nanos(),
            active_since: now().as_nanos(),
            ..RoleWord::default()
        };
        Ok(self.plane.role()?.write(word)?)
    }

    /// Opens the flows of both virtual servers as a peer's word would; how long one took.
    pub(crate) fn open_flows(&self, flows: u32) -> Result<Duration> {
        let mut table = self.plane.connections();
        let start = std::time::Instant::now();
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let records = (0..flows).map(|flow| record(flow, protocol));
            let records: Vec<ConnRecord> = records.collect::<Result<_>>()?;
            for part in records.chunks(PART) {
                let refused = table.upsert(part, now())?;
                ensure!(refused.total() == 0, "the table refuses flows: {refused:?}");
            }
        }
        let in_use = table.usage()?.in_use;
        ensure!(in_use == 2 * u64::from(flows), "{in_use} connections instead of 2 × {flows}");
        Ok(start.elapsed() / (2 * flows))
    }

    /// An error unless packets of every flow were forwarded: then the tables' entries were all touched.
    pub(crate) fn expect_all_touched(&self, flows: u32) -> Result<()> {
        let table = self.plane.connections();
        let (mut cursor, mut touched) = (DumpCursor::default(), 0_u64);
        while !cursor.is_done() {
            let part = table.dump_detail(Which::Main, PART, &mut cursor, now())?;
            touched += part.iter().filter(|conn| conn.to_real.packets > 0).count() as u64;
        }
        ensure!(touched == 2 * u64::from(flows), "{touched} of 2 × {flows} flows were touched");
        Ok(())
    }
}

/// Entries of a table that holds the flows of both virtual servers.
pub(crate) fn room_for(flows: u32) -> u32 {
    2 * flows + SPARE
}

/// A real's address.
pub(crate) fn real(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(FIRST_REAL) + number)
}

fn real_mac(number: u32) -> [u8; 6] {
    let mut mac = REAL_MAC;
    mac[5] = mac[5].wrapping_add(u8::try_from(number).unwrap_or_default());
    mac
}

/// The established connection of a flow, as the programs' frames show it.
fn record(flow: u32, protocol: Protocol) -> Result<ConnRecord> {
    let client = Ipv4Addr::from(u32::from(KNOWN) + flow / PORTS);
    let port = FIRST_PORT + u16::try_from(flow % PORTS)?;
    Ok(ConnRecord {
        key: ConnKey {
            client: SocketAddrV4::new(client, port),
            virtual_server: SocketAddrV4::new(VIRTUAL, PORT),
            protocol,
        },
        real: SocketAddrV4::new(real(flow % REALS), PORT),
        client_vlan: vlan(CLIENT_VLAN)?,
        server_vlan: vlan(SERVER_VLAN)?,
        seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
        idle: Duration::ZERO,
    })
}

fn module() -> Result<Module> {
    let configuration = hitless_config::parse(CONFIGURATION, "bench")
        .map_err(|wrong| anyhow::anyhow!("the benchmark's configuration: {wrong:?}"))?;
    let module = configuration.modules.into_values().next();
    module.context("the benchmark's configuration has a module")
}

fn facts(ports: Ports) -> Result<BTreeMap<VlanId, PortFacts>> {
    let client = PortFacts { ifindex: ports.client, mac: Mac(OWN_CLIENT_MAC) };
    let server = PortFacts { ifindex: ports.server, mac: Mac(OWN_SERVER_MAC) };
    Ok([(vlan(CLIENT_VLAN)?, client), (vlan(SERVER_VLAN)?, server)].into())
}

fn vlan(number: u16) -> Result<VlanId> {
    Ok(VlanId::try_from(u64::from(number))?)
}

fn now() -> Instant {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let nanos = now.tv_sec * 1_000_000_000 + now.tv_nsec;
    Instant::from_nanos(u64::try_from(nanos).unwrap_or_default())
}

/// Makes two interfaces in a namespace: test runs need their numbers only.
pub(crate) fn interfaces(namespace: &Namespace) -> Result<Ports> {
    let netlink = Netlink::open(namespace)?;
    netlink.cable("client", "server", namespace)?;
    Ok(Ports { client: netlink.index("client")?, server: netlink.index("server")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one_that_a_daemon_would_take() {
        let configuration = hitless_config::parse(CONFIGURATION, "bench").unwrap();
        assert!(hitless_config::validate(&configuration).is_empty());
        assert_eq!(module().unwrap().virtual_servers.len(), 2);
    }

    #[test]
    fn neighbouring_flows_differ_in_client_and_real() {
        let first = record(0, Protocol::Tcp).unwrap();
        let last = record(PORTS, Protocol::Tcp).unwrap();
        assert_eq!(first.key.client, SocketAddrV4::new(KNOWN, FIRST_PORT));
        assert_eq!(*last.key.client.ip(), Ipv4Addr::new(172, 16, 0, 1));
        assert_ne!(record(1, Protocol::Tcp).unwrap().real, first.real);
    }
}
