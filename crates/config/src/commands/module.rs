//! `(config-module-csm)`: what a module consists of.

use std::net::Ipv4Addr;

use hitless_model::VlanId;

use super::forms::{Family, forms, must, one_of};
use super::{
    FARM, FT, MODULE_VLAN, POLICY, VSERVER, finish, probe, small, sticky, variables, vlan_in_use,
};
use crate::grammar::{
    Args, Child, Command, Element, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{FtGroup, Module, ModuleVlan, Name, NatPool, Side, StaticArp, Subnet};

const VLAN: Element = keyword("vlan", "A VLAN of this module");
const VLAN_ID: Element = arg(Kind::Vlan, "Its number");

pub(super) fn table() -> Table<Module> {
    let mut commands = variables::commands();
    commands.push(ft_group());
    commands.push(side_vlan(Side::Client, keyword("client", "Clients and their gateways")));
    commands.push(side_vlan(Side::Server, keyword("server", "Real servers")));
    commands.extend([ft_vlan(), vlan_database(), static_arp()]);
    commands.extend(nat_pool());
    commands.extend(probe::commands());
    commands.push(serverfarm());
    commands.extend(sticky::commands());
    commands.extend([policy(), vserver()]);
    finish(commands)
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

fn static_arp() -> Command<Module> {
    let path = [
        keyword("arp", "A neighbour that is not asked for its MAC"),
        arg(Kind::Ipv4, "Its address"),
        arg(Kind::Mac, "Its MAC"),
        keyword("vlan", "Where it is"),
        VLAN_ID,
    ];
    Command::<Module>::new(&path)
        .sets(|module, args| {
            let neighbour = StaticArp { mac: args.get(1)?, vlan: args.get(2)? };
            module.static_arp.insert(args.get(0)?, neighbour);
            Ok(())
        })
        .resets(2, |module, args| {
            module.static_arp.remove(&args.get(0)?);
            Ok(())
        })
        .shows(|module, lines| {
            for (address, StaticArp { mac, vlan }) in &module.static_arp {
                lines.line(&[Value::Ipv4(*address), Value::Mac(*mac), Value::Vlan(*vlan)]);
            }
            if !module.static_arp.is_empty() {
                lines.separator();
            }
        })
        .without_effect("a static neighbour")
}

/// The mask may be given by its length.
fn nat_pool() -> Vec<Command<Module>> {
    let path = [
        keyword("natpool", "Addresses that packets to reals come from"),
        arg(Kind::Name, "Its name"),
        arg(Kind::Ipv4, "First address"),
        arg(Kind::Ipv4, "Last address"),
    ];
    let mask = [keyword("netmask", "Mask of their subnet"), arg(Kind::Mask, "Mask")];
    let length = arg(Kind::Number { min: 1, max: 32 }, "Bits");
    let length = [keyword("prefix-length", "Length of that mask"), length];
    let family = Family::<Module> {
        set: |module, args| {
            let (first, last): (Ipv4Addr, Ipv4Addr) = (args.get(1)?, args.get(2)?);
            let prefix = match args.find::<u8>() {
                Some(prefix) => prefix,
                None => small(args.nth(0)?)?,
            };
            let subnet = Subnet { address: first, prefix };
            if last < first || !subnet.contains(last) {
                let text = "a pool goes from its first to its last address in one subnet";
                return Err(Refusal::argument(2, text));
            }
            module.nat_pools.insert(args.get(0)?, NatPool { first, last, prefix });
            Ok(())
        },
        reset: |module, args| {
            module.nat_pools.remove(&args.get::<Name>(0)?);
            Ok(())
        },
        shows: |module, lines| {
            for (name, NatPool { first, last, prefix }) in &module.nat_pools {
                let name = Value::Name(name.clone());
                lines.line(&[name, Value::Ipv4(*first), Value::Ipv4(*last), Value::Mask(*prefix)]);
            }
            if !module.nat_pools.is_empty() {
                lines.separator();
            }
        },
    };
    let commands = family.commands(2, &forms(&[must(&path), one_of(&[&mask, &length])]));
    commands.into_iter().map(|command| command.without_effect("a pool of addresses")).collect()
}

fn policy() -> Command<Module> {
    let path = [keyword("policy", "Where connections go that fit"), arg(Kind::Name, "Its name")];
    Command::<Module>::new(&path)
        .enters(Mode::Policy, |module, args| {
            let name: Name = args.get(0)?;
            module.policies.entry(name.clone()).or_default();
            Ok(Child::Policy(name))
        })
        .resets(2, |module, args| {
            module.policies.remove(&args.get::<Name>(0)?);
            Ok(())
        })
        .shows(|module, lines| {
            for (name, policy) in &module.policies {
                lines.block(&[Value::Name(name.clone())], &POLICY, policy);
                lines.separator();
            }
        })
        .without_effect("a policy")
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
