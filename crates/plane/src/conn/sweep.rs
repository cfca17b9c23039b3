//! Forgetting connections that are over: `idle`, `pending`, and the last acknowledgements of a
//! closing one. Only a box that forwards sees the packets that keep a connection alive, so only the
//! active one sweeps.

use std::time::Duration;

use hitless_model::abi::{CONN_STICKY, Conn, FlowKey};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, Instant, Protocol};

use super::dump::{Scope, Which};
use super::entry;
use super::table::{ConnTable, is_reverse_of};
use super::usage::Delta;
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::kernel_map::Position;
use crate::maps::Table;
use crate::resolver::Resolver;

/// Connections removed at once: few, because the programs go on meanwhile, and who is removed should
/// have been looked at just before.
const AT_ONCE: usize = 64;

/// What a sweep goes by, besides `idle` and `pending` of the configuration applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepPolicy {
    /// Time for the last segments of a connection that both sides have closed.
    pub closing: Duration,
    /// Since when this box forwards: what it did not see before then says nothing.
    pub active_since: Instant,
    /// For connections of virtual servers that the configuration does not know any more.
    pub orphan_idle: Duration,
    /// The same for the handshake.
    pub orphan_pending: Duration,
}

impl SweepPolicy {
    /// The usual policy of a box that forwards since `active_since`.
    pub fn since(active_since: Instant) -> Self {
        Self {
            closing: Duration::from_secs(10),
            active_since,
            orphan_idle: Duration::from_hours(1),
            orphan_pending: Duration::from_secs(30),
        }
    }
}

/// What a sweep removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Replicated connections of the main table: the peer has to hear of them.
    pub replicated: Vec<ConnKey>,
    /// Connections removed from the main table, those included.
    pub established: u64,
    /// Connections removed from the small table.
    pub embryonic: u64,
    /// Those of the main table whose clients stick.
    pub stuck: Vec<Ended>,
}

/// A connection of a client that sticks has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The connection.
    pub(crate) flow: FlowKey,
    /// CLOCK_MONOTONIC nanoseconds of its last packet.
    pub(crate) at: u64,
}

/// Times of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    idle: Duration,
    pending: Duration,
}

/// How far a sweep has come. A full table takes a while, and whoever sweeps has other work: so it is
/// done in parts.
#[derive(Debug, Default)]
pub struct SweepCursor {
    small_table: bool,
    position: Position<FlowKey>,
}

impl ConnTable {
    /// Removes connections whose time is over in both directions, looking at about `max` of them.
    /// Says true in the second place when the sweep has seen both tables; the next call begins anew.
    pub fn sweep(
        &self,
        cursor: &mut SweepCursor,
        max: usize,
        now: Instant,
        policy: &SweepPolicy,
    ) -> Result<(Swept, bool)> {
        let mut swept = Swept::default();
        if cursor.small_table {
            self.sweep_part((Which::Embryonic, cursor, max), now, policy, |_, _| {
                swept.embryonic += 1;
            })?;
        } else {
            let mut delta = Delta::default();
            let outcome = self.sweep_part((Which::Main, cursor, max), now, policy, |key, conn| {
                delta.removed += 1;
                if Scope::Replicated.includes(conn) {
                    swept.replicated.extend(entry::conn_key(key));
                }
                if conn.flags & CONN_STICKY != 0 {
                    swept.stuck.push(Ended { flow: *key, at: conn.last_seen });
                }
            });
            self.accounts.add(&self.shared, delta)?;
            outcome?;
            swept.established = delta.removed;
        }
        if !matches!(cursor.position, Position::End) {
            return Ok((swept, false));
        }
        let was_small = cursor.small_table;
        *cursor = SweepCursor { small_table: !was_small, position: Position::Start };
        Ok((swept, was_small))
    }

    fn sweep_part(
        &self,
        (which, cursor, max): (Which, &mut SweepCursor, usize),
        now: Instant,
        policy: &SweepPolicy,
        mut removed: impl FnMut(&FlowKey, &Conn),
    ) -> Result<()> {
        let table = self.table(which);
        let resolver = self.shared.resolver();
        let mut over = Over::default();
        for (key, forward) in table.forward.read_part(&mut cursor.position, max)? {
            let limits = limits(&resolver, &key, policy);
            if !is_over(&key, &forward, limits, (now, policy)) {
                continue;
            }
            let back = entry::reverse_key(&key, &forward);
            let reverse = table.reverse.get(&back)?;
            if reverse.is_some_and(|conn| !is_over(&key, &conn, limits, (now, policy))) {
                continue;
            }
            let is_ours = |conn: Conn| is_reverse_of(&back, &conn, &key);
            over.reverse.extend(reverse.is_some_and(is_ours).then_some(back));
            over.forward.push((key, forward));
            if over.forward.len() == AT_ONCE {
                std::mem::take(&mut over).remove(table, &mut removed)?;
            }
        }
        over.remove(table, &mut removed)
    }
}

