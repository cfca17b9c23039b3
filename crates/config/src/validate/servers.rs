//! Virtual servers and server farms of a module.

use std::collections::{BTreeMap, BTreeSet};

use hitless_model::{Slot, abi};

use super::Problem;
use crate::grammar::{Child, Scope, Value};
use crate::model::{Module, Name, VirtualServer};

pub(super) fn check(slot: Slot, module: &Module, problems: &mut Vec<Problem>) {
    let scope = Scope::new(vec![Child::Module(slot)]);
    let mut listeners = BTreeMap::new();
    for (name, server) in &module.virtual_servers {
        let scope = scope.enter(Child::VirtualServer(name.clone()));
        check_farm(&scope, module, server, problems);
        check_address(&scope, module, server, problems);
        let Some(listens) = server.listens else { continue };
        if let Some(other) = listeners.insert(listens, name) {
            let message = format!("virtual server {other} has this address, protocol and port");
            problems.push(virtual_problem(&scope, message));
        }
    }
    for (name, farm) in &module.farms {
        let mut seen = BTreeSet::new();
        let twice = farm.reals.iter().find(|real| !seen.insert((real.address, real.port)));
        if let Some(real) = twice {
            let scope = scope.enter(Child::Farm(name.clone()));
            let message = format!("{} is in this server farm twice", real.address);
            let value = Some(Value::Ipv4(real.address));
            problems.push(Problem { scope, words: &["real"], value, message });
        }
    }
    check_limits(&scope, module, problems);
}

fn virtual_problem(scope: &Scope, message: String) -> Problem {
    Problem { scope: scope.clone(), words: &["virtual"], value: None, message }
}

fn check_farm(scope: &Scope, module: &Module, server: &VirtualServer, problems: &mut Vec<Problem>) {
    let Some(farm) = &server.farm else { return };
    if !module.farms.contains_key(farm) {
        problems.push(Problem {
            scope: scope.clone(),
            words: &["serverfarm"],
            value: Some(Value::Name(farm.clone())),
            message: format!("there is no server farm {farm} in this module"),
        });
    }
}

/// A virtual address is nobody's own: what is sent to it must never reach the kernel.
fn check_address(
    scope: &Scope,
    module: &Module,
    server: &VirtualServer,
    problems: &mut Vec<Problem>,
) {
    let Some(listens) = server.listens else { return };
    let address = listens.address.address;
    for (id, vlan) in &module.vlans {
        let own = [vlan.address, vlan.alt_address];
        let floating = own.iter().flatten().chain(&vlan.aliases);
        if floating.into_iter().any(|subnet| subnet.address == address) {
            let message = format!("{address} is an address of this module on VLAN {id}");
            problems.push(virtual_problem(scope, message));
        }
    }
}

/// What the data plane's tables hold.
fn check_limits(scope: &Scope, module: &Module, problems: &mut Vec<Problem>) {
    let in_service = |name: &Name| module.farms.get(name).into_iter().flat_map(|f| &f.reals);
    let reals: usize = module.farms.values().map(|farm| farm.reals.len()).sum();
    let weights: usize =
        module.farms.keys().flat_map(in_service).map(|real| usize::from(real.weight)).sum();
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
