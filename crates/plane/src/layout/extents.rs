//! Room in the schedule: extents in force are never written to; an order that is in force already
//! stays where it is.

use std::collections::{BTreeMap, HashMap};

use hitless_model::abi;

use super::length;

pub(super) struct Extents {
    by_order: HashMap<Vec<u32>, u32>,
    /// Start and end of everything in force or just given out, in order.
    taken: BTreeMap<u32, u32>,
}

impl Extents {
    pub(super) fn new(in_force: &BTreeMap<u32, Vec<u32>>) -> Self {
        let taken = in_force.iter().map(|(start, order)| (*start, start + length(order))).collect();
        let by_order = in_force.iter().map(|(start, order)| (order.clone(), *start)).collect();
        Self { by_order, taken }
    }

    /// Where `order` goes: where it is, or into the first gap that holds it.
    pub(super) fn place(&mut self, order: &[u32]) -> Option<u32> {
        if order.is_empty() {
            return Some(0);
        }
        if let Some(start) = self.by_order.get(order) {
            return Some(*start);
        }
        let start = self.gap(length(order))?;
        self.taken.insert(start, start + length(order));
        self.by_order.insert(order.to_vec(), start);
        Some(start)
    }

    fn gap(&self, wanted: u32) -> Option<u32> {
        let mut start = 0_u32;
        for (from, to) in &self.taken {
            if from.saturating_sub(start) >= wanted {
                return Some(start);
            }
            start = start.max(*to);
        }
        (abi::MAX_SCHEDULE.saturating_sub(start) >= wanted).then_some(start)
    }
}
