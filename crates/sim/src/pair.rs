//! The two boxes by name, and whatever exists once per box.

use std::fmt;
use std::ops::{Index, IndexMut};

/// One of the two boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first one.
    A,
    /// The second one.
    B,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// One of something for each box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// The first box's.
    pub a: T,
    /// The second box's.
    pub b: T,
}

impl<T> Pair<T> {
    /// Makes one for each box.
    pub fn of(mut make: impl FnMut(Side) -> T) -> Self {
        Self { a: make(Side::A), b: make(Side::B) }
    }

    /// Both, in order.
    pub fn both(&self) -> [&T; 2] {
        [&self.a, &self.b]
    }
}

impl<T: Copy + Ord> Pair<T> {
    /// The larger one.
    pub fn max(&self) -> T {
        self.a.max(self.b)
    }

    /// The smaller one.
    pub fn min(&self) -> T {
        self.a.min(self.b)
    }
}

impl<T> Index<Side> for Pair<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}

impl<T> IndexMut<Side> for Pair<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }
}
