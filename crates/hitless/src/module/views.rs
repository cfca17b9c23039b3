//! What the module's API shows: values made on demand from the configuration, the node and the maps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::Result;
use hitless_config::model::{Module, Name, VirtualServer};
use hitless_model::abi::RoleWord;
use hitless_model::{Epoch, Instant, Mac, Protocol, Role, VlanId};
use hitless_plane::{ConnDetail, DumpCursor, Endpoint, FloatingKind, Plane, Tally, Which};

use super::clock;
use super::engine::{Engine, Held};
use crate::api::types::{
    ArpInfo, ArpKind, ArpStatus, ConnInfo, ConnPage, ConnQuery, CounterInfo, Dataplane, FarmInfo,
    FtHistory, FtState, GateInfo, InterfaceInfo, KeptSettings, RealInfo, RealState, Stats, Totals,
    VirtualServerInfo, VirtualServerState, VlanInfo,
};

/// Connections read at a time.
pub(crate) const PART: usize = 4_096;
/// Connections of a page, if nothing is said.
const PAGE: usize = 1_000;
/// Connections of the longest page: an answer has to fit in memory on both sides.
const LONGEST_PAGE: usize = 10_000;

/// Fault tolerance; `None` without a group.
pub(crate) async fn ft(engine: &Engine) -> Result<Option<FtState>> {
    let held = engine.held();
    let (Some(ft), Some(status)) = (&held.config.module.ft, engine.status().await?) else {
        return Ok(None);
    };
    let age = clock::now().saturating_since(status.since);
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Ok(Some(FtState {
        group: ft.group,
        ft_vlan: ft.vlan,
        priority: ft.priority,
        alt_priority: ft.alt_priority,
        heartbeat_ms: u64::try_from(ft.heartbeat.as_millis())?,
        failover_ms: u64::try_from(ft.failover.as_millis())?,
        preempt: ft.preempt,
        split_brain: ft.split_brain,
        authenticated: ft.key.is_some(),
        since_unix_ms: clock::unix_ms().saturating_sub(age_ms),
        decisions: engine.record.list(),
        status,
    }))
}

/// Every decision with what led to it; `None` without a group.
pub(crate) fn history(engine: &Engine) -> Option<FtHistory> {
    engine.held().config.module.ft.is_some().then(|| engine.record.export())
}

/// Virtual servers and reals, by one count of the table.
pub(crate) fn totals(engine: &Engine, is_active: bool) -> Result<Totals> {
    let (tally, held) = (tally(engine)?, engine.held());
    let virtual_servers = list_virtual_servers(&held, &tally, is_active);
    Ok(Totals { virtual_servers, reals: list_reals(&held, &tally) })
}

/// Counting takes long: not with the data plane in hand.
fn tally(engine: &Engine) -> Result<Tally> {
    let table = engine.plane().connections();
    Ok(table.tally()?)
}

/// Virtual servers in the order of their names.
pub(crate) fn virtual_servers(engine: &Engine, is_active: bool) -> Result<Vec<VirtualServerInfo>> {
    Ok(list_virtual_servers(&engine.held(), &tally(engine)?, is_active))
}

fn list_virtual_servers(held: &Held, tally: &Tally, is_active: bool) -> Vec<VirtualServerInfo> {
    let servers = &held.config.module.virtual_servers;
    let info = |(name, server): (&Name, &VirtualServer)| VirtualServerInfo {
        name: name.clone(),
        protocol: server.listens.map(|listens| listens.protocol),
        address: server.listens.map(|listens| listens.address),
        port: server.listens.map_or(0, |listens| listens.port),
        state: state_of(&held.config.module, server, is_active),
        conns: endpoint(server).map_or(0, |at| tally.of_virtual_server(at).current()),
        farm: server.farm.clone(),
        replicate_connections: server.replicate_connections,
        idle_s: server.idle.as_secs(),
        pending_s: server.pending.as_secs(),
        kept: kept_settings(server),
    };
    servers.iter().map(info).collect()
}

fn kept_settings(server: &VirtualServer) -> KeptSettings {
    KeptSettings {
        vlan: server.vlan,
        service: server.listens.and_then(|listens| listens.service),
        unidirectional: server.unidirectional,
        advertise: server.advertise,
        backup: server.backup.as_ref().map(|backup| backup.farm.clone()),
        replicate_sticky: server.replicate_sticky,
        sticky: server.sticky,
        requests: Some(server.requests.clone()),
    }
}

fn endpoint(server: &VirtualServer) -> Option<Endpoint> {
    let listens = server.listens?;
    Some(Endpoint::new(listens.address.address, listens.port, listens.protocol.transport()?))
}

