//! `(config-slb-vserver)`: what clients connect to.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::forms::{Family, Saying, forms, may, must, one_of};
use super::{DESCRIPTION, finish, show_description, small};
use crate::defaults::{IDLE, PENDING};
use crate::grammar::{
    Args, Command, Element, Kind, Lines, Refusal, Table, Value, arg, keyword, keyword_or,
};
use crate::model::{InService, Service, Subnet, VirtualAddress, VirtualProtocol, VirtualServer};

mod balancing;
mod requests;

const VIRTUAL: Element = keyword("virtual", "Address, protocol and port");
const IPV4: Element = arg(Kind::Ipv4, "Virtual address");
const MASK: Element = arg(Kind::Mask, "Mask of a virtual network");
const TCP: Element = keyword("tcp", "Transmission Control Protocol");
const UDP: Element = keyword("udp", "User Datagram Protocol");
const ANY: Element = keyword("any", "Every protocol");
const NUMBER: Element = arg(Kind::Number { min: 0, max: 255 }, "Another protocol");
const PORT: Element = arg(Kind::Port, "Port; any or 0 = all");
const SERVICE: Element = keyword("service", "Connections that belong together");
const FTP: Element = keyword("ftp", "Control and data of FTP");
const RTSP: Element = keyword("rtsp", "Control and data of RTSP");

pub(super) fn table() -> Table<VirtualServer> {
    let description = Command::<VirtualServer>::new(&DESCRIPTION)
        .sets(|server, args| {
            server.description = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.description = None)
        .shows(|server, lines| show_description(server.description.as_ref(), lines));
    let mut commands = vec![description];
    commands.extend(balancing::labels());
    commands.extend(listens());
    commands.extend(balancing::commands());
    commands.extend([seconds_idle(), seconds_pending()]);
    commands.extend(replicate());
    commands.extend(requests::commands());
    commands.extend(in_service());
    finish(commands)
}

fn listens() -> Vec<Command<VirtualServer>> {
    let service = one_of(&[&[], &[SERVICE, FTP], &[SERVICE, RTSP]]);
    let start = [must(&[VIRTUAL, IPV4]), may(&[MASK])];
    let with_port = [&start[..], &[one_of(&[&[TCP, PORT], &[UDP, PORT]]), service]].concat();
    let others = [&start[..], &[one_of(&[&[ANY], &[NUMBER]]), may(&[PORT])]].concat();
    let paths = [forms(&with_port), forms(&others)].concat();
    let family = Family::<VirtualServer> {
        set: listen,
        reset: |server, _| {
            server.listens = None;
            Ok(())
        },
        shows: show_listens,
    };
    let lacks = |server: &VirtualServer| {
        let listens = server.listens?;
        match listens {
            VirtualAddress {
                protocol: VirtualProtocol::Any | VirtualProtocol::Number(_), ..
            } => Some("a virtual server for other protocols than TCP and UDP"),
            _ if listens.address.prefix < 32 => Some("a virtual network"),
            _ if listens.port == 0 => Some("a virtual server for all ports"),
            _ => listens.service.map(|_| "virtual ... service"),
        }
    };
    let commands = family.commands(1, &paths).into_iter();
    commands.map(|command| command.without_effect_if(lacks)).collect()
}

fn listen(server: &mut VirtualServer, args: &Args) -> Result<(), Refusal> {
    let address: Ipv4Addr = args.get(0)?;
    let prefix = args.find::<u8>().unwrap_or(32);
    let protocol = protocol_of(args)?;
    let port = args.find::<u16>().unwrap_or(0);
    let at = args.values().len() - 1;
    if protocol.transport().is_none() && port != 0 {
        return Err(Refusal::argument(at, "only TCP and UDP have ports"));
    }
    let octet = address.octets()[0];
    let is_everything = prefix == 0 && address.is_unspecified();
    if (octet == 0 || octet >= 224 || address.is_loopback()) && !is_everything {
        return Err(Refusal::argument(0, format!("{address} is not a host's address")));
    }
    let address = Subnet { address, prefix };
    if address.network() != address {
        return Err(Refusal::argument(0, "the virtual network has bits outside its mask"));
    }
    let services = [(Service::Ftp, args.says("ftp")), (Service::Rtsp, args.says("rtsp"))];
    let service = services.into_iter().find_map(|(service, said)| said.then_some(service));
    server.listens = Some(VirtualAddress { address, protocol, port, service });
    Ok(())
}

fn protocol_of(args: &Args) -> Result<VirtualProtocol, Refusal> {
    if args.says("tcp") {
        return Ok(VirtualProtocol::Tcp);
    }
    if args.says("udp") {
        return Ok(VirtualProtocol::Udp);
    }
    let number = args.find::<u64>().map(small).transpose()?;
    Ok(number.map_or(VirtualProtocol::Any, VirtualProtocol::from_number))
}

fn show_listens(server: &VirtualServer, lines: &mut Lines<'_>) {
    let Some(VirtualAddress { address, protocol, port, service }) = server.listens else { return };
    let mut saying = Saying::new(&[VIRTUAL]);
    saying.and(&[IPV4], [Value::Ipv4(address.address)]);
    if address.prefix != 32 {
        saying.and(&[MASK], [Value::Mask(address.prefix)]);
    }
    match protocol {
        VirtualProtocol::Tcp => saying.and(&[TCP, PORT], [Value::Port(port)]),
        VirtualProtocol::Udp => saying.and(&[UDP, PORT], [Value::Port(port)]),
        VirtualProtocol::Any => saying.and(&[ANY], []),
        VirtualProtocol::Number(number) => saying.and(&[NUMBER], [Value::Number(number.into())]),
    };
    match service {
        Some(Service::Ftp) => saying.and(&[SERVICE, FTP], []),
        Some(Service::Rtsp) => saying.and(&[SERVICE, RTSP], []),
        None => &mut saying,
    }
    .print(lines);
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

const REPLICATE: Element = keyword("replicate", "State for the other box");
const CSRP: Element = keyword_or("csrp", "csrpf", "Replication protocol");

fn replicate() -> [Command<VirtualServer>; 2] {
    let sticky = [REPLICATE, CSRP, keyword("sticky", "Which real a client sticks to")];
    let sticky = Command::<VirtualServer>::new(&sticky)
        .puts(|server| server.replicate_sticky = true)
        .clears(3, |server| server.replicate_sticky = false)
        .shows(|server, lines| lines.line_if(server.replicate_sticky, &[]))
        .without_effect("replicate csrp sticky");
    let connection = [REPLICATE, CSRP, keyword("connection", "Established connections")];
    let connection = Command::<VirtualServer>::new(&connection)
        .puts(|server| server.replicate_connections = true)
        .clears(3, |server| server.replicate_connections = false)
        .shows(|server, lines| lines.line_if(server.replicate_connections, &[]));
    [sticky, connection]
}

fn in_service() -> [Command<VirtualServer>; 2] {
    let in_service = keyword("inservice", "Answer clients");
    let standby = keyword("standby", "Only in the place of one that failed");
    let yes = Command::<VirtualServer>::new(&[in_service])
        .puts(|server| server.in_service = InService::Yes)
        .clears(1, |server| server.in_service = InService::No)
        .shows(|server, lines| lines.line_if(server.in_service == InService::Yes, &[]));
    let standby = Command::<VirtualServer>::new(&[in_service, standby])
        .puts(|server| server.in_service = InService::Standby)
        .clears(1, |server| server.in_service = InService::No)
        .shows(|server, lines| lines.line_if(server.in_service == InService::Standby, &[]))
        .without_effect("inservice standby");
    [yes, standby]
}
