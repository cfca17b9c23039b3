//! `show module csm N vservers`, `reals` and `serverfarms`.

use hitless_config::model::Subnet;
use hitless_model::Protocol;

use super::Page;
use crate::api::types::{FarmInfo, RealInfo, RealState, VirtualServerInfo, VirtualServerState};
use crate::exec::{Depth, FarmDetail, Numbered};

/// What a virtual server or real without a limit is shown with.
const NO_LIMIT: u32 = u32::MAX;

pub(super) fn virtual_servers(page: &mut Page, servers: &[Numbered], depth: Depth) {
    match depth {
        Depth::Brief => {
            let heads = ("slb vserver", "prot", "virtual", "vlan", "state");
            virtual_server_line(page, heads, "conns");
            page.rule(75);
            for Numbered { server, .. } in servers {
                let listens = listens(server);
                let line =
                    (server.name.as_str(), protocol(server), listens.as_str(), "ALL", word(server));
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

fn protocol(server: &VirtualServerInfo) -> &'static str {
    match server.protocol {
        Some(Protocol::Tcp) => "TCP",
        Some(Protocol::Udp) => "UDP",
        None => "",
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

fn virtual_server(page: &mut Page, Numbered { index, server }: &Numbered) {
    let replicate = if server.replicate_connections { "connections" } else { "none" };
    let farm = server.farm.as_ref().map_or("<not assigned>", |farm| farm.as_str());
    let state = word(server);
    page.line(format_args!("{}, type = SLB, state = {state}, v_index = {index}", server.name));
    page.line(format_args!(
        "  virtual = {} bidir, {}, service = NONE, advertise = FALSE",
        listens(server),
        protocol(server)
    ));
    page.line(format_args!(
        "  idle = {}, replicate csrp = {replicate}, vlan = ALL, pending = {}, layer 4",
        server.idle_s, server.pending_s
    ));
    page.line(format_args!("  conns = {}", server.conns));
    page.line(format_args!("  Default policy:"));
    page.line(format_args!("    server farm = {farm}, backup = <not assigned>"));
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

fn real_name(real: &RealInfo) -> String {
    match real.port {
        Some(port) => format!("{}:{port}", real.address),
        None => real.address.to_string(),
    }
}

fn real_word(real: &RealInfo) -> &'static str {
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
    page.line(format_args!("  conns = {}, maxconns = {NO_LIMIT}, minconns = 0", real.conns));
    page.line(format_args!(
        "  weight = {weight}, weight(admin) = {weight}, metric = {metric}, remainder = {remainder}"
    ));
}

pub(super) fn farms(page: &mut Page, farms: &[FarmInfo]) {
    farm_line(page, ("server farm", "type", "predictor", "nat", "reals"), ("redirect", "bind id"));
    page.rule(75);
    for farm in farms {
        let reals = farm.reals.to_string();
        let nat = if farm.nat_server { "S" } else { "none" };
        let line = (farm.name.as_str(), "SLB", farm.predictor.as_str(), nat, reals.as_str());
        farm_line(page, line, ("0", "0"));
    }
}

fn farm_line(page: &mut Page, line: (&str, &str, &str, &str, &str), last: (&str, &str)) {
    let ((name, kind, predictor, nat, reals), (redirect, bind)) = (line, last);
    page.line(format_args!(
        "{name:<16} {kind:<8} {predictor:<12} {nat:<6} {reals:<7} {redirect:<10} {bind}"
    ));
}

pub(super) fn farm_details(page: &mut Page, farms: &[FarmDetail]) {
    for detail in farms {
        let farm = &detail.farm;
        let nat = if farm.nat_server { "SERVER" } else { "none" };
        page.line(format_args!("{}, type = SLB, predictor = {}", farm.name, farm.predictor));
        page.line(format_args!("  nat = {nat}"));
        page.line(format_args!(
            "  virtuals inservice = {}, reals = {}, bind id = 0, fail action = none",
            detail.virtuals_in_service, farm.reals
        ));
        page.line(format_args!("  Real servers:"));
        for real in &detail.members {
            let (name, state) = (real_name(real), real_word(real));
            page.line(format_args!(
                "    {name}, weight = {}, {state}, conns = {}",
                real.weight, real.conns
            ));
        }
        page.line(format_args!("  Total connections = {}", detail.conns));
    }
}
