//! What becomes of a packet. Each hook translates it into its own numbers, in one place.

use hitless_model::Counter;

/// What the hook shall do with the packet.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// The kernel's turn.
    Pass,
    /// It ends here.
    Drop,
    /// It leaves by the interface that the hook was told.
    Redirect,
}

/// A verdict, or the reason for which the packet is dropped.
pub(crate) type Outcome = Result<Verdict, Counter>;
