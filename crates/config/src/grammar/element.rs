//! What a command is made of: keywords and typed arguments.

use std::net::Ipv4Addr;

use hitless_model::{ChannelGroup, GroupId, HsrpGroup, Mac, Priority, Slot, StickyGroup, VlanId};

use super::port::port_by_name;
use super::value::{Value, VlanList};
use crate::model::{Description, InterfaceName, KeyString, Name, PortName, PortPlace, is_device};

/// Type of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `A.B.C.D`.
    Ipv4,
    /// A contiguous subnet mask.
    Mask,
    /// A VLAN that a module may use.
    Vlan,
    /// `2,3,9-11`.
    VlanList,
    /// Slot of a module.
    Slot,
    /// Number of a fault-tolerant group.
    Group,
    /// Priority in a fault-tolerant group.
    Priority,
    /// A number with a range.
    Number {
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// A port by name or number; `any` and 0 are all ports.
    Port,
    /// Name of a farm or virtual server.
    Name,
    /// A network device.
    Device,
    /// A key, not to be printed.
    Secret,
    /// A file of who types, or one of the archive.
    File,
    /// Any word.
    Word,
    /// The rest of the line as a text.
    Text,
    /// Number of an HSRP group.
    HsrpGroup,
    /// Number of a sticky group.
    StickyGroup,
    /// Number of a port-channel.
    Channel,
    /// Hours from UTC.
    Hours,
    /// `H.H.H`.
    Mac,
    /// Any interface, type and number in one word.
    Interface,
    /// A network device by its name in the kernel, as an interface.
    DevicePort,
    /// A port by type and place in one word.
    PlacedPort,
    /// The place of a port, `3/6`.
    PortPlace,
    /// `vlan136`, in one word.
    VlanInterface,
    /// `Port-channel100`, in one word.
    ChannelInterface,
}

/// One place in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// A fixed word.
    Keyword {
        /// As rendered.
        text: &'static str,
        /// A second spelling, accepted and not offered.
        alias: Option<&'static str>,
        /// One line for `?`.
        help: &'static str,
    },
    /// A typed value.
    Argument {
        /// Type.
        kind: Kind,
        /// One line for `?`.
        help: &'static str,
    },
    /// Whatever follows, nothing included.
    Rest,
}

/// A keyword.
pub const fn keyword(text: &'static str, help: &'static str) -> Element {
    Element::Keyword { text, alias: None, help }
}

/// A keyword with a second spelling.
pub const fn keyword_or(text: &'static str, alias: &'static str, help: &'static str) -> Element {
    Element::Keyword { text, alias: Some(alias), help }
}

/// A typed argument.
pub const fn arg(kind: Kind, help: &'static str) -> Element {
    Element::Argument { kind, help }
}

/// Whatever follows.
pub const fn rest() -> Element {
    Element::Rest
}

impl Element {
    /// How `?` and error texts name it.
    pub fn label(&self) -> String {
        match self {
            Self::Keyword { text, .. } => (*text).to_owned(),
            Self::Argument { kind, .. } => kind.label(),
            Self::Rest => "LINE".to_owned(),
        }
    }

    /// One line of explanation.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Keyword { help, .. } | Self::Argument { help, .. } => help,
            Self::Rest => "",
        }
    }

    /// A word that fits.
    pub fn example(&self) -> String {
        match self {
            Self::Keyword { text, .. } => (*text).to_owned(),
            Self::Argument { kind, .. } => kind.example(),
            Self::Rest => String::new(),
        }
    }

    /// Label and explanation for "expected: ..." lines.
    pub fn expectation(&self) -> String {
        match self {
            Self::Keyword { text, .. } => (*text).to_owned(),
            Self::Argument { kind, .. } => kind.describe(),
            Self::Rest => "anything".to_owned(),
        }
    }
}

impl Kind {
    /// The value of a word, if it has this type.
    pub fn read(self, word: &str) -> Option<Value> {
        match self {
            Self::Ipv4 => word.parse().ok().map(Value::Ipv4),
            Self::Mask => read_mask(word).map(Value::Mask),
            Self::Vlan => read_id::<VlanId>(word).map(Value::Vlan),
            Self::VlanList => read_vlans(word).map(Value::VlanList),
            Self::Slot => read_id::<Slot>(word).map(Value::Slot),
            Self::Group => read_id::<GroupId>(word).map(Value::Group),
            Self::Priority => read_id::<Priority>(word).map(Value::Priority),
            Self::Number { min, max } => {
                read_number(word).filter(|n| (min..=max).contains(n)).map(Value::Number)
            }
            Self::Port => read_port(word).map(Value::Port),
            Self::Name => Name::try_from(word.to_owned()).ok().map(Value::Name),
            Self::Device => is_device(word).then(|| Value::Word(word.to_owned())),
            Self::Secret => is_key(word).then(|| Value::Secret(KeyString::new(word.to_owned()))),
            Self::File | Self::Word => Some(Value::Word(word.to_owned())),
            Self::Text => Description::try_from(word.to_owned()).ok().map(Value::Text),
            Self::HsrpGroup => read_id::<HsrpGroup>(word).map(Value::HsrpGroup),
            Self::StickyGroup => read_id::<StickyGroup>(word).map(Value::StickyGroup),
            Self::Channel => read_id::<ChannelGroup>(word).map(Value::Channel),
            Self::Hours => read_hours(word).map(Value::Hours),
            Self::Mac => read_mac(word).map(Value::Mac),
            Self::PortPlace => PortPlace::parse(word).map(Value::PortPlace),
            Self::Interface
            | Self::DevicePort
            | Self::PlacedPort
            | Self::VlanInterface
            | Self::ChannelInterface => self.read_interface(word),
        }
    }

