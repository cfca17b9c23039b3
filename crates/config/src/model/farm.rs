//! Server farms, their real servers, and pools of addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{Description, Name};

/// A group of real servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerFarm {
    /// `description`.
    pub description: Option<Description>,
    /// `nat server` (the default); without it packets keep the virtual address.
    pub nat_server: bool,
    /// `nat client POOL`: packets come from an address of this pool.
    pub nat_client: Option<Name>,
    /// `predictor`.
    pub predictor: Predictor,
    /// `failaction`: what becomes of the connections to a real that died.
    pub fail_action: Option<FailAction>,
    /// `probe NAME`.
    pub probes: BTreeSet<Name>,
    /// `health retries N failed S`.
    pub health: Option<InbandHealth>,
    /// `retcode-map NAME`.
    pub return_codes: Option<Name>,
    /// `bindid N`: how outside agents call it; 0 = they do not.
    pub bind_id: u16,
    /// `real IP [PORT]`, in the order given; no two with the same address and port.
    pub reals: Vec<Real>,
}

/// How a farm chooses a real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Predictor {
    /// A real of weight n gets n consecutive new connections per cycle.
    #[default]
    RoundRobin,
    /// The real with the fewest connections for its weight.
    LeastConns {
        /// `slowstart S`: a real that comes back is given its share over so many seconds, 1-65535.
        slow_start_s: Option<u16>,
    },
    /// By the beginning of what is asked for.
    HashUrl,
    /// By addresses.
    HashAddress {
        /// Which.
        of: HashedAddress,
        /// How much of them, as the length of a mask.
        prefix: u8,
    },
    /// None: packets are routed on.
    Forward,
}

impl Predictor {
    /// How `show module csm N serverfarms` calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::RoundRobin => "RoundRobin",
            Self::LeastConns { .. } => "LeastConns",
            Self::HashUrl => "HashURL",
            Self::HashAddress { .. } => "HashAddr",
            Self::Forward => "Forward",
        }
    }
}

/// Which addresses a hash is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HashedAddress {
    /// The client's and the virtual server's.
    #[default]
    Both,
    /// The client's.
    Source,
    /// The virtual server's.
    Destination,
}

/// `failaction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FailAction {
    /// Its connections are closed.
    Purge,
    /// Its connections go on at another real.
    Reassign,
}

/// `health retries N failed S`: connections that come to nothing take a real out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InbandHealth {
    /// So many of them, 0-65534.
    pub retries: u16,
    /// For so many seconds; 0 = for good.
    pub failed_s: u16,
}

/// Whether a real or virtual server takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum InService {
    /// `no inservice`.
    #[default]
    No,
    /// `inservice`.
    Yes,
    /// `inservice standby`: only in the place of one that failed.
    Standby,
}

impl InService {
    /// Whether it takes connections as long as nothing fails.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

/// A real server in a farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Real {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port, if not the virtual server's.
    pub port: Option<u16>,
    /// `weight`, 0-100; 0 = no new connections. Default 8.
    pub weight: u8,
    /// `maxconns`: most connections; none = no limit.
    #[serde(default)]
    pub max_conns: Option<u32>,
    /// `minconns`: after too many it takes connections again below this number.
    #[serde(default)]
    pub min_conns: u32,
    /// `inservice`.
    pub in_service: InService,
}

/// `natpool NAME FIRST LAST {netmask M | prefix-length L}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NatPool {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address.
    pub last: Ipv4Addr,
    /// Length of the mask of their subnet.
    pub prefix: u8,
}
