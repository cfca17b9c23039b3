//! Exec commands as values.

use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_model::{Slot, VlanId};
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// What someone must be to be allowed a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// May look.
    Reader,
    /// May change and do.
    Administrator,
}

/// An exec command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecCommand {
    /// `show ...`.
    Show(Show),
    /// `clear module csm N ...`.
    Clear {
        /// Which module.
        slot: Slot,
        /// What of it.
        what: Clear,
    },
    /// `hw-module csm N standby config-sync`.
    ConfigSync {
        /// Which module.
        slot: Slot,
    },
    /// `reload daemon`.
    ReloadDaemon,
    /// `configure ...`, `rollback N`.
    Configure(Configure),
    /// `copy ...`, `write memory`.
    Copy(Copy),
    /// What concerns only the terminal: the shell does it without asking the daemon.
    Session(Session),
}

/// What `show` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// `show module csm all`: every module in a few lines.
    Modules,
    /// `show module csm {N | all} ...`.
    Module {
        /// Which modules.
        modules: Modules,
        /// What of them.
        view: ModuleView,
        /// `detail`.
        detail: bool,
    },
    /// `show running-config`, `write terminal`.
    RunningConfig,
    /// `show startup-config`.
    StartupConfig,
    /// `show archive`: the last configurations.
    Archive,
    /// `show archive differences [N]`: what would change if N came back; the newest without N.
    ArchiveDifferences(Option<u64>),
    /// `show configuration difference`: startup-config against running-config.
    Difference,
    /// `show history`: what was typed in this session. The shell answers it.
    History,
    /// `show clock`.
    Clock,
    /// `show version`.
    Version,
    /// `show standby [brief]`: HSRP.
    Standby {
        /// `brief`.
        brief: bool,
    },
    /// `show tech-support`: what a report of a defect needs.
    TechSupport,
    /// `show log`: the last messages.
    Log,
}

/// Which modules a `show` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Modules {
    /// The one in a slot.
    One(Slot),
    /// All of them, one after the other.
    All,
}

/// What `show module csm N` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleView {
    /// `ft`.
    Ft,
    /// `ft history`.
    FtHistory,
    /// `vservers [NAME]`.
    VirtualServers(Option<Name>),
    /// `reals [sfarm F]`.
    Reals(Option<Name>),
    /// `serverfarms [NAME]`.
    Farms(Option<Name>),
    /// `conns [vserver V] [client IP]`.
    Conns {
        /// `vserver V`.
        virtual_server: Option<Name>,
        /// `client IP`.
        client: Option<Ipv4Addr>,
    },
    /// `vlan [id N]`.
    Vlans(Option<VlanId>),
    /// `arp`.
    Arp,
    /// `stats`.
    Stats,
    /// `status`.
    Status,
    /// `variable [NAME]`, the name in upper case.
    Variable(Option<String>),
    /// `sticky [groups | client IP]`.
    Sticky(Sticky),
    /// `probe [NAME]`.
    Probe(Option<Name>),
    /// `tech-support [...]`.
    TechSupport(SupportPart),
    /// `dataplane`.
    Dataplane,
}

/// What `show module csm N sticky` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sticky {
    /// All entries.
    All,
    /// `groups`.
    Groups,
    /// `client IP`.
    Client(Ipv4Addr),
}

/// What `show module csm N tech-support` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SupportPart {
    /// Everything.
    All,
    /// `ft`.
    Ft,
    /// `utilization`.
    Utilization,
}

/// What `clear module csm N` clears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clear {
    /// `ft active`: hand the role over.
    FtActive,
    /// `connections ...`.
    Connections(Connections),
    /// `counters`.
    Counters,
    /// `arp-cache [IP]`.
    ArpCache(Option<Ipv4Addr>),
    /// `sticky {G | all}`.
    Sticky(StickyEntries),
    /// `linecard-configuration`: forget everything of run time and read the configuration again.
    LinecardConfiguration,
}

/// Which connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// All of them.
    All,
    /// `real IP`.
    Real(Ipv4Addr),
    /// `vserver NAME`.
    VirtualServer(Name),
}

/// Which sticky entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StickyEntries {
    /// `all`.
    All,
    /// Of one group.
    Group(u8),
}

/// A configuration kept somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stored {
    /// `startup-config`.
    Startup,
    /// `archive:N`, as `show archive` numbers them.
    Archive(u64),
    /// A file of who types: the shell reads and writes it, with that person's rights.
    File(String),
}

/// `configure ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Configure {
    /// `configure terminal [revert timer MIN]`.
    Terminal {
        /// Without `configure confirm` within this time everything changes back.
        revert: Option<Duration>,
    },
    /// `configure replace ... [force] [revert timer MIN]`, `rollback N`.
    Replace {
        /// What comes in place of the running-config.
        with: Stored,
        /// `force`: without asking.
        force: bool,
        /// Without `configure confirm` within this time everything changes back.
        revert: Option<Duration>,
    },
    /// `configure confirm`.
    Confirm,
    /// `configure revert now`.
    RevertNow,
}

/// `copy A B`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copy {
    /// `copy running-config startup-config`, `write memory`.
    Save,
    /// `copy ... running-config`: its lines on top of what runs.
    Merge(Stored),
    /// `copy running-config FILE`.
    Export(String),
}

/// What concerns only the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Session {
    /// `enable`.
    Enable,
    /// `disable`.
    Disable,
    /// `exit`, `logout`, `quit`.
    Leave,
    /// `end`: there is nothing further out.
    End,
    /// `terminal monitor`, `terminal no monitor`, `no terminal monitor`.
    Monitor(bool),
    /// `terminal length N`; 0 = no pager.
    Length(u16),
    /// `terminal width N`; 0 = as wide as it is.
    Width(u16),
}

impl ExecCommand {
    /// Whether it only shows something.
    pub fn is_show(&self) -> bool {
        matches!(self, Self::Show(_))
    }

    /// Who may give it.
    pub fn privilege(&self) -> Privilege {
        match self {
            Self::Show(_) | Self::Session(_) => Privilege::Reader,
            Self::Clear { .. }
            | Self::ConfigSync { .. }
            | Self::ReloadDaemon
            | Self::Configure(_)
            | Self::Copy(_) => Privilege::Administrator,
        }
    }

    /// The module that it is about, if it is one.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::Show(Show::Module { modules: Modules::One(slot), .. })
            | Self::Clear { slot, .. }
            | Self::ConfigSync { slot } => Some(*slot),
            Self::Show(_)
            | Self::ReloadDaemon
            | Self::Configure(_)
            | Self::Copy(_)
            | Self::Session(_) => None,
        }
    }
}