fn state_of(module: &Module, server: &VirtualServer, is_active: bool) -> VirtualServerState {
    let farm = server.farm.as_ref().and_then(|name| module.farms.get(name));
    let has_real = farm.is_some_and(|farm| {
        farm.reals.iter().any(|real| real.in_service.is_yes() && real.weight > 0)
    });
    if !server.in_service.is_yes() || server.listens.is_none() || !has_real {
        VirtualServerState::OutOfService
    } else if is_active {
        VirtualServerState::Operational
    } else {
        VirtualServerState::Standby
    }
}

/// Reals in the order of farms and of configuration.
pub(crate) fn reals(engine: &Engine) -> Result<Vec<RealInfo>> {
    Ok(list_reals(&engine.held(), &tally(engine)?))
}

fn list_reals(held: &Held, tally: &Tally) -> Vec<RealInfo> {
    let module = &held.config.module;
    let mut infos = Vec::new();
    for (name, farm) in &module.farms {
        let users: Vec<Endpoint> = module
            .virtual_servers
            .values()
            .filter(|server| server.farm.as_ref() == Some(name))
            .filter_map(endpoint)
            .collect();
        for real in &farm.reals {
            let state = if real.in_service.is_yes() {
                RealState::Operational
            } else {
                RealState::OutOfService
            };
            infos.push(RealInfo {
                address: real.address,
                port: real.port,
                farm: name.clone(),
                weight: real.weight,
                state,
                conns: conns_of_real(tally, &users, real.address, real.port),
                max_conns: real.max_conns,
                min_conns: real.min_conns,
            });
        }
    }
    infos
}

fn conns_of_real(tally: &Tally, users: &[Endpoint], ip: Ipv4Addr, port: Option<u16>) -> u64 {
    let of_user = |at: &Endpoint| {
        let real = SocketAddrV4::new(ip, port.unwrap_or(at.socket.port()));
        tally.of_real(*at, real).current()
    };
    users.iter().map(of_user).sum()
}

/// Server farms in the order of their names.
pub(crate) fn farms(engine: &Engine) -> Vec<FarmInfo> {
    let info = |(name, farm): (&Name, &hitless_config::model::ServerFarm)| FarmInfo {
        name: name.clone(),
        predictor: farm.predictor.title().to_owned(),
        nat_server: farm.nat_server,
        reals: farm.reals.len(),
        nat_client: farm.nat_client.clone(),
        bind_id: farm.bind_id,
        fail_action: farm.fail_action,
        health: farm.health,
        return_codes: farm.return_codes.clone(),
        probes: farm.probes.clone(),
    };
    engine.held().config.module.farms.iter().map(info).collect()
}

/// VLANs in the order of their numbers.
pub(crate) fn vlans(engine: &Engine) -> Vec<VlanInfo> {
    let held = engine.held();
    let module = &held.config.module;
    let info = |(vlan, state): (&VlanId, &crate::netlink::module_net::InterfaceState)| {
        let settings = module.vlans.get(vlan);
        VlanInfo {
            vlan: *vlan,
            side: settings.map(|settings| settings.side),
            address: settings.and_then(|settings| settings.address),
            gateways: settings.map(|settings| settings.gateways.clone()).unwrap_or_default(),
            aliases: settings.map(|settings| settings.aliases.clone()).unwrap_or_default(),
            routes: settings
                .map(|settings| settings.routes.iter().map(|r| (r.network, r.gateway)).collect())
                .unwrap_or_default(),
            mac: state.mac,
            virtual_mac: held.desired.ports.get(vlan).map(|port| port.virtual_mac),
        }
    };
    held.interfaces.iter().map(info).collect()
}

/// The ARP table: floating addresses, own addresses, then next hops.
pub(crate) fn arp(engine: &Engine) -> Result<Vec<ArpInfo>> {
    let held = engine.held();
    let desired = &held.desired;
    let mut entries = Vec::new();
    let mut local = |address, vlan, mac: Option<Mac>, kind| {
        entries.push(ArpInfo { address, mac, vlan: Some(vlan), kind, status: ArpStatus::Local });
    };
    for (&(address, vlan), kind) in &desired.floating {
        let Some((vlan, port)) = vlan.and_then(|v| Some((v, desired.ports.get(&v)?))) else {
            continue;
        };
        let kind = match kind {
            FloatingKind::Alias => ArpKind::Alias,
            FloatingKind::Virtual => ArpKind::VirtualServer,
        };
        local(address, vlan, Some(port.virtual_mac), kind);
    }
    for (vlan, port) in &desired.ports {
        if let Some(subnet) = port.address {
            local(subnet.address, *vlan, Some(port.facts.mac), ArpKind::Own);
        }
    }
    let reals: BTreeSet<Ipv4Addr> = desired.reals.iter().map(|real| real.ip).collect();
    for hop in engine.plane().next_hops().list()? {
        let kind = if reals.contains(&hop.ip) { ArpKind::Real } else { ArpKind::Gateway };
        let status = if hop.mac.is_some() { ArpStatus::Up } else { ArpStatus::Down };
        entries.push(ArpInfo { address: hop.ip, mac: hop.mac, vlan: Some(hop.vlan), kind, status });
    }
    Ok(entries)
}

