//! Which frame numbers were seen already.

/// Numbers remembered behind the newest one. At 10 ms heartbeats over four paths, with answers, a
/// second of frames: a path that lags more than that is of no use for heartbeats.
const WIDTH: u64 = 1_024;
const WORD: u64 = 64;
const WORDS: usize = 16;

/// A sliding window over the numbers of one sender's frames of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// One more than the newest number seen; zero before the first.
    end: u64,
    /// Bit `n % WIDTH` tells whether `n` was seen, for the last `WIDTH` numbers.
    seen: [u64; WORDS],
}

impl Window {
    /// Takes a number; `false` when it was seen before or is too old to tell.
    pub(super) fn take(&mut self, number: u64) -> bool {
        let Some(end) = number.checked_add(1) else { return false };
        if end > self.end {
            self.advance(end);
        } else if self.end - number > WIDTH {
            return false;
        }
        let Some(word) = self.seen.get_mut(Self::word(number)) else { return false };
        let bit = 1 << (number % WORD);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    fn advance(&mut self, end: u64) {
        if end - self.end >= WIDTH {
            self.seen = [0; WORDS];
        } else {
            for number in self.end..end {
                if let Some(word) = self.seen.get_mut(Self::word(number)) {
                    *word &= !(1 << (number % WORD));
                }
            }
        }
        self.end = end;
    }

    fn word(number: u64) -> usize {
        usize::try_from(number % WIDTH / WORD).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_taken_once_and_an_old_one_not_at_all() {
        let mut window = Window::default();
        assert!(window.take(0));
        assert!(!window.take(0));
        assert!(window.take(5_000));
        assert!(!window.take(5_000 - WIDTH));
        assert!(window.take(5_001 - WIDTH));
        assert!(!window.take(u64::MAX));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_and_a_limit(numbers in prop::collection::vec(0_u64..4_000, 1..300)) {
            let mut window = Window::default();
            let mut seen = BTreeSet::new();
            for number in numbers {
                let newest = seen.last().copied().unwrap_or(0).max(number);
                let expected = number + WIDTH > newest && !seen.contains(&number);
                prop_assert_eq!(window.take(number), expected);
                seen.insert(number);
            }
        }
    }
}
