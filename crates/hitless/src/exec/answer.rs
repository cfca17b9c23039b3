//! What a command has to say, as a value: laid out by [`crate::show`], or given as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitless_config::Configuration;
use hitless_config::model::{Name, Probe, StickyGroupConfig};
use hitless_model::{Slot, StickyGroup};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::types::{
    ArpInfo, Cleared, ConnPage, Dataplane, FarmInfo, FtHistory, FtState, ModuleStatus, Problem,
    RealInfo, Stats, StickyPage, System, Variable, VirtualServerInfo, VirtualServerState, VlanInfo,
};
use crate::log::Entry;
use crate::store::{Applied, ArchiveEntry};

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
    /// What runs is saved.
    Saved,
    /// The configuration was changed.
    Applied(Applied),
    /// Entries were cleared.
    Cleared(Cleared),
    /// Why there is nothing to show, where other things are shown beside it.
    Refused(String),
    /// Every module.
    Modules(Vec<ModuleSummary>),
    /// The same of every module.
    Each(Vec<(Slot, Answer)>),
    /// Several answers, each with the command that it is the answer to.
    Support(Vec<(String, Answer)>),
    /// A configuration, keys hidden.
    Configuration(Box<Configuration>),
    /// Configurations that ran.
    Archive(Vec<ArchiveEntry>),
    /// Lines that would go and come.
    Difference(Vec<String>),
    /// The daemon, for its time.
    Clock(System),
    /// The daemon.
    Version(System),
    /// What happened last.
    Log(Vec<Arc<Entry>>),
    /// Something that is configured and has no effect yet.
    NotBuilt(NotBuilt),
    /// Whether a module is at work.
    Status(ModuleStatus),
    /// Variables of a module.
    Variables(Vec<Variable>),
    /// Clients that stick.
    Sticky(StickyPage),
    /// Sticky groups.
    StickyGroups(Vec<(StickyGroup, StickyGroupConfig)>),
    /// Probes.
    Probes(Vec<ProbeInfo>, Depth),
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
    Conns(ConnPage, Depth),
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
        Ok(self.pretty()? + "\n")
    }

    fn pretty(&self) -> serde_json::Result<String> {
        use serde_json::to_string_pretty as text;
        match self {
            Self::Done | Self::Saved => text(&()),
            Self::Applied(applied) => text(applied),
            Self::Cleared(cleared) => text(cleared),
            Self::Refused(error) => text(&Problem::new(error)),
            Self::Modules(modules) => text(modules),
            Self::Each(modules) => text(&raw(modules)?),
            Self::Support(parts) => text(&raw(parts)?),
            Self::Configuration(configuration) => text(configuration),
            Self::Archive(entries) => text(entries),
            Self::Difference(lines) => text(lines),
            Self::Clock(system) | Self::Version(system) => text(system),
            Self::Log(entries) => text(&entries.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
            Self::NotBuilt(what) => text(what),
            Self::Status(status) => text(status),
            Self::Variables(variables) => text(variables),
            Self::Sticky(page) => text(&page.entries),
            Self::StickyGroups(groups) => text(&groups.iter().cloned().collect::<BTreeMap<_, _>>()),
            Self::Probes(probes, _) => text(probes),
            Self::Ft(ft, _) => text(ft),
            Self::History(history) => text(history),
            Self::VirtualServers(servers, _) => text(servers),
            Self::Reals(reals, _) => text(reals),
            Self::Farms(farms) => text(farms),
            Self::FarmDetails(farms) => text(farms),
            Self::Conns(page, _) => text(&page.conns),
            Self::Vlans(vlans, _) => text(vlans),
            Self::Arp(entries) => text(entries),
            Self::Stats(stats) => text(stats),
            Self::Dataplane(dataplane) => text(dataplane),
        }
    }
}

/// Several answers as one object.
fn raw<K: ToString>(
    answers: &[(K, Answer)],
) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    let one = |(name, answer): &(K, Answer)| {
        Ok((name.to_string(), RawValue::from_string(answer.pretty()?)?))
    };
    answers.iter().map(one).collect()
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

/// A probe as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeInfo {
    /// Its name.
    pub name: Name,
    /// What it would do.
    #[serde(flatten)]
    pub probe: Probe,
}

/// Something that is configured and has no effect yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBuilt {
    /// What.
    pub what: String,
    /// Where it is configured.
    pub configured: Vec<String>,
}

impl NotBuilt {
    /// HSRP.
    pub(super) fn hsrp(configuration: &Configuration) -> Self {
        let groups = configuration.vlan_interfaces.iter().flat_map(|(vlan, interface)| {
            let groups = interface.routed.hsrp.keys();
            groups.map(move |group| format!("Vlan{vlan} - Group {group}"))
        });
        Self { what: "HSRP".to_owned(), configured: groups.collect() }
    }
}
