//! Device types, queueing disciplines and tables of the network, each made once.

use std::io;

use anyhow::Result;

use super::{Finding, State};
use crate::{netlink, scratch};

/// What is tried: name, whether hitless runs without, how to get it, how it is tried.
struct Trial {
    name: &'static str,
    otherwise: State,
    remedy: &'static str,
    make: fn() -> io::Result<()>,
}

const TRIALS: &[Trial] = &[
    Trial {
        name: "veth",
        otherwise: State::Lacks,
        remedy: "modprobe veth, or a kernel with CONFIG_VETH: modules are joined to bridges by it",
        make: || veth().map(drop),
    },
    Trial {
        name: "bridge",
        otherwise: State::Lacks,
        remedy: "modprobe bridge, or a kernel with CONFIG_BRIDGE: each VLAN is one",
        make: || netlink::make_device("probe", "bridge"),
    },
    Trial {
        name: "clsact",
        otherwise: State::Warn,
        remedy: "modprobe sch_ingress cls_bpf; needed before Linux 6.6, the hook of the programs",
        make: || netlink::add_clsact(veth()?),
    },
    Trial {
        name: "802.1Q",
        otherwise: State::Warn,
        remedy: "modprobe 8021q, or a kernel with CONFIG_VLAN_8021Q: only for tagged interfaces",
        make: || netlink::make_vlan("probe.7", veth()?, 7),
    },
    Trial {
        name: "bonding",
        otherwise: State::Warn,
        remedy: "modprobe bonding, or a kernel with CONFIG_BONDING: only for bonded interfaces",
        make: || netlink::make_device("probe", "bond"),
    },
    Trial {
        name: "netem",
        otherwise: State::Warn,
        remedy: "modprobe sch_netem, or a kernel with CONFIG_NET_SCH_NETEM: only for tests by hand",
        make: || netlink::add_netem(veth()?),
    },
    Trial {
        name: "nf_tables",
        otherwise: State::Warn,
        remedy: "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES: only what benchmarks \
                 compare with",
        make: netlink::ask_nf_tables,
    },
];

pub(super) fn all() -> Vec<Finding> {
    TRIALS.iter().map(Trial::finding).collect()
}

impl Trial {
    /// In a network namespace of its own.
    fn finding(&self) -> Finding {
        let tried: Result<()> = scratch::within(|| Ok((self.make)()?));
        match tried {
            Ok(()) => Finding::ok(self.name, "works"),
            Err(error) => Finding {
                name: self.name,
                state: self.otherwise,
                found: format!("{error:#}"),
                remedy: Some(self.remedy),
            },
        }
    }
}

/// A pair of devices; the number of one of them.
pub(super) fn veth() -> io::Result<u32> {
    netlink::make_veth("probe0", "probe1")?;
    netlink::number_of("probe0")
}
