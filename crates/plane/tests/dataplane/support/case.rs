//! A fixture: a frame goes in, and everything that comes of it is compared.

use hitless_model::Counter;

use super::frame::check_sums;
use super::world::{Verdict, World};

/// What is expected of one frame.
pub(crate) struct Case<'a> {
    /// What it shows, for whoever reads a failure.
    pub(crate) says: &'a str,
    /// The interface that the frame arrives at.
    pub(crate) at: u32,
    /// The frame.
    pub(crate) frame: Vec<u8>,
    /// What the program says.
    pub(crate) verdict: Verdict,
    /// The frame that comes out; `None` = as it went in.
    pub(crate) becomes: Option<Vec<u8>>,
    /// What is counted: this and nothing else, each once.
    pub(crate) counts: &'a [Counter],
}

impl World {
    /// Runs a fixture.
    pub(crate) fn check(&mut self, case: Case<'_>) {
        let says = case.says;
        let before = self.counters();
        let outcome = self.run(case.at, &case.frame);
        assert_eq!(
            outcome.verdict,
            case.verdict,
            "{says}: verdict; counted: {:?}",
            self.counters()
        );
        if outcome.verdict == Verdict::Redirect {
            check_sums(&outcome.frame);
        }
        let expected = case.becomes.unwrap_or(case.frame);
        assert_eq!(hex(&outcome.frame), hex(&expected), "{says}: the frame that comes out");
        let mut counted = self.counters();
        counted.retain(|counter, count| {
            *count -= before.get(counter).copied().unwrap_or_default();
            *count != 0
        });
        let expected = case.counts.iter().map(|counter| (*counter, 1)).collect();
        assert_eq!(counted, expected, "{says}: counters");
    }

    /// Runs a fixture of a frame that is dropped.
    pub(crate) fn check_dropped(&mut self, says: &str, at: u32, frame: Vec<u8>, reason: Counter) {
        assert!(reason.is_drop());
        let verdict = Verdict::Drop;
        self.check(Case { says, at, frame, verdict, becomes: None, counts: &[reason] });
    }

    /// Runs a fixture of a frame that is left to the kernel as it is.
    pub(crate) fn check_passed(&mut self, says: &str, at: u32, frame: Vec<u8>) {
        let verdict = Verdict::Pass;
        self.check(Case { says, at, frame, verdict, becomes: None, counts: &[] });
    }
}

/// Bytes for people, four to a group.
fn hex(bytes: &[u8]) -> String {
    let word = |bytes: &[u8]| {
        let number = bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        format!("{number:0width$x}", width = bytes.len() * 2)
    };
    bytes.chunks(4).map(word).collect::<Vec<_>>().join(" ")
}
