//! Reading and writing of wire formats: big-endian numbers and length-prefixed fields.
//!
//! Every message is a list of fields `{ tag: u16, length: u16, value }`; a reader skips tags that it
//! does not know, so releases can differ on the two sides.

use alloc::vec::Vec;

/// The input ended before the value did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutShort;

/// Appends big-endian values to a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends raw bytes.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(value);
        self
    }

    /// Appends one octet.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    /// Appends a 16-bit number.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 32-bit number.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 64-bit number.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a field; `fill` writes its value (at most 65,535 octets, longer ones are cut by the
    /// caller's own bounds).
    pub fn field(&mut self, tag: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.u16(tag).u16(0);
        let start = self.bytes.len();
        fill(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        debug_assert!(usize::from(length) == self.bytes.len() - start, "field too long");
        if let Some(prefix) = self.bytes.get_mut(start - 2..start) {
            prefix.copy_from_slice(&length.to_be_bytes());
        }
        self
    }

    /// Octets written so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The buffer.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes big-endian values off a buffer; never panics, whatever the buffer holds.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes `count` octets.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], CutShort> {
        let (value, rest) = self.rest.split_at_checked(count).ok_or(CutShort)?;
        self.rest = rest;
        Ok(value)
    }

    /// Takes a fixed number of octets.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CutShort> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(CutShort)?;
        self.rest = rest;
        Ok(*value)
    }

    /// Takes one octet.
    pub fn u8(&mut self) -> Result<u8, CutShort> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes a 16-bit number.
    pub fn u16(&mut self) -> Result<u16, CutShort> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a 32-bit number.
    pub fn u32(&mut self) -> Result<u32, CutShort> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes a 64-bit number.
    pub fn u64(&mut self) -> Result<u64, CutShort> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes the next field: its tag and a reader over its value.
    pub fn field(&mut self) -> Result<(u16, Reader<'a>), CutShort> {
        let tag = self.u16()?;
        let length = self.u16()?;
        let value = self.take(usize::from(length))?;
        Ok((tag, Reader::new(value)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whether a document shows these octets in its block of that name (```text NAME), as
    /// hexadecimal numbers.
    pub(crate) fn assert_shown(document: &str, name: &str, octets: &[u8]) {
        let block = document.split(&format!("```text {name}\n")).nth(1).unwrap_or_default();
        let block = block.split("```").next().unwrap_or_default();
        let digits: Vec<u8> = block.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        let shown: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        assert!(shown == octets, "the document's block {name} should be {octets:02x?}");
    }

    #[test]
    fn fields_round_trip_and_unknown_ones_can_be_skipped() {
        let mut writer = Writer::new();
        writer.field(7, |w| {
            w.u32(0xdead_beef);
        });
        writer.field(9, |w| {
            w.u8(1).u64(2);
        });
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        let (tag, _skipped) = reader.field().unwrap();
        assert_eq!(tag, 7);
        let (tag, mut value) = reader.field().unwrap();
        assert_eq!((tag, value.u8(), value.u64()), (9, Ok(1), Ok(2)));
        assert!(reader.is_empty());
    }

    #[test]
    fn every_cut_is_noticed() {
        let mut writer = Writer::new();
        writer.field(1, |w| {
            w.u64(5);
        });
        let bytes = writer.finish();
        for length in 0..bytes.len() {
            assert_eq!(Reader::new(&bytes[..length]).field().err(), Some(CutShort));
        }
    }
}
