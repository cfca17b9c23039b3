//! `(config-if)`: ports, port-channels and the chassis' own interfaces on VLANs.

mod switch;

use super::hsrp::hsrp;
use super::vlan::host;
use super::{DESCRIPTION, finish, show_description};
use crate::grammar::{Command, Kind, Refusal, Table, Value, arg, keyword};
use crate::model::{Description, Interface, Layer, PortChannel, Routed, Subnet, VlanInterface};
use switch::switched;

/// `(config-if)` of a port.
pub(super) fn table() -> Table<Interface> {
    let mut commands = vec![description()];
    commands.extend(switched());
    commands.push(channel_group());
    commands.extend(addresses());
    commands.push(shutdown());
    finish(commands)
}

/// `(config-if)` of a port-channel.
pub(super) fn channel_table() -> Table<PortChannel> {
    let mut commands = vec![description()];
    commands.extend(switched().into_iter().map(|c| c.without_effect("a port-channel")));
    commands.extend(addresses());
    commands.push(shutdown());
    finish(commands)
}

/// `(config-if)` of the chassis' own interface on a VLAN.
pub(super) fn vlan_table() -> Table<VlanInterface> {
    let mut commands = vec![description()];
    commands.extend(addresses());
    commands.push(shutdown());
    finish(commands)
}

/// What every interface has.
pub(super) trait AnyInterface {
    /// `description`.
    fn description(&mut self) -> &mut Option<Description>;
    /// `shutdown`.
    fn shutdown(&mut self) -> &mut bool;
    /// The same, to be shown.
    fn common(&self) -> (Option<&Description>, bool);
    /// Its addresses, if it may have any.
    fn routed(&mut self) -> Result<&mut Routed, Refusal>;
    /// Its addresses, if it has any.
    fn shown(&self) -> Option<&Routed>;
}

macro_rules! interface {
    ($($ty:ty: $routed:expr, $shown:expr;)+) => {
        $(impl AnyInterface for $ty {
            fn description(&mut self) -> &mut Option<Description> {
                &mut self.description
            }

            fn shutdown(&mut self) -> &mut bool {
                &mut self.shutdown
            }

            fn common(&self) -> (Option<&Description>, bool) {
                (self.description.as_ref(), self.shutdown)
            }

            fn routed(&mut self) -> Result<&mut Routed, Refusal> {
                let routed: fn(&mut $ty) -> Result<&mut Routed, Refusal> = $routed;
                routed(self)
            }

            fn shown(&self) -> Option<&Routed> {
                let shown: fn(&$ty) -> Option<&Routed> = $shown;
                shown(self)
            }
        })+
    };
}

interface! {
    Interface: |port| route(&mut port.layer), |port| routed_of(&port.layer);
    PortChannel: |port| route(&mut port.layer), |port| routed_of(&port.layer);
    VlanInterface: |own| Ok(&mut own.routed), |own| Some(&own.routed);
}

/// A port that nothing was said about becomes a routed one by its address.
fn route(layer: &mut Layer) -> Result<&mut Routed, Refusal> {
    if *layer == Layer::Unsaid {
        *layer = Layer::Routed(Routed::default());
    }
    match layer {
        Layer::Routed(routed) => Ok(routed),
        Layer::Switched(_) | Layer::Unsaid => {
            Err(Refusal::command("a switched port has no address: no switchport comes first"))
        }
    }
}

fn routed_of(layer: &Layer) -> Option<&Routed> {
    match layer {
        Layer::Routed(routed) => Some(routed),
        Layer::Switched(_) | Layer::Unsaid => None,
    }
}

fn description<T: AnyInterface>() -> Command<T> {
    Command::<T>::new(&DESCRIPTION)
        .sets(|target, args| {
            *target.description() = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |target| *target.description() = None)
        .shows(|target, lines| show_description(target.common().0, lines))
}

fn shutdown<T: AnyInterface>() -> Command<T> {
    Command::<T>::new(&[keyword("shutdown", "Take the interface down")])
        .puts(|target| *target.shutdown() = true)
        .clears(1, |target| *target.shutdown() = false)
        .shows(|target, lines| lines.line_if(target.common().1, &[]))
        .without_effect("shutdown")
}

fn channel_group() -> Command<Interface> {
    let path = [
        keyword("channel-group", "One of the ports of a port-channel"),
        arg(Kind::Channel, "Number of the port-channel"),
        keyword("mode", "How it is agreed on"),
        keyword("on", "Not at all"),
    ];
    Command::<Interface>::new(&path)
        .sets(|port, args| {
            port.channel_group = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |port| port.channel_group = None)
        .shows(|port, lines| {
            if let Some(channel) = port.channel_group {
                lines.line(&[Value::Channel(channel)]);
            }
        })
        .without_effect("a port-channel")
}

fn addresses<T: AnyInterface>() -> Vec<Command<T>> {
    let mut commands = vec![address()];
    commands.extend(hsrp());
    commands
}

fn address<T: AnyInterface>() -> Command<T> {
    let path = [
        keyword("ip", "Addresses"),
        keyword("address", "Own address of the chassis"),
        arg(Kind::Ipv4, "Address"),
        arg(Kind::Mask, "Subnet mask"),
    ];
    Command::<T>::new(&path)
        .sets(|target, args| {
            let own: Subnet = host(args, 0)?;
            target.routed()?.address = Some(own);
            Ok(())
        })
        .resets(2, |target, _| {
            target.routed()?.address = None;
            Ok(())
        })
        .shows(|target, lines| {
            if let Some(own) = target.shown().and_then(|routed| routed.address) {
                lines.line(&[Value::Ipv4(own.address), Value::Mask(own.prefix)]);
            }
        })
        .without_effect("an address of the chassis")
}