    fn read_interface(self, word: &str) -> Option<Value> {
        let name = InterfaceName::try_from(word.to_owned()).ok()?;
        if self == Self::Interface {
            return Some(Value::Interface(name));
        }
        let (kind, value) = match name {
            InterfaceName::Port(port @ PortName::Device(_)) => {
                (Self::DevicePort, Value::PortName(port))
            }
            InterfaceName::Port(port @ PortName::Placed(..)) => {
                (Self::PlacedPort, Value::PortName(port))
            }
            InterfaceName::Vlan(vlan) => (Self::VlanInterface, Value::Vlan(vlan)),
            InterfaceName::Channel(channel) => (Self::ChannelInterface, Value::Channel(channel)),
            InterfaceName::Logical(..) => return None,
        };
        (self == kind).then_some(value)
    }

    /// Whether nearly any word would do, so that an abbreviated keyword goes first.
    pub fn is_free_text(self) -> bool {
        match self {
            Self::Name | Self::Device | Self::Secret | Self::File | Self::Word | Self::Text => true,
            Self::Ipv4
            | Self::Mask
            | Self::Vlan
            | Self::VlanList
            | Self::Slot
            | Self::Group
            | Self::Priority
            | Self::Number { .. }
            | Self::Port
            | Self::HsrpGroup
            | Self::StickyGroup
            | Self::Channel
            | Self::Hours
            | Self::Mac
            | Self::Interface
            | Self::DevicePort
            | Self::PlacedPort
            | Self::PortPlace
            | Self::VlanInterface
            | Self::ChannelInterface => false,
        }
    }

    /// A word of this type.
    pub fn example(self) -> String {
        match self {
            Self::Ipv4 => "10.0.0.5".to_owned(),
            Self::Mask => "255.255.255.255".to_owned(),
            Self::Vlan | Self::VlanList => "7".to_owned(),
            Self::Slot
            | Self::Group
            | Self::Priority
            | Self::HsrpGroup
            | Self::StickyGroup
            | Self::Channel => "9".to_owned(),
            Self::Number { max, .. } => max.to_string(),
            Self::Port => "www".to_owned(),
            Self::Name | Self::Device | Self::Secret | Self::File | Self::Word | Self::Text => {
                "sample".to_owned()
            }
            Self::Hours => "1".to_owned(),
            Self::Mac => "0000.0c07.ac01".to_owned(),
            Self::Interface | Self::PlacedPort => "FastEthernet3/6".to_owned(),
            Self::DevicePort => "eth0".to_owned(),
            Self::PortPlace => "3/6".to_owned(),
            Self::VlanInterface => "vlan136".to_owned(),
            Self::ChannelInterface => "Port-channel100".to_owned(),
        }
    }

    /// Short form, as `?` prints it.
    pub fn label(self) -> String {
        match self {
            Self::Ipv4 | Self::Mask => "A.B.C.D".to_owned(),
            Self::Vlan => range(VlanId::MIN, VlanId::MAX),
            Self::Slot => range(Slot::MIN, Slot::MAX),
            Self::Group => range(GroupId::MIN, GroupId::MAX),
            Self::Priority => range(Priority::MIN, Priority::MAX),
            Self::Number { min, max } => range(min, max),
            Self::Port => "<0-65535>".to_owned(),
            Self::File => "FILE".to_owned(),
            Self::HsrpGroup => range(HsrpGroup::MIN, HsrpGroup::MAX),
            Self::StickyGroup => range(StickyGroup::MIN, StickyGroup::MAX),
            Self::Channel => range(ChannelGroup::MIN, ChannelGroup::MAX),
            Self::Hours => "<-23 - 23>".to_owned(),
            Self::Mac => "H.H.H".to_owned(),
            Self::PortPlace => "SLOT/PORT".to_owned(),
            Self::Text => "LINE".to_owned(),
            Self::VlanList
            | Self::Name
            | Self::Device
            | Self::Secret
            | Self::Word
            | Self::Interface
            | Self::DevicePort
            | Self::PlacedPort
            | Self::VlanInterface
            | Self::ChannelInterface => "WORD".to_owned(),
        }
    }

