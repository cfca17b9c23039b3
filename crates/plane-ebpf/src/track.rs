//! Following a connection: handshake, good-byes, and from the small table into the main one.
//!
//! A segment that neither opens nor closes anything leaves an established connection alone; all of
//! this is off the usual packet's way.

use hitless_model::Counter;
use hitless_model::abi::{
    CONN_REPLICATE, CONN_RESET, CONN_STICKY, EVENT_CHANGED, EVENT_ESTABLISHED, EVENT_REMOVED,
};
use hitless_model::tcp::{self, seen};

use crate::ctx::entry::{self, Entry, Refused, Table};
use crate::ctx::{events, local, table};
use crate::lookup::{Direction, Found, Keys, Stage};
use crate::maps::{CONN_FWD, CONN_REV, EMB_FWD, EMB_REV, USE_BPF, USE_USER};
use crate::parse::{TCP, Transport};
use crate::sticky;

/// Both entries of a connection.
struct Pair {
    forward: Entry,
    reverse: Entry,
}

/// What had been seen of a connection before a packet, and with it.
struct Observed {
    before: u8,
    after: u8,
}

/// Whether the packet opens a connection again that is over; then the old one is gone.
#[inline(always)]
pub(crate) fn is_opened_again(found: &Found<'_>, transport: &Transport) -> bool {
    let is = found.direction == Direction::Forward
        && transport.key.protocol == TCP
        && tcp::opens(transport.flags)
        && seen::is_closing(found.entry.conn().seen);
    if is {
        match found.stage {
            Stage::Established => remove(&found.keys()),
            Stage::Embryonic | Stage::Begun => forget(&found.keys()),
        }
    }
    is
}

/// Whether a packet of an established connection neither opens nor closes anything.
#[inline(always)]
pub(crate) fn is_plain(found: &Found<'_>, transport: &Transport) -> bool {
    transport.flags & (tcp::SYN | tcp::FIN | tcp::RST) == 0
        && found.entry.conn().flags & CONN_RESET == 0
}

/// Learns from a packet that goes on its way.
#[inline(always)]
pub(crate) fn follow(found: &Found<'_>, transport: &Transport) {
    match found.stage {
        Stage::Established => {
            if !is_plain(found, transport) {
                established(found, transport);
            }
        }
        Stage::Embryonic => embryonic(found, transport),
        Stage::Begun => {}
    }
}

/// A segment that may close an established connection.
#[inline(always)]
fn established(found: &Found<'_>, transport: &Transport) {
    let keys = found.keys();
    let Some(pair) = Pair::find(&CONN_FWD, &CONN_REV, &keys) else { return };
    let observed = pair.observe(found.direction, transport);
    let conn = pair.forward.conn();
    if observed.after != observed.before && conn.flags & CONN_REPLICATE != 0 {
        events::tell(EVENT_CHANGED, &keys.forward, conn);
    }
}

/// A packet of a connection in the small table.
#[inline(always)]
fn embryonic(found: &Found<'_>, transport: &Transport) {
    let keys = found.keys();
    let Some(pair) = Pair::find(&EMB_FWD, &EMB_REV, &keys) else { return };
    let observed = pair.observe(found.direction, transport);
    if !seen::is_established(observed.after) {
        return;
    }
    let is_first = !seen::is_established(observed.before);
    if is_first {
        local::count(Counter::ConnectionsEstablished);
        if pair.forward.conn().flags & CONN_STICKY != 0 {
            sticky::confirm(&keys.forward, pair.forward.conn());
        }
    }
    match promote(&keys, &pair) {
        Err(Refused::Full) if is_first => local::count(Counter::EstablishedInSmallTable),
        Ok(()) | Err(Refused::Full | Refused::Exists) => {}
    }
}

impl Pair {
    #[inline(always)]
    fn find<T: Table>(forward: &'static T, reverse: &'static T, keys: &Keys) -> Option<Self> {
        Some(Self {
            forward: Entry::find(forward, &keys.forward)?,
            reverse: Entry::find(reverse, &keys.reverse)?,
        })
    }

