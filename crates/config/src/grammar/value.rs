//! Values of arguments, between the text and the typed model.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use hitless_model::{ChannelGroup, GroupId, HsrpGroup, Mac, Priority, Slot, StickyGroup, VlanId};

use super::port::port_name;
use super::table::Refusal;
use crate::model::{Description, InterfaceName, KeyString, Name, PortName, PortPlace, Subnet};

/// A set of VLANs, written as `2,3,9-11`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanList(pub BTreeSet<VlanId>);

impl fmt::Display for VlanList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for vlan in self.0.iter().map(|vlan| vlan.get()) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == vlan => *last = vlan,
                _ => runs.push((vlan, vlan)),
            }
        }
        for (index, (first, last)) in runs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

/// The value of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An address.
    Ipv4(Ipv4Addr),
    /// Length of a mask.
    Mask(u8),
    /// A VLAN.
    Vlan(VlanId),
    /// Several VLANs.
    VlanList(VlanList),
    /// A slot.
    Slot(Slot),
    /// A fault-tolerant group.
    Group(GroupId),
    /// A priority.
    Priority(Priority),
    /// A number.
    Number(u64),
    /// A port; 0 = all.
    Port(u16),
    /// Name of a farm or virtual server.
    Name(Name),
    /// A key.
    Secret(KeyString),
    /// Any word.
    Word(String),
    /// A text.
    Text(Description),
    /// An HSRP group.
    HsrpGroup(HsrpGroup),
    /// A sticky group.
    StickyGroup(StickyGroup),
    /// A port-channel.
    Channel(ChannelGroup),
    /// Hours from UTC.
    Hours(i8),
    /// A MAC.
    Mac(Mac),
    /// An interface.
    Interface(InterfaceName),
    /// A port.
    PortName(PortName),
    /// The place of a port.
    PortPlace(PortPlace),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(address) => address.fmt(f),
            Self::Mask(prefix) => mask(*prefix).fmt(f),
            Self::Vlan(vlan) => vlan.fmt(f),
            Self::VlanList(list) => list.fmt(f),
            Self::Slot(slot) => slot.fmt(f),
            Self::Group(group) => group.fmt(f),
            Self::Priority(priority) => priority.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Port(port) => match port_name(*port) {
                Some(name) => f.write_str(name),
                None => port.fmt(f),
            },
            Self::Name(name) => name.fmt(f),
            Self::Secret(_) => f.write_str("******"),
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => text.fmt(f),
            Self::HsrpGroup(group) => group.fmt(f),
            Self::StickyGroup(group) => group.fmt(f),
            Self::Channel(channel) => channel.fmt(f),
            Self::Hours(hours) => hours.fmt(f),
            Self::Mac(Mac(octets)) => {
                let [first, second, third] =
                    [0, 2, 4].map(|at| u16::from_be_bytes([octets[at], octets[at + 1]]));
                write!(f, "{first:04x}.{second:04x}.{third:04x}")
            }
            Self::Interface(name) => name.fmt(f),
            Self::PortName(name) => name.fmt(f),
            Self::PortPlace(place) => place.fmt(f),
        }
    }
}

fn mask(prefix: u8) -> Ipv4Addr {
    Subnet { address: Ipv4Addr::UNSPECIFIED, prefix }.mask()
}

/// A type that an argument can have.
pub trait Extract: Sized {
    /// The typed value, if the argument has this type.
    fn extract(value: &Value) -> Option<Self>;
}

macro_rules! extract {
    ($($ty:ty = $variant:ident),+ $(,)?) => {
        $(impl Extract for $ty {
            fn extract(value: &Value) -> Option<Self> {
                if let Value::$variant(inner) = value { Some(inner.clone()) } else { None }
            }
        })+
    };
}

extract! {
    Ipv4Addr = Ipv4, u8 = Mask, VlanId = Vlan, VlanList = VlanList, Slot = Slot, GroupId = Group,
    Priority = Priority, u64 = Number, u16 = Port, Name = Name, KeyString = Secret, String = Word,
    Description = Text, HsrpGroup = HsrpGroup, StickyGroup = StickyGroup, ChannelGroup = Channel,
    i8 = Hours, Mac = Mac, InterfaceName = Interface, PortName = PortName, PortPlace = PortPlace,
}

/// The arguments of a command line, in order, and the keywords among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    values: Vec<Value>,
    keywords: Vec<&'static str>,
}

impl Args {
    /// Puts values and keywords together.
    pub fn new(values: Vec<Value>, keywords: Vec<&'static str>) -> Self {
        Self { values, keywords }
    }

    /// Whether the line has a keyword: for those that may be left out.
    pub fn says(&self, keyword: &str) -> bool {
        self.keywords.contains(&keyword)
    }

    /// The first argument of a type, if the line has one: for those that may be left out.
    pub fn find<T: Extract>(&self) -> Option<T> {
        self.values.iter().find_map(T::extract)
    }

    /// The argument at `index`; a refusal means that command and handler disagree.
    pub fn get<T: Extract>(&self, index: usize) -> Result<T, Refusal> {
        self.optional(index).ok_or_else(|| Refusal::command("the command lacks an argument"))
    }

    /// The argument at `index`, if the line has it.
    pub fn optional<T: Extract>(&self, index: usize) -> Option<T> {
        self.values.get(index).and_then(T::extract)
    }

    /// Address and mask at `index` and the place after it.
    pub fn subnet(&self, index: usize) -> Result<Subnet, Refusal> {
        Ok(Subnet { address: self.get(index)?, prefix: self.get(index + 1)? })
    }

    /// The argument of a type at a place among those of its type.
    pub fn nth<T: Extract>(&self, place: usize) -> Result<T, Refusal> {
        let found = self.values.iter().filter_map(T::extract).nth(place);
        found.ok_or_else(|| Refusal::command("the command lacks an argument"))
    }

    /// All values.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}
