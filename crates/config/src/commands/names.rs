//! How commands name an interface: in one word, or type and number apart.

use hitless_model::{ChannelGroup, VlanId};

use super::forms::Part;
use crate::grammar::{Args, Element, Kind, Refusal, arg, keyword};
use crate::model::{InterfaceName, LogicalKind, PortKind, PortName, PortPlace};

const PLACE: Element = arg(Kind::PortPlace, "Slot and port");

/// Type and place of a port, apart.
pub(super) fn placed(kind: PortKind) -> [Element; 2] {
    let help = match kind {
        PortKind::Fast => "A port of 100 Mbit/s",
        PortKind::Gigabit => "A port of 1 Gbit/s",
        PortKind::TenGigabit => "A port of 10 Gbit/s",
    };
    [keyword(kind.word(), help), PLACE]
}

/// `vlan 136`.
pub(super) const VLAN_APART: [Element; 2] =
    [keyword("vlan", "The chassis' own interface on a VLAN"), arg(Kind::Vlan, "The VLAN")];
/// `Port-channel 100`.
pub(super) const CHANNEL_APART: [Element; 2] =
    [keyword("Port-channel", "Several ports as one"), arg(Kind::Channel, "Its number")];

/// Every way to name an interface that there can be.
pub(super) fn interface_forms() -> Part {
    let mut forms = vec![vec![arg(Kind::Interface, "Type and number in one word")]];
    forms.extend(PortKind::ALL.map(|kind| placed(kind).to_vec()));
    forms.extend([VLAN_APART.to_vec(), CHANNEL_APART.to_vec()]);
    forms
}

/// Kinds that only tracking names.
pub(super) fn logical_forms() -> Part {
    let number = arg(Kind::Number { min: 0, max: u16::MAX.into() }, "Its number");
    let form = |kind: LogicalKind| vec![keyword(kind.word(), "Not a physical interface"), number];
    LogicalKind::ALL.map(form).to_vec()
}

/// The place of a port that is named with type and place apart.
pub(super) fn port_of(args: &Args) -> Result<PortName, Refusal> {
    let kind = PortKind::ALL.into_iter().find(|kind| args.says(kind.word()));
    match (kind, args.find::<PortPlace>()) {
        (Some(kind), Some(place)) => Ok(PortName::Placed(kind, place)),
        (None, _) | (_, None) => args.nth(0),
    }
}

/// The interface that a line names, in whichever way.
pub(super) fn interface_of(args: &Args) -> Result<InterfaceName, Refusal> {
    if let Some(vlan) = args.find::<VlanId>() {
        return Ok(InterfaceName::Vlan(vlan));
    }
    if let Some(channel) = args.find::<ChannelGroup>() {
        return Ok(InterfaceName::Channel(channel));
    }
    let logical = LogicalKind::ALL.into_iter().find(|kind| args.says(kind.word()));
    if let Some(kind) = logical {
        let number = u16::try_from(args.nth::<u64>(0)?);
        let number = number.map_err(|error| Refusal::command(error.to_string()))?;
        return Ok(InterfaceName::Logical(kind, number));
    }
    match args.find::<InterfaceName>() {
        Some(name) => Ok(name),
        None => port_of(args).map(InterfaceName::Port),
    }
}
