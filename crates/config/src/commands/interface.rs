//! `(config-if)`: how a network device joins the chassis' VLANs.

use super::{finish, unavailable};
use crate::grammar::{Action, Command, Kind, Table, Value, arg, keyword, rest};
use crate::model::Interface;

/// Commands of the original that this release lacks.
const LACKING: &[&str] = &["channel-group", "description", "ip", "speed", "duplex", "standby"];

pub(super) fn table() -> Table<Interface> {
    let switchport = keyword("switchport", "Membership of VLANs");
    let commands = vec![
        Command::<Interface>::new(&[switchport]).acts(Action::Nothing),
        access_vlan(),
        Command::<Interface>::new(&[
            switchport,
            keyword("mode", "Kind of port"),
            keyword("access", "One VLAN"),
        ])
        .acts(Action::Nothing),
        unavailable(&[switchport, keyword("mode", ""), keyword("trunk", ""), rest()]),
        unavailable(&[switchport, keyword("trunk", ""), rest()]),
        shutdown(),
    ];
    finish(commands, LACKING)
}

fn access_vlan() -> Command<Interface> {
    let path = [
        keyword("switchport", "Membership of VLANs"),
        keyword("access", "Membership of one VLAN"),
        keyword("vlan", "The VLAN"),
        arg(Kind::Vlan, "The VLAN"),
    ];
    Command::<Interface>::new(&path)
        .sets(|interface, args| {
            interface.access_vlan = Some(args.get(0)?);
            Ok(())
        })
        .clears(3, |interface| interface.access_vlan = None)
        .shows(|interface, lines| {
            if let Some(vlan) = interface.access_vlan {
                lines.line(&[Value::Vlan(vlan)]);
            }
        })
}

/// Ports are up; only saying so is possible.
fn shutdown() -> Command<Interface> {
    let path = [keyword("shutdown", "Take the port down")];
    Command::<Interface>::new(&path).acts(Action::Unavailable).no(1, Action::Nothing)
}
