//! The configuration commands, mode by mode, in the order of the running configuration.
//!
//! To add a command: put it into its mode's table with what it does ([`Command::sets`]), what its
//! `no` form does ([`Command::resets`]) and how it is shown ([`Command::shows`]); the model gets
//! the field, `validate` what it must agree with, `digest` its share.

mod farm;
mod forms;
mod ft;
mod global;
mod hsrp;
mod interface;
mod module;
mod names;
mod policy;
mod probe;
mod sticky;
mod variables;
mod virtual_server;
mod vlan;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hitless_model::VlanId;

use crate::grammar::{
    Action, Command, Element, Kind, Lines, Mode, Refusal, Table, Trees, Value, arg, keyword,
};
use crate::model::{
    Configuration, Description, FtGroup, Interface, KeyString, Label, Module, ModuleVlan, Policy,
    PortChannel, Probe, ProbeKind, Real, ServerFarm, VirtualServer, VlanInterface,
};

pub(crate) use global::mention;
pub(crate) use sticky::STICKY_BY_CONTENT;

/// `(config)`.
pub(crate) static CONFIG: LazyLock<Table<Configuration>> = LazyLock::new(global::table);
/// `(config-vlan)`.
pub(crate) static VLAN: LazyLock<Table<Configuration>> = LazyLock::new(global::vlan_table);
/// `(vlan)`.
pub(crate) static DATABASE: LazyLock<Table<Configuration>> = LazyLock::new(global::database_table);
/// `(config-if)` of a port.
pub(crate) static INTERFACE: LazyLock<Table<Interface>> = LazyLock::new(interface::table);
/// `(config-if)` of a port-channel.
pub(crate) static PORT_CHANNEL: LazyLock<Table<PortChannel>> =
    LazyLock::new(interface::channel_table);
/// `(config-if)` of the chassis' own interface on a VLAN.
pub(crate) static VLAN_INTERFACE: LazyLock<Table<VlanInterface>> =
    LazyLock::new(interface::vlan_table);
/// `(config-module-csm)`.
pub(crate) static MODULE: LazyLock<Table<Module>> = LazyLock::new(module::table);
/// `(config-slb-vlan-client)` and `(config-slb-vlan-server)`.
pub(crate) static MODULE_VLAN: LazyLock<Table<ModuleVlan>> = LazyLock::new(vlan::table);
/// `(config-slb-probe-icmp)` and its like.
static PROBES: LazyLock<BTreeMap<ProbeKind, Table<Probe>>> = LazyLock::new(probe::tables);
/// `(config-slb-sfarm)`.
pub(crate) static FARM: LazyLock<Table<ServerFarm>> = LazyLock::new(farm::table);
/// `(config-slb-real)`.
pub(crate) static REAL: LazyLock<Table<Real>> = LazyLock::new(farm::real::table);
/// `(config-slb-policy)`.
pub(crate) static POLICY: LazyLock<Table<Policy>> = LazyLock::new(policy::table);
/// `(config-slb-vserver)`.
pub(crate) static VSERVER: LazyLock<Table<VirtualServer>> = LazyLock::new(virtual_server::table);
/// `(config-slb-ft)`.
pub(crate) static FT: LazyLock<Table<FtGroup>> = LazyLock::new(ft::table);

/// `(config-slb-probe-KIND)`.
pub(crate) fn probe_table(kind: ProbeKind) -> &'static Table<Probe> {
    static NONE: LazyLock<Table<Probe>> = LazyLock::new(|| Table::new(Vec::new()));
    PROBES.get(&kind).unwrap_or(&NONE)
}

/// The table of a mode: its commands and the way out.
fn finish<T>(mut commands: Vec<Command<T>>) -> Table<T> {
    commands.push(Command::new(&[keyword("exit", "Leave this mode")]).acts(Action::Leave));
    commands.push(Command::new(&[keyword("end", "Leave configuration")]).acts(Action::Top));
    Table::new(commands)
}

/// `description TEXT`.
const DESCRIPTION: [Element; 2] =
    [keyword("description", "What it is for"), arg(Kind::Text, "Up to 80 characters")];

/// What a description is shown as.
fn show_description(description: Option<&Description>, lines: &mut Lines<'_>) {
    if let Some(text) = description {
        lines.line(&[Value::Text(text.clone())]);
    }
}

/// A word that has a meaning to others.
fn label(word: String) -> Result<Label, Refusal> {
    Label::try_from(word).map_err(|error| Refusal::argument(0, error.to_string()))
}

/// A number that the range of its argument keeps small.
fn small<T: TryFrom<u64>>(number: u64) -> Result<T, Refusal> {
    T::try_from(number).map_err(|_| Refusal::argument(0, "the number is too large"))
}

/// What a hidden key is printed as.
const HIDDEN: &str = "******";

/// A key that is not what a hidden one is printed as.
fn shown_key(key: KeyString) -> Result<KeyString, Refusal> {
    if key.expose() == HIDDEN {
        let text = "this is how a hidden key is printed, not the key itself";
        return Err(Refusal::argument(0, text));
    }
    Ok(key)
}

/// A mode's table, for those who do not know its target.
pub(crate) fn trees(mode: Mode) -> &'static dyn Trees {
    match mode {
        Mode::Exec => &*crate::exec::EXEC,
        Mode::Config => &*CONFIG,
        Mode::Interface => &*INTERFACE,
        Mode::PortChannel => &*PORT_CHANNEL,
        Mode::VlanInterface => &*VLAN_INTERFACE,
        Mode::Vlan => &*VLAN,
        Mode::VlanDatabase => &*DATABASE,
        Mode::Module => &*MODULE,
        Mode::ClientVlan | Mode::ServerVlan => &*MODULE_VLAN,
        Mode::Probe(kind) => probe_table(kind),
        Mode::Farm => &*FARM,
        Mode::Real => &*REAL,
        Mode::Policy => &*POLICY,
        Mode::VirtualServer => &*VSERVER,
        Mode::Ft => &*FT,
    }
}

/// The sentence for a VLAN that has two uses in one module.
fn vlan_in_use(vlan: VlanId, used_as: &str) -> Refusal {
    Refusal::argument(0, format!("VLAN {vlan} is a {used_as} VLAN of this module already"))
}

#[cfg(test)]
mod tests;
