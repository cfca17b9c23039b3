//! What the configuration asks of the chassis' network. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hitless_config::model::{Configuration, Module};
use hitless_model::{Slot, VlanId};

/// Bridges, ports and modules that should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// VLANs, each a bridge.
    pub vlans: BTreeSet<VlanId>,
    /// Interfaces of the host and the VLAN that each is an access port of.
    pub access: BTreeMap<String, VlanId>,
    /// Modules and the VLANs that each has an interface on.
    pub modules: BTreeMap<Slot, BTreeMap<VlanId, Wiring>>,
}

/// How a module gets its interface on a VLAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// By a veth pair to the VLAN's bridge.
    Bridged,
    /// A device of the host is the interface.
    Attached(String),
}

impl Desired {
    /// What a configuration asks for.
    pub fn new(configuration: &Configuration) -> Self {
        let ports = configuration.interfaces.iter();
        let access: BTreeMap<_, _> = ports
            .filter_map(|(name, port)| Some((name.device()?.to_owned(), port.access_vlan()?)))
            .collect();
        let modules = configuration.modules.iter();
        let modules: BTreeMap<_, _> =
            modules.map(|(&slot, module)| (slot, vlans_of(module))).collect();
        let wirings = || modules.values().flatten();
        let is_attached = |vlan: &VlanId| {
            wirings().any(|(other, wiring)| other == vlan && *wiring != Wiring::Bridged)
        };
        // Nothing would be on the bridge of a VLAN that a device is, unless it is told to.
        let mut vlans = configuration.vlans.clone();
        vlans.retain(|vlan| !is_attached(vlan));
        vlans.extend(access.values());
        let bridged = wirings().filter(|(_, wiring)| **wiring == Wiring::Bridged);
        vlans.extend(bridged.map(|(vlan, _)| vlan));
        Self { vlans, access, modules }
    }
}

/// Client, server and fault-tolerant VLANs of a module.
fn vlans_of(module: &Module) -> BTreeMap<VlanId, Wiring> {
    let ft = module.ft.as_ref().map(|ft| ft.vlan);
    let bridged = module.ft_vlans.iter().copied().chain(ft).map(|vlan| (vlan, Wiring::Bridged));
    let sides = module.vlans.iter().map(|(vlan, settings)| {
        (*vlan, settings.attach.clone().map_or(Wiring::Bridged, Wiring::Attached))
    });
    bridged.chain(sides).collect()
}
