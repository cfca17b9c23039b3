//! What a command has to say, as a value: laid out by [`crate::show`], or given as JSON.

use hitless_config::Configuration;
use hitless_config::model::KeyString;
use hitless_model::Slot;
use serde::Serialize;

use crate::api::types::{
    ArpInfo, ConnInfo, Dataplane, FarmInfo, FtHistory, FtState, RealInfo, Stats, VirtualServerInfo,
    VirtualServerState, VlanInfo,
};

/// How much of it is shown as text; JSON holds all of it anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Without `detail`.
    Brief,
    /// With `detail`.
    Full,
}

impl Depth {
    /// From whether `detail` was said.
    pub fn of(detail: bool) -> Self {
        if detail { Self::Full } else { Self::Brief }
    }
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done.
    Done,
    /// Every module.
    Modules(Vec<ModuleSummary>),
    /// The configuration, keys hidden.
    RunningConfig(Box<Configuration>),
    /// Fault tolerance; none without a group.
    Ft(Option<Box<FtState>>, Depth),
    /// Decisions about roles; none without a group.
    History(Option<FtHistory>),
    /// Virtual servers.
    VirtualServers(Vec<Numbered>, Depth),
    /// Real servers.
    Reals(Vec<RealInfo>, Depth),
    /// Server farms.
    Farms(Vec<FarmInfo>),
    /// Server farms with all that belongs to them.
    FarmDetails(Vec<FarmDetail>),
    /// Open connections.
    Conns(Vec<ConnInfo>, Depth),
    /// VLANs.
    Vlans(Vec<VlanInfo>, Depth),
    /// Addresses and their MACs.
    Arp(Vec<ArpInfo>),
    /// Counters.
    Stats(Stats),
    /// What the data plane is made of.
    Dataplane(Dataplane),
}

impl Answer {
    /// The value as a JSON document.
    pub fn json(&self) -> serde_json::Result<String> {
        match self {
            Self::Done => pretty(&()),
            Self::Modules(modules) => pretty(modules),
            Self::RunningConfig(configuration) => pretty(configuration),
            Self::Ft(ft, _) => pretty(ft),
            Self::History(history) => pretty(history),
            Self::VirtualServers(servers, _) => pretty(servers),
            Self::Reals(reals, _) => pretty(reals),
            Self::Farms(farms) => pretty(farms),
            Self::FarmDetails(farms) => pretty(farms),
            Self::Conns(conns, _) => pretty(conns),
            Self::Vlans(vlans, _) => pretty(vlans),
            Self::Arp(entries) => pretty(entries),
            Self::Stats(stats) => pretty(stats),
            Self::Dataplane(dataplane) => pretty(dataplane),
        }
    }
}

fn pretty<T: Serialize>(value: &T) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// One module in `show module csm all`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModuleSummary {
    /// Its slot.
    pub slot: Slot,
    /// Whether it is at work.
    pub online: bool,
    /// How it is, in words.
    pub state: String,
    /// Its fault tolerance, if it has a group and is at work.
    pub ft: Option<FtState>,
}

/// A virtual server and its place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Numbered {
    /// From 1.
    pub index: usize,
    /// The virtual server.
    #[serde(flatten)]
    pub server: VirtualServerInfo,
}

/// A server farm with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FarmDetail {
    /// The farm.
    #[serde(flatten)]
    pub farm: FarmInfo,
    /// Number of virtual servers in service that use it.
    pub virtuals_in_service: usize,
    /// Its reals.
    pub members: Vec<RealInfo>,
    /// Open connections to them.
    pub conns: u64,
}

impl FarmDetail {
    /// Picks what belongs to `farm`.
    pub fn new(farm: FarmInfo, reals: &[RealInfo], servers: &[VirtualServerInfo]) -> Self {
        let uses = |server: &&VirtualServerInfo| {
            server.farm.as_ref() == Some(&farm.name)
                && server.state != VirtualServerState::OutOfService
        };
        let virtuals_in_service = servers.iter().filter(uses).count();
        let members = reals.iter().filter(|real| real.farm == farm.name).cloned();
        let members: Vec<RealInfo> = members.collect();
        let conns = members.iter().map(|real| real.conns).sum();
        Self { farm, virtuals_in_service, members, conns }
    }
}

/// A copy whose keys cannot be read.
pub(super) fn hide_keys(configuration: &Configuration) -> Configuration {
    let mut copy = configuration.clone();
    for ft in copy.modules.values_mut().filter_map(|module| module.ft.as_mut()) {
        ft.key = ft.key.take().map(|_| KeyString::new("******".to_owned()));
    }
    copy
}
