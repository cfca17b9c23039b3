//! Virtual routers of the chassis' interfaces.

use super::Problem;
use crate::grammar::{Child, Scope, Value};
use crate::model::{Configuration, HsrpAddress, HsrpVersion, Layer, Routed};

/// The highest group of version 1, whose packets have one octet for it.
const LAST_OF_FIRST: u16 = 255;

pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    for (name, port) in &configuration.interfaces {
        if let Some(routed) = routed(&port.layer) {
            check_interface(Child::Interface(name.clone()), routed, problems);
        }
    }
    for (number, channel) in &configuration.port_channels {
        if let Some(routed) = routed(&channel.layer) {
            check_interface(Child::PortChannel(*number), routed, problems);
        }
    }
    for (vlan, own) in &configuration.vlan_interfaces {
        check_interface(Child::VlanInterface(*vlan), &own.routed, problems);
    }
}

fn routed(layer: &Layer) -> Option<&Routed> {
    if let Layer::Routed(routed) = layer { Some(routed) } else { None }
}

fn check_interface(at: Child, routed: &Routed, problems: &mut Vec<Problem>) {
    let scope = Scope::new(vec![at]);
    let mut blame = |value: Value, message: String| {
        let value = Some(value);
        problems.push(Problem { scope: scope.clone(), words: &["standby"], value, message });
    };
    for (group, hsrp) in &routed.hsrp {
        if routed.hsrp_version == HsrpVersion::One && group.get() > LAST_OF_FIRST {
            let message = format!("group {group} needs standby version 2");
            blame(Value::HsrpGroup(*group), message);
        }
        let own = routed.address.map(|own| own.address);
        if let Some(HsrpAddress::Configured(address)) = hsrp.address
            && own == Some(address)
        {
            let message = format!("{address} is the interface's own address");
            blame(Value::Ipv4(address), message);
        }
    }
}
