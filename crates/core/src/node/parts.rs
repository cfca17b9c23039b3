//! What each part of a node has to know, out of what the node knows.

use super::input::{NodeConfig, PathId};
use crate::{ft, session};

/// For the session.
pub(super) fn session_config(config: &NodeConfig) -> session::Config {
    session::Config {
        pair: session::Pair { group: config.group, ft_vlan: config.ft_vlan },
        unit: config.unit,
        key: config.key.clone(),
        accepted_key: config.accepted_key.clone(),
        seed: config.seed,
        software: config.software.clone(),
        macs: config.own_macs.clone(),
        heartbeat: config.heartbeat,
        peer_timeout: config.failover,
    }
}

/// For the roles.
pub(super) fn ft_config(config: &NodeConfig) -> ft::Config {
    let ft_path = core::iter::once(PathId(config.ft_vlan));
    ft::Config {
        unit: config.unit,
        priority: config.priority,
        preempt: config.preempt,
        heartbeat: config.heartbeat,
        failover: config.failover,
        margin: config.margin,
        paths: ft_path.chain(config.second_paths.iter().copied()).collect(),
        epoch: config.epoch,
        config_digest: config.config_digest,
        warm: config.warm,
        resume: config.resume,
        held_until: config.held_until,
        split_brain: config.split_brain,
    }
}
