//! Whether this box may act for the floating addresses at this moment: role and lease.
//!
//! The coarse clock ([`crate::ctx::local`]) costs next to nothing, and lags: usually by less than a tick, but
//! on a virtual machine whose timekeeping processor the host has put aside, for as long as that lasts, while
//! the other processors go on. So the coarse clock judges only what does no harm if it happens late:
//! forwarding what both boxes know. Who answers for an address or begins a connection asks the exact one.

use hitless_model::{Counter, Role};

use crate::ctx::{clock, table};
use crate::maps::ROLE;

/// The coarse clock lags by up to a tick: 10 ms where the kernel ticks slowest, 4 ms on Debian. With
/// less than this of the lease left the exact one is asked in any case.
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
    /// The gate for what is known already, at a time of the coarse clock.
    #[inline(always)]
    pub(crate) fn at(now: u64) -> Self {
        Self::judged(|until| now.wrapping_add(NEAR_THE_END_NS) < until || clock::precise() < until)
    }

    /// The gate for what must not happen too late.
    #[inline(always)]
    pub(crate) fn exactly() -> Self {
        Self::judged(|until| clock::precise() < until)
    }

    /// The gate by the role and by a judgement of the lease's end.
    #[inline(always)]
    fn judged(lasts: impl FnOnce(u64) -> bool) -> Self {
        let Some(word) = table::element(&ROLE, 0) else { return Self::Standby };
        let open = match word.role {
            role if role == Role::Active as u32 => Self::Active,
            role if role == Role::Draining as u32 => Self::Draining,
            _ => return Self::Standby,
        };
        if lasts(word.lease_until) { open } else { Self::Expired }
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
