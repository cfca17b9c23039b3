//! What the parts of a configuration must agree on, whatever they were written in.

mod addresses;
mod devices;
mod routers;
mod servers;

use crate::grammar::{Child, Scope, Value};
use crate::model::{Configuration, Module, SplitBrain};
use hitless_model::Slot;
use std::time::Duration;

/// Two parts of a configuration that do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the part is that is to blame.
    pub scope: Scope,
    /// First words of the commands there that may be to blame; none: what enters the scope.
    pub words: &'static [&'static str],
    /// The argument that is to blame.
    pub value: Option<Value>,
    /// One sentence, lower case unless it begins with a name, without a period.
    pub message: String,
}

/// What `failover` must be above `heartbeat-time`: what a heartbeat may take on its way and through
/// the scheduler.
const FAILOVER_MARGIN: Duration = Duration::from_millis(20);

/// Everything that does not fit.
pub fn validate(configuration: &Configuration) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (slot, module) in &configuration.modules {
        check_ft(*slot, module, &mut problems);
        addresses::check(*slot, module, &mut problems);
        servers::check(*slot, module, &mut problems);
    }
    addresses::check_between_modules(configuration, &mut problems);
    devices::check(configuration, &mut problems);
    routers::check(configuration, &mut problems);
    problems
}

/// What only shows when several parts are seen together, and "has no effect yet": the message says
/// what.
pub(crate) fn remarks(configuration: &Configuration) -> Vec<Problem> {
    let mut remarks = Vec::new();
    for (slot, module) in &configuration.modules {
        addresses::remark(*slot, module, &mut remarks);
        servers::remark(*slot, module, &mut remarks);
    }
    remarks
}

fn check_ft(slot: Slot, module: &Module, problems: &mut Vec<Problem>) {
    let Some(ft) = &module.ft else { return };
    let scope = Scope::new(vec![Child::Module(slot)]);
    if let Some(vlan) = module.vlans.get(&ft.vlan) {
        problems.push(Problem {
            scope: scope.clone(),
            words: &["ft"],
            value: Some(Value::Vlan(ft.vlan)),
            message: format!("VLAN {} is a {} VLAN of this module", ft.vlan, vlan.side.word()),
        });
    }
    let has_gateway = module.vlans.values().any(|vlan| !vlan.gateways.is_empty());
    if ft.split_brain == SplitBrain::Gateway && !has_gateway {
        problems.push(Problem {
            scope: scope.enter(Child::Ft),
            words: &["split-brain"],
            value: None,
            message: "this module has no gateway that could be asked".to_owned(),
        });
    }
    if ft.failover < ft.heartbeat + FAILOVER_MARGIN {
        problems.push(Problem {
            scope: scope.enter(Child::Ft),
            words: &["failover", "heartbeat-time"],
            value: None,
            message: format!(
                "failover is {} ms: it must be at least heartbeat-time ({} ms) and 20 ms",
                ft.failover.as_millis(),
                ft.heartbeat.as_millis()
            ),
        });
    }
}
