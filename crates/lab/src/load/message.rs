//! What a connection carries: 32 bytes that name the connection and the exchange, and a filling
//! that depends on both. Whatever is mixed up, repeated or damaged on the way is noticed.

/// Length of a message.
pub const LENGTH: usize = 32;

/// The message of one exchange of one connection.
pub fn make(connection: u32, exchange: u32) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..4].copy_from_slice(&connection.to_le_bytes());
    bytes[4..8].copy_from_slice(&exchange.to_le_bytes());
    let mut state = (u64::from(connection) << 32) | u64::from(exchange);
    for chunk in bytes[8..].chunks_exact_mut(8) {
        // SplitMix64: every bit of the filling depends on every bit of the two numbers.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_neighbours_differ_in_their_filling_too() {
        let one = make(7, 8);
        assert_ne!(one[8..], make(7, 9)[8..]);
        assert_ne!(one[8..], make(8, 8)[8..]);
        assert_eq!(one, make(7, 8));
    }
}