/// Connections that are over.
#[derive(Default)]
struct Over {
    forward: Vec<(FlowKey, Conn)>,
    reverse: Vec<FlowKey>,
}

impl Over {
    /// Removes them. The reverse entries go first: if we die in between, the forward ones are still
    /// there to be swept.
    fn remove(self, table: &Table, removed: &mut impl FnMut(&FlowKey, &Conn)) -> Result<()> {
        table.reverse.remove_many(&self.reverse)?;
        let keys: Vec<_> = self.forward.iter().map(|(key, _)| *key).collect();
        for (was_there, (key, conn)) in table.forward.remove_many(&keys)?.iter().zip(&self.forward)
        {
            if *was_there {
                removed(key, conn);
            }
        }
        Ok(())
    }
}

fn limits(resolver: &Resolver, key: &FlowKey, policy: &SweepPolicy) -> Limits {
    let known = entry::conn_key(key)
        .and_then(|key| resolver.virtual_server(Endpoint::virtual_server_of(&key)));
    known.map_or(Limits { idle: policy.orphan_idle, pending: policy.orphan_pending }, |facts| {
        Limits { idle: facts.idle, pending: facts.pending }
    })
}

/// Whether the time of one direction is over.
fn is_over(key: &FlowKey, conn: &Conn, limits: Limits, at: (Instant, &SweepPolicy)) -> bool {
    let (now, policy) = at;
    let since =
        |nanos: u64| now.saturating_since(Instant::from_nanos(nanos).max(policy.active_since));
    if seen::is_closing(conn.seen) {
        return since(conn.last_seen) >= policy.closing;
    }
    if seen::is_established(conn.seen) {
        return !limits.idle.is_zero() && since(conn.last_seen) >= limits.idle;
    }
    // A flow of datagrams may never be answered: what counts for it is the last one.
    let tcp = key.protocol == Protocol::Tcp.number();
    since(if tcp { conn.created } else { conn.last_seen }) >= limits.pending
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: FlowKey = FlowKey::new(([1; 4], [0; 2]), ([2; 4], [0; 2]), 6);
    const UDP: FlowKey = FlowKey::new(([1; 4], [0; 2]), ([2; 4], [0; 2]), 17);
    const LIMITS: Limits =
        Limits { idle: Duration::from_secs(100), pending: Duration::from_secs(30) };
    const UP: u8 = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn over(key: &FlowKey, (seen, created, last): (u8, u64, u64), now: u64, since: u64) -> bool {
        let last_seen = at(last).as_nanos();
        let conn = Conn { seen, created: at(created).as_nanos(), last_seen, ..Conn::default() };
        is_over(key, &conn, LIMITS, (at(now), &SweepPolicy::since(at(since))))
    }

    #[test]
    fn an_established_connection_ends_after_its_idle_time() {
        assert!(!over(&TCP, (UP, 1, 50), 149, 0));
        assert!(over(&TCP, (UP, 1, 50), 150, 0));
    }

    #[test]
    fn time_before_this_box_was_active_does_not_count() {
        assert!(!over(&TCP, (UP, 1, 50), 150, 60));
        assert!(over(&TCP, (UP, 1, 50), 160, 60));
        assert!(!over(&TCP, (0, 1, 1), 80, 60));
        assert!(!over(&TCP, (UP | seen::RESET, 1, 1), 65, 60));
    }

    #[test]
    fn a_closing_connection_has_ten_seconds() {
        assert!(!over(&TCP, (UP | seen::RESET, 1, 50), 59, 0));
        assert!(over(&TCP, (UP | seen::RESET, 1, 50), 60, 0));
        let half = UP | seen::FIN_CLIENT;
        assert!(!over(&TCP, (half, 1, 50), 149, 0));
    }

    #[test]
    fn a_handshake_counts_from_its_start_and_datagrams_from_the_last() {
        assert!(over(&TCP, (0, 1, 30), 31, 0));
        assert!(!over(&UDP, (0, 1, 30), 31, 0));
        assert!(over(&UDP, (0, 1, 30), 60, 0));
    }

    #[test]
    fn idle_zero_means_never() {
        let conn = Conn { seen: UP, ..Conn::default() };
        let limits = Limits { idle: Duration::ZERO, ..LIMITS };
        let policy = SweepPolicy::since(Instant::ZERO);
        assert!(!is_over(&TCP, &conn, limits, (Instant::FAR_FUTURE, &policy)));
    }
}
