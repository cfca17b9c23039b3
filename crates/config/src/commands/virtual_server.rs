//! `(config-slb-vserver)`: what clients connect to.

use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_model::Protocol;

use super::{finish, unavailable};
use crate::defaults::{IDLE, PENDING};
use crate::grammar::{
    Args, Command, Element, Kind, Refusal, Table, Value, arg, keyword, keyword_or, rest,
};
use crate::model::{Subnet, VirtualAddress, VirtualServer};

/// Commands of the original that this release lacks.
const LACKING: &[&str] = &[
    "advertise",
    "client",
    "description",
    "domain",
    "max-conns",
    "owner",
    "parse-length",
    "persistent",
    "reverse-sticky",
    "slb-policy",
    "ssl-sticky",
    "status-tracking",
    "sticky",
    "unidirectional",
    "url-hash",
];

const VIRTUAL: Element = keyword("virtual", "Address, protocol and port");
const IPV4: Element = arg(Kind::Ipv4, "Virtual address");
const MASK: Element = arg(Kind::Mask, "Mask");
const PORT: Element = arg(Kind::Port, "Port");
const REPLICATE: Element = keyword("replicate", "State for the other box");
const CSRP: Element = keyword_or("csrp", "csrpf", "Replication protocol");
const FARM: Element = keyword("serverfarm", "Server farm that serves it");
const FARM_NAME: Element = arg(Kind::Name, "Its name");

pub(super) fn table() -> Table<VirtualServer> {
    let in_service = keyword("inservice", "Answer clients");
    let mut commands = vec![
        listens(Protocol::Tcp, Mask::Absent),
        listens(Protocol::Tcp, Mask::Given),
        listens(Protocol::Udp, Mask::Absent),
        listens(Protocol::Udp, Mask::Given),
    ];
    commands.extend(lacking_virtual());
    commands.extend([
        farm(),
        unavailable(&[FARM, FARM_NAME, keyword("backup", ""), rest()]),
        seconds_idle(),
        seconds_pending(),
        replicate(),
        unavailable(&[REPLICATE, CSRP, keyword("sticky", "")]),
        unavailable(&[keyword("vlan", ""), arg(Kind::Vlan, "")]),
        Command::<VirtualServer>::new(&[in_service])
            .puts(|server| server.in_service = true)
            .clears(1, |server| server.in_service = false)
            .shows(|server, lines| lines.line_if(server.in_service, &[])),
        unavailable(&[in_service, keyword("standby", "")]),
    ]);
    finish(commands, LACKING)
}

