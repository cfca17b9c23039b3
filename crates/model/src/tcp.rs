//! The little of TCP that a balancer has to follow, as a pure step function on flag bits.

/// FIN bit of the flags octet.
pub const FIN: u8 = 0x01;
/// SYN bit of the flags octet.
pub const SYN: u8 = 0x02;
/// RST bit of the flags octet.
pub const RST: u8 = 0x04;
/// ACK bit of the flags octet.
pub const ACK: u8 = 0x10;

/// A segment that asks for a new connection: SYN without ACK, RST or FIN.
pub const fn opens(flags: u8) -> bool {
    flags & (SYN | ACK | RST | FIN) == SYN
}

/// What has been seen of one connection so far; bits of [`crate::abi::Conn::seen`].
pub mod seen {
    /// The real answered (an acknowledgement, or any datagram of a non-TCP flow).
    pub const REAL_ANSWERED: u8 = 0x01;
    /// The client acknowledged the handshake.
    pub const CLIENT_CONFIRMED: u8 = 0x02;
    /// FIN from the client.
    pub const FIN_CLIENT: u8 = 0x04;
    /// FIN from the real.
    pub const FIN_REAL: u8 = 0x08;
    /// RST from either side.
    pub const RESET: u8 = 0x10;

    /// Both sides have agreed to talk.
    pub const fn is_established(seen: u8) -> bool {
        seen & (REAL_ANSWERED | CLIENT_CONFIRMED) == REAL_ANSWERED | CLIENT_CONFIRMED
    }

    /// Nothing but the last acknowledgements can follow.
    pub const fn is_closing(seen: u8) -> bool {
        seen & RESET != 0 || seen & (FIN_CLIENT | FIN_REAL) == FIN_CLIENT | FIN_REAL
    }
}

/// What has been seen after a segment from the client.
pub const fn after_client(seen: u8, flags: u8) -> u8 {
    let mut seen = seen;
    if seen & seen::REAL_ANSWERED != 0 && flags & ACK != 0 && flags & SYN == 0 {
        seen |= seen::CLIENT_CONFIRMED;
    }
    if flags & FIN != 0 {
        seen |= seen::FIN_CLIENT;
    }
    if flags & RST != 0 {
        seen |= seen::RESET;
    }
    seen
}

/// What has been seen after a segment from the real. Any acknowledgement will do: during a handover the
/// SYN+ACK itself may have passed the other box.
pub const fn after_real(seen: u8, flags: u8) -> u8 {
    let mut seen = seen;
    if flags & (ACK | RST) == ACK {
        seen |= seen::REAL_ANSWERED;
    }
    if flags & FIN != 0 {
        seen |= seen::FIN_REAL;
    }
    if flags & RST != 0 {
        seen |= seen::RESET;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_establishes_only_in_order() {
        let early = after_client(0, ACK);
        assert!(!seen::is_established(early));
        let answered = after_real(0, SYN | ACK);
        assert!(!seen::is_established(answered));
        assert!(!seen::is_established(after_client(answered, SYN)));
        assert!(seen::is_established(after_client(answered, ACK)));
    }

    #[test]
    fn any_acknowledgement_of_the_real_is_an_answer_but_a_refusal_is_none() {
        assert!(seen::is_established(after_client(after_real(0, ACK), ACK)));
        assert_eq!(after_real(0, RST | ACK), seen::RESET);
        assert_eq!(after_real(0, SYN), 0);
    }

    #[test]
    fn both_fins_or_one_reset_close() {
        let half = after_client(0, FIN | ACK);
        assert!(!seen::is_closing(half));
        assert!(seen::is_closing(after_real(half, FIN | ACK)));
        assert!(seen::is_closing(after_real(0, RST)));
    }

    #[test]
    fn only_a_bare_syn_opens() {
        assert!(opens(SYN));
        assert!(!opens(SYN | ACK));
        assert!(!opens(ACK));
        assert!(!opens(SYN | RST));
    }
}
