//! Commands of the chassis, and the two modes that only make VLANs.

use std::collections::BTreeSet;

use hitless_model::{Slot, VlanId};

use super::{INTERFACE, MODULE, finish};
use crate::grammar::{
    Args, Child, Command, Kind, Lines, Mode, Refusal, Table, Value, VlanList, arg, keyword,
    keyword_or,
};
use crate::model::{Configuration, Interface};

/// Commands of the original that this release lacks.
const LACKING: &[&str] = &[
    "access-list",
    "arp",
    "clock",
    "ip",
    "line",
    "logging",
    "ntp",
    "power",
    "router",
    "snmp-server",
    "spanning-tree",
    "standby",
    "track",
    "username",
    "vtp",
];

pub(super) fn table() -> Table<Configuration> {
    let commands = vec![hostname(), vlan(), interface(), module()];
    finish(commands, LACKING)
}

/// `(config-vlan)`.
pub(super) fn vlan_table() -> Table<Configuration> {
    finish(Vec::new(), &["mtu", "name", "shutdown", "state"])
}

/// `(vlan)`: every `vlan LIST` makes VLANs, and none enters a mode.
pub(super) fn database_table() -> Table<Configuration> {
    let path = [keyword("vlan", "Make VLANs"), arg(Kind::VlanList, "VLANs")];
    finish(vec![Command::<Configuration>::new(&path).sets(make_vlans).resets(2, remove_vlans)], &[])
}

fn hostname() -> Command<Configuration> {
    let path = [keyword("hostname", "Name of this chassis"), arg(Kind::Word, "Its name")];
    Command::<Configuration>::new(&path)
        .sets(|configuration, args| {
            let name: String = args.get(0)?;
            if !is_hostname(&name) {
                return Err(Refusal::argument(0, "not a host name"));
            }
            configuration.hostname = Some(name);
            Ok(())
        })
        .clears(1, |configuration| configuration.hostname = None)
        .shows(|configuration, lines| {
            if let Some(name) = &configuration.hostname {
                lines.line(&[Value::Word(name.clone())]);
                lines.separator();
            }
        })
}

/// RFC 1123: letters, digits, hyphens and dots, at most 63 of them, no hyphen at the ends.
fn is_hostname(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let edges = !name.starts_with(['-', '.']) && !name.ends_with(['-', '.']);
    plain && edges && (1..=63).contains(&name.len())
}

fn vlan() -> Command<Configuration> {
    let path = [keyword("vlan", "Make VLANs"), arg(Kind::VlanList, "VLANs")];
    Command::<Configuration>::new(&path)
        .enters(Mode::Vlan, |configuration, args| {
            make_vlans(configuration, args)?;
            Ok(Child::Vlans)
        })
        .resets(2, remove_vlans)
        .shows(|configuration, lines| {
            if !configuration.vlans.is_empty() {
                lines.line(&[Value::VlanList(VlanList(configuration.vlans.clone()))]);
                lines.separator();
            }
        })
}

fn make_vlans(configuration: &mut Configuration, args: &Args) -> Result<(), Refusal> {
    configuration.vlans.extend(args.get::<VlanList>(0)?.0);
    Ok(())
}

fn remove_vlans(configuration: &mut Configuration, args: &Args) -> Result<(), Refusal> {
    let gone = args.get::<VlanList>(0)?.0;
    configuration.vlans.retain(|vlan| !gone.contains(vlan));
    Ok(())
}

fn interface() -> Command<Configuration> {
    let path =
        [keyword("interface", "A network device"), arg(Kind::Device, "Its name in the kernel")];
    Command::<Configuration>::new(&path)
        .enters(Mode::Interface, |configuration, args| {
            let device: String = args.get(0)?;
            if is_virtual(&device) {
                let what = format!("\"interface {device}\" is not available in this release");
                return Err(Refusal::argument(0, what));
            }
            configuration.interfaces.entry(device.clone()).or_default();
            Ok(Child::Interface(device))
        })
        .resets(2, |configuration, args| {
            configuration.interfaces.remove(&args.get::<String>(0)?);
            Ok(())
        })
        .shows(show_interfaces)
}

fn show_interfaces(configuration: &Configuration, lines: &mut Lines<'_>) {
    for (device, interface) in &configuration.interfaces {
        lines.block::<Interface>(&[Value::Word(device.clone())], &INTERFACE, interface);
        lines.separator();
    }
}

/// `interface vlan136` and `interface Port-channel100` are not devices that exist beforehand.
pub(super) fn is_virtual(device: &str) -> bool {
    let name = device.to_ascii_lowercase();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.len() < name.len() && matches!(stem, "vlan" | "port-channel")
}

fn module() -> Command<Configuration> {
    let path = [
        keyword("module", "A module of this chassis"),
        keyword_or("csm", "contentSwitchingModule", "Content switching module"),
        arg(Kind::Slot, "Its slot"),
    ];
    Command::<Configuration>::new(&path)
        .enters(Mode::Module, |configuration, args| {
            let slot: Slot = args.get(0)?;
            configuration.modules.entry(slot).or_default();
            Ok(Child::Module(slot))
        })
        .resets(3, |configuration, args| {
            configuration.modules.remove(&args.get::<Slot>(0)?);
            Ok(())
        })
        .shows(|configuration, lines| {
            for (slot, module) in &configuration.modules {
                lines.block(&[Value::Slot(*slot)], &MODULE, module);
                lines.separator();
            }
        })
}

/// Every VLAN that is mentioned anywhere.
pub(crate) fn implied_vlans(configuration: &Configuration) -> BTreeSet<VlanId> {
    let access = configuration.interfaces.values().filter_map(|i| i.access_vlan);
    let modules = configuration.modules.values().flat_map(|module| {
        let declared = module.vlans.keys().chain(&module.ft_vlans).copied();
        declared.chain(module.ft.as_ref().map(|ft| ft.vlan))
    });
    access.chain(modules).collect()
}
