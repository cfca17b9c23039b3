//! Network devices: each has one use in the whole chassis.

use std::collections::BTreeMap;

use super::Problem;
use crate::grammar::{Child, Scope, Value};
use crate::model::Configuration;

/// Attached devices that are something else already.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let ports = configuration.interfaces.iter();
    let mut uses: BTreeMap<&str, String> = ports
        .filter_map(|(name, port)| {
            Some((name.device()?, format!("a port of VLAN {}", port.access_vlan()?)))
        })
        .collect();
    for (slot, module) in &configuration.modules {
        for (id, vlan) in &module.vlans {
            let Some(device) = &vlan.attach else { continue };
            if let Some(used) = uses.get(device.as_str()) {
                problems.push(Problem {
                    scope: Scope::new(vec![Child::Module(*slot), Child::vlan(*id, vlan.side)]),
                    words: &["attach"],
                    value: Some(Value::Word(device.clone())),
                    message: format!("device {device} is {used} already"),
                });
            }
            uses.entry(device).or_insert_with(|| format!("VLAN {id} of module {slot}"));
        }
    }
}
