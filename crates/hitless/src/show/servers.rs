//! `show module csm N vservers` and `reals`.

use std::net::Ipv4Addr;

use hitless_config::model::{Name, Service, Subnet, VirtualProtocol};

use super::Page;
use crate::api::types::{RealInfo, RealState, VirtualServerInfo, VirtualServerState};
use crate::exec::{Depth, Numbered};

/// What a virtual server or real without a limit is shown with.
const NO_LIMIT: u32 = u32::MAX;
const NO_SUBNET: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

pub(super) fn virtual_servers(page: &mut Page, servers: &[Numbered], depth: Depth) {
    match depth {
        Depth::Brief => {
            let heads = ("slb vserver", "prot", "virtual", "vlan", "state");
            virtual_server_line(page, heads, "conns");
            page.rule(75);
            for Numbered { server, .. } in servers {
                let (listens, protocol) = (listens(server), protocol(server));
                let (name, vlan) = (server.name.as_str(), vlan(server));
                let line = (name, protocol.as_str(), listens.as_str(), vlan.as_str(), word(server));
                virtual_server_line(page, line, &server.conns.to_string());
            }
        }
        Depth::Full => servers.iter().for_each(|server| virtual_server(page, server)),
    }
}

fn virtual_server_line(page: &mut Page, line: (&str, &str, &str, &str, &str), conns: &str) {
    let (name, protocol, listens, vlan, state) = line;
    page.line(format_args!("{name:<16} {protocol:<5} {listens:<24} {vlan:<5} {state:<13} {conns}"));
}

fn protocol(server: &VirtualServerInfo) -> String {
    match server.protocol {
        Some(VirtualProtocol::Tcp) => "TCP".to_owned(),
        Some(VirtualProtocol::Udp) => "UDP".to_owned(),
        Some(VirtualProtocol::Any) => "any".to_owned(),
        Some(VirtualProtocol::Number(number)) => number.to_string(),
        None => String::new(),
    }
}

fn listens(server: &VirtualServerInfo) -> String {
    let address = server.address.unwrap_or(Subnet { address: [0, 0, 0, 0].into(), prefix: 0 });
    format!("{}/{}:{}", address.address, address.prefix, server.port)
}

fn word(server: &VirtualServerInfo) -> &'static str {
    match server.state {
        VirtualServerState::Operational => "OPERATIONAL",
        VirtualServerState::OutOfService => "OUTOFSERVICE",
        VirtualServerState::Standby => "STANDBY",
    }
}

fn vlan(server: &VirtualServerInfo) -> String {
    server.kept.vlan.map_or_else(|| "ALL".to_owned(), |vlan| vlan.to_string())
}

fn virtual_server(page: &mut Page, Numbered { index, server }: &Numbered) {
    let kept = &server.kept;
    let (state, vlan) = (word(server), vlan(server));
    page.line(format_args!("{}, type = SLB, state = {state}, v_index = {index}", server.name));
    let direction = if kept.unidirectional { "unidir" } else { "bidir" };
    let service = match kept.service {
        Some(Service::Ftp) => "FTP",
        Some(Service::Rtsp) => "RTSP",
        None => "NONE",
    };
    let advertise = truth(kept.advertise.is_some());
    page.line(format_args!(
        "  virtual = {} {direction}, {}, service = {service}, advertise = {advertise}",
        listens(server),
        protocol(server)
    ));
    let replicate = match (kept.replicate_sticky, server.replicate_connections) {
        (false, false) => "none",
        (true, false) => "sticky",
        (false, true) => "connections",
        (true, true) => "sticky+connections",
    };
    page.line(format_args!(
        "  idle = {}, replicate csrp = {replicate}, vlan = {vlan}, pending = {}, layer 4",
        server.idle_s, server.pending_s
    ));
    if let Some(requests) = &kept.requests {
        let rebalance = truth(requests.persistent_rebalance);
        let (length, ssl) = (requests.parse_length, requests.ssl_sticky);
        page.line(format_args!("  max parse len = {length}, persist rebalance = {rebalance}"));
        page.line(format_args!("  ssl sticky offset = {}, length = {}", ssl.offset, ssl.length));
    }
    page.line(format_args!("  conns = {}", server.conns));
    default_policy(page, server);
}

fn default_policy(page: &mut Page, server: &VirtualServerInfo) {
    let assigned = |farm: Option<&Name>| farm.map_or("<not assigned>".to_owned(), Name::to_string);
    let (farm, backup) = (assigned(server.farm.as_ref()), assigned(server.kept.backup.as_ref()));
    let (minutes, subnet, group) = server.kept.sticky.map_or((0, NO_SUBNET, 0), |sticky| {
        let subnet = Subnet { address: NO_SUBNET, prefix: sticky.prefix }.mask();
        (sticky.minutes, subnet, sticky.group.map_or(0, u64::from))
    });
    page.line(format_args!("  Default policy:"));
    page.line(format_args!("    server farm = {farm}, backup = {backup}"));
    page.line(format_args!("    sticky: timer = {minutes}, subnet = {subnet}, group id = {group}"));
}

fn truth(is: bool) -> &'static str {
    if is { "TRUE" } else { "FALSE" }
}

pub(super) fn reals(page: &mut Page, reals: &[RealInfo], depth: Depth) {
    match depth {
        Depth::Brief => {
            real_line(page, ("real", "server farm", "weight", "state"), "conns/hits");
            page.rule(75);
            for real in reals {
                let (name, weight) = (real_name(real), real.weight.to_string());
                let line = (name.as_str(), real.farm.as_str(), weight.as_str(), real_word(real));
                real_line(page, line, &real.conns.to_string());
            }
        }
        Depth::Full => reals.iter().for_each(|real| real_detail(page, real)),
    }
}

fn real_line(page: &mut Page, line: (&str, &str, &str, &str), conns: &str) {
    let (name, farm, weight, state) = line;
    page.line(format_args!("{name:<23} {farm:<16} {weight:<8} {state:<15} {conns}"));
}

pub(super) fn real_name(real: &RealInfo) -> String {
    match real.port {
        Some(port) => format!("{}:{port}", real.address),
        None => real.address.to_string(),
    }
}

pub(super) fn real_word(real: &RealInfo) -> &'static str {
    match real.state {
        RealState::Operational => "OPERATIONAL",
        RealState::OutOfService => "OUTOFSERVICE",
    }
}

/// The metric is connections by weight, as in the original's MIB.
fn real_detail(page: &mut Page, real: &RealInfo) {
    let weight = u64::from(real.weight);
    let metric = real.conns.checked_div(weight).unwrap_or(0);
    let remainder = real.conns.checked_rem(weight).unwrap_or(0);
    page.line(format_args!("{}, {}, state = {}", real_name(real), real.farm, real_word(real)));
    let (most, least) = (real.max_conns.unwrap_or(NO_LIMIT), real.min_conns);
    page.line(format_args!("  conns = {}, maxconns = {most}, minconns = {least}", real.conns));
    page.line(format_args!(
        "  weight = {weight}, weight(admin) = {weight}, metric = {metric}, remainder = {remainder}"
    ));
}