/// Forms of `virtual` of the original that this release lacks.
fn lacking_virtual() -> Vec<Command<VirtualServer>> {
    let service = [keyword("service", ""), rest()];
    let number = arg(Kind::Number { min: 0, max: 255 }, "");
    let mut commands = Vec::new();
    for start in [&[VIRTUAL, IPV4][..], &[VIRTUAL, IPV4, MASK][..]] {
        commands.push(unavailable(&[start, &[keyword("any", ""), rest()]].concat()));
        commands.push(unavailable(&[start, &[number, rest()]].concat()));
        for protocol in [keyword("tcp", ""), keyword("udp", "")] {
            commands.push(unavailable(&[start, &[protocol, PORT], &service].concat()));
        }
    }
    commands
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mask {
    Absent,
    Given,
}

fn listens(protocol: Protocol, mask: Mask) -> Command<VirtualServer> {
    let word = match protocol {
        Protocol::Tcp => keyword("tcp", "Transmission Control Protocol"),
        Protocol::Udp => keyword("udp", "User Datagram Protocol"),
    };
    let path = match mask {
        Mask::Absent => vec![VIRTUAL, IPV4, word, PORT],
        Mask::Given => vec![VIRTUAL, IPV4, MASK, word, PORT],
    };
    let command = Command::<VirtualServer>::new(&path).clears(1, |server| server.listens = None);
    match (protocol, mask) {
        (Protocol::Tcp, Mask::Absent) => command
            .sets(|server, args| listen(server, args, Protocol::Tcp))
            .shows(|server, lines| lines.line_if(is(server, Protocol::Tcp), &address(server))),
        (Protocol::Udp, Mask::Absent) => command
            .sets(|server, args| listen(server, args, Protocol::Udp))
            .shows(|server, lines| lines.line_if(is(server, Protocol::Udp), &address(server))),
        (Protocol::Tcp, Mask::Given) => {
            command.sets(|server, args| listen(server, args, Protocol::Tcp))
        }
        (Protocol::Udp, Mask::Given) => {
            command.sets(|server, args| listen(server, args, Protocol::Udp))
        }
    }
}

fn is(server: &VirtualServer, protocol: Protocol) -> bool {
    server.listens.is_some_and(|listens| listens.protocol == protocol)
}

fn address(server: &VirtualServer) -> Vec<Value> {
    let listens = server.listens.into_iter();
    listens.flat_map(|l| [Value::Ipv4(l.address.address), Value::Port(l.port)]).collect()
}

fn listen(server: &mut VirtualServer, args: &Args, protocol: Protocol) -> Result<(), Refusal> {
    let address: Ipv4Addr = args.get(0)?;
    let (prefix, port_at) = args.optional::<u8>(1).map_or((32, 1), |prefix| (prefix, 2));
    let port: u16 = args.get(port_at)?;
    if prefix != 32 {
        let text = "a virtual network (mask shorter than 255.255.255.255) \
                    is not available in this release";
        return Err(Refusal::argument(1, text));
    }
    if port == 0 {
        let text = "a virtual server for all ports is not available in this release";
        return Err(Refusal::argument(port_at, text));
    }
    let octet = address.octets()[0];
    if octet == 0 || octet >= 224 || address.is_loopback() {
        return Err(Refusal::argument(0, format!("{address} is not a host's address")));
    }
    let address = Subnet { address, prefix };
    server.listens = Some(VirtualAddress { address, protocol, port });
    Ok(())
}

fn farm() -> Command<VirtualServer> {
    Command::<VirtualServer>::new(&[FARM, FARM_NAME])
        .sets(|server, args| {
            server.farm = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.farm = None)
        .shows(|server, lines| {
            if let Some(farm) = &server.farm {
                lines.line(&[Value::Name(farm.clone())]);
            }
        })
}

fn seconds_idle() -> Command<VirtualServer> {
    let path = [
        keyword("idle", "Time without a packet after which a connection is forgotten"),
        arg(Kind::Number { min: 0, max: 13_500_000 }, "Seconds; 0 = never"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            let seconds: u64 = args.get(0)?;
            if (1..4).contains(&seconds) {
                return Err(Refusal::argument(0, "0 (never) or 4 to 13500000 seconds"));
            }
            server.idle = Duration::from_secs(seconds);
            Ok(())
        })
        .clears(1, |server| server.idle = IDLE)
        .shows(|server, lines| {
            lines.line_if(server.idle != IDLE, &[Value::Number(server.idle.as_secs())]);
        })
}

fn seconds_pending() -> Command<VirtualServer> {
    let path = [
        keyword("pending", "Time for the handshake"),
        arg(Kind::Number { min: 1, max: 65_535 }, "Seconds"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            server.pending = Duration::from_secs(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.pending = PENDING)
        .shows(|server, lines| {
            lines.line_if(server.pending != PENDING, &[Value::Number(server.pending.as_secs())]);
        })
}

fn replicate() -> Command<VirtualServer> {
    Command::<VirtualServer>::new(&[
        REPLICATE,
        CSRP,
        keyword("connection", "Established connections"),
    ])
    .puts(|server| server.replicate_connections = true)
    .clears(3, |server| server.replicate_connections = false)
    .shows(|server, lines| lines.line_if(server.replicate_connections, &[]))
}
