//! Addresses of a module on its VLANs.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hitless_model::{Slot, VlanId, abi};

use super::Problem;
use crate::grammar::{Child, Scope, Value};
use crate::model::{Configuration, Module, ModuleVlan, Subnet};

/// Most gateways and next hops of a module, as in the original.
const GATEWAYS: usize = 255;

/// A VLAN of a module, with the scope that it is configured in.
struct At<'a> {
    scope: Scope,
    id: VlanId,
    vlan: &'a ModuleVlan,
}

pub(super) fn check(slot: Slot, module: &Module, problems: &mut Vec<Problem>) {
    let module_scope = Scope::new(vec![Child::Module(slot)]);
    let vlans = module.vlans.iter().map(|(id, vlan)| At {
        scope: module_scope.enter(Child::vlan(*id, vlan.side)),
        id: *id,
        vlan,
    });
    let vlans: Vec<At<'_>> = vlans.collect();
    let subnets: Vec<Subnet> = vlans.iter().flat_map(|at| subnets(at.vlan)).collect();
    for at in &vlans {
        check_alt(at, problems);
        check_aliases(at, &vlans, problems);
        check_next_hops(at, &subnets, problems);
    }
    check_overlaps(&vlans, problems);
    check_limits(&vlans, problems);
}

/// The subnets that a VLAN makes reachable.
fn subnets(vlan: &ModuleVlan) -> impl Iterator<Item = Subnet> {
    vlan.address.into_iter().chain(vlan.aliases.iter().copied())
}

fn blame(at: &At<'_>, words: &'static [&'static str], address: Ipv4Addr, why: String) -> Problem {
    Problem { scope: at.scope.clone(), words, value: Some(Value::Ipv4(address)), message: why }
}

fn check_alt(at: &At<'_>, problems: &mut Vec<Problem>) {
    let (Some(own), Some(alt)) = (at.vlan.address, at.vlan.alt_address) else { return };
    if !own.contains(alt.address) || own.prefix != alt.prefix {
        let why = format!("the other box's address is not in the subnet of {}", own.address);
        problems.push(blame(at, &["ip"], alt.address, why));
    }
}

fn check_aliases(at: &At<'_>, all: &[At<'_>], problems: &mut Vec<Problem>) {
    for alias in &at.vlan.aliases {
        let address = alias.address;
        for other in all {
            let own = [other.vlan.address, other.vlan.alt_address];
            if own.iter().flatten().any(|own| own.address == address) {
                let why = format!("{address} is a box's own address on VLAN {}", other.id);
                problems.push(blame(at, &["alias"], address, why));
            }
        }
        if at.vlan.address.is_some_and(|own| !own.contains(address)) {
            let why = format!("{address} is not in the subnet of VLAN {}", at.id);
            problems.push(blame(at, &["alias"], address, why));
        }
    }
}

fn check_next_hops(at: &At<'_>, subnets: &[Subnet], problems: &mut Vec<Problem>) {
    let gateways = at.vlan.gateways.iter().map(|gateway| (*gateway, &["gateway"]));
    let routes = at.vlan.routes.iter().map(|route| (route.gateway, &["route"]));
    for (next_hop, words) in gateways.chain(routes) {
        if !subnets.iter().any(|subnet| subnet.contains(next_hop)) {
            let why = format!("{next_hop} is in no subnet of this module's VLANs");
            problems.push(blame(at, words, next_hop, why));
        } else if subnets.iter().any(|subnet| subnet.address == next_hop) {
            let why = format!("{next_hop} is an address of this module");
            problems.push(blame(at, words, next_hop, why));
        }
    }
}

/// One subnet on two VLANs is bridge mode.
fn check_overlaps(vlans: &[At<'_>], problems: &mut Vec<Problem>) {
    for (index, later) in vlans.iter().enumerate() {
        let Some(own) = later.vlan.address else { continue };
        for earlier in &vlans[..index] {
            let Some(other) = earlier.vlan.address else { continue };
            if own.contains(other.address) || other.contains(own.address) {
                let why = format!(
                    "VLAN {} is in the same subnet: bridge mode is not available in this release",
                    earlier.id
                );
                problems.push(blame(later, &["ip"], own.address, why));
            }
        }
    }
}

fn check_limits(vlans: &[At<'_>], problems: &mut Vec<Problem>) {
    let hops = vlans.iter().map(|at| at.vlan.gateways.len() + at.vlan.routes.len()).sum::<usize>();
    let most = usize::try_from(abi::MAX_PORTS).unwrap_or(usize::MAX);
    let (Some(first), true) = (vlans.first(), hops > GATEWAYS || vlans.len() > most) else {
        return;
    };
    let message =
        format!("a module has at most {most} VLANs and {GATEWAYS} gateways and next hops");
    let scope = first.scope.parent().unwrap_or_default();
    problems.push(Problem { scope, words: &[], value: None, message });
}

/// Two modules may share a VLAN, but not an address of their own.
pub(super) fn check_between_modules(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let mut owners: BTreeMap<(VlanId, Ipv4Addr), Slot> = BTreeMap::new();
    for (slot, module) in &configuration.modules {
        for (id, vlan) in &module.vlans {
            let Some(own) = vlan.address else { continue };
            let owner = *owners.entry((*id, own.address)).or_insert(*slot);
            if owner != *slot {
                let child = Child::vlan(*id, vlan.side);
                let scope = Scope::new(vec![Child::Module(*slot), child]);
                let message = format!("{} is the address of module {owner} there", own.address);
                let value = Some(Value::Ipv4(own.address));
                problems.push(Problem { scope, words: &["ip"], value, message });
            }
        }
    }
}
