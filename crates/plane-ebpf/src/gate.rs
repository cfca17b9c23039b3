//! Whether this box may act for the floating addresses at this moment: role and lease.

use hitless_model::{Counter, Role};

use crate::ctx::{clock, table};
use crate::maps::ROLE;

/// The coarse clock lags by up to a tick: 10 ms where the kernel ticks slowest, 4 ms on Debian. With
/// less than this of the lease left the exact clock is asked, so that no expired lease passes.
const NEAR_THE_END_NS: u64 = 12_000_000;

/// What this box may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Everything.
    Active,
    /// Forward, but answer for no address.
    Draining,
    /// Nothing.
    Standby,
    /// Nothing: the role would allow it, the lease is over.
    Expired,
}

impl Gate {
    /// The gate at a time of the coarse clock.
    #[inline(always)]
    pub(crate) fn at(now: u64) -> Self {
        let Some(word) = table::element(&ROLE, 0) else { return Self::Standby };
        let open = match word.role {
            role if role == Role::Active as u32 => Self::Active,
            role if role == Role::Draining as u32 => Self::Draining,
            _ => return Self::Standby,
        };
        let until = word.lease_until;
        if now.saturating_add(NEAR_THE_END_NS) < until || clock::precise() < until {
            open
        } else {
            Self::Expired
        }
    }

    /// Goes on if packets may be forwarded.
    #[inline(always)]
    pub(crate) fn forwards(self) -> Result<(), Counter> {
        match self {
            Self::Active | Self::Draining => Ok(()),
            Self::Standby => Err(Counter::DropNotActive),
            Self::Expired => Err(Counter::DropLeaseExpired),
        }
    }

    /// Goes on if this box may answer for a floating address.
    #[inline(always)]
    pub(crate) fn answers(self, otherwise: Counter) -> Result<(), Counter> {
        match self {
            Self::Active => Ok(()),
            Self::Draining | Self::Standby => Err(otherwise),
            Self::Expired => Err(Counter::DropLeaseExpired),
        }
    }
}