    /// A side that has sent a RST has nothing more to say. If it goes on, the RST was not its own, or not to
    /// the point: whoever receives it judges by sequence numbers, which are not followed here.
    #[inline(always)]
    fn reconsider(&self, seen: u8, direction: Direction, transport: &Transport) -> u8 {
        let (own, other) = match direction {
            Direction::Forward => (self.forward, self.reverse),
            Direction::Reverse => (self.reverse, self.forward),
        };
        let flags = own.conn().flags;
        if transport.flags & tcp::RST != 0 {
            own.set_flags(flags | CONN_RESET);
            return seen;
        }
        if flags & CONN_RESET == 0 {
            return seen;
        }
        own.set_flags(flags & !CONN_RESET);
        if other.conn().flags & CONN_RESET == 0 { seen & !seen::RESET } else { seen }
    }

    /// Notes in both entries what a packet shows.
    #[inline(always)]
    fn observe(&self, direction: Direction, transport: &Transport) -> Observed {
        let before = self.forward.conn().seen | self.reverse.conn().seen;
        let after = match (transport.key.protocol == TCP, direction) {
            (true, Direction::Forward) => tcp::after_client(before, transport.flags),
            (true, Direction::Reverse) => tcp::after_real(before, transport.flags),
            (false, Direction::Forward) => before,
            (false, Direction::Reverse) => before | seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
        };
        let after = self.reconsider(after, direction, transport);
        if after != before {
            self.forward.set_seen(after);
            self.reverse.set_seen(after);
        }
        Observed { before, after }
    }
}

/// Whether the main table, user space's part included, has no room for another connection.
#[inline(always)]
pub(crate) fn is_table_full() -> bool {
    let (Some(ours), Some(theirs)) = (table::element(&USE_BPF, 0), table::element(&USE_USER, 0))
    else {
        return true;
    };
    let made = ours.made.wrapping_add(theirs.made);
    let removed = ours.removed.wrapping_add(theirs.removed);
    // A removal may have been counted before the making it undoes was: never below zero.
    made.saturating_sub(removed) >= theirs.capacity
}

/// Moves a connection into the main table. Another CPU may do the same: one of the two finds the key
/// taken, and only the other counts and tells.
#[inline(always)]
fn promote(keys: &Keys, pair: &Pair) -> Result<(), Refused> {
    if is_table_full() {
        return Err(Refused::Full);
    }
    entry::insert_new(&CONN_REV, &keys.reverse, pair.reverse.conn())?;
    if let Err(refused) = entry::insert_new(&CONN_FWD, &keys.forward, pair.forward.conn()) {
        // User space, told by the peer, may be in the middle of making the same connection.
        if !is_made_by_another(keys) {
            entry::delete(&CONN_REV, &keys.reverse);
        }
        return Err(refused);
    }
    table::count_made();
    if pair.forward.conn().flags & CONN_REPLICATE != 0 {
        events::tell(EVENT_ESTABLISHED, &keys.forward, pair.forward.conn());
    }
    forget(keys);
    Ok(())
}

/// Whether the main table has the forward entry that belongs to this reverse key.
#[inline(always)]
fn is_made_by_another(keys: &Keys) -> bool {
    Entry::find(&CONN_FWD, &keys.forward).is_some_and(|entry| {
        let conn = entry.conn();
        (conn.rewrite_ip, conn.rewrite_port) == (keys.reverse.src, keys.reverse.src_port)
    })
}

/// Takes a connection out of the main table.
#[inline(always)]
fn remove(keys: &Keys) {
    if let Some(forward) = Entry::find(&CONN_FWD, &keys.forward)
        && forward.conn().flags & CONN_REPLICATE != 0
    {
        events::tell(EVENT_REMOVED, &keys.forward, forward.conn());
    }
    entry::delete(&CONN_REV, &keys.reverse);
    if entry::delete(&CONN_FWD, &keys.forward) {
        table::count_removed();
    }
}

/// Takes a connection out of the small table.
#[inline(always)]
fn forget(keys: &Keys) {
    entry::delete(&EMB_FWD, &keys.forward);
    entry::delete(&EMB_REV, &keys.reverse);
}
