//! The Internet checksum, brought up to date after a change of the header (RFC 1624).
//!
//! Only for headers that are complete in memory: what covers a payload is the hook's business, because
//! a network card or the kernel may still have to finish that sum.

/// The checksum after four bytes at an even offset changed from `from` to `to`; all as they lie in a
/// packet.
pub const fn after_change(checksum: u16, from: u32, to: u32) -> u16 {
    let mut sum = !checksum as u32;
    sum += !halves(from).0 as u32 + !halves(from).1 as u32;
    sum += halves(to).0 as u32 + halves(to).1 as u32;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    #[expect(clippy::cast_possible_truncation, reason = "folded twice, it fits")]
    let folded = !(sum as u16);
    folded
}

#[expect(clippy::cast_possible_truncation, reason = "that is what halves are")]
const fn halves(word: u32) -> (u16, u16) {
    (word as u16, (word >> 16) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum from scratch, big-endian words, as RFC 1071 has it.
    fn checksum_of(header: &[u8]) -> [u8; 2] {
        let mut sum: u32 = 0;
        for pair in header.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        (!u16::try_from(sum).unwrap()).to_be_bytes()
    }

    #[test]
    fn a_change_gives_what_a_sum_from_scratch_gives() {
        let mut seed: u32 = 1;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()
        };
        for _ in 0..20_000 {
            let mut header = [0_u8; 20];
            header.chunks_mut(4).for_each(|word| word.copy_from_slice(&random()));
            let before = checksum_of(&header);
            let from = [header[8], header[9], header[10], header[11]];
            let to = random();
            header[8..12].copy_from_slice(&to);
            let (from, to) = (u32::from_ne_bytes(from), u32::from_ne_bytes(to));
            let after = after_change(u16::from_ne_bytes(before), from, to);
            assert_eq!(after.to_ne_bytes(), checksum_of(&header));
        }
    }
}
