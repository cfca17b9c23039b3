//! What each box says of its table as a mirror of the other's.
//!
//! Only who receives knows what became of what he was told: an active box takes additions and ignores
//! the rest, and a dump that met one has not made the tables equal, although every batch of it was
//! applied. So the receiver says whether its table is whole, and the teller believes nobody else. A
//! statement has a number; it is said with every message, and by itself until the other one has said
//! that it heard it.

use core::time::Duration;

use hitless_model::Instant;

/// A statement that was not heard is said again after this time: several round trips.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A box's table as a mirror of its peer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is none: this box tells its own.
    Tells,
    /// It may lack connections of the peer's, or hold what the peer has given up.
    #[default]
    Partial,
    /// It holds everything that the peer's does, but for what is on its way.
    Whole,
}

impl Standing {
    /// As a number on the wire.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Tells => 0,
            Self::Partial => 1,
            Self::Whole => 2,
        }
    }

    /// What a number means. One that this release does not know promises nothing.
    pub(super) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Tells,
            2 => Self::Whole,
            _ => Self::Partial,
        }
    }
}

/// A statement on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its number, from 1 in each session.
    pub(super) number: u32,
    /// What it says.
    pub(super) standing: Standing,
    /// The other one has not said yet that it heard it: please do.
    pub(super) asks: bool,
    /// Number of the newest statement of the other one.
    pub(super) heard: u32,
}

/// Both boxes' statements in a session.
#[derive(Debug)]
pub(super) struct Statements {
    own: Standing,
    number: u32,
    /// The peer has heard the newest one.
    is_heard: bool,
    /// The newest one of the peer's, and its number.
    peer: Option<(u32, Standing)>,
    /// When the own one was said last.
    said_at: Option<Instant>,
    /// The peer asks whether it was heard.
    is_asked: bool,
}

impl Default for Statements {
    fn default() -> Self {
        let own = Standing::default();
        Self { own, number: 1, is_heard: false, peer: None, said_at: None, is_asked: false }
    }
}

impl Statements {
    /// Begins a new session.
    pub(super) fn reset(&mut self) {
        *self = Self { own: self.own, ..Self::default() };
    }

    /// What this box's table is now.
    pub(super) fn state(&mut self, own: Standing) {
        if self.own != own {
            self.own = own;
            self.number = self.number.saturating_add(1);
            self.is_heard = false;
            self.said_at = None;
        }
    }

    /// A message of the peer's makes a statement.
    pub(super) fn hear(&mut self, said: Statement) {
        self.is_heard |= said.heard == self.number;
        self.is_asked |= said.asks;
        if self.peer.is_none_or(|(number, _)| said.number > number) {
            self.peer = Some((said.number, said.standing));
        }
    }

    /// What the peer said last; nothing if it is of a release that does not.
    pub(super) fn peer(&self) -> Option<Standing> {
        self.peer.map(|(_, standing)| standing)
    }

    /// The statement for a message that leaves now.
    pub(super) fn say(&mut self, now: Instant) -> Statement {
        self.said_at = Some(now);
        self.is_asked = false;
        Statement {
            number: self.number,
            standing: self.own,
            asks: !self.is_heard,
            heard: self.peer.map_or(0, |(number, _)| number),
        }
    }

    /// When a message has to leave for its statement's sake. A peer that was not heard yet in this
    /// session, or makes no statements, is not spoken to.
    pub(super) fn due(&self) -> Option<Instant> {
        self.peer?;
        let again = self.said_at.map_or(Instant::ZERO, |said_at| said_at + AGAIN_AFTER);
        match (self.is_asked, self.is_heard) {
            (true, _) => Some(Instant::ZERO),
            (false, false) => Some(again),
            (false, true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos((1_000 + millis) * 1_000_000)
    }

    #[test]
    fn a_statement_is_repeated_until_it_is_heard_and_no_longer() {
        let (mut one, mut other) = (Statements::default(), Statements::default());
        other.hear(one.say(at(0)));
        one.hear(other.say(at(1)));
        assert_eq!((other.due(), one.due()), (Some(at(51)), Some(Instant::ZERO)));
        other.hear(one.say(at(2)));
        assert_eq!((other.due(), one.due()), (None, None), "all is said");

        other.state(Standing::Whole);
        assert_eq!(other.due(), Some(Instant::ZERO));
        let lost = other.say(at(10));
        assert!(lost.asks && other.due() == Some(at(60)));
        one.hear(other.say(at(60)));
        assert_eq!(one.peer(), Some(Standing::Whole));
        other.hear(one.say(at(61)));
        assert_eq!((other.due(), one.due()), (None, None));
    }

    #[test]
    fn an_older_statement_that_comes_late_changes_nothing() {
        let mut one = Statements::default();
        let statement = |number, standing| Statement { number, standing, ..Statement::default() };
        one.hear(statement(5, Standing::Whole));
        one.hear(statement(4, Standing::Partial));
        assert_eq!(one.peer(), Some(Standing::Whole));
        one.hear(statement(6, Standing::Partial));
        assert_eq!(one.peer(), Some(Standing::Partial));
    }

    #[test]
    fn who_hears_no_statements_repeats_none() {
        assert_eq!(Statements::default().due(), None);
    }

    #[test]
    fn numbers_of_standings_go_back_and_forth() {
        for standing in [Standing::Tells, Standing::Partial, Standing::Whole] {
            assert_eq!(Standing::from_number(standing.number()), standing);
        }
        assert_eq!(Standing::from_number(9), Standing::Partial);
    }
}
