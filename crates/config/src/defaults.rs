//! What applies where the configuration says nothing, in one place: constructors of the model's
//! types and the values behind their `no` forms.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hitless_model::{GroupId, Priority, VlanId};

use crate::model::{
    FtGroup, HookChoice, Hsrp, HsrpTime, HsrpTimers, InService, Module, ModuleVlan, Predictor,
    Probe, ProbeCheck, Real, RequestReading, ServerFarm, Side, SplitBrain, SslSticky, Tracking,
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
/// `timeout` of a sticky group: a day.
pub(crate) const STICKY_TIMEOUT_MIN: u16 = 1440;
/// What `standby track` takes off the priority.
pub(crate) const HSRP_DECREMENT: u8 = 10;
/// `standby timers`.
pub(crate) const HSRP_TIMERS: HsrpTimers =
    HsrpTimers { hello: HsrpTime::Seconds(3), hold: HsrpTime::Seconds(10) };
/// A probe of which nothing was said.
pub(crate) const PROBE: Probe = Probe {
    check: ProbeCheck::Icmp,
    description: None,
    interval_s: 120,
    retries: 3,
    failed_s: 300,
    recover: 1,
    open_s: 10,
    receive_s: 10,
    port: None,
    address: None,
};
/// What a virtual server reads of requests.
pub(crate) const REQUESTS: RequestReading = RequestReading {
    persistent_rebalance: true,
    parse_length: 2000,
    ssl_sticky: SslSticky { offset: 0, length: 32 },
    url_hash_begin: None,
    url_hash_end: None,
};
/// `variable MAX_CONNECTIONS`: 302 octets a connection make this about 40 MB.
pub const MAX_CONNECTIONS: u32 = 131_072;

/// The variable that sizes the connection table.
pub(crate) const MAX_CONNECTIONS_VARIABLE: &str = "MAX_CONNECTIONS";
/// The variable that says what the times of sticky groups count from.
pub(crate) const STICKY_SINCE_END_VARIABLE: &str = "NO_TIMEOUT_IP_STICKY_ENTRIES";
/// The variable that chooses the hook of attached devices.
pub(crate) const HOOK_VARIABLE: &str = "DATAPLANE_HOOK";

/// Whether two boxes of a pair may have different values of a variable: what depends on a box's own
/// devices.
pub(crate) fn is_local(variable: &str) -> bool {
    variable == HOOK_VARIABLE
}

impl ModuleVlan {
    /// A VLAN without addresses.
    pub fn new(side: Side) -> Self {
        Self {
            side,
            description: None,
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
        Self {
            description: None,
            nat_server: true,
            nat_client: None,
            predictor: Predictor::RoundRobin,
            fail_action: None,
            probes: BTreeSet::new(),
            health: None,
            return_codes: None,
            bind_id: 0,
            reals: Vec::new(),
        }
    }
}

impl Real {
    /// A real that is out of service until `inservice`.
    pub fn new(address: std::net::Ipv4Addr, port: Option<u16>) -> Self {
        Self {
            address,
            port,
            weight: WEIGHT,
            max_conns: None,
            min_conns: 0,
            in_service: InService::No,
        }
    }
}

impl Default for VirtualServer {
    fn default() -> Self {
        Self {
            description: None,
            owner: None,
            domain: None,
            listens: None,
            vlan: None,
            clients: BTreeSet::new(),
            farm: None,
            backup: None,
            policies: Vec::new(),
            sticky: None,
            reverse_sticky: None,
            idle: IDLE,
            pending: PENDING,
            max_conns: None,
            replicate_sticky: false,
            replicate_connections: false,
            unidirectional: false,
            advertise: None,
            status_tracking: None,
            requests: REQUESTS,
            in_service: InService::No,
        }
    }
}

impl Default for RequestReading {
    fn default() -> Self {
        REQUESTS
    }
}

impl Default for Hsrp {
    fn default() -> Self {
        Self {
            address: None,
            secondary: BTreeSet::new(),
            priority: 100,
            preempt: None,
            timers: HSRP_TIMERS,
            tracks: BTreeMap::new(),
            authentication: None,
            name: None,
            mac: None,
        }
    }
}

impl Probe {
    /// A probe of which nothing else was said.
    pub fn new(check: ProbeCheck) -> Self {
        Self { check, ..PROBE }
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
            accepted_key: None,
            split_brain: SplitBrain::BothActive,
            tracking: Tracking::default(),
        }
    }
}

impl Module {
    /// Size of the connection table.
    pub fn max_connections(&self) -> u32 {
        let configured = self.variables.get(MAX_CONNECTIONS_VARIABLE);
        configured.and_then(|value| value.parse().ok()).unwrap_or(MAX_CONNECTIONS)
    }

    /// Whether the times of sticky groups count from the end of a client's last connection, and not from
    /// the beginning of its newest one.
    pub fn sticky_since_end(&self) -> bool {
        self.variables.get(STICKY_SINCE_END_VARIABLE).is_some_and(|value| value != "0")
    }

    /// The hook of attached devices.
    pub fn hook(&self) -> HookChoice {
        let configured = self.variables.get(HOOK_VARIABLE);
        configured.and_then(|value| HookChoice::by_word(value)).unwrap_or_default()
    }
}
