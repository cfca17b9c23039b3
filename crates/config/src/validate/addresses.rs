//! Addresses of a module on its VLANs.

use std::collections::{BTreeMap, BTreeSet};
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

fn all(slot: Slot, module: &Module) -> Vec<At<'_>> {
    let module_scope = Scope::new(vec![Child::Module(slot)]);
    let vlans = module.vlans.iter().map(|(id, vlan)| At {
        scope: module_scope.enter(Child::vlan(*id, vlan.side)),
        id: *id,
        vlan,
    });
    vlans.collect()
}

pub(super) fn check(slot: Slot, module: &Module, problems: &mut Vec<Problem>) {
    let vlans = all(slot, module);
    let boxes = box_addresses(&vlans);
    let reach = Reach::new(&vlans);
    for at in &vlans {
        check_alt(at, problems);
        check_aliases(at, &boxes, problems);
        check_next_hops(at, &reach, problems);
    }
    check_overlaps(&vlans, problems);
    check_limits(&vlans, problems);
}

/// Both boxes' own addresses, with the VLAN that each is on.
fn box_addresses(vlans: &[At<'_>]) -> BTreeMap<Ipv4Addr, VlanId> {
    let each = vlans.iter().flat_map(|at| {
        let own = [at.vlan.address, at.vlan.alt_address].into_iter().flatten();
        own.map(|own| (own.address, at.id))
    });
    each.collect()
}

/// Where a module can send without a gateway.
struct Reach {
    /// Networks, by address and mask: the same one is there once.
    networks: BTreeSet<Subnet>,
    /// The module's own and floating addresses.
    own: BTreeSet<Ipv4Addr>,
    /// Whether some VLAN has no address yet, so that nobody knows.
    is_open: bool,
}

impl Reach {
    fn new(vlans: &[At<'_>]) -> Self {
        let subnets = || vlans.iter().flat_map(|at| subnets(at.vlan));
        Self {
            networks: subnets().map(Subnet::network).collect(),
            own: subnets().map(|subnet| subnet.address).collect(),
            is_open: vlans.iter().any(|at| at.vlan.address.is_none()),
        }
    }
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

fn check_aliases(at: &At<'_>, boxes: &BTreeMap<Ipv4Addr, VlanId>, problems: &mut Vec<Problem>) {
    for alias in &at.vlan.aliases {
        let address = alias.address;
        if let Some(other) = boxes.get(&address) {
            let why = format!("{address} is a box's own address on VLAN {other}");
            problems.push(blame(at, &["alias"], address, why));
        }
        if at.vlan.address.is_some_and(|own| !own.contains(address)) {
            let why = format!("{address} is not in the subnet of VLAN {}", at.id);
            problems.push(blame(at, &["alias"], address, why));
        }
    }
}

fn check_next_hops(at: &At<'_>, reach: &Reach, problems: &mut Vec<Problem>) {
    let gateways = at.vlan.gateways.iter().map(|gateway| (*gateway, &["gateway"]));
    let routes = at.vlan.routes.iter().map(|route| (route.gateway, &["route"]));
    for (next_hop, words) in gateways.chain(routes) {
        if reach.own.contains(&next_hop) {
            let why = format!("{next_hop} is an address of this module");
            problems.push(blame(at, words, next_hop, why));
        } else if !reach.is_open && !reach.networks.iter().any(|net| net.contains(next_hop)) {
            let why = format!("{next_hop} is in no subnet of this module's VLANs");
            problems.push(blame(at, words, next_hop, why));
        }
    }
}

/// The VLANs that have the subnet of one before them, and that one.
fn overlaps<'a>(vlans: &'a [At<'a>]) -> impl Iterator<Item = (&'a At<'a>, &'a At<'a>)> {
    vlans.iter().enumerate().flat_map(|(index, later)| {
        vlans[..index].iter().filter_map(move |earlier| {
            let (own, other) = (later.vlan.address?, earlier.vlan.address?);
            let meets = own.contains(other.address) || other.contains(own.address);
            meets.then_some((earlier, later))
        })
    })
}

/// Whether two VLANs are the two sides of a bridge: both have the same address.
fn is_bridged(one: &At<'_>, other: &At<'_>) -> bool {
    one.vlan.side != other.vlan.side && one.vlan.address == other.vlan.address
}

fn check_overlaps(vlans: &[At<'_>], problems: &mut Vec<Problem>) {
    for (earlier, later) in overlaps(vlans).filter(|(earlier, later)| !is_bridged(earlier, later)) {
        let Some(own) = later.vlan.address else { continue };
        let why = format!(
            "VLAN {} is in the same subnet: only a client and a server VLAN that have the same \
             address are one",
            earlier.id
        );
        problems.push(blame(later, &["ip"], own.address, why));
    }
}

/// Bridge mode is kept and not carried out.
pub(super) fn remark(slot: Slot, module: &Module, remarks: &mut Vec<Problem>) {
    let vlans = all(slot, module);
    for (_, later) in overlaps(&vlans).filter(|(earlier, later)| is_bridged(earlier, later)) {
        let Some(own) = later.vlan.address else { continue };
        remarks.push(blame(later, &["ip"], own.address, "bridge mode".to_owned()));
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
