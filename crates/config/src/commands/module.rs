//! `(config-module-csm)`: what a module consists of.

use hitless_model::VlanId;

use super::{FARM, FT, MODULE_VLAN, VSERVER, finish, vlan_in_use};
use crate::grammar::{
    Args, Child, Command, Element, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{FtGroup, Module, ModuleVlan, Name, Side};
use crate::variables;

/// Commands of the original that this release lacks.
const LACKING: &[&str] = &[
    "arp",
    "capp",
    "dfp",
    "map",
    "natpool",
    "owner",
    "policy",
    "probe",
    "script",
    "static",
    "sticky",
    "xml-config",
];

const VLAN: Element = keyword("vlan", "A VLAN of this module");
const VLAN_ID: Element = arg(Kind::Vlan, "Its number");

pub(super) fn table() -> Table<Module> {
    let commands = vec![
        variable(),
        ft_group(),
        side_vlan(Side::Client, keyword("client", "Clients and their gateways")),
        side_vlan(Side::Server, keyword("server", "Real servers")),
        ft_vlan(),
        vlan_database(),
        serverfarm(),
        vserver(),
    ];
    finish(commands, LACKING)
}

fn variable() -> Command<Module> {
    let path = [
        keyword("variable", "A setting of the module"),
        arg(Kind::Word, "Its name"),
        arg(Kind::Word, "Its value"),
    ];
    Command::<Module>::new(&path)
        .sets(|module, args| {
            let name = args.get::<String>(0)?.to_ascii_uppercase();
            let value = variables::check(&name, &args.get::<String>(1)?)?;
            module.variables.insert(name, value);
            Ok(())
        })
        .resets(2, |module, args| {
            module.variables.remove(&args.get::<String>(0)?.to_ascii_uppercase());
            Ok(())
        })
        .shows(|module, lines| {
            for (name, value) in &module.variables {
                lines.line(&[Value::Word(name.clone()), Value::Word(value.clone())]);
            }
            if !module.variables.is_empty() {
                lines.separator();
            }
        })
}

fn ft_group() -> Command<Module> {
    let path = [
        keyword("ft", "Fault tolerance"),
        keyword("group", "The group of the pair"),
        arg(Kind::Group, "Its number"),
        keyword("vlan", "The VLAN between the two boxes"),
        VLAN_ID,
    ];
    Command::<Module>::new(&path)
        .enters(Mode::Ft, enter_ft)
        .clears(3, |module| module.ft = None)
        .shows(|module, lines| {
            if let Some(ft) = &module.ft {
                lines.block(&[Value::Group(ft.group), Value::Vlan(ft.vlan)], &FT, ft);
                lines.separator();
            }
        })
}

fn enter_ft(module: &mut Module, args: &Args) -> Result<Child, Refusal> {
    let (group, vlan) = (args.get(0)?, args.get(1)?);
    match &module.ft {
        Some(ft) if ft.group != group => {
            let text = format!("this module is in fault-tolerant group {} already", ft.group);
            return Err(Refusal::argument(0, text));
        }
        Some(ft) if ft.vlan != vlan => {
            let text = format!("group {group} is on VLAN {} already", ft.vlan);
            return Err(Refusal::argument(1, text));
        }
        Some(_) => {}
        None => module.ft = Some(FtGroup::new(group, vlan)),
    }
    Ok(Child::Ft)
}

fn side_vlan(side: Side, keyword: Element) -> Command<Module> {
    let command = Command::<Module>::new(&[VLAN, VLAN_ID, keyword]).resets(2, remove_vlan);
    match side {
        Side::Client => command
            .enters(Mode::ClientVlan, |module, args| enter_vlan(module, args.get(0)?, Side::Client))
            .shows(|module, lines| show_vlans(module, Side::Client, lines)),
        Side::Server => command
            .enters(Mode::ServerVlan, |module, args| enter_vlan(module, args.get(0)?, Side::Server))
            .shows(|module, lines| show_vlans(module, Side::Server, lines)),
    }
}

fn show_vlans(module: &Module, side: Side, lines: &mut Lines<'_>) {
    for (id, vlan) in module.vlans.iter().filter(|(_, vlan)| vlan.side == side) {
        lines.block(&[Value::Vlan(*id)], &MODULE_VLAN, vlan);
        lines.separator();
    }
}

fn enter_vlan(module: &mut Module, vlan: VlanId, side: Side) -> Result<Child, Refusal> {
    if module.ft_vlans.contains(&vlan) {
        return Err(vlan_in_use(vlan, "fault-tolerant"));
    }
    let existing = module.vlans.entry(vlan).or_insert_with(|| ModuleVlan::new(side));
    if existing.side != side {
        return Err(vlan_in_use(vlan, existing.side.word()));
    }
    Ok(Child::vlan(vlan, side))
}

fn remove_vlan(module: &mut Module, args: &Args) -> Result<(), Refusal> {
    let vlan: VlanId = args.get(0)?;
    module.vlans.remove(&vlan);
    module.ft_vlans.remove(&vlan);
    Ok(())
}

/// `vlan N` without a type declares a fault-tolerant VLAN.
fn ft_vlan() -> Command<Module> {
    Command::<Module>::new(&[VLAN, VLAN_ID])
        .sets(|module, args| {
            let vlan: VlanId = args.get(0)?;
            if let Some(existing) = module.vlans.get(&vlan) {
                return Err(vlan_in_use(vlan, existing.side.word()));
            }
            module.ft_vlans.insert(vlan);
            Ok(())
        })
        .resets(2, remove_vlan)
        .shows(|module, lines| {
            for vlan in &module.ft_vlans {
                lines.line(&[Value::Vlan(*vlan)]);
                lines.separator();
            }
        })
}

/// `vlan` alone enters the VLAN database.
fn vlan_database() -> Command<Module> {
    Command::<Module>::new(&[VLAN]).enters(Mode::VlanDatabase, |_, _| Ok(Child::VlanDatabase))
}

fn serverfarm() -> Command<Module> {
    let path = [keyword("serverfarm", "A group of real servers"), arg(Kind::Name, "Its name")];
    Command::<Module>::new(&path)
        .enters(Mode::Farm, |module, args| {
            let name: Name = args.get(0)?;
            module.farms.entry(name.clone()).or_default();
            Ok(Child::Farm(name))
        })
        .resets(2, |module, args| {
            module.farms.remove(&args.get::<Name>(0)?);
            Ok(())
        })
        .shows(|module, lines| {
            for (name, farm) in &module.farms {
                lines.block(&[Value::Name(name.clone())], &FARM, farm);
                lines.separator();
            }
        })
}

fn vserver() -> Command<Module> {
    let path = [keyword("vserver", "A virtual server"), arg(Kind::Name, "Its name")];
    Command::<Module>::new(&path)
        .enters(Mode::VirtualServer, |module, args| {
            let name: Name = args.get(0)?;
            module.virtual_servers.entry(name.clone()).or_default();
            Ok(Child::VirtualServer(name))
        })
        .resets(2, |module, args| {
            module.virtual_servers.remove(&args.get::<Name>(0)?);
            Ok(())
        })
        .shows(|module, lines| {
            for (name, virtual_server) in &module.virtual_servers {
                lines.block(&[Value::Name(name.clone())], &VSERVER, virtual_server);
                lines.separator();
            }
        })
}

impl Side {
    /// The keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
