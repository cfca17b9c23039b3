//! Commands of the chassis, and the two modes that only make VLANs.

use std::collections::BTreeSet;

use hitless_model::{ChannelGroup, Slot, VlanId};

use super::forms::{Family, Saying, forms, may, must};
use super::names::{CHANNEL_APART, VLAN_APART, placed, port_of};
use super::{INTERFACE, MODULE, PORT_CHANNEL, VLAN_INTERFACE, finish, label, small};
use crate::grammar::{
    Args, Child, Command, Element, Kind, Lines, Mode, Refusal, Table, Value, VlanList, arg,
    keyword, keyword_or,
};
use crate::model::{
    Configuration, Interface, InterfaceName, PortKind, PortName, TimeZone, UtcOffset,
};

pub(super) fn table() -> Table<Configuration> {
    let mut commands = vec![hostname()];
    commands.extend(clock());
    commands.extend([multicast(), logging_host(), vlan()]);
    commands.extend(interfaces());
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

/// `clock timezone` and `clock calendar-valid`.
fn clock() -> Vec<Command<Configuration>> {
    let first = keyword("clock", "Time of day");
    let calendar = keyword("calendar-valid", "The calendar of the hardware is right");
    let calendar = Command::<Configuration>::new(&[first, calendar])
        .puts(|configuration| configuration.clock.calendar_valid = true)
        .clears(2, |configuration| configuration.clock.calendar_valid = false)
        .shows(|configuration, lines| lines.line_if(configuration.clock.calendar_valid, &[]))
        .without_effect("a calendar");
    let name = arg(Kind::Word, "Name of the zone");
    let minutes = arg(Kind::Number { min: 0, max: 59 }, "Minutes from UTC");
    let hours = [first, keyword("timezone", "Zone that times are shown in"), name, HOURS];
    let zone = Family::<Configuration> {
        set: |configuration, args| {
            let name = label(args.get(0)?)?;
            let minutes = small(args.nth::<u64>(0).unwrap_or(0))?;
            let offset = UtcOffset::new(args.get(1)?, minutes);
            let offset = offset.map_err(|error| Refusal::argument(1, error.to_string()))?;
            configuration.clock.timezone = Some(TimeZone { name, offset });
            Ok(())
        },
        reset: |configuration, _| {
            configuration.clock.timezone = None;
            Ok(())
        },
        shows: show_zone,
    };
    let mut commands = zone.commands(2, &forms(&[must(&hours), may(&[minutes])]));
    commands.push(calendar);
    commands
}

const HOURS: Element = arg(Kind::Hours, "Hours from UTC");

fn show_zone(configuration: &Configuration, lines: &mut Lines<'_>) {
    let Some(zone) = &configuration.clock.timezone else { return };
    let (hours, minutes) = zone.offset.hours_and_minutes();
    let mut values = vec![Value::Word(zone.name.to_string())];
    values.extend(i8::try_from(hours).ok().map(Value::Hours));
    let path = [keyword("clock", ""), keyword("timezone", ""), arg(Kind::Word, ""), HOURS];
    let mut saying = Saying::new(&path);
    saying.and(&[], values);
    if minutes > 0 {
        let number = arg(Kind::Number { min: 0, max: 59 }, "");
        saying.and(&[number], [Value::Number(minutes.into())]);
    }
    saying.print(lines);
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
        .without_effect("logging host")
}

const INTERFACE_WORD: Element = keyword("interface", "A network device, or one that is made");

/// `interface NETDEV` and its like. Port-channels and the chassis' own interfaces come behind the
/// ports, as in the original.
fn interfaces() -> Vec<Command<Configuration>> {
    let device = [INTERFACE_WORD, arg(Kind::DevicePort, "Name of a network device in the kernel")];
    let device = Command::<Configuration>::new(&device)
        .enters(Mode::Interface, enter_port)
        .resets(2, remove_port)
        .shows(|configuration, lines| {
            for (name, port) in &configuration.interfaces {
                lines.block::<Interface>(&[Value::PortName(name.clone())], &INTERFACE, port);
                lines.separator();
            }
        });
    let mut commands = vec![device];
    let together = [INTERFACE_WORD, arg(Kind::PlacedPort, "Type and place of a port")];
    let apart = PortKind::ALL.map(|kind| [&[INTERFACE_WORD], &placed(kind)[..]].concat());
    for path in [together.to_vec()].into_iter().chain(apart) {
        let command = Command::<Configuration>::new(&path)
            .enters(Mode::Interface, enter_port)
            .resets(path.len(), remove_port)
            .without_effect("a port that is named by its place");
        commands.push(command);
    }
    commands.extend(channel_interfaces());
    commands.extend(vlan_interfaces());
    commands
}

fn enter_port(configuration: &mut Configuration, args: &Args) -> Result<Child, Refusal> {
    let port = port_of(args)?;
    configuration.interfaces.entry(port.clone()).or_default();
    Ok(Child::Interface(port))
}

fn remove_port(configuration: &mut Configuration, args: &Args) -> Result<(), Refusal> {
    configuration.interfaces.remove(&port_of(args)?);
    Ok(())
}

fn channel_interfaces() -> Vec<Command<Configuration>> {
    let together = vec![INTERFACE_WORD, arg(Kind::ChannelInterface, "A port-channel")];
    let apart = [&[INTERFACE_WORD], &CHANNEL_APART[..]].concat();
    let command = |path: Vec<Element>| {
        Command::<Configuration>::new(&path)
            .enters(Mode::PortChannel, |configuration, args| {
                let channel: ChannelGroup = args.nth(0)?;
                configuration.port_channels.entry(channel).or_default();
                Ok(Child::PortChannel(channel))
            })
            .resets(path.len(), |configuration, args| {
                configuration.port_channels.remove(&args.nth(0)?);
                Ok(())
            })
            .without_effect("a port-channel")
    };
    let shown = command(together).shows(|configuration, lines| {
        for (number, channel) in &configuration.port_channels {
            let name = InterfaceName::Channel(*number);
            lines.block(&[Value::Interface(name)], &PORT_CHANNEL, channel);
            lines.separator();
        }
    });
    vec![shown, command(apart)]
}

fn vlan_interfaces() -> Vec<Command<Configuration>> {
    let together = vec![INTERFACE_WORD, arg(Kind::VlanInterface, "The chassis' own on a VLAN")];
    let apart = [&[INTERFACE_WORD], &VLAN_APART[..]].concat();
    let command = |path: Vec<Element>| {
        Command::<Configuration>::new(&path)
            .enters(Mode::VlanInterface, |configuration, args| {
                let vlan: VlanId = args.nth(0)?;
                configuration.vlan_interfaces.entry(vlan).or_default();
                Ok(Child::VlanInterface(vlan))
            })
            .resets(path.len(), |configuration, args| {
                configuration.vlan_interfaces.remove(&args.nth(0)?);
                Ok(())
            })
            .without_effect("an interface of the chassis on a VLAN")
    };
    let shown = command(together).shows(|configuration, lines| {
        for (vlan, interface) in &configuration.vlan_interfaces {
            let name = InterfaceName::Vlan(*vlan);
            lines.block(&[Value::Interface(name)], &VLAN_INTERFACE, interface);
            lines.separator();
        }
    });
    vec![shown, command(apart)]
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
