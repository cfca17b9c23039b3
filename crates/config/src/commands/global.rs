//! Commands of the chassis, and the two modes that only make VLANs.

mod clock;
mod interfaces;

use std::collections::BTreeSet;

use hitless_model::{Slot, VlanId};

use super::{MODULE, finish};
use crate::grammar::{
    Args, Child, Command, Kind, Mode, Refusal, Table, Value, VlanList, arg, keyword, keyword_or,
};
use crate::model::{Configuration, Interface, InterfaceName, PortName};

pub(super) fn table() -> Table<Configuration> {
    let mut commands = vec![hostname()];
    commands.extend(clock::clock());
    commands.extend([multicast(), logging_host(), vlan()]);
    commands.extend(interfaces::interfaces());
    commands.push(module());
    finish(commands)
}

/// `(config-vlan)`.
pub(super) fn vlan_table() -> Table<Configuration> {
    finish(Vec::new())
}

/// `(vlan)`: every `vlan LIST` makes VLANs, and none enters a mode.
pub(super) fn database_table() -> Table<Configuration> {
    let path = [keyword("vlan", "Make VLANs"), arg(Kind::VlanList, "VLANs")];
    finish(vec![Command::<Configuration>::new(&path).sets(make_vlans).resets(2, remove_vlans)])
}

fn hostname() -> Command<Configuration> {
    let path = [keyword("hostname", "Name of this chassis"), arg(Kind::Word, "Its name")];
    Command::<Configuration>::new(&path)
        .sets(|configuration, args| {
            let name: String = args.get(0)?;
            if !is_hostname(&name) {
                return Err(Refusal::argument(0, "not a host name"));
            }
            configuration.hostname = Some(name);
            Ok(())
        })
        .clears(1, |configuration| configuration.hostname = None)
        .shows(|configuration, lines| {
            if let Some(name) = &configuration.hostname {
                lines.line(&[Value::Word(name.clone())]);
                lines.separator();
            }
        })
}

/// RFC 1123: letters, digits, hyphens and dots, at most 63 of them, no hyphen at the ends.
fn is_hostname(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let edges = !name.starts_with(['-', '.']) && !name.ends_with(['-', '.']);
    plain && edges && (1..=63).contains(&name.len())
}

fn vlan() -> Command<Configuration> {
    let path = [keyword("vlan", "Make VLANs"), arg(Kind::VlanList, "VLANs")];
    Command::<Configuration>::new(&path)
        .enters(Mode::Vlan, |configuration, args| {
            make_vlans(configuration, args)?;
            Ok(Child::Vlans)
        })
        .resets(2, remove_vlans)
        .shows(|configuration, lines| {
            if !configuration.vlans.is_empty() {
                lines.line(&[Value::VlanList(VlanList(configuration.vlans.clone()))]);
                lines.separator();
            }
        })
}

fn make_vlans(configuration: &mut Configuration, args: &Args) -> Result<(), Refusal> {
    configuration.vlans.extend(args.get::<VlanList>(0)?.0);
    Ok(())
}

fn remove_vlans(configuration: &mut Configuration, args: &Args) -> Result<(), Refusal> {
    let gone = args.get::<VlanList>(0)?.0;
    configuration.vlans.retain(|vlan| !gone.contains(vlan));
    Ok(())
}

/// VLANs here are bridges that flood multicast in any case, which is what this asks for.
fn multicast() -> Command<Configuration> {
    let path = [
        keyword("ip", "Addresses and their protocols"),
        keyword("igmp", "Groups of multicast"),
        keyword("snooping", "Send multicast only where somebody asked for it"),
    ];
    Command::<Configuration>::new(&path)
        .puts(|configuration| configuration.floods_multicast = false)
        .clears(3, |configuration| configuration.floods_multicast = true)
        .shows(|configuration, lines| {
            if configuration.floods_multicast {
                lines.no(&[]);
            }
        })
        .without_effect("ip igmp snooping")
}

fn logging_host() -> Command<Configuration> {
    let path = [
        keyword("logging", "Messages"),
        keyword("host", "Send them there, too"),
        arg(Kind::Ipv4, "Its address"),
    ];
    Command::<Configuration>::new(&path)
        .sets(|configuration, args| {
            configuration.logging_hosts.insert(args.get(0)?);
            Ok(())
        })
        .resets(3, |configuration, args| {
            configuration.logging_hosts.remove(&args.get(0)?);
            Ok(())
        })
        .shows(|configuration, lines| {
            for host in &configuration.logging_hosts {
                lines.line(&[Value::Ipv4(*host)]);
            }
        })
}

/// A device that the chassis would make itself is none that exists beforehand.
pub(super) fn is_virtual(device: &str) -> bool {
    !matches!(
        InterfaceName::try_from(device.to_owned()),
        Ok(InterfaceName::Port(PortName::Device(_)))
    )
}

fn module() -> Command<Configuration> {
    let path = [
        keyword("module", "A module of this chassis"),
        keyword_or("csm", "contentSwitchingModule", "Content switching module"),
        arg(Kind::Slot, "Its slot"),
    ];
    Command::<Configuration>::new(&path)
        .enters(Mode::Module, |configuration, args| {
            let slot: Slot = args.get(0)?;
            configuration.modules.entry(slot).or_default();
            Ok(Child::Module(slot))
        })
        .resets(3, |configuration, args| {
            configuration.modules.remove(&args.get::<Slot>(0)?);
            Ok(())
        })
        .shows(|configuration, lines| {
            for (slot, module) in &configuration.modules {
                lines.block(&[Value::Slot(*slot)], &MODULE, module);
                lines.separator();
            }
        })
}

/// Makes what is mentioned anywhere: VLANs, and port-channels that ports are of.
pub(crate) fn mention(configuration: &mut Configuration) {
    let ports = configuration.interfaces.values();
    for channel in ports.filter_map(|port| port.channel_group).collect::<Vec<_>>() {
        configuration.port_channels.entry(channel).or_default();
    }
    let implied = implied_vlans(configuration);
    configuration.vlans.extend(implied);
}

fn implied_vlans(configuration: &Configuration) -> BTreeSet<VlanId> {
    let access = configuration.interfaces.values().filter_map(Interface::access_vlan);
    let own = configuration.vlan_interfaces.keys().copied();
    let modules = configuration.modules.values().flat_map(|module| {
        let declared = module.vlans.keys().chain(&module.ft_vlans).copied();
        declared.chain(module.ft.as_ref().map(|ft| ft.vlan))
    });
    access.chain(own).chain(modules).collect()
}
