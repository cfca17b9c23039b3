//! The exec commands: what is typed at `Router#` and given to `hitless -c`.

mod line;
mod table;

use hitless_model::{Slot, VlanId};
use serde::{Deserialize, Serialize};

use crate::model::Name;

pub use line::{BadLine, ExecLine, Filter, OutputFormat, parse_exec};
pub(crate) use table::{EXEC, command};

/// An exec command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecCommand {
    /// `show module csm all`.
    ShowAll,
    /// `show module csm N ...`.
    ShowModule {
        /// Which module.
        slot: Slot,
        /// What of it.
        view: ModuleView,
        /// `detail`.
        detail: bool,
    },
    /// `show running-config`.
    ShowRunningConfig,
    /// `clear module csm N ft active`.
    ClearFtActive {
        /// Which module.
        slot: Slot,
    },
    /// `reload daemon`.
    ReloadDaemon,
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
    /// `conns [vserver V]`.
    Conns(Option<Name>),
    /// `vlan [id N]`.
    Vlans(Option<VlanId>),
    /// `arp`.
    Arp,
    /// `stats`.
    Stats,
    /// `dataplane`.
    Dataplane,
}

impl ExecCommand {
    /// Whether it only shows something.
    pub fn is_show(&self) -> bool {
        match self {
            Self::ShowAll | Self::ShowModule { .. } | Self::ShowRunningConfig => true,
            Self::ClearFtActive { .. } | Self::ReloadDaemon => false,
        }
    }

    /// The module that it is about, if one.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::ShowModule { slot, .. } | Self::ClearFtActive { slot } => Some(*slot),
            Self::ShowAll | Self::ShowRunningConfig | Self::ReloadDaemon => None,
        }
    }
}
