//! Which clients a virtual server takes, and which real each of them gets.

use crate::commands::forms::{Family, Saying, forms, may, must};
use crate::commands::policy::{farm_forms, farms_of, show_farms};
use crate::commands::sticky::{address_of, address_word};
use crate::commands::{label, small};
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{
    Admission, Advertise, ClientNetwork, ClientSticky, Name, StickyAddress, Subnet, VirtualServer,
};
use hitless_model::StickyGroup;

/// What a virtual server is called by others.
pub(super) fn labels() -> [Command<VirtualServer>; 2] {
    let owner = [keyword("owner", "Whose it is"), arg(Kind::Word, "Name of the owner")];
    let owner = Command::<VirtualServer>::new(&owner)
        .sets(|server, args| {
            server.owner = Some(label(args.get(0)?)?);
            Ok(())
        })
        .clears(1, |server| server.owner = None)
        .shows(|server, lines| {
            if let Some(owner) = &server.owner {
                lines.line(&[Value::Word(owner.to_string())]);
            }
        })
        .without_effect("an owner");
    let domain = [keyword("domain", "What name servers call it"), arg(Kind::Word, "A domain")];
    let domain = Command::<VirtualServer>::new(&domain)
        .sets(|server, args| {
            server.domain = Some(label(args.get(0)?)?);
            Ok(())
        })
        .clears(1, |server| server.domain = None)
        .shows(|server, lines| {
            if let Some(domain) = &server.domain {
                lines.line(&[Value::Word(domain.to_string())]);
            }
        })
        .without_effect("a domain");
    [owner, domain]
}

pub(super) fn commands() -> Vec<Command<VirtualServer>> {
    let mut commands = vec![vlan()];
    commands.extend(clients());
    commands.extend(farm());
    commands.push(policy());
    commands.extend(sticky());
    commands.extend([reverse_sticky(), max_conns(), unidirectional()]);
    commands.extend(advertise());
    commands.push(status_tracking());
    commands
}

fn vlan() -> Command<VirtualServer> {
    let path = [keyword("vlan", "Only clients that come from there"), arg(Kind::Vlan, "A VLAN")];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            server.vlan = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.vlan = None)
        .shows(|server, lines| {
            if let Some(vlan) = server.vlan {
                lines.line(&[Value::Vlan(vlan)]);
            }
        })
        .without_effect("vlan of a virtual server")
}

const CLIENT: Element = keyword("client", "Only these clients");
const NETWORK: Element = arg(Kind::Ipv4, "Address or network");
const MASK: Element = arg(Kind::Mask, "Mask");
const EXCLUDE: Element = keyword("exclude", "All but these");

fn clients() -> Vec<Command<VirtualServer>> {
    let family = Family::<VirtualServer> {
        set: |server, args| {
            let network = network_of(args)?;
            server.clients.retain(|client| client.network != network);
            let is_out = args.says("exclude");
            let admission = if is_out { Admission::Exclude } else { Admission::Include };
            server.clients.insert(ClientNetwork { network, admission });
            Ok(())
        },
        reset: |server, args| {
            let network = network_of(args)?;
            server.clients.retain(|client| client.network != network);
            Ok(())
        },
        shows: |server, lines| {
            for ClientNetwork { network, admission } in &server.clients {
                let mut saying = Saying::new(&[CLIENT]);
                saying.and(&[NETWORK], [Value::Ipv4(network.address)]);
                if network.prefix != 32 {
                    saying.and(&[MASK], [Value::Mask(network.prefix)]);
                }
                if *admission == Admission::Exclude {
                    saying.and(&[EXCLUDE], []);
                }
                saying.print(lines);
            }
        },
    };
    let forms = forms(&[must(&[CLIENT, NETWORK]), may(&[MASK]), may(&[EXCLUDE])]);
    let commands = family.commands(2, &forms).into_iter();
    commands.map(|command| command.without_effect("client of a virtual server")).collect()
}

fn network_of(args: &Args) -> Result<Subnet, Refusal> {
    let network = Subnet { address: args.get(0)?, prefix: args.find::<u8>().unwrap_or(32) };
    if network.network() != network {
        return Err(Refusal::argument(0, "the network has bits outside its mask"));
    }
    Ok(network)
}

fn farm() -> Vec<Command<VirtualServer>> {
    let family = Family::<VirtualServer> {
        set: |server, args| {
            let (farm, backup) = farms_of(args)?;
            server.farm = Some(farm);
            server.backup = backup;
            Ok(())
        },
        reset: |server, _| {
            server.farm = None;
            server.backup = None;
            Ok(())
        },
        shows: |server, lines| show_farms(server.farm.as_ref(), server.backup.as_ref(), lines),
    };
    let lacks = |server: &VirtualServer| server.backup.as_ref().map(|_| "a backup server farm");
    let commands = family.commands(1, &farm_forms()).into_iter();
    commands.map(|command| command.without_effect_if(lacks)).collect()
}

