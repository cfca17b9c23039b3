//! A number that two boxes agree on when their modules are configured as a pair should be.
//!
//! It is made of the commands that a module is rendered as, so that every parameter there is takes
//! part. Before that everything goes that a box has for itself: what config sync would swap (own and
//! alternate value) is put in an order that both have; without `alt` a box's own address and
//! priority say nothing about its peer; names of its devices and interfaces are its own. Where an
//! order has no meaning, both get the same. A key goes in as a hash of its own and cannot be read
//! off the digest.

use blake2::{Blake2s256, Digest as _};

use crate::commands::MODULE;
use crate::grammar::{Printer, Secrets};
use crate::model::{FtGroup, KeyString, Module, ModuleVlan, ProbeCheck, Subnet};
use hitless_model::Priority;

/// The digest of a module's configuration.
pub fn digest(module: &Module) -> u64 {
    let mut printer = Printer::new(Secrets::Shown);
    MODULE.render(&shared(module), &mut printer);
    let mut hash = Blake2s256::new_with_prefix(b"hitless configuration 2");
    hash.update(printer.into_text());
    let hash = hash.finalize();
    hash.iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// What both boxes of a pair have.
fn shared(module: &Module) -> Module {
    let mut module = module.clone();
    module.vlans.values_mut().for_each(share_vlan);
    for farm in module.farms.values_mut() {
        farm.reals.sort_unstable_by_key(|real| (real.address, real.port));
    }
    for probe in module.probes.values_mut() {
        if let ProbeCheck::Http(http) = &mut probe.check
            && let Some(credentials) = &mut http.credentials
        {
            credentials.password = credentials.password.take().map(|key| hashed(&key));
        }
    }
    module.variables.retain(|name, _| !crate::defaults::is_local(name));
    if let Some(ft) = &mut module.ft {
        // The group's VLAN is one of its kind, declared or not.
        module.ft_vlans.insert(ft.vlan);
        share_ft(ft);
    }
    module
}

fn share_vlan(vlan: &mut ModuleVlan) {
    match vlan.alt_address {
        Some(alt) => {
            let mut both = [vlan.address, Some(alt)];
            both.sort_unstable();
            [vlan.address, vlan.alt_address] = both;
        }
        // Without `alt` nobody said what the other box has; the segment is the same.
        None => vlan.address = vlan.address.map(Subnet::network),
    }
    // The first gateway is the preferred one: their order has a meaning.
    vlan.aliases.sort_unstable();
    vlan.routes.sort_unstable();
    vlan.attach = None;
}

fn share_ft(ft: &mut FtGroup) {
    match &mut ft.alt_priority {
        Some(alt) if *alt < ft.priority => std::mem::swap(&mut ft.priority, alt),
        Some(_) => {}
        None => ft.priority = Priority::DEFAULT,
    }
    ft.key = ft.key.take().map(|key| hashed(&key));
    // While keys are changed it is one box's alone.
    ft.accepted_key = None;
    ft.tracking.interfaces.clear();
}

fn hashed(key: &KeyString) -> KeyString {
    let mut hash = Blake2s256::new_with_prefix(b"hitless key-string");
    hash.update(key.expose());
    let hash = hash.finalize();
    let text = hash.iter().fold(String::new(), |text, octet| format!("{text}{octet:02x}"));
    KeyString::new(text)
}
