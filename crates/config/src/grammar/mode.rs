//! Modes and the way into them.

use std::fmt;
use std::net::Ipv4Addr;

use hitless_model::{ChannelGroup, Slot, VlanId};

use crate::model::{Name, PortName, ProbeKind, Side};

/// A mode of the command line, as its prompt shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `Router#`.
    Exec,
    /// `(config)`.
    Config,
    /// `(config-if)` of a port.
    Interface,
    /// `(config-if)` of a port-channel.
    PortChannel,
    /// `(config-if)` of the chassis' own interface on a VLAN.
    VlanInterface,
    /// `(config-vlan)`.
    Vlan,
    /// `(vlan)`, the VLAN database.
    VlanDatabase,
    /// `(config-module-csm)`.
    Module,
    /// `(config-slb-vlan-client)`.
    ClientVlan,
    /// `(config-slb-vlan-server)`.
    ServerVlan,
    /// `(config-slb-probe-http)` and its like.
    Probe(ProbeKind),
    /// `(config-slb-sfarm)`.
    Farm,
    /// `(config-slb-real)`.
    Real,
    /// `(config-slb-policy)`.
    Policy,
    /// `(config-slb-vserver)`.
    VirtualServer,
    /// `(config-slb-ft)`.
    Ft,
}

impl Mode {
    /// All of them, in the order of the command reference.
    pub const ALL: &[Self] = &[
        Self::Exec,
        Self::Config,
        Self::Interface,
        Self::PortChannel,
        Self::VlanInterface,
        Self::Vlan,
        Self::VlanDatabase,
        Self::Module,
        Self::ClientVlan,
        Self::ServerVlan,
        Self::Probe(ProbeKind::Icmp),
        Self::Probe(ProbeKind::Tcp),
        Self::Probe(ProbeKind::Udp),
        Self::Probe(ProbeKind::Http),
        Self::Probe(ProbeKind::Ftp),
        Self::Probe(ProbeKind::Telnet),
        Self::Probe(ProbeKind::Smtp),
        Self::Probe(ProbeKind::Dns),
        Self::Probe(ProbeKind::Script),
        Self::Probe(ProbeKind::KalAp),
        Self::Farm,
        Self::Real,
        Self::Policy,
        Self::VirtualServer,
        Self::Ft,
    ];

    /// The mode that a prompt shows; the original's manual misspells one.
    pub fn of_prompt(shown: &str) -> Option<Self> {
        let shown = if shown == "(config-slbf-ft)" { "(config-slb-ft)" } else { shown };
        Self::ALL.iter().copied().find(|mode| mode.to_string() == shown)
    }

    /// What `?` and the command reference say above its commands.
    pub fn title(self) -> &'static str {
        match self {
            Self::Exec => "Exec commands",
            Self::Config => "Configure commands",
            Self::Interface | Self::PortChannel | Self::VlanInterface => {
                "Interface configuration commands"
            }
            Self::Probe(_) => "SLB probe config commands",
            Self::Policy => "SLB policy config commands",
            Self::Vlan => "VLAN configuration commands",
            Self::VlanDatabase => "VLAN database editing buffer manipulation commands",
            Self::Module => "SLB CSM module config commands",
            Self::ClientVlan | Self::ServerVlan => "SLB VLAN config commands",
            Self::Farm => "SLB serverfarm config commands",
            Self::Real => "SLB real server config commands",
            Self::VirtualServer => "SLB virtual server config commands",
            Self::Ft => "SLB fault tolerance config commands",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exec => "",
            Self::Config => "(config)",
            Self::Interface | Self::PortChannel | Self::VlanInterface => "(config-if)",
            Self::Vlan => "(config-vlan)",
            Self::VlanDatabase => "(vlan)",
            Self::Module => "(config-module-csm)",
            Self::ClientVlan => "(config-slb-vlan-client)",
            Self::ServerVlan => "(config-slb-vlan-server)",
            Self::Probe(kind) => return write!(f, "(config-slb-probe-{kind})"),
            Self::Farm => "(config-slb-sfarm)",
            Self::Real => "(config-slb-real)",
            Self::Policy => "(config-slb-policy)",
            Self::VirtualServer => "(config-slb-vserver)",
            Self::Ft => "(config-slb-ft)",
        })
    }
}

/// One step into a mode: which object of the one above.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Child {
    /// `interface NETDEV`.
    Interface(PortName),
    /// `interface Port-channel N`.
    PortChannel(ChannelGroup),
    /// `interface vlan N`.
    VlanInterface(VlanId),
    /// `vlan LIST`.
    Vlans,
    /// `vlan` in module mode.
    VlanDatabase,
    /// `module csm N`.
    Module(Slot),
    /// `vlan N client`.
    ClientVlan(VlanId),
    /// `vlan N server`.
    ServerVlan(VlanId),
    /// `probe NAME KIND`.
    Probe(Name, ProbeKind),
    /// `serverfarm NAME`.
    Farm(Name),
    /// `real IP [PORT]`.
    Real(Ipv4Addr, Option<u16>),
    /// `policy NAME`.
    Policy(Name),
    /// `vserver NAME`.
    VirtualServer(Name),
    /// `ft group G vlan V`.
    Ft,
}

impl Child {
    /// A module's VLAN.
    pub fn vlan(vlan: VlanId, side: Side) -> Self {
        match side {
            Side::Client => Self::ClientVlan(vlan),
            Side::Server => Self::ServerVlan(vlan),
        }
    }

    /// The mode that this step leads to.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Interface(_) => Mode::Interface,
            Self::PortChannel(_) => Mode::PortChannel,
            Self::VlanInterface(_) => Mode::VlanInterface,
            Self::Vlans => Mode::Vlan,
            Self::VlanDatabase => Mode::VlanDatabase,
            Self::Module(_) => Mode::Module,
            Self::ClientVlan(_) => Mode::ClientVlan,
            Self::ServerVlan(_) => Mode::ServerVlan,
            Self::Probe(_, kind) => Mode::Probe(*kind),
            Self::Farm(_) => Mode::Farm,
            Self::Real(..) => Mode::Real,
            Self::Policy(_) => Mode::Policy,
            Self::VirtualServer(_) => Mode::VirtualServer,
            Self::Ft => Mode::Ft,
        }
    }
}

/// Where in the configuration a line acts: the steps from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope(Vec<Child>);

impl Scope {
    /// A scope from its steps.
    pub fn new(steps: Vec<Child>) -> Self {
        Self(steps)
    }

    /// The steps from the top.
    pub fn steps(&self) -> &[Child] {
        &self.0
    }

    /// Its mode.
    pub fn mode(&self) -> Mode {
        self.0.last().map_or(Mode::Config, Child::mode)
    }

    /// The scope around this one.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// One step further in.
    pub fn enter(&self, child: Child) -> Self {
        let mut steps = self.0.clone();
        steps.push(child);
        Self(steps)
    }
}
