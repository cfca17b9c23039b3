//! `switchport ...` in `(config-if)`: which VLANs a port carries.

use std::collections::BTreeSet;

use hitless_model::VlanId;

use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, VlanList, arg, keyword};
use crate::model::{Encapsulation, Interface, Layer, PortChannel, PortMode, Routed, SwitchPort};

const SWITCHPORT: Element = keyword("switchport", "Membership of VLANs");
const TRUNK: Element = keyword("trunk", "Membership of many VLANs");
const ALLOWED: Element = keyword("allowed", "Which VLANs a trunk carries");
const VLAN: Element = keyword("vlan", "The VLANs");
const VLANS: Element = arg(Kind::VlanList, "VLANs");

/// What a port or a port-channel has.
pub(super) trait Switchable {
    /// Whether it is switched or routed.
    fn layer(&self) -> &Layer;
    /// The same, to be changed.
    fn layer_mut(&mut self) -> &mut Layer;
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

pub(super) fn switched<T: Switchable>() -> Vec<Command<T>> {
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
