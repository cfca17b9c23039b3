//! Which interface meets the data plane at which hook.
//!
//! A port of a bridge is a veth, where TC is the best there is: the frames on it are the kernel's
//! already, whole segments whose sums nobody has made yet. A network card that was given to the module
//! runs the program in its driver (XDP) if it can. But what a driver is told to send on has to be taken
//! by the next one's driver, so without the operator's word it is all of the module's cards or none.

use anyhow::{Context, Result};
use hitless_config::model::{HookChoice, Module};
use hitless_model::VlanId;
use hitless_plane::{Desired, Plane, Wanted};

use crate::names::Names;
use crate::netlink::ethtool;

/// Drivers that have XDP, and little of it: their frames were made by a kernel.
const OF_THE_KERNEL: [&str; 3] = ["veth", "virtio_net", "tun"];

/// Puts the program on every interface of a module, in whose namespace the calling thread is.
pub(crate) fn attach(plane: &mut Plane, module: &Module, desired: &Desired) -> Result<()> {
    let cards: Vec<VlanId> = desired.ports.keys().copied().filter(is_card(module)).collect();
    let wanted = match module.hook() {
        HookChoice::Xdp => Wanted::Xdp,
        HookChoice::Auto if cards.iter().all(|vlan| suits_xdp(*vlan)) => {
            match put(plane, desired, |vlan| at(&cards, vlan, Wanted::Xdp)) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::info!("{error:#}: TC is used instead of XDP"),
            }
            Wanted::Tc
        }
        HookChoice::Tc | HookChoice::Auto => Wanted::Tc,
    };
    put(plane, desired, |vlan| at(&cards, vlan, wanted))
}

fn is_card(module: &Module) -> impl Fn(&VlanId) -> bool {
    |vlan| module.vlans.get(vlan).is_some_and(|settings| settings.attach.is_some())
}

fn at(cards: &[VlanId], vlan: VlanId, wanted: Wanted) -> Wanted {
    if cards.contains(&vlan) { wanted } else { Wanted::Tc }
}

fn put(plane: &mut Plane, desired: &Desired, wanted: impl Fn(VlanId) -> Wanted) -> Result<()> {
    for (vlan, port) in &desired.ports {
        let hook = plane.attach_where(port.facts.ifindex, wanted(*vlan));
        let hook = hook.with_context(|| format!("VLAN {vlan}"))?;
        tracing::debug!("vlan {vlan}: {hook:?}");
    }
    Ok(())
}

/// Whether a card's driver gains by XDP. One that does not say what it is, is none to trust.
fn suits_xdp(vlan: VlanId) -> bool {
    let driver = ethtool::driver(&Names::vlan(vlan));
    driver.is_ok_and(|driver| !OF_THE_KERNEL.contains(&driver.as_str()))
}
