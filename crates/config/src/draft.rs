//! A configuration under construction: finds the target of a scope and applies a command to it.

use crate::commands::{
    CONFIG, DATABASE, FARM, FT, INTERFACE, MODULE, MODULE_VLAN, POLICY, PORT_CHANNEL, REAL, VLAN,
    VLAN_INTERFACE, VSERVER, probe_table,
};
use crate::grammar::{Action, Args, Child, Form, Mode, Refusal, Scope, Table};
use crate::model::{
    Configuration, Interface, Module, ModuleVlan, Policy, PortChannel, Probe, Real, ServerFarm,
    VirtualServer, VlanInterface,
};

/// A command found in a mode's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Which command.
    pub(crate) command: usize,
    /// Which of its forms.
    pub(crate) form: Form,
    /// Its arguments.
    pub(crate) args: &'a Args,
}

/// What became of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    /// The mode to enter, if any.
    pub(crate) entered: Option<Child>,
    /// What it asked for and this release does not do, if anything.
    pub(crate) lacks: Option<&'static str>,
}

/// Applies a command to what `scope` names.
pub(crate) fn apply(
    configuration: &mut Configuration,
    scope: &Scope,
    call: Call<'_>,
) -> Result<Applied, Refusal> {
    let steps = scope.steps();
    match scope.mode() {
        Mode::Exec => Err(gone()),
        Mode::Config => run(&CONFIG, configuration, call),
        Mode::Vlan => run(&VLAN, configuration, call),
        Mode::VlanDatabase => run(&DATABASE, configuration, call),
        Mode::Interface => run(&INTERFACE, interface(configuration, steps)?, call),
        Mode::PortChannel => run(&PORT_CHANNEL, port_channel(configuration, steps)?, call),
        Mode::VlanInterface => run(&VLAN_INTERFACE, vlan_interface(configuration, steps)?, call),
        Mode::Module => run(&MODULE, module(configuration, steps)?, call),
        Mode::ClientVlan | Mode::ServerVlan => run(&MODULE_VLAN, vlan(configuration, steps)?, call),
        Mode::Probe(kind) => run(probe_table(kind), probe(configuration, steps)?, call),
        Mode::Farm => run(&FARM, farm(configuration, steps)?, call),
        Mode::Real => run(&REAL, real(configuration, steps)?, call),
        Mode::Policy => run(&POLICY, policy(configuration, steps)?, call),
        Mode::VirtualServer => run(&VSERVER, virtual_server(configuration, steps)?, call),
        Mode::Ft => {
            let ft = module(configuration, steps)?.ft.as_mut();
            run(&FT, ft.ok_or_else(gone)?, call)
        }
    }
}

fn run<T>(table: &Table<T>, target: &mut T, call: Call<'_>) -> Result<Applied, Refusal> {
    let command = table.commands().get(call.command).ok_or_else(gone)?;
    let action = match call.form {
        Form::Plain => command.action(),
        Form::No => command.reset(),
    };
    let entered = match action.ok_or_else(gone)? {
        Action::Put(put) => {
            put(target);
            None
        }
        Action::Set(set) => {
            set(target, call.args)?;
            None
        }
        Action::Enter(_, enter) => Some(enter(target, call.args)?),
        Action::Nothing | Action::Unavailable | Action::Leave | Action::Top => None,
    };
    Ok(Applied { entered, lacks: command.lacks(call.form, target) })
}

/// A `no` took away what the mode was about.
fn gone() -> Refusal {
    Refusal::command("what this mode configures does not exist any more")
}

fn interface<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut Interface, Refusal> {
    let name = steps
        .iter()
        .find_map(|step| if let Child::Interface(name) = step { Some(name) } else { None });
    name.and_then(|name| c.interfaces.get_mut(name)).ok_or_else(gone)
}

fn port_channel<'a>(
    c: &'a mut Configuration,
    steps: &[Child],
) -> Result<&'a mut PortChannel, Refusal> {
    let number = steps
        .iter()
        .find_map(|step| if let Child::PortChannel(number) = step { Some(number) } else { None });
    number.and_then(|number| c.port_channels.get_mut(number)).ok_or_else(gone)
}

fn vlan_interface<'a>(
    c: &'a mut Configuration,
    steps: &[Child],
) -> Result<&'a mut VlanInterface, Refusal> {
    let vlan = steps
        .iter()
        .find_map(|step| if let Child::VlanInterface(vlan) = step { Some(vlan) } else { None });
    vlan.and_then(|vlan| c.vlan_interfaces.get_mut(vlan)).ok_or_else(gone)
}

fn module<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut Module, Refusal> {
    let slot = steps
        .iter()
        .find_map(|step| if let Child::Module(slot) = step { Some(slot) } else { None });
    slot.and_then(|slot| c.modules.get_mut(slot)).ok_or_else(gone)
}

fn vlan<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut ModuleVlan, Refusal> {
    let module = module(c, steps)?;
    let vlan = steps.iter().find_map(|step| {
        if let Child::ClientVlan(vlan) | Child::ServerVlan(vlan) = step { Some(vlan) } else { None }
    });
    vlan.and_then(|vlan| module.vlans.get_mut(vlan)).ok_or_else(gone)
}

fn probe<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut Probe, Refusal> {
    let module = module(c, steps)?;
    let name = steps
        .iter()
        .find_map(|step| if let Child::Probe(name, _) = step { Some(name) } else { None });
    name.and_then(|name| module.probes.get_mut(name)).ok_or_else(gone)
}

fn policy<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut Policy, Refusal> {
    let module = module(c, steps)?;
    let name = steps
        .iter()
        .find_map(|step| if let Child::Policy(name) = step { Some(name) } else { None });
    name.and_then(|name| module.policies.get_mut(name)).ok_or_else(gone)
}

fn farm<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut ServerFarm, Refusal> {
    let module = module(c, steps)?;
    let name =
        steps.iter().find_map(|step| if let Child::Farm(name) = step { Some(name) } else { None });
    name.and_then(|name| module.farms.get_mut(name)).ok_or_else(gone)
}

fn real<'a>(c: &'a mut Configuration, steps: &[Child]) -> Result<&'a mut Real, Refusal> {
    let farm = farm(c, steps)?;
    let which = steps.iter().find_map(|step| {
        if let Child::Real(address, port) = step { Some((*address, *port)) } else { None }
    });
    // The one that is being configured is mostly the last.
    let mut reals = farm.reals.iter_mut().rev();
    reals.find(|real| which == Some((real.address, real.port))).ok_or_else(gone)
}

fn virtual_server<'a>(
    c: &'a mut Configuration,
    steps: &[Child],
) -> Result<&'a mut VirtualServer, Refusal> {
    let module = module(c, steps)?;
    let name = steps
        .iter()
        .find_map(|step| if let Child::VirtualServer(name) = step { Some(name) } else { None });
    name.and_then(|name| module.virtual_servers.get_mut(name)).ok_or_else(gone)
}
