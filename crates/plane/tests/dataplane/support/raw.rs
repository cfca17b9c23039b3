//! Keys and values as the bytes that maps hold; zerocopy proves the lengths.

use aya::Pod;
use hitless_model::abi::{
    Conn, FarmRealKey, Floating, FloatingKey, FlowKey, NextHop, Real, RoleWord, StickyEntry,
    StickyKey, TableUse, VirtualKey, VirtualServer, VlanPort,
};
use zerocopy::transmute;

/// A key or a value of a map.
pub(crate) trait Raw: Copy {
    /// The same as bytes.
    type Bytes: Pod;
    /// As bytes.
    fn to_raw(self) -> Self::Bytes;
    /// From bytes.
    fn from_raw(bytes: Self::Bytes) -> Self;
}

macro_rules! raw {
    ($($name:ident: $size:literal),+ $(,)?) => {$(
        impl Raw for $name {
            type Bytes = [u8; $size];
            fn to_raw(self) -> Self::Bytes {
                transmute!(self)
            }
            fn from_raw(bytes: Self::Bytes) -> Self {
                transmute!(bytes)
            }
        }
    )+};
}

raw!(
    RoleWord: 32,
    VlanPort: 32,
    FloatingKey: 8,
    Floating: 4,
    VirtualKey: 8,
    VirtualServer: 32,
    Real: 16,
    NextHop: 24,
    FlowKey: 16,
    Conn: 64,
    StickyKey: 16,
    StickyEntry: 16,
    FarmRealKey: 16,
    TableUse: 24,
    u32: 4,
    u64: 8,
);