    /// Long form, for "expected: ..." lines.
    pub fn describe(self) -> String {
        let between = |min, max| format!("a number from {min} to {max}");
        match self {
            Self::Ipv4 => "an IPv4 address".to_owned(),
            Self::Mask => "a contiguous subnet mask".to_owned(),
            Self::Vlan => format!("a VLAN ({})", between(VlanId::MIN, VlanId::MAX)),
            Self::VlanList => "a list of VLANs from 2 to 4094, as in 2,3,9-11".to_owned(),
            Self::Slot => format!("a slot ({})", between(Slot::MIN, Slot::MAX)),
            Self::Group => between(GroupId::MIN, GroupId::MAX),
            Self::Priority => between(Priority::MIN, Priority::MAX),
            Self::Number { min, max } => between(min, max),
            Self::Port => "a port (a name as www, or a number from 0 to 65535)".to_owned(),
            Self::Name => "a name of 1 to 15 characters without white space".to_owned(),
            Self::Device | Self::DevicePort => {
                "the name of a network device (1 to 15 characters)".to_owned()
            }
            Self::Secret => "a key of 1 to 64 characters without white space".to_owned(),
            Self::File => "a file, or archive:N".to_owned(),
            Self::Word => "a word".to_owned(),
            Self::Text => "a text of 1 to 80 characters".to_owned(),
            Self::HsrpGroup => between(HsrpGroup::MIN, HsrpGroup::MAX),
            Self::StickyGroup => between(StickyGroup::MIN, StickyGroup::MAX),
            Self::Channel => between(ChannelGroup::MIN, ChannelGroup::MAX),
            Self::Hours => "a number from -23 to 23".to_owned(),
            Self::Mac => "a MAC as 0000.0c07.ac01".to_owned(),
            Self::Interface => "an interface, as FastEthernet3/6".to_owned(),
            Self::PlacedPort => "a port, as FastEthernet3/6".to_owned(),
            Self::PortPlace => "slot and port, as 3/6".to_owned(),
            Self::VlanInterface => "an interface on a VLAN, as vlan136".to_owned(),
            Self::ChannelInterface => "a port-channel, as Port-channel100".to_owned(),
        }
    }
}

fn range(min: u64, max: u64) -> String {
    format!("<{min}-{max}>")
}

/// Digits only: no sign, no white space, nothing that `str::parse` is lenient about.
fn read_number(word: &str) -> Option<u64> {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| word.parse().ok()).flatten()
}

fn read_id<T: TryFrom<u64>>(word: &str) -> Option<T> {
    read_number(word).and_then(|n| T::try_from(n).ok())
}

/// With or without a sign.
fn read_hours(word: &str) -> Option<i8> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let hours = read_number(digits).filter(|hours| *hours <= 23);
    let hours = hours.and_then(|hours| i8::try_from(hours).ok())?;
    Some(if word.starts_with('-') { -hours } else { hours })
}

/// `0000.0c07.ac01`, or octets with colons between them.
fn read_mac(word: &str) -> Option<Mac> {
    let (separator, digits) = if word.contains('.') { ('.', 4) } else { (':', 2) };
    let mut octets = Vec::with_capacity(6);
    for part in word.split(separator) {
        if part.len() != digits || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        for at in (0..digits).step_by(2) {
            octets.push(u8::from_str_radix(part.get(at..at + 2)?, 16).ok()?);
        }
    }
    octets.try_into().ok().map(Mac)
}

fn read_mask(word: &str) -> Option<u8> {
    let bits = u32::from(word.parse::<Ipv4Addr>().ok()?);
    let ones = bits.leading_ones();
    // `leading_ones` of a u32 is at most 32.
    (bits.count_ones() == ones).then(|| u8::try_from(ones).ok()).flatten()
}

fn read_port(word: &str) -> Option<u16> {
    if word.eq_ignore_ascii_case("any") {
        return Some(0);
    }
    read_number(word).and_then(|n| u16::try_from(n).ok()).or_else(|| port_by_name(word))
}

/// Marks numbers first: a list may name the same ones hundreds of times.
fn read_vlans(word: &str) -> Option<VlanList> {
    let mut is_named = vec![false; usize::from(u16::MAX) + 1];
    for part in word.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first = read_id::<VlanId>(first)?;
        let last = read_id::<VlanId>(last)?;
        is_named
            .get_mut(first.get().into()..=last.get().into())
            .filter(|n| !n.is_empty())?
            .fill(true);
    }
    let named = (0..).zip(is_named).filter(|(_, is_named)| *is_named);
    Some(VlanList(named.filter_map(|(number, _)| VlanId::try_from(number).ok()).collect()))
}

fn is_key(word: &str) -> bool {
    let fits = !word.is_empty() && word.len() <= 64;
    fits && word.chars().all(|c| c.is_ascii_graphic())
}
