//! `probe NAME KIND`: how a real is found to be alive.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{Description, KeyString, Label};

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probe {
    /// What is asked, and what the answer must be.
    pub check: ProbeCheck,
    /// `description`.
    pub description: Option<Description>,
    /// `interval`: seconds from the end of one check to the next, 2-65535. Default 120.
    pub interval_s: u16,
    /// `retries`: failures in a row that make a real fail, 0-65535. Default 3.
    pub retries: u16,
    /// `failed`: seconds between checks of a real that failed, 2-65535. Default 300.
    pub failed_s: u16,
    /// `recover`: successes in a row that bring a real back, 1-65535. Default 1.
    pub recover: u16,
    /// `open`: seconds for the handshake, 1-65535. Default 10.
    pub open_s: u16,
    /// `receive`: seconds for the answer, 1-65535. Default 10.
    pub receive_s: u16,
    /// `port`, if neither the real's nor the virtual server's nor the kind's own.
    pub port: Option<u16>,
    /// `address A [routed]`: asks there instead of the real.
    pub address: Option<ProbeAddress>,
}

/// `address A [routed]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeAddress {
    /// Whom to ask.
    pub address: Ipv4Addr,
    /// By the module's routes and not by the real.
    pub is_routed: bool,
}

/// What is asked, and what the answer must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ProbeCheck {
    /// An echo.
    Icmp,
    /// A handshake.
    Tcp,
    /// A datagram that is not refused.
    Udp,
    /// A request.
    Http(HttpCheck),
    /// A greeting with one of these codes; none = any.
    Ftp(StatusRanges),
    /// A session.
    Telnet,
    /// A greeting with one of these codes; none = any.
    Smtp(StatusRanges),
    /// A question.
    Dns(DnsCheck),
    /// A script of this name.
    Script(Option<Label>),
    /// A load that is told over UDP.
    KalAp,
}

/// Codes of an answer: the first and last of each range.
pub type StatusRanges = BTreeSet<(u16, u16)>;

/// An HTTP request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpCheck {
    /// `request method`.
    pub method: HttpMethod,
    /// `request url`; none = `/`.
    pub url: Option<Label>,
    /// `header NAME VALUE`.
    pub headers: BTreeMap<Label, Label>,
    /// `credentials USER [PASSWORD]`.
    pub credentials: Option<Credentials>,
    /// `expect status MIN [MAX]`; none = any.
    pub expects: StatusRanges,
}

/// `request method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HttpMethod {
    /// The whole answer.
    #[default]
    Get,
    /// Its headers.
    Head,
}

/// `credentials USER [PASSWORD]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Credentials {
    /// The user.
    pub user: Label,
    /// The password.
    pub password: Option<KeyString>,
}

/// A question to a name server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DnsCheck {
    /// `name`: what is asked for.
    pub name: Option<Label>,
    /// `expect address`: what the answer may be; none = any.
    pub expects: BTreeSet<Ipv4Addr>,
}

/// Kinds of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    /// `icmp`.
    Icmp,
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
    /// `http`.
    Http,
    /// `ftp`.
    Ftp,
    /// `telnet`.
    Telnet,
    /// `smtp`.
    Smtp,
    /// `dns`.
    Dns,
    /// `script`.
    Script,
    /// `kal-ap`.
    KalAp,
}

impl ProbeKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Icmp,
        Self::Tcp,
        Self::Udp,
        Self::Http,
        Self::Ftp,
        Self::Telnet,
        Self::Smtp,
        Self::Dns,
        Self::Script,
        Self::KalAp,
    ];

    /// The keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Http => "http",
            Self::Ftp => "ftp",
            Self::Telnet => "telnet",
            Self::Smtp => "smtp",
            Self::Dns => "dns",
            Self::Script => "script",
            Self::KalAp => "kal-ap",
        }
    }

    /// A check of this kind, with nothing said about it.
    pub fn check(self) -> ProbeCheck {
        match self {
            Self::Icmp => ProbeCheck::Icmp,
            Self::Tcp => ProbeCheck::Tcp,
            Self::Udp => ProbeCheck::Udp,
            Self::Http => ProbeCheck::Http(HttpCheck::default()),
            Self::Ftp => ProbeCheck::Ftp(StatusRanges::new()),
            Self::Telnet => ProbeCheck::Telnet,
            Self::Smtp => ProbeCheck::Smtp(StatusRanges::new()),
            Self::Dns => ProbeCheck::Dns(DnsCheck::default()),
            Self::Script => ProbeCheck::Script(None),
            Self::KalAp => ProbeCheck::KalAp,
        }
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl ProbeCheck {
    /// Its kind.
    pub const fn kind(&self) -> ProbeKind {
        match self {
            Self::Icmp => ProbeKind::Icmp,
            Self::Tcp => ProbeKind::Tcp,
            Self::Udp => ProbeKind::Udp,
            Self::Http(_) => ProbeKind::Http,
            Self::Ftp(_) => ProbeKind::Ftp,
            Self::Telnet => ProbeKind::Telnet,
            Self::Smtp(_) => ProbeKind::Smtp,
            Self::Dns(_) => ProbeKind::Dns,
            Self::Script(_) => ProbeKind::Script,
            Self::KalAp => ProbeKind::KalAp,
        }
    }

    /// The codes that its answer may have, if it has one.
    pub fn statuses(&self) -> Option<&StatusRanges> {
        match self {
            Self::Http(check) => Some(&check.expects),
            Self::Ftp(ranges) | Self::Smtp(ranges) => Some(ranges),
            Self::Icmp
            | Self::Tcp
            | Self::Udp
            | Self::Telnet
            | Self::Dns(_)
            | Self::Script(_)
            | Self::KalAp => None,
        }
    }

    /// The same, to be changed.
    pub fn statuses_mut(&mut self) -> Option<&mut StatusRanges> {
        match self {
            Self::Http(check) => Some(&mut check.expects),
            Self::Ftp(ranges) | Self::Smtp(ranges) => Some(ranges),
            Self::Icmp
            | Self::Tcp
            | Self::Udp
            | Self::Telnet
            | Self::Dns(_)
            | Self::Script(_)
            | Self::KalAp => None,
        }
    }
}
