//! Middle and spread of a handful of measurements. Pure.

use serde::Serialize;

/// Several measurements of the same thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Summary {
    /// Of measurements in any order; all zero if there are none.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else {
            return Self::default();
        };
        Self { median: median(&sorted), min: *min, max: *max }
    }

    /// Half the distance between largest and smallest, in percent of the middle.
    pub(crate) fn spread_percent(&self) -> f64 {
        if self.median.abs() < f64::EPSILON {
            return 0.0;
        }
        (self.max - self.min) / 2.0 / self.median.abs() * 100.0
    }
}

/// The middle of sorted values; of two middle ones the mean.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// What is left of each measurement after the one of the same round is taken away.
pub(crate) fn less(values: &[f64], base: &[f64]) -> Vec<f64> {
    values.iter().zip(base).map(|(value, base)| value - base).collect()
}

/// One middle in terms of another; `None` where the other is nothing.
pub(crate) fn ratio(value: f64, base: f64) -> Option<f64> {
    (base > 0.0).then(|| value / base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_does_not_mind_outliers() {
        let summary = Summary::of(&[10.0, 900.0, 11.0, 9.0, 10.5]);
        assert_eq!(summary, Summary { median: 10.5, min: 9.0, max: 900.0 });
        assert!((Summary::of(&[1.0, 2.0, 4.0, 9.0]).median - 3.0).abs() < 1e-9);
        assert_eq!(Summary::of(&[]), Summary::default());
    }

    #[test]
    fn spread_is_told_in_percent_of_the_middle() {
        assert!((Summary::of(&[90.0, 100.0, 110.0]).spread_percent() - 10.0).abs() < 1e-9);
        assert!(Summary::default().spread_percent().abs() < 1e-9);
    }

    #[test]
    fn rounds_are_subtracted_one_by_one() {
        assert_eq!(less(&[50.0, 70.0], &[10.0, 31.0]), [40.0, 39.0]);
    }

    #[test]
    fn nothing_is_no_base_for_a_ratio() {
        assert_eq!(ratio(3.0, 2.0), Some(1.5));
        assert_eq!(ratio(3.0, 0.0), None);
        assert_eq!(ratio(3.0, -1.0), None);
    }
}
