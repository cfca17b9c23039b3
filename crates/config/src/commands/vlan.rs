//! `(config-slb-vlan-client)` and `(config-slb-vlan-server)`: the addresses of a module on a VLAN.

use std::net::Ipv4Addr;

use super::global::is_virtual;
use super::{DESCRIPTION, finish, show_description};
use crate::grammar::{Args, Command, Element, Kind, Refusal, Table, Value, arg, keyword};
use crate::model::{ModuleVlan, Route, Subnet};

/// Most gateways of one VLAN, as in the original.
const GATEWAYS: usize = 7;
/// Most alias addresses of one VLAN, as in the original.
const ALIASES: usize = 255;
/// Most routes of one VLAN, as in the original.
const ROUTES: usize = 4095;

const IP: Element = keyword("ip", "Addresses");
const ADDRESS: Element = keyword("address", "Own address of the module");
const IPV4: Element = arg(Kind::Ipv4, "Address");
const MASK: Element = arg(Kind::Mask, "Subnet mask");

pub(super) fn table() -> Table<ModuleVlan> {
    let description = Command::<ModuleVlan>::new(&DESCRIPTION)
        .sets(|vlan, args| {
            vlan.description = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |vlan| vlan.description = None)
        .shows(|vlan, lines| show_description(vlan.description.as_ref(), lines));
    finish(vec![description, attach(), address(), address_alt(), gateway(), alias(), route()])
}

/// Not of the original: there every VLAN came over the backplane.
fn attach() -> Command<ModuleVlan> {
    let path = [
        keyword("attach", "Give a network device to the module whole"),
        arg(Kind::Device, "Its name in the kernel"),
    ];
    Command::<ModuleVlan>::new(&path)
        .sets(|vlan, args| {
            let device: String = args.get(0)?;
            if is_virtual(&device) {
                return Err(Refusal::argument(
                    0,
                    format!("device {device} would be a VLAN of this chassis"),
                ));
            }
            vlan.attach = Some(device);
            Ok(())
        })
        .clears(1, |vlan| vlan.attach = None)
        .shows(|vlan, lines| {
            if let Some(device) = &vlan.attach {
                lines.line(&[Value::Word(device.clone())]);
            }
        })
}

fn address() -> Command<ModuleVlan> {
    Command::<ModuleVlan>::new(&[IP, ADDRESS, IPV4, MASK])
        .sets(|vlan, args| {
            vlan.address = Some(host(args, 0)?);
            vlan.alt_address = None;
            Ok(())
        })
        .clears(2, clear_address)
        .shows(|vlan, lines| {
            if let (Some(own), None) = (vlan.address, vlan.alt_address) {
                lines.line(&subnet(own));
            }
        })
}

fn address_alt() -> Command<ModuleVlan> {
    let alt = keyword("alt", "Address of the other box");
    Command::<ModuleVlan>::new(&[IP, ADDRESS, IPV4, MASK, alt, IPV4, MASK])
        .sets(|vlan, args| {
            let (own, other) = (host(args, 0)?, host(args, 2)?);
            if own.address == other.address {
                return Err(Refusal::argument(2, "both boxes would have the same address"));
            }
            vlan.address = Some(own);
            vlan.alt_address = Some(other);
            Ok(())
        })
        .clears(2, clear_address)
        .shows(|vlan, lines| {
            if let (Some(own), Some(other)) = (vlan.address, vlan.alt_address) {
                lines.line(&[subnet(own), subnet(other)].concat());
            }
        })
}

fn clear_address(vlan: &mut ModuleVlan) {
    vlan.address = None;
    vlan.alt_address = None;
}

fn subnet(subnet: Subnet) -> Vec<Value> {
    vec![Value::Ipv4(subnet.address), Value::Mask(subnet.prefix)]
}

/// An address that a host may have in its subnet.
pub(super) fn host(args: &Args, index: usize) -> Result<Subnet, Refusal> {
    let subnet = args.subnet(index)?;
    let address = subnet.address;
    if !is_unicast(address) {
        return Err(Refusal::argument(index, format!("{address} is not a host's address")));
    }
    if !(8..=32).contains(&subnet.prefix) {
        return Err(Refusal::argument(index + 1, "a mask of 8 to 32 bits is needed here"));
    }
    let ends = [
        u32::from(subnet.mask()) & u32::from(address),
        !u32::from(subnet.mask()) | u32::from(address),
    ];
    if subnet.prefix < 31 && ends.contains(&u32::from(address)) {
        let text = format!("{address} is the network or broadcast address of its subnet");
        return Err(Refusal::argument(index, text));
    }
    Ok(subnet)
}

fn is_unicast(address: Ipv4Addr) -> bool {
    let reserved = address.octets()[0] == 0 || address.octets()[0] >= 240;
    !reserved && !address.is_loopback() && !address.is_multicast()
}

fn gateway() -> Command<ModuleVlan> {
    let path = [keyword("gateway", "Way to every other network"), IPV4];
    Command::<ModuleVlan>::new(&path)
        .sets(|vlan, args| {
            let gateway: Ipv4Addr = unicast(args, 0)?;
            if !vlan.gateways.contains(&gateway) {
                bounded(vlan.gateways.len(), GATEWAYS, "gateways")?;
                vlan.gateways.push(gateway);
            }
            Ok(())
        })
        .resets(2, |vlan, args| {
            let gone: Ipv4Addr = args.get(0)?;
            vlan.gateways.retain(|gateway| *gateway != gone);
            Ok(())
        })
        .shows(|vlan, lines| {
            for gateway in &vlan.gateways {
                lines.line(&[Value::Ipv4(*gateway)]);
            }
        })
}

fn unicast(args: &Args, index: usize) -> Result<Ipv4Addr, Refusal> {
    let address: Ipv4Addr = args.get(index)?;
    if !is_unicast(address) {
        return Err(Refusal::argument(index, format!("{address} is not a host's address")));
    }
    Ok(address)
}

fn bounded(have: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if have >= most {
        return Err(Refusal::command(format!("a VLAN has at most {most} {what}")));
    }
    Ok(())
}

fn alias() -> Command<ModuleVlan> {
    let path = [keyword("alias", "Address that moves with the active role"), IPV4, MASK];
    Command::<ModuleVlan>::new(&path)
        .sets(|vlan, args| {
            let alias = host(args, 0)?;
            if let Some(same) = vlan.aliases.iter_mut().find(|a| a.address == alias.address) {
                *same = alias;
            } else {
                bounded(vlan.aliases.len(), ALIASES, "alias addresses")?;
                vlan.aliases.push(alias);
            }
            Ok(())
        })
        .resets(2, |vlan, args| {
            let gone: Ipv4Addr = args.get(0)?;
            vlan.aliases.retain(|alias| alias.address != gone);
            Ok(())
        })
        .shows(|vlan, lines| {
            for alias in &vlan.aliases {
                lines.line(&subnet(*alias));
            }
        })
}

fn route() -> Command<ModuleVlan> {
    let path = [
        keyword("route", "Way to a network"),
        arg(Kind::Ipv4, "Network"),
        MASK,
        keyword("gateway", "Next hop"),
        arg(Kind::Ipv4, "Its address"),
    ];
    Command::<ModuleVlan>::new(&path)
        .sets(|vlan, args| {
            let route = read_route(args)?;
            if !vlan.routes.contains(&route) {
                bounded(vlan.routes.len(), ROUTES, "routes")?;
                vlan.routes.push(route);
            }
            Ok(())
        })
        .resets(5, |vlan, args| {
            let gone = read_route(args)?;
            vlan.routes.retain(|route| *route != gone);
            Ok(())
        })
        .shows(|vlan, lines| {
            for route in &vlan.routes {
                let gateway = vec![Value::Ipv4(route.gateway)];
                lines.line(&[subnet(route.network), gateway].concat());
            }
        })
}

fn read_route(args: &Args) -> Result<Route, Refusal> {
    let network = args.subnet(0)?;
    let host_part = u32::from(network.address) & !u32::from(network.mask());
    if host_part != 0 {
        return Err(Refusal::argument(0, "the network has bits outside its mask"));
    }
    Ok(Route { network, gateway: unicast(args, 2)? })
}