/// A page of connections that are asked for, established ones first.
pub(crate) fn conns(engine: &Engine, query: &ConnQuery) -> Result<ConnPage> {
    let (table, names) = (engine.plane().connections(), Names::new(&engine.held()));
    let limit = query.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let first = query.offset.unwrap_or(0);
    let (mut page, mut seen) = (ConnPage::default(), 0);
    for which in [Which::Main, Which::Embryonic] {
        let mut cursor = DumpCursor::default();
        while !cursor.is_done() {
            let part = table.dump_detail(which, PART, &mut cursor, clock::now())?;
            for info in part.iter().map(|detail| names.info(detail)).filter(|i| query.fits(i)) {
                if page.conns.len() == limit {
                    page.next = Some(first + limit);
                    return Ok(page);
                }
                if seen >= first {
                    page.conns.push(info);
                }
                seen += 1;
            }
        }
    }
    Ok(page)
}

/// Virtual servers by what they listen on.
pub(crate) struct Names(BTreeMap<Endpoint, Name>);

impl Names {
    /// Those of a module.
    pub(crate) fn new(held: &Held) -> Self {
        let servers = held.config.module.virtual_servers.iter();
        Self(servers.filter_map(|(name, server)| Some((endpoint(server)?, name.clone()))).collect())
    }

    /// The one that listens there.
    pub(crate) fn of(&self, listens: SocketAddrV4, protocol: Protocol) -> Option<Name> {
        self.0.get(&Endpoint { socket: listens, protocol }).cloned()
    }

    /// A connection as it is shown.
    pub(crate) fn info(&self, detail: &ConnDetail) -> ConnInfo {
        ConnInfo {
            virtual_server: self.0.get(&Endpoint::virtual_server_of(&detail.record.key)).cloned(),
            record: detail.record,
            stage: detail.stage,
            replicated: detail.replicated,
            from_peer: detail.from_peer,
            packets: (detail.to_real.packets, detail.to_client.packets),
            bytes: (detail.to_real.bytes, detail.to_client.bytes),
        }
    }
}

/// Counters of the data plane and use of the connection table.
pub(crate) fn stats(engine: &Engine) -> Result<Stats> {
    let plane = engine.plane();
    let usage = plane.connections().usage()?;
    let counters = counters(&plane)?;
    Ok(Stats { connections: usage.in_use, capacity: usage.capacity, counters })
}

fn counters(plane: &Plane) -> Result<Vec<CounterInfo>> {
    let info = |(counter, value): (hitless_model::Counter, u64)| CounterInfo {
        name: counter.name().to_owned(),
        value,
        help: counter.help().trim().to_owned(),
    };
    Ok(plane.counters()?.all()?.into_iter().map(info).collect())
}

/// What the data plane is made of.
pub(crate) fn dataplane(engine: &Engine) -> Result<Dataplane> {
    let held = engine.held();
    let vlans = &held.config.module.vlans;
    let interfaces = held.interfaces.iter().map(|(vlan, state)| InterfaceInfo {
        vlan: *vlan,
        index: state.index,
        device: vlans.get(vlan).and_then(|vlan| vlan.attach.clone()),
    });
    let interfaces = interfaces.collect();
    let mut plane = engine.plane();
    Ok(Dataplane {
        adopted: plane.adopted(),
        interfaces,
        gate: gate(plane.role()?.read()?, clock::now()),
        counters: counters(&plane)?,
        plane: plane.dataplane()?,
    })
}

fn gate(word: RoleWord, now: Instant) -> GateInfo {
    let role = u8::try_from(word.role).ok().and_then(Role::from_number);
    let is_leased =
        role.is_some_and(Role::forwards) && word.lease_until != Instant::FAR_FUTURE.as_nanos();
    let left = word.lease_until.saturating_sub(now.as_nanos()) / 1_000_000;
    GateInfo { role, epoch: Epoch(word.epoch), lease_ms: is_leased.then_some(left) }
}
