//! `(config-if)`: ports, port-channels and the chassis' own interfaces on VLANs.

use std::collections::BTreeSet;

use hitless_model::VlanId;

use super::hsrp::hsrp;
use super::vlan::host;
use super::{DESCRIPTION, finish, show_description};
use crate::grammar::{
    Args, Command, Element, Kind, Lines, Refusal, Table, Value, VlanList, arg, keyword,
};
use crate::model::{
    Description, Encapsulation, Interface, Layer, PortChannel, PortMode, Routed, Subnet,
    SwitchPort, VlanInterface,
};

const SWITCHPORT: Element = keyword("switchport", "Membership of VLANs");
const TRUNK: Element = keyword("trunk", "Membership of many VLANs");
const ALLOWED: Element = keyword("allowed", "Which VLANs a trunk carries");
const VLAN: Element = keyword("vlan", "The VLANs");
const VLANS: Element = arg(Kind::VlanList, "VLANs");

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

/// What a port or a port-channel has.
trait Switchable: AnyInterface {
    fn layer(&self) -> &Layer;
    fn layer_mut(&mut self) -> &mut Layer;
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

macro_rules! switchable {
    ($($ty:ty),+) => {
        $(impl Switchable for $ty {
            fn layer(&self) -> &Layer {
                &self.layer
            }

            fn layer_mut(&mut self) -> &mut Layer {
                &mut self.layer
            }
        })+
    };
}

switchable!(Interface, PortChannel);

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

/// A port that nothing was said about becomes a switched one by its VLANs.
fn switch<T: Switchable>(target: &mut T) -> Result<&mut SwitchPort, Refusal> {
    let layer = target.layer_mut();
    if *layer == Layer::Unsaid {
        *layer = Layer::Switched(SwitchPort::default());
    }
    match layer {
        Layer::Switched(port) => Ok(port),
        Layer::Routed(_) | Layer::Unsaid => {
            Err(Refusal::command("a routed port carries no VLANs: switchport comes first"))
        }
    }
}

fn switched_of<T: Switchable>(target: &T) -> Option<&SwitchPort> {
    match target.layer() {
        Layer::Switched(port) => Some(port),
        Layer::Routed(_) | Layer::Unsaid => None,
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

fn switched<T: Switchable>() -> Vec<Command<T>> {
    let mut commands = vec![switchport(), access_vlan()];
    commands.extend(trunk());
    commands.extend([allowed_vlans(), allowed_all(), allowed_none()]);
    commands.extend(allowed_changes());
    commands.extend(port_mode());
    commands
}

fn switchport<T: Switchable>() -> Command<T> {
    Command::<T>::new(&[SWITCHPORT])
        .puts(|target| {
            let layer = target.layer_mut();
            if !matches!(layer, Layer::Switched(_)) {
                *layer = Layer::Switched(SwitchPort::default());
            }
        })
        .clears(1, |target| {
            let layer = target.layer_mut();
            if !matches!(layer, Layer::Routed(_)) {
                *layer = Layer::Routed(Routed::default());
            }
        })
        .shows(|target, lines| match target.layer() {
            Layer::Switched(_) => lines.line(&[]),
            Layer::Routed(routed) if *routed == Routed::default() => lines.no(&[]),
            Layer::Routed(_) | Layer::Unsaid => {}
        })
}

fn access_vlan<T: Switchable>() -> Command<T> {
    let path = [
        SWITCHPORT,
        keyword("access", "Membership of one VLAN"),
        keyword("vlan", "The VLAN"),
        arg(Kind::Vlan, "The VLAN"),
    ];
    Command::<T>::new(&path)
        .sets(|target, args| {
            switch(target)?.access_vlan = Some(args.get(0)?);
            Ok(())
        })
        .resets(3, |target, _| {
            switch(target)?.access_vlan = None;
            Ok(())
        })
        .shows(|target, lines| {
            if let Some(vlan) = switched_of(target).and_then(|port| port.access_vlan) {
                lines.line(&[Value::Vlan(vlan)]);
            }
        })
}

fn port_mode<T: Switchable>() -> [Command<T>; 2] {
    let path = |word| [SWITCHPORT, keyword("mode", "Kind of port"), word];
    let access = Command::<T>::new(&path(keyword("access", "One VLAN")))
        .sets(|target, _| set_mode(target, Some(PortMode::Access)))
        .resets(2, |target, _| set_mode(target, None))
        .shows(|target, lines| show_mode(target, PortMode::Access, lines));
    let trunk = Command::<T>::new(&path(keyword("trunk", "Many VLANs")))
        .sets(|target, _| set_mode(target, Some(PortMode::Trunk)))
        .resets(2, |target, _| set_mode(target, None))
        .shows(|target, lines| show_mode(target, PortMode::Trunk, lines))
        .without_effect("a trunk");
    [access, trunk]
}

fn set_mode<T: Switchable>(target: &mut T, mode: Option<PortMode>) -> Result<(), Refusal> {
    switch(target)?.mode = mode;
    Ok(())
}

fn show_mode<T: Switchable>(target: &T, mode: PortMode, lines: &mut Lines<'_>) {
    lines.line_if(switched_of(target).is_some_and(|port| port.mode == Some(mode)), &[]);
}

fn trunk<T: Switchable>() -> [Command<T>; 2] {
    let encapsulation = keyword("encapsulation", "Form of the tags");
    let dot1q = keyword("dot1q", "IEEE 802.1Q");
    let encapsulation = Command::<T>::new(&[SWITCHPORT, TRUNK, encapsulation, dot1q])
        .sets(|target, _| {
            switch(target)?.encapsulation = Some(Encapsulation::Dot1q);
            Ok(())
        })
        .resets(3, |target, _| {
            switch(target)?.encapsulation = None;
            Ok(())
        })
        .shows(|target, lines| {
            lines.line_if(switched_of(target).is_some_and(|p| p.encapsulation.is_some()), &[]);
        })
        .without_effect("a trunk");
    let native = keyword("native", "The VLAN without a tag");
    let native = Command::<T>::new(&[SWITCHPORT, TRUNK, native, VLAN, arg(Kind::Vlan, "The VLAN")])
        .sets(|target, args| {
            switch(target)?.native_vlan = Some(args.get(0)?);
            Ok(())
        })
        .resets(3, |target, _| {
            switch(target)?.native_vlan = None;
            Ok(())
        })
        .shows(|target, lines| {
            if let Some(vlan) = switched_of(target).and_then(|port| port.native_vlan) {
                lines.line(&[Value::Vlan(vlan)]);
            }
        })
        .without_effect("a trunk");
    [encapsulation, native]
}

/// A list replaces what was allowed.
fn allowed_vlans<T: Switchable>() -> Command<T> {
    Command::<T>::new(&[SWITCHPORT, TRUNK, ALLOWED, VLAN, VLANS])
        .sets(|target, args| {
            let VlanList(vlans) = args.get(0)?;
            allow(target, |_| vlans)
        })
        .resets(4, |target, _| allow(target, |_| every_vlan()))
        .shows(|target, lines| {
            let allowed = switched_of(target).and_then(|port| port.allowed_vlans.as_ref());
            if let Some(vlans) = allowed.filter(|vlans| !vlans.is_empty()) {
                lines.line(&[Value::VlanList(VlanList(vlans.clone()))]);
            }
        })
        .without_effect("a trunk")
}

fn allowed_none<T: Switchable>() -> Command<T> {
    let none = keyword("none", "No VLAN");
    Command::<T>::new(&[SWITCHPORT, TRUNK, ALLOWED, VLAN, none])
        .sets(|target, _| allow(target, |_| BTreeSet::new()))
        .shows(|target, lines| {
            let allowed = switched_of(target).and_then(|port| port.allowed_vlans.as_ref());
            lines.line_if(allowed.is_some_and(BTreeSet::is_empty), &[]);
        })
        .without_effect("a trunk")
}

fn allowed_all<T: Switchable>() -> Command<T> {
    let all = keyword("all", "Every VLAN (default)");
    Command::<T>::new(&[SWITCHPORT, TRUNK, ALLOWED, VLAN, all])
        .sets(|target, _| allow(target, |_| every_vlan()))
        .without_effect("a trunk")
}

fn allowed_changes<T: Switchable>() -> [Command<T>; 4] {
    let change = |word| [SWITCHPORT, TRUNK, ALLOWED, VLAN, word, VLANS];
    let add = Command::<T>::new(&change(keyword("add", "These as well")))
        .sets(|target, args| change_allowed(target, args, |had, these| &had | &these));
    let remove = Command::<T>::new(&change(keyword("remove", "These no longer")))
        .sets(|target, args| change_allowed(target, args, |had, these| &had - &these));
    let except = Command::<T>::new(&change(keyword("except", "All but these")))
        .sets(|target, args| change_allowed(target, args, |_, these| &every_vlan() - &these));
    // As the original's manual prints it.
    let printed = [SWITCHPORT, TRUNK, keyword("remove", "VLANs no longer carried"), VLAN, VLANS];
    let printed = Command::<T>::new(&printed)
        .sets(|target, args| change_allowed(target, args, |had, these| &had - &these));
    [add, remove, except, printed].map(|command| command.without_effect("a trunk"))
}

type Vlans = BTreeSet<VlanId>;

fn change_allowed<T: Switchable>(
    target: &mut T,
    args: &Args,
    change: fn(Vlans, Vlans) -> Vlans,
) -> Result<(), Refusal> {
    let VlanList(these) = args.get(0)?;
    allow(target, |had| change(had, these))
}

/// All VLANs are the default, however they were said.
fn allow<T: Switchable>(
    target: &mut T,
    change: impl FnOnce(Vlans) -> Vlans,
) -> Result<(), Refusal> {
    let port = switch(target)?;
    let allowed = change(port.allowed_vlans.take().unwrap_or_else(every_vlan));
    port.allowed_vlans = Some(allowed).filter(|allowed| *allowed != every_vlan());
    Ok(())
}

fn every_vlan() -> Vlans {
    (VlanId::MIN..=VlanId::MAX).filter_map(|vlan| VlanId::try_from(vlan).ok()).collect()
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
