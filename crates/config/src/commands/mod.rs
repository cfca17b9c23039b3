//! The configuration commands, mode by mode, in the order of the running configuration.
//!
//! To add a command: put it into its mode's table with what it does ([`Command::sets`]), what its
//! `no` form does ([`Command::resets`]) and how it is shown ([`Command::shows`]); the model gets
//! the field, `validate` what it must agree with, `digest` its share.

mod farm;
mod ft;
mod global;
mod interface;
mod module;
mod virtual_server;
mod vlan;

use std::sync::LazyLock;

use hitless_model::VlanId;

use crate::grammar::{Action, Command, Element, Mode, Refusal, Table, Trees, keyword, rest};
use crate::model::{
    Configuration, FtGroup, Interface, Module, ModuleVlan, Real, ServerFarm, VirtualServer,
};

pub(crate) use global::implied_vlans;

/// `(config)`.
pub(crate) static CONFIG: LazyLock<Table<Configuration>> = LazyLock::new(global::table);
/// `(config-vlan)`.
pub(crate) static VLAN: LazyLock<Table<Configuration>> = LazyLock::new(global::vlan_table);
/// `(vlan)`.
pub(crate) static DATABASE: LazyLock<Table<Configuration>> = LazyLock::new(global::database_table);
/// `(config-if)`.
pub(crate) static INTERFACE: LazyLock<Table<Interface>> = LazyLock::new(interface::table);
/// `(config-module-csm)`.
pub(crate) static MODULE: LazyLock<Table<Module>> = LazyLock::new(module::table);
/// `(config-slb-vlan-client)` and `(config-slb-vlan-server)`.
pub(crate) static MODULE_VLAN: LazyLock<Table<ModuleVlan>> = LazyLock::new(vlan::table);
/// `(config-slb-sfarm)`.
pub(crate) static FARM: LazyLock<Table<ServerFarm>> = LazyLock::new(farm::table);
/// `(config-slb-real)`.
pub(crate) static REAL: LazyLock<Table<Real>> = LazyLock::new(farm::real_table);
/// `(config-slb-vserver)`.
pub(crate) static VSERVER: LazyLock<Table<VirtualServer>> = LazyLock::new(virtual_server::table);
/// `(config-slb-ft)`.
pub(crate) static FT: LazyLock<Table<FtGroup>> = LazyLock::new(ft::table);

/// A command of the original that this release lacks, in both forms.
fn unavailable<T>(path: &[Element]) -> Command<T> {
    Command::new(path).acts(Action::Unavailable).no(path.len(), Action::Unavailable)
}

/// Commands of the original that this release lacks, by their first word.
fn unavailable_words<T>(words: &[&'static str]) -> impl Iterator<Item = Command<T>> {
    words.iter().map(|word| unavailable(&[keyword(word, ""), rest()]))
}

/// The table of a mode: its commands, what of the original it lacks, and the way out.
fn finish<T>(mut commands: Vec<Command<T>>, lacking: &[&'static str]) -> Table<T> {
    commands.extend(unavailable_words(lacking));
    commands.push(Command::new(&[keyword("exit", "Leave this mode")]).acts(Action::Leave));
    commands.push(Command::new(&[keyword("end", "Leave configuration")]).acts(Action::Top));
    Table::new(commands)
}

/// A mode's table, for those who do not know its target.
pub(crate) fn trees(mode: Mode) -> &'static dyn Trees {
    match mode {
        Mode::Exec => &*crate::exec::EXEC,
        Mode::Config => &*CONFIG,
        Mode::Interface => &*INTERFACE,
        Mode::Vlan => &*VLAN,
        Mode::VlanDatabase => &*DATABASE,
        Mode::Module => &*MODULE,
        Mode::ClientVlan | Mode::ServerVlan => &*MODULE_VLAN,
        Mode::Farm => &*FARM,
        Mode::Real => &*REAL,
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
