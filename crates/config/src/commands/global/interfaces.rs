//! `interface ...`: ports, port-channels and the chassis' own interfaces.

use hitless_model::{ChannelGroup, VlanId};

use crate::commands::names::{CHANNEL_APART, VLAN_APART, placed, port_of};
use crate::commands::{INTERFACE, PORT_CHANNEL, VLAN_INTERFACE};
use crate::grammar::{Args, Child, Command, Element, Kind, Mode, Refusal, Value, arg, keyword};
use crate::model::{Configuration, Interface, InterfaceName, PortKind};

const INTERFACE_WORD: Element = keyword("interface", "A network device, or one that is made");

/// `interface NETDEV` and its like. Port-channels and the chassis' own interfaces come behind the
/// ports, as in the original.
pub(super) fn interfaces() -> Vec<Command<Configuration>> {
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
