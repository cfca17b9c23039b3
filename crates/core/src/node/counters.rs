//! What a node counts, by stable names.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::ft::Purpose;
use crate::{replica, session};

/// Name of hellos and greetings among the counters.
pub(super) const HELLO: &str = "hello";
/// Name of replication messages among the counters.
pub(super) const REPLICATION: &str = "replication";

/// Counters by name. Every name is there from the start, so that a zero is shown as one.
#[derive(Debug)]
pub(super) struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    /// For frames and messages.
    pub(super) fn of_messages() -> Self {
        let purposes = Purpose::ALL.into_iter().map(Purpose::name);
        Self(purposes.chain([HELLO, REPLICATION]).map(|name| (name, 0)).collect())
    }

    /// For reasons to drop a frame.
    pub(super) fn of_rejections() -> Self {
        let sealed = session::Rejected::ALL.into_iter().map(session::Rejected::name);
        let told = replica::Rejected::ALL.into_iter().map(replica::Rejected::name);
        Self(sealed.chain(told).map(|name| (name, 0)).collect())
    }

    /// Adds one.
    pub(super) fn count(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    /// All counters, with those that are kept elsewhere.
    pub(super) fn list_with(&self, others: &[(&'static str, u64)]) -> Vec<(String, u64)> {
        let mut all = self.0.clone();
        for (name, value) in others {
            *all.entry(name).or_default() += value;
        }
        all.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}
