//! What the management API says. What a module answers on its own socket, to its supervisor alone:
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/config` with [`ModuleConfig`] | nothing, or [`Problem`] |
//! | `GET /v1/ready` | [`Ready`] |
//! | `GET /v1/ft` | [`FtState`], or null without a group |
//! | `GET /v1/history` | [`FtHistory`], or null without a group |
//! | `GET /v1/vservers` `/v1/reals` `/v1/serverfarms` `/v1/vlans` `/v1/arp` | lists |
//! | `GET /v1/conns` with [`ConnQuery`] | [`ConnPage`] |
//! | `POST /v1/sticky` with [`StickyQuery`] | [`StickyPage`] |
//! | `GET /v1/stats`, `GET /v1/counters` | [`Stats`], since they were cleared and since ever |
//! | `GET /v1/totals` | [`Totals`] |
//! | `GET /v1/dataplane` | [`Dataplane`] |
//! | `GET /v1/events` | a stream of [`Entry`](crate::log::Entry) |
//! | `PUT /v1/zone` with [`Zone`](crate::log::Zone) | nothing |
//! | `POST /v1/clear` with [`Clearing`] | [`Cleared`] |
//! | `POST /v1/handover` | nothing, or [`Problem`] |
//! | `POST /v1/reload` with [`Renew`] | [`Renewal`] |
//! | `POST /v1/stop` | nothing, when handed over and about to leave |
//!
//! What the supervisor answers is told by [`super::openapi`], and served as `/v1/openapi.json`.

mod actions;
mod configuration;
mod conns;
mod exec;
mod ft;
mod module;
mod network;
mod plane;
mod problem;
mod servers;
mod sticky;
mod system;

pub use actions::{ClearConnections, Cleared, Clearing};
pub use configuration::{ArchivedText, Lines, Proposal, RevertTimer};
pub use conns::{ConnInfo, ConnPage, ConnQuery, Totals};
pub use exec::{ExecReply, ExecRequest};
pub use hitless_core::session::KeyInUse;

pub use ft::{DatedDecision, FtHistory, FtState, KeptDecision, KeptStory};
pub use module::{Beginning, ModuleConfig, Ready, Renew, Renewal};
pub use network::{ArpInfo, ArpKind, ArpStatus, VlanInfo};
pub use plane::{CounterInfo, Dataplane, GateInfo, InterfaceInfo, Stats};
pub use problem::{Conflict, Problem, WrongLine};
pub use servers::{
    FarmInfo, KeptSettings, RealInfo, RealState, VirtualServerInfo, VirtualServerState,
};
pub use sticky::{ClearSticky, StickyInfo, StickyPage, StickyQuery};
pub use system::{EventQuery, ModuleStatus, System, Variable};
