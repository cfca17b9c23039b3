//! `show module csm N vlan [detail]` and `arp`.

use hitless_config::model::{Side, Subnet};
use hitless_model::Mac;

use super::Page;
use crate::api::types::{ArpInfo, ArpKind, ArpStatus, VlanInfo};
use crate::exec::Depth;

pub(super) fn vlans(page: &mut Page, vlans: &[VlanInfo], depth: Depth) {
    page.line(format_args!("vlan   IP address       IP mask          type"));
    page.rule(51);
    for vlan in vlans {
        let nothing = Subnet { address: [0, 0, 0, 0].into(), prefix: 0 };
        let own = vlan.address.unwrap_or(nothing);
        let (number, address, mask) =
            (vlan.vlan.to_string(), own.address.to_string(), own.mask().to_string());
        let kind = match vlan.side {
            Some(Side::Client) => "CLIENT",
            Some(Side::Server) => "SERVER",
            None => "FT",
        };
        page.line(format_args!("{number:<6} {address:<16} {mask:<16} {kind}"));
        if depth == Depth::Full {
            vlan_detail(page, vlan);
        }
    }
}

fn vlan_detail(page: &mut Page, vlan: &VlanInfo) {
    if !vlan.gateways.is_empty() {
        page.line(format_args!("  GATEWAYS"));
        for gateway in &vlan.gateways {
            page.line(format_args!("  {gateway}"));
        }
    }
    if !vlan.routes.is_empty() {
        page.line(format_args!("  ROUTES"));
        page.line(format_args!("  IP address       IP mask          gateway"));
        for (network, gateway) in &vlan.routes {
            let (address, mask) = (network.address.to_string(), network.mask().to_string());
            page.line(format_args!("  {address:<16} {mask:<16} {gateway}"));
        }
    }
    if !vlan.aliases.is_empty() {
        page.line(format_args!("  ALIASES"));
        page.line(format_args!("  IP address       IP mask"));
        for alias in &vlan.aliases {
            let address = alias.address.to_string();
            page.line(format_args!("  {address:<16} {}", alias.mask()));
        }
    }
    page.line(format_args!("  MAC {}", dashed(vlan.mac)));
    if let Some(mac) = vlan.virtual_mac {
        page.line(format_args!("  virtual MAC {}", dashed(mac)));
    }
}

pub(super) fn arp(page: &mut Page, entries: &[ArpInfo]) {
    arp_line(page, ["Internet Address", "Physical Interface", "VLAN", "Type", "Status"]);
    page.rule(68);
    for entry in entries {
        let address = entry.address.to_string();
        let mac = entry.mac.map_or("00-00-00-00-00-00".to_owned(), dashed);
        let vlan = entry.vlan.map_or(String::new(), |vlan| vlan.to_string());
        let kind = match entry.kind {
            ArpKind::VirtualServer => "VSERVER",
            ArpKind::Alias => "ALIAS",
            ArpKind::Own => "--SLB--",
            ArpKind::Gateway => "GATEWAY",
            ArpKind::Real => "REAL",
        };
        let status = match entry.status {
            ArpStatus::Local => "local",
            ArpStatus::Up => "up(0 misses)",
            ArpStatus::Down => "down",
        };
        arp_line(page, [&address, &mac, &vlan, kind, status]);
    }
}

fn arp_line(page: &mut Page, [address, mac, vlan, kind, status]: [&str; 5]) {
    page.line(format_args!("{address:<17} {mac:<19} {vlan:<6} {kind:<10} {status}"));
}

/// As the original prints MACs.
fn dashed(mac: Mac) -> String {
    mac.to_string().replace(':', "-").to_ascii_uppercase()
}
