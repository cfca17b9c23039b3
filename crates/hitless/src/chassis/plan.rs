//! From what is to what should be: operations, and what stands in the way. Pure.

use std::collections::BTreeMap;
use std::fmt;

use hitless_model::{Slot, VlanId};

use super::attached::Note;
use super::desired::{Desired, Wiring};
use crate::names::Names;
use crate::netlink::{Link, LinkKind};

/// What an interface's alias begins with if a hitlessd made it; its tag follows.
const MARK: &str = "hitless ";

/// The alias of what one daemon makes.
pub fn mark(names: &Names) -> String {
    format!("{MARK}{}", names.tag())
}

/// A dump of the chassis.
#[derive(Clone, Debug, Default)]
pub struct Actual {
    /// Interfaces of the chassis' namespace.
    pub links: Vec<Link>,
    /// Interfaces inside each namespace that carries one of our names.
    pub namespaces: BTreeMap<Slot, Vec<Link>>,
}

impl Actual {
    /// The interface of that name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    fn name_of(&self, index: u32) -> String {
        let found = self.links.iter().find(|link| link.index == index);
        found.map_or_else(|| format!("interface {index}"), |link| link.name.clone())
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Remove an interface of ours that is not wanted, or is half of something broken.
    DeleteLink(String),
    /// Take a device, by its name in the module's namespace, back into the chassis.
    ReturnDevice(Slot, String),
    /// Make a device of the chassis what it was before a module had it.
    RestoreDevice(String),
    /// Remove a module's namespace.
    DeleteNamespace(Slot),
    /// Make a module's namespace.
    CreateNamespace(Slot),
    /// Make the bridge of a VLAN.
    CreateBridge(VlanId),
    /// Give a device of the chassis to a module, as its interface on a VLAN.
    GiveDevice(String, Slot, VlanId),
    /// Make the veth pair of a module on a VLAN.
    CreateVeth(Slot, VlanId),
    /// Make an interface a port of a VLAN's bridge.
    Enslave(String, VlanId),
    /// Switch an interface on.
    SetUp(String),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteLink(name) => write!(f, "removing interface {name}"),
            Self::ReturnDevice(slot, name) => {
                write!(f, "taking {name} of module csm {slot} back into the chassis")
            }
            Self::RestoreDevice(name) => write!(f, "restoring interface {name}"),
            Self::GiveDevice(name, slot, vlan) => {
                write!(f, "giving {name} to module csm {slot} as its VLAN {vlan}")
            }
            Self::DeleteNamespace(slot) => write!(f, "removing the namespace of module csm {slot}"),
            Self::CreateNamespace(slot) => write!(f, "making a namespace for module csm {slot}"),
            Self::CreateBridge(vlan) => write!(f, "making bridge {}", Names::vlan(*vlan)),
            Self::CreateVeth(slot, vlan) => {
                write!(f, "connecting module csm {slot} to VLAN {vlan}")
            }
            Self::Enslave(name, vlan) => write!(f, "making {name} a port of VLAN {vlan}"),
            Self::SetUp(name) => write!(f, "switching {name} on"),
        }
    }
}

/// Why something that is configured cannot be had: one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Conflict {
    /// A VLAN's bridge has the name of somebody else's device.
    #[error("VLAN {0}: a device {name} exists and is not ours", name = Names::vlan(*.0))]
    Foreign(VlanId),
    /// A VLAN's bridge belongs to another daemon.
    #[error("VLAN {0}: {name} is used by another hitlessd ({tag})", name = Names::vlan(*.0), tag = .1)]
    OtherDaemon(VlanId, String),
    /// A configured interface is not there.
    #[error("interface {0}: there is no such network device")]
    NoInterface(String),
    /// A configured interface is a port of something else.
    #[error("interface {0}: is already a port of {1}")]
    Taken(String, String),
    /// An attached interface is no Ethernet device.
    #[error("interface {0}: is no Ethernet device")]
    NotEthernet(String),
}

impl Conflict {
    /// Words of the line that asks for what cannot be had.
    pub(crate) fn words(&self) -> Vec<String> {
        match self {
            Self::Foreign(vlan) | Self::OtherDaemon(vlan, _) => vec![vlan.to_string()],
            Self::NoInterface(name) | Self::Taken(name, _) | Self::NotEthernet(name) => {
                vec![name.clone()]
            }
        }
    }
}

