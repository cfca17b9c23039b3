//! How the clients of a virtual server stick: its own line, or that of its group.
//!
//! A group that is configured decides for all its virtual servers, or they could not share: about mask,
//! address and time. A group that is only named has what each of its virtual servers says.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{Module, ServerFarm, StickyBy, StickyGroupConfig, VirtualServer};
use hitless_model::StickyGroup;

use super::{Real, Sticky, StickySince};

/// How they stick, if they do; the error is a group whose clients are told apart by what is not looked at.
pub(super) fn of(module: &Module, server: &VirtualServer) -> Result<Option<Sticky>, StickyGroup> {
    let Some(own) = server.sticky else { return Ok(None) };
    let alone = Sticky {
        group: own.group,
        prefix: own.prefix,
        by: own.by,
        lasts: minutes(own.minutes),
        since: StickySince::LastEnd,
        replicate: server.replicate_sticky,
    };
    let Some(group) = own.group else { return Ok(Some(alone)) };
    let Some(StickyGroupConfig { by, timeout_min }) = module.sticky_groups.get(&group) else {
        return Ok(Some(alone));
    };
    match by {
        StickyBy::Address { prefix, of } => Ok(Some(Sticky {
            prefix: *prefix,
            by: *of,
            lasts: minutes(*timeout_min),
            since: since(module),
            ..alone
        })),
        StickyBy::Cookie { .. } | StickyBy::Ssl | StickyBy::Header { .. } => Err(group),
    }
}

fn minutes(minutes: u16) -> Duration {
    Duration::from_mins(minutes.into())
}

/// What the times of configured groups count from.
fn since(module: &Module) -> StickySince {
    if module.sticky_since_end() { StickySince::LastEnd } else { StickySince::LastBegin }
}

/// Reals of a farm that an address alone stands for, as far as they take connections.
pub(super) fn by_address(
    farm: &ServerFarm,
    schedule: &[usize],
    reals: &[Real],
) -> BTreeMap<Ipv4Addr, usize> {
    let stands_for = |real: &Real| {
        let others = farm.reals.iter().filter(|other| other.address == real.ip);
        real.port.is_none() || others.count() == 1
    };
    let known = schedule.iter().filter_map(|position| Some((*position, reals.get(*position)?)));
    let named = known.filter(|(_, real)| stands_for(real));
    named.map(|(position, real)| (real.ip, position)).collect()
}
