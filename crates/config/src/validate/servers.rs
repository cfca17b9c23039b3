//! Virtual servers and server farms of a module.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hitless_model::{Slot, VlanId, abi};

use super::Problem;
use crate::commands::STICKY_BY_CONTENT;
use crate::grammar::{Child, Scope, Value};
use crate::model::{Module, ServerFarm, StickyBy, StickyGroupConfig, Subnet, VirtualServer};

pub(super) fn check(slot: Slot, module: &Module, problems: &mut Vec<Problem>) {
    let scope = Scope::new(vec![Child::Module(slot)]);
    let mut listeners = BTreeMap::new();
    let own = own_addresses(module);
    for (name, server) in &module.virtual_servers {
        let scope = scope.enter(Child::VirtualServer(name.clone()));
        check_backup(&scope, server, problems);
        let Some(listens) = server.listens else { continue };
        check_address(&scope, &own, listens.address, problems);
        let key = (listens.address, listens.protocol, listens.port, server.vlan, &server.clients);
        if let Some(other) = listeners.insert(key, name) {
            let message = format!("virtual server {other} has this address, protocol and port");
            problems.push(virtual_problem(&scope, message));
        }
    }
    for (name, farm) in &module.farms {
        check_reals(&scope.enter(Child::Farm(name.clone())), farm, problems);
    }
    check_limits(&scope, module, problems);
}

/// A virtual server whose group tells clients apart by what is not looked at yet.
pub(super) fn remark(slot: Slot, module: &Module, remarks: &mut Vec<Problem>) {
    let scope = Scope::new(vec![Child::Module(slot)]);
    for (name, server) in &module.virtual_servers {
        let group = server.sticky.and_then(|sticky| sticky.group);
        let group = group.and_then(|group| module.sticky_groups.get(&group));
        let by_address = |group: &StickyGroupConfig| matches!(group.by, StickyBy::Address { .. });
        if group.is_none_or(by_address) {
            continue;
        }
        remarks.push(Problem {
            scope: scope.enter(Child::VirtualServer(name.clone())),
            words: &["sticky"],
            value: None,
            message: STICKY_BY_CONTENT.to_owned(),
        });
    }
}

fn virtual_problem(scope: &Scope, message: String) -> Problem {
    Problem { scope: scope.clone(), words: &["virtual"], value: None, message }
}

/// A farm that does not exist yet is no problem: then the virtual server is out of service.
fn check_backup(scope: &Scope, server: &VirtualServer, problems: &mut Vec<Problem>) {
    if let (None, Some(backup)) = (&server.farm, &server.backup) {
        problems.push(Problem {
            scope: scope.clone(),
            words: &["serverfarm"],
            value: None,
            message: format!("{} is the backup of no server farm", backup.farm),
        });
    }
}

fn check_reals(scope: &Scope, farm: &ServerFarm, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    let twice = farm.reals.iter().find(|real| !seen.insert((real.address, real.port)));
    if let Some(real) = twice {
        let message = format!("{} is in this server farm twice", real.address);
        let value = Some(Value::Ipv4(real.address));
        problems.push(Problem { scope: scope.clone(), words: &["real"], value, message });
    }
    for real in &farm.reals {
        let Some(most) = real.max_conns.filter(|most| *most < real.min_conns) else { continue };
        problems.push(Problem {
            scope: scope.enter(Child::Real(real.address, real.port)),
            words: &["minconns", "maxconns"],
            value: None,
            message: format!("minconns is {}: more than maxconns, which is {most}", real.min_conns),
        });
    }
}

/// Addresses of the module itself, with the VLAN that each is on.
fn own_addresses(module: &Module) -> BTreeMap<Ipv4Addr, VlanId> {
    let vlans = module.vlans.iter();
    let each = vlans.flat_map(|(id, vlan)| {
        let own = [vlan.address, vlan.alt_address].into_iter().flatten();
        own.chain(vlan.aliases.iter().copied()).map(|subnet| (subnet.address, *id))
    });
    each.collect()
}

/// A virtual address is nobody's own: what is sent to it must never reach the kernel.
fn check_address(
    scope: &Scope,
    own: &BTreeMap<Ipv4Addr, VlanId>,
    listens: Subnet,
    problems: &mut Vec<Problem>,
) {
    let Some(id) = own.get(&listens.address).filter(|_| listens.prefix == 32) else { return };
    let message = format!("{} is an address of this module on VLAN {id}", listens.address);
    problems.push(virtual_problem(scope, message));
}

/// What the data plane's tables hold.
fn check_limits(scope: &Scope, module: &Module, problems: &mut Vec<Problem>) {
    let reals = module.farms.values().map(|farm| farm.reals.len()).sum();
    let all = module.farms.values().flat_map(|farm| &farm.reals);
    let weights = all.map(|real| usize::from(real.weight)).sum();
    let limits = [
        (module.virtual_servers.len(), abi::MAX_VIRTUAL, "virtual servers"),
        (module.farms.len(), abi::MAX_FARMS, "server farms"),
        (reals, abi::MAX_REALS, "reals"),
        (weights, abi::MAX_SCHEDULE / 2, "as the sum of all weights"),
    ];
    for (have, most, what) in limits {
        if u32::try_from(have).is_ok_and(|have| have <= most) {
            continue;
        }
        let message = format!("a module can have at most {most} {what}");
        problems.push(Problem { scope: scope.clone(), words: &[], value: None, message });
    }
}