/// What to do, and what cannot be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order of doing.
    pub operations: Vec<Operation>,
    /// What stands in the way.
    pub conflicts: Vec<Conflict>,
}

/// Compares what should be with what is.
pub fn plan(names: &Names, desired: &Desired, actual: &Actual) -> Plan {
    let mut planner = Planner { names, desired, actual, plan: Plan::default() };
    planner.remove_unwanted();
    planner.take_devices_back();
    planner.bridges();
    planner.access_ports();
    planner.modules();
    planner.plan.operations.sort();
    planner.plan.operations.dedup();
    planner.plan
}

struct Planner<'a> {
    names: &'a Names,
    desired: &'a Desired,
    actual: &'a Actual,
    plan: Plan,
}

impl Planner<'_> {
    fn push(&mut self, operation: Operation) {
        self.plan.operations.push(operation);
    }

    fn is_ours(&self, link: &Link) -> bool {
        link.alias.as_deref() == Some(&mark(self.names))
    }

    fn remove_unwanted(&mut self) {
        let names = self.names;
        let modules = self.desired.modules.iter();
        let ports = modules.flat_map(|(&slot, vlans)| vlans.iter().map(move |one| (slot, one)));
        let bridged = ports.filter(|(_, (_, wiring))| **wiring == Wiring::Bridged);
        let veths = bridged.map(|(slot, (&vlan, _))| names.veth(slot, vlan));
        let bridges = self.desired.vlans.iter().map(|&vlan| Names::vlan(vlan));
        let wanted: Vec<_> = veths.chain(bridges).collect();
        for link in &self.actual.links {
            if self.is_ours(link) && !wanted.contains(&link.name) {
                self.push(Operation::DeleteLink(link.name.clone()));
            }
        }
        for &slot in self.actual.namespaces.keys() {
            if !self.desired.modules.contains_key(&slot) {
                self.push(Operation::DeleteNamespace(slot));
            }
        }
    }

    fn bridges(&mut self) {
        for &vlan in &self.desired.vlans {
            let name = Names::vlan(vlan);
            let link = self.actual.link(&name).filter(|link| self.note(link).is_none());
            let Some(link) = link else {
                self.push(Operation::CreateBridge(vlan));
                self.push(Operation::SetUp(name));
                continue;
            };
            if self.is_ours(link) && link.kind == LinkKind::Bridge {
                if !link.up {
                    self.push(Operation::SetUp(name));
                }
                continue;
            }
            let tag = link.alias.as_deref().and_then(|alias| alias.strip_prefix(MARK));
            self.plan.conflicts.push(match tag {
                Some(tag) => Conflict::OtherDaemon(vlan, tag.to_owned()),
                None => Conflict::Foreign(vlan),
            });
        }
    }

    fn access_ports(&mut self) {
        for (name, &vlan) in &self.desired.access {
            let Some(link) = self.actual.link(name) else {
                self.plan.conflicts.push(Conflict::NoInterface(name.clone()));
                continue;
            };
            match self.other_master(link) {
                None => self.port(link, vlan),
                Some(master) => self.plan.conflicts.push(Conflict::Taken(name.clone(), master)),
            }
        }
    }

    /// What an interface is a port of, unless that is a bridge of ours.
    fn other_master(&self, link: &Link) -> Option<String> {
        let master = self.actual.name_of(link.master?);
        let is_ours = self.actual.link(&master).is_some_and(|master| self.is_ours(master));
        (!is_ours).then_some(master)
    }

    /// Makes an interface that is there a port of a VLAN, and switches it on.
    fn port(&mut self, link: &Link, vlan: VlanId) {
        let bridge = self.actual.link(&Names::vlan(vlan));
        if bridge.is_none_or(|bridge| link.master != Some(bridge.index)) {
            self.push(Operation::Enslave(link.name.clone(), vlan));
        }
        if !link.up {
            self.push(Operation::SetUp(link.name.clone()));
        }
    }

    fn modules(&mut self) {
        for (&slot, vlans) in &self.desired.modules {
            let inside = self.actual.namespaces.get(&slot);
            if inside.is_none() {
                self.push(Operation::CreateNamespace(slot));
            }
            for (&vlan, wiring) in vlans {
                match wiring {
                    Wiring::Bridged => self.bridged(slot, vlan),
                    Wiring::Attached(device) => self.attached(slot, vlan, device),
                }
            }
        }
    }

    /// A module's interface that is a port of a bridge.
    fn bridged(&mut self, slot: Slot, vlan: VlanId) {
        let name = self.names.veth(slot, vlan);
        let near = self.actual.link(&name);
        let inside = self.actual.namespaces.get(&slot);
        if let Some(near) = near
            && inside.is_some_and(|links| self.has_far_end(links, slot, vlan))
        {
            self.port(near, vlan);
            return;
        }
        if near.is_some() {
            self.push(Operation::DeleteLink(name.clone()));
        }
        self.push(Operation::CreateVeth(slot, vlan));
        self.push(Operation::Enslave(name.clone(), vlan));
        self.push(Operation::SetUp(name));
    }

    /// A module's interface that is a device of the host.
    fn attached(&mut self, slot: Slot, vlan: VlanId, device: &str) {
        if self.holder(device) == Some((slot, vlan)) {
            return;
        }
        let links = self.actual.links.iter();
        let noted = links.clone().find(|link| self.note(link).is_some_and(|n| n.name == device));
        let Some(link) = noted.or_else(|| self.actual.link(device)) else {
            match self.holder(device) {
                // It is on its way back.
                Some(_) => self.push(Operation::GiveDevice(device.to_owned(), slot, vlan)),
                None => self.plan.conflicts.push(Conflict::NoInterface(device.to_owned())),
            }
            return;
        };
        match (self.other_master(link), link.mac) {
            (Some(master), _) => {
                self.plan.conflicts.push(Conflict::Taken(device.to_owned(), master));
            }
            (None, None) => self.plan.conflicts.push(Conflict::NotEthernet(device.to_owned())),
            (None, Some(_)) => self.push(Operation::GiveDevice(link.name.clone(), slot, vlan)),
        }
    }

    /// Devices that no module is to have, wherever they are.
    fn take_devices_back(&mut self) {
        let inside = self.actual.namespaces.iter();
        let inside = inside.flat_map(|(&slot, links)| links.iter().map(move |link| (slot, link)));
        for (slot, link) in inside {
            let Some(note) = self.note(link) else { continue };
            if !self.is_wanted(&note, |at, vlan| at == slot && Names::vlan(vlan) == link.name) {
                self.push(Operation::ReturnDevice(slot, link.name.clone()));
            }
        }
        for link in &self.actual.links {
            if self.note(link).is_some_and(|note| !self.is_wanted(&note, |_, _| true)) {
                self.push(Operation::RestoreDevice(link.name.clone()));
            }
        }
    }

    /// Whether a module is to have a device as its interface on a VLAN, of those that `place` names.
    fn is_wanted(&self, note: &Note, place: impl Fn(Slot, VlanId) -> bool) -> bool {
        self.desired.modules.iter().any(|(&slot, vlans)| {
            vlans.iter().any(|(&vlan, wiring)| {
                *wiring == Wiring::Attached(note.name.clone()) && place(slot, vlan)
            })
        })
    }

    /// The module that has a device, and as which VLAN.
    fn holder(&self, device: &str) -> Option<(Slot, VlanId)> {
        self.actual.namespaces.iter().find_map(|(&slot, links)| {
            let is_it = |link: &&Link| self.note(link).is_some_and(|note| note.name == device);
            let vlan = links.iter().find(is_it)?.name.strip_prefix("vlan")?.parse::<u64>().ok()?;
            Some((slot, VlanId::try_from(vlan).ok()?))
        })
    }

    fn note(&self, link: &Link) -> Option<Note> {
        Note::on(link, self.names)
    }

    fn has_far_end(&self, inside: &[Link], slot: Slot, vlan: VlanId) -> bool {
        let (name, mac) = (Names::vlan(vlan), self.names.mac(slot, vlan));
        inside.iter().any(|link| link.name == name && link.mac == Some(mac))
    }
}
