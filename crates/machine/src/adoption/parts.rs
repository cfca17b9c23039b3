//! What each of the three processes does.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hitless_config::model::Module;
use hitless_model::abi::RoleWord;
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant, Mac, Protocol, Role, VlanId};
use hitless_plane::{Desired, DumpCursor, Hook, Plane, PortFacts, Scope, Wanted, Which, desired};

use super::{CLIENT_SIDE, CONNECTIONS, SERVER_SIDE};
use crate::netlink;

/// The virtual server's address.
pub(super) const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);

const REAL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 11);
const CLIENT_VLAN: u64 = 2;
const SERVER_VLAN: u64 = 3;
/// Longer than the whole test.
const LEASE: Duration = Duration::from_mins(10);

const CONFIGURATION: &str = "\
hostname adoption
vlan 2,3,9
module csm 5
 vlan 2 client
  ip address 192.0.2.10 255.255.255.0
 vlan 3 server
  ip address 198.51.100.10 255.255.255.0
 serverfarm FARM
  nat server
  real 198.51.100.11
   inservice
 vserver WEB
  virtual 192.0.2.30 tcp 80
  serverfarm FARM
  replicate csrp connection
  inservice
 ft group 90 vlan 9
";

/// Does one part, with the programs on one of the two hooks.
pub(crate) fn part(name: &str, hook: &str, pins: &Path, out: &mut impl Write) -> Result<()> {
    let wanted = match hook {
        "tc" => Wanted::Tc,
        "xdp" => Wanted::Xdp,
        other => bail!("there is no hook `{other}`"),
    };
    match name {
        "leave" => leave(pins, wanted, out),
        "take" => take(pins, wanted, out),
        "clear" => clear(pins, wanted),
        other => bail!("there is no part `{other}` of an adoption"),
    }
}

/// Loads, fills, attaches, says *active*, and ends.
fn leave(pins: &Path, wanted: Wanted, out: &mut impl Write) -> Result<()> {
    let mut plane = Plane::open(pins, CONNECTIONS)?;
    ensure!(!plane.adopted(), "pins were there already");
    plane.apply(&contents()?)?;
    let hooks = attach(&mut plane, wanted)?;
    let refused = plane.connections().upsert(&records()?, now())?.total();
    ensure!(refused == 0, "{refused} connections were refused");
    plane.role()?.write(RoleWord {
        role: Role::Active as u32,
        epoch: 1,
        lease_until: (now() + LEASE).as_nanos(),
        active_since: now().as_nanos(),
        ..RoleWord::default()
    })?;
    let facts = plane.dataplane()?;
    let programs = facts.programs.iter().map(|program| program.name.as_str()).collect::<Vec<_>>();
    let (programs, kinds) = (programs.join(" and "), kinds(&hooks));
    writeln!(out, "kernel {}: {programs} loaded, attached by {kinds}", facts.kernel)?;
    writeln!(out, "left: {CONNECTIONS} connections, active")?;
    Ok(())
}

/// Adopts maps and hooks, and ends.
fn take(pins: &Path, wanted: Wanted, out: &mut impl Write) -> Result<()> {
    let mut plane = Plane::open(pins, CONNECTIONS)?;
    ensure!(plane.adopted(), "the maps that were left were not adopted");
    plane.apply(&contents()?)?;
    let hooks = attach(&mut plane, wanted)?;
    for hook in &hooks {
        ensure!(hook.replaced, "interface {} had no program to replace", hook.ifindex);
    }
    let found = dumped(&plane)?;
    let mut expected: Vec<ConnKey> = records()?.iter().map(|record| record.key).collect();
    expected.sort_unstable();
    ensure!(found == expected, "the table holds {} connections, not those left", found.len());
    ensure!(plane.role()?.read()?.role == Role::Active as u32, "the role was lost");
    writeln!(out, "adopted: {} connections, programs replaced by {}", found.len(), kinds(&hooks))?;
    Ok(())
}

/// Takes everything off.
fn clear(pins: &Path, wanted: Wanted) -> Result<()> {
    let mut plane = Plane::open(pins, CONNECTIONS)?;
    attach(&mut plane, wanted)?;
    plane.detach_all()?;
    drop(plane);
    hitless_plane::remove_pins(pins)?;
    Ok(())
}

fn attach(plane: &mut Plane, wanted: Wanted) -> Result<Vec<Hook>> {
    let mut one = |(near, _)| Ok(plane.attach_where(netlink::number_of(near)?, wanted)?);
    [CLIENT_SIDE, SERVER_SIDE].into_iter().map(&mut one).collect()
}

fn kinds(hooks: &[Hook]) -> String {
    let mut kinds: Vec<String> = hooks.iter().map(|hook| format!("{:?}", hook.kind)).collect();
    kinds.dedup();
    kinds.join(" and ").to_lowercase()
}

fn contents() -> Result<Desired> {
    let port = |name: &str, number| -> Result<_> {
        let ifindex = netlink::number_of(name)?;
        let mac = Mac::derived_from(u64::from(ifindex));
        Ok((vlan(number)?, PortFacts { ifindex, mac }))
    };
    let ports: BTreeMap<_, _> =
        [port(CLIENT_SIDE.0, CLIENT_VLAN)?, port(SERVER_SIDE.0, SERVER_VLAN)?].into();
    Ok(desired(&module()?, &ports))
}

fn module() -> Result<Module> {
    let configuration = hitless_config::parse(CONFIGURATION, "adoption")
        .map_err(|faults| anyhow::anyhow!("the configuration is wrong: {faults:?}"))?;
    configuration.modules.into_values().next().context("the configuration has no module")
}

/// The connections that are left and found again.
fn records() -> Result<Vec<ConnRecord>> {
    let (client_vlan, server_vlan) = (vlan(CLIENT_VLAN)?, vlan(SERVER_VLAN)?);
    let record = |number: u32| ConnRecord {
        key: ConnKey {
            client: SocketAddrV4::new(Ipv4Addr::from_bits(0xc612_0000 + number), 40_000),
            virtual_server: SocketAddrV4::new(VIRTUAL, 80),
            protocol: Protocol::Tcp,
        },
        real: SocketAddrV4::new(REAL, 80),
        client_vlan,
        server_vlan,
        seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
        idle: Duration::ZERO,
    };
    Ok((0..CONNECTIONS).map(record).collect())
}

fn dumped(plane: &Plane) -> Result<Vec<ConnKey>> {
    let table = plane.connections();
    let mut cursor = DumpCursor::default();
    let mut keys = Vec::new();
    while !cursor.is_done() {
        let part = table.dump((Which::Main, Scope::All), 256, &mut cursor, now())?;
        keys.extend(part.iter().map(|record| record.key));
    }
    keys.sort_unstable();
    Ok(keys)
}

fn vlan(number: u64) -> Result<VlanId> {
    number.try_into().map_err(|_| anyhow::anyhow!("{number} is no VLAN"))
}

fn now() -> Instant {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let since_boot = Duration::try_from(time).unwrap_or_default();
    Instant::ZERO + since_boot
}
