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
    pub modules: BTreeMap<Slot, BTreeSet<VlanId>>,
}

impl Desired {
    /// What a configuration asks for.
    pub fn new(configuration: &Configuration) -> Self {
        let ports = configuration.interfaces.iter();
        let access: BTreeMap<_, _> = ports
            .filter_map(|(name, interface)| Some((name.clone(), interface.access_vlan?)))
            .collect();
        let modules = configuration.modules.iter();
        let modules: BTreeMap<_, _> =
            modules.map(|(&slot, module)| (slot, vlans_of(module))).collect();
        let mut vlans = configuration.vlans.clone();
        vlans.extend(access.values());
        vlans.extend(modules.values().flatten());
        Self { vlans, access, modules }
    }
}

/// Client, server and fault-tolerant VLANs of a module.
fn vlans_of(module: &Module) -> BTreeSet<VlanId> {
    let ft = module.ft.as_ref().map(|ft| ft.vlan);
    module.vlans.keys().chain(&module.ft_vlans).copied().chain(ft).collect()
}
