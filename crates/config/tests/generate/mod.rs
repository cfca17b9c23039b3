//! Configurations of every kind, such as a text may mean.

pub(crate) mod chassis;
pub(crate) mod module;
pub(crate) mod servers;

use std::net::Ipv4Addr;

use hitless_config::model::{Description, InterfaceName, KeyString, Label, LogicalKind, Name};
use hitless_config::model::{PortKind, PortName, PortPlace, Subnet};
use hitless_model::Mac;
use proptest::option::of;
use proptest::prelude::*;

pub(crate) fn id<T: TryFrom<u64> + std::fmt::Debug>(
    min: u64,
    max: u64,
) -> impl Strategy<Value = T> {
    (min..=max).prop_filter_map("in range", |n| T::try_from(n).ok())
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    "[A-Z][A-Z0-9_-]{0,14}".prop_filter_map("a name", |text| Name::try_from(text).ok())
}

pub(crate) fn label() -> impl Strategy<Value = Label> {
    "[!-~]{1,40}".prop_filter_map("a label", |text| Label::try_from(text).ok())
}

pub(crate) fn description() -> impl Strategy<Value = Option<Description>> {
    let text = "[!-~é]{1,9}( [!-~é]{1,9}){0,3}";
    of(text.prop_filter_map("a description", |text| Description::try_from(text).ok()))
}

pub(crate) fn key() -> impl Strategy<Value = KeyString> {
    let text = "[!-~]{1,64}".prop_filter("hidden keys and comments", |k| k != "******" && k != "!");
    text.prop_map(KeyString::new)
}

pub(crate) fn mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(Mac)
}

/// A host somewhere.
pub(crate) fn address() -> impl Strategy<Value = Ipv4Addr> {
    (1..=223u8, any::<[u8; 2]>(), 1..=254u8)
        .prop_filter("the host itself", |(first, ..)| *first != 127)
        .prop_map(|(a, [b, c], d)| Ipv4Addr::new(a, b, c, d))
}

/// A network somewhere, without bits outside its mask.
pub(crate) fn network() -> impl Strategy<Value = Subnet> {
    (address(), 8..=32u8).prop_map(|(address, prefix)| Subnet { address, prefix }.network())
}

pub(crate) fn port_name() -> impl Strategy<Value = PortName> {
    let place = (0..=13u8, any::<u8>()).prop_map(|(slot, port)| PortPlace { slot, port });
    let kind = proptest::sample::select(PortKind::ALL.to_vec());
    let device = "[a-z][a-z0-9.-]{0,14}";
    let device = device.prop_filter_map("a device", |text| PortName::try_from(text).ok());
    prop_oneof![device, (kind, place).prop_map(|(kind, place)| PortName::Placed(kind, place))]
}

pub(crate) fn interface_name() -> impl Strategy<Value = InterfaceName> {
    prop_oneof![
        port_name().prop_map(InterfaceName::Port),
        id(2, 4094).prop_map(InterfaceName::Vlan),
        id(1, 256).prop_map(InterfaceName::Channel),
        (proptest::sample::select(LogicalKind::ALL.to_vec()), any::<u16>())
            .prop_map(|(kind, number)| InterfaceName::Logical(kind, number)),
    ]
}
