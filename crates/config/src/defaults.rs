//! What applies where the configuration says nothing, in one place: constructors of the model's
//! types and the values behind their `no` forms.

use std::time::Duration;

use hitless_model::{GroupId, Priority, VlanId};

use crate::model::{
    FtGroup, HookChoice, Module, ModuleVlan, Predictor, Real, ServerFarm, Side, SplitBrain,
    VirtualServer,
};

/// `idle` of a virtual server.
pub(crate) const IDLE: Duration = Duration::from_hours(1);
/// `pending` of a virtual server.
pub(crate) const PENDING: Duration = Duration::from_secs(30);
/// `weight` of a real server.
pub(crate) const WEIGHT: u8 = 8;
/// `heartbeat-time` of a fault-tolerant group.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);
/// `failover` of a fault-tolerant group.
pub(crate) const FAILOVER: Duration = Duration::from_secs(3);
/// `variable MAX_CONNECTIONS`: 302 octets a connection make this about 40 MB.
pub const MAX_CONNECTIONS: u32 = 131_072;

/// The variable that sizes the connection table.
pub(crate) const MAX_CONNECTIONS_VARIABLE: &str = "MAX_CONNECTIONS";
/// The variable that chooses the hook of attached devices.
pub(crate) const HOOK_VARIABLE: &str = "DATAPLANE_HOOK";

impl ModuleVlan {
    /// A VLAN without addresses.
    pub fn new(side: Side) -> Self {
        Self {
            side,
            address: None,
            alt_address: None,
            gateways: Vec::new(),
            aliases: Vec::new(),
            routes: Vec::new(),
            attach: None,
        }
    }
}

impl Default for ServerFarm {
    fn default() -> Self {
        Self { nat_server: true, predictor: Predictor::RoundRobin, reals: Vec::new() }
    }
}

impl Real {
    /// A real that is out of service until `inservice`.
    pub fn new(address: std::net::Ipv4Addr, port: Option<u16>) -> Self {
        Self { address, port, weight: WEIGHT, in_service: false }
    }
}

impl Default for VirtualServer {
    fn default() -> Self {
        Self {
            listens: None,
            farm: None,
            idle: IDLE,
            pending: PENDING,
            replicate_connections: false,
            in_service: false,
        }
    }
}

impl FtGroup {
    /// A group with default priority and timers.
    pub fn new(group: GroupId, vlan: VlanId) -> Self {
        Self {
            group,
            vlan,
            priority: Priority::DEFAULT,
            alt_priority: None,
            heartbeat: HEARTBEAT,
            failover: FAILOVER,
            preempt: false,
            key: None,
            split_brain: SplitBrain::BothActive,
        }
    }
}

impl Module {
    /// Size of the connection table.
    pub fn max_connections(&self) -> u32 {
        let configured = self.variables.get(MAX_CONNECTIONS_VARIABLE);
        configured.and_then(|value| value.parse().ok()).unwrap_or(MAX_CONNECTIONS)
    }

    /// The hook of attached devices.
    pub fn hook(&self) -> HookChoice {
        let configured = self.variables.get(HOOK_VARIABLE);
        configured.and_then(|value| HookChoice::by_word(value)).unwrap_or_default()
    }
}