fn policy() -> Command<VirtualServer> {
    let path =
        [keyword("slb-policy", "Where connections go that fit"), arg(Kind::Name, "Its name")];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            let name: Name = args.get(0)?;
            if !server.policies.contains(&name) {
                server.policies.push(name);
            }
            Ok(())
        })
        .resets(2, |server, args| {
            let name: Name = args.get(0)?;
            server.policies.retain(|policy| *policy != name);
            Ok(())
        })
        .shows(|server, lines| {
            for policy in &server.policies {
                lines.line(&[Value::Name(policy.clone())]);
            }
        })
        .without_effect("a policy")
}

const STICKY: Element = keyword("sticky", "Clients keep their real");
const MINUTES: Element =
    arg(Kind::Number { min: 1, max: 65_535 }, "Minutes after a client's last connection");
const GROUP: [Element; 2] = [
    keyword("group", "Virtual servers that share what sticks"),
    arg(Kind::Number { min: 0, max: 255 }, "Number of the group; 0 = this one for itself"),
];
const NETMASK: [Element; 2] =
    [keyword("netmask", "What counts as one client"), arg(Kind::Mask, "Mask")];

fn sticky() -> Vec<Command<VirtualServer>> {
    let which = [StickyAddress::Source, StickyAddress::Destination, StickyAddress::Both];
    let mut address = vec![Vec::new()];
    address.extend(which.map(|which| vec![address_word(which)]));
    let forms = forms(&[must(&[STICKY, MINUTES]), may(&GROUP), may(&NETMASK), address]);
    let family = Family::<VirtualServer> {
        set: |server, args| {
            let group: Option<u64> = args.nth(1).ok().filter(|group| *group != 0);
            let group = group.map(StickyGroup::try_from).transpose();
            server.sticky = Some(ClientSticky {
                minutes: small(args.nth(0)?)?,
                group: group.map_err(|error| Refusal::command(error.to_string()))?,
                prefix: args.find::<u8>().unwrap_or(32),
                by: address_of(args),
            });
            Ok(())
        },
        reset: |server, _| {
            server.sticky = None;
            Ok(())
        },
        shows: show_sticky,
    };
    family.commands(1, &forms)
}

fn show_sticky(server: &VirtualServer, lines: &mut Lines<'_>) {
    let Some(sticky) = server.sticky else { return };
    let mut saying = Saying::new(&[STICKY]);
    saying.and(&[MINUTES], [Value::Number(sticky.minutes.into())]);
    if let Some(group) = sticky.group {
        saying.and(&GROUP, [Value::StickyGroup(group)]);
    }
    if sticky.prefix != 32 {
        saying.and(&NETMASK, [Value::Mask(sticky.prefix)]);
    }
    if sticky.by != StickyAddress::default() {
        saying.and(&[address_word(sticky.by)], []);
    }
    saying.print(lines);
}

fn reverse_sticky() -> Command<VirtualServer> {
    let path = [
        keyword("reverse-sticky", "Connections from a real stick, too"),
        arg(Kind::StickyGroup, "Number of the group"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            server.reverse_sticky = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.reverse_sticky = None)
        .shows(|server, lines| {
            if let Some(group) = server.reverse_sticky {
                lines.line(&[Value::StickyGroup(group)]);
            }
        })
        .without_effect("reverse-sticky")
}

fn max_conns() -> Command<VirtualServer> {
    let path = [
        keyword("max-conns", "Most connections"),
        arg(Kind::Number { min: 0, max: 4_294_967_295 }, "Connections; 0 = no limit"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            let most: u32 = small(args.get(0)?)?;
            server.max_conns = Some(most).filter(|most| *most != 0);
            Ok(())
        })
        .clears(1, |server| server.max_conns = None)
        .shows(|server, lines| {
            if let Some(most) = server.max_conns {
                lines.line(&[Value::Number(most.into())]);
            }
        })
        .without_effect("max-conns")
}

fn unidirectional() -> Command<VirtualServer> {
    let word = keyword("unidirectional", "Packets of one direction keep a connection alive");
    Command::<VirtualServer>::new(&[word])
        .puts(|server| server.unidirectional = true)
        .clears(1, |server| server.unidirectional = false)
        .shows(|server, lines| lines.line_if(server.unidirectional, &[]))
        .without_effect("unidirectional")
}

fn advertise() -> [Command<VirtualServer>; 2] {
    let first = keyword("advertise", "Announce the address as a route");
    let active = keyword("active", "Only while it serves");
    let always = Command::<VirtualServer>::new(&[first])
        .puts(|server| server.advertise = Some(Advertise::Always))
        .clears(1, |server| server.advertise = None)
        .shows(|server, lines| lines.line_if(server.advertise == Some(Advertise::Always), &[]));
    let active = Command::<VirtualServer>::new(&[first, active])
        .puts(|server| server.advertise = Some(Advertise::Active))
        .clears(1, |server| server.advertise = None)
        .shows(|server, lines| lines.line_if(server.advertise == Some(Advertise::Active), &[]));
    [always, active].map(|command| command.without_effect("advertise"))
}

fn status_tracking() -> Command<VirtualServer> {
    let path = [
        keyword("status-tracking", "Out of service while another one is"),
        arg(Kind::Name, "The other virtual server"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            server.status_tracking = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |server| server.status_tracking = None)
        .shows(|server, lines| {
            if let Some(other) = &server.status_tracking {
                lines.line(&[Value::Name(other.clone())]);
            }
        })
        .without_effect("status-tracking")
}
