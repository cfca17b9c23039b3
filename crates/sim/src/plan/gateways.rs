//! The plans of seeds once more, where gateways decide, and come and go.

use std::time::Duration;

use hitless_core::node::SplitBrain;

use super::{Plan, draw};
use crate::fault::Fault;
use crate::pair::Side;
use crate::rng::Rng;
use crate::time::Moment;

/// What keeps this apart from what else is drawn from a seed.
const SALT: u64 = 0x6761_7465_7761_7973;

/// The plan of a seed, with the policy `gateway`. Every other one has no reloads, so that leases are
/// no longer than usual.
pub fn draw_with_gateways(seed: u64) -> Plan {
    let mut rng = Rng::new(seed ^ SALT);
    let mut plan = Plan { split_brain: SplitBrain::Gateway, ..draw(seed) };
    if seed % 2 == 1 {
        plan.faults.retain(|(_, fault)| !matches!(fault, Fault::Reload { .. }));
    }
    if plan.promises_calm() {
        return plan;
    }
    let failover = plan.failover_max();
    plan.gateways_answer_within =
        rng.pick(&[Duration::from_micros(500), Duration::from_millis(5), failover / 2, failover]);
    let mut at = Moment::START + rng.duration(Duration::ZERO, failover * 4);
    while at < plan.heal_at {
        let on = rng.pick(&Side::BOTH);
        let lasts = rng.duration(failover / 4, failover * 8);
        plan.faults.push((at, Fault::LoseGateways { on, lasts }));
        at = at + rng.duration(failover, failover * 12);
    }
    plan
}
