use hitless_config::model::{
    ClientSticky, InService, Route, StickyAddress, StickyBy, StickyGroupConfig,
};
use hitless_model::Protocol;

use super::*;
use crate::testing::*;

fn compiled(change: impl FnOnce(&mut hitless_config::model::Module)) -> Desired {
    let mut module = module();
    change(&mut module);
    desired(&module, &ports())
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[test]
fn a_plain_configuration_is_supported_whole() {
    let desired = compiled(|_| {});
    assert_eq!(desired.unsupported, []);
    assert_eq!(desired.ports.len(), 2);
    assert_eq!(desired.virtual_servers.len(), 2);
    assert!(desired.virtual_servers.iter().all(|server| server.in_service && server.replicate));
}

#[test]
fn weights_are_consecutive_places_and_zero_is_none() {
    let reals = vec![real(11, 2), real(12, 0), real(13, 3)];
    let desired = compiled(|module| {
        module.farms.insert(name("web"), farm(reals));
    });
    let order: Vec<u8> = desired.farms[0]
        .schedule
        .iter()
        .map(|position| desired.reals[*position].ip.octets()[3])
        .collect();
    assert_eq!(order, [11, 11, 13, 13, 13]);
    assert!(desired.reals.iter().any(|real| real.ip == ip("10.7.0.12")));
}

#[test]
fn a_real_out_of_service_gets_no_new_connections() {
    let mut resting = real(12, 4);
    resting.in_service = InService::No;
    let desired = compiled(|module| {
        module.farms.insert(name("web"), farm(vec![resting]));
    });
    assert!(desired.farms[0].schedule.is_empty());
    assert!(desired.virtual_servers[0].in_service);
    assert!(desired.real_addresses.contains(&Endpoint::new(ip("10.7.0.12"), 80, Protocol::Tcp)));
}

#[test]
fn addresses_float_where_their_subnet_is_and_everywhere() {
    let desired = compiled(|_| {});
    let expected = [
        ((VIP, None), FloatingKind::Virtual),
        ((VIP, Some(vlan(CLIENT_VLAN))), FloatingKind::Virtual),
        ((ip("10.7.0.1"), None), FloatingKind::Alias),
        ((ip("10.7.0.1"), Some(vlan(SERVER_VLAN))), FloatingKind::Alias),
    ];
    assert_eq!(desired.floating, expected.into());
}

#[test]
fn the_virtual_mac_is_the_pairs_or_without_a_pair_the_ports_own() {
    let of = |desired: &Desired| desired.ports[&vlan(CLIENT_VLAN)].virtual_mac;
    let pair = Mac::virtual_for(90.try_into().unwrap(), vlan(9), vlan(CLIENT_VLAN));
    assert_eq!(of(&compiled(|_| {})), pair);
    let alone = compiled(|module| module.ft = None);
    assert_eq!(of(&alone), alone.ports[&vlan(CLIENT_VLAN)].facts.mac);
}

#[test]
fn stray_segments_are_those_of_the_protocols_and_ports_in_use() {
    let mut other_port = real(12, 1);
    other_port.port = Some(8080);
    let desired = compiled(|module| {
        module.farms.insert(name("web"), farm(vec![real(11, 1), other_port]));
    });
    let expected = [
        Endpoint::new(ip("10.7.0.11"), 80, Protocol::Tcp),
        Endpoint::new(ip("10.7.0.11"), 53, Protocol::Udp),
        Endpoint::new(ip("10.7.0.12"), 8080, Protocol::Tcp),
        Endpoint::new(ip("10.7.0.12"), 8080, Protocol::Udp),
    ];
    assert_eq!(desired.real_addresses, expected.into());
}

#[test]
fn a_real_behind_a_route_is_reached_by_the_routes_gateway() {
    let far = |address: &str| hitless_config::model::Real {
        weight: 1,
        in_service: InService::Yes,
        ..hitless_config::model::Real::new(ip(address), None)
    };
    let desired = compiled(|module| {
        let servers = module.vlans.get_mut(&vlan(SERVER_VLAN)).unwrap();
        servers.routes = vec![
            Route { network: subnet("10.0.0.0", 8), gateway: ip("10.7.0.250") },
            Route { network: subnet("10.9.0.0", 16), gateway: ip("10.7.0.251") },
            // Its gateway lies in the other VLAN's subnet.
            Route { network: subnet("10.9.9.0", 24), gateway: ip("10.6.0.252") },
        ];
        let reals = vec![far("10.8.0.1"), far("10.9.0.1"), far("10.9.9.1"), far("192.0.2.1")];
        module.farms.insert(name("web"), farm(reals));
    });
    let ways: Vec<NextHop> =
        desired.reals.iter().map(|real| desired.next_hops[real.next_hop]).collect();
    let hop = |number, address| NextHop { vlan: vlan(number), ip: ip(address) };
    let expected = [
        hop(SERVER_VLAN, "10.7.0.250"),
        hop(SERVER_VLAN, "10.7.0.251"),
        hop(CLIENT_VLAN, "10.6.0.252"),
        hop(CLIENT_VLAN, "10.6.0.1"),
    ];
    assert_eq!(ways, expected);
    assert_eq!(desired.reals[2].vlan, vlan(CLIENT_VLAN));
}

#[test]
fn a_virtual_server_without_a_farm_is_out_of_service() {
    let desired = compiled(|module| {
        module.virtual_servers.get_mut(&name("http")).unwrap().farm = None;
        module.virtual_servers.get_mut(&name("dns")).unwrap().in_service = InService::No;
    });
    assert_eq!(desired.virtual_servers.len(), 2);
    assert!(desired.virtual_servers.iter().all(|server| !server.in_service));
    assert_eq!(desired.unsupported, []);
}

#[test]
fn what_is_not_supported_is_said_in_a_sentence() {
    let desired = compiled(|module| {
        let mut network = virtual_server("web", Protocol::Tcp, 80);
        network.listens.as_mut().unwrap().address.prefix = 24;
        module.virtual_servers.insert(name("network"), network);
        module.virtual_servers.insert(name("any"), virtual_server("web", Protocol::Tcp, 0));
        module.virtual_servers.insert(name("lost"), virtual_server("nowhere", Protocol::Tcp, 81));
        module.virtual_servers.insert(name("twin"), virtual_server("web", Protocol::Tcp, 80));
        let mut direct = farm(vec![real(11, 1)]);
        direct.nat_server = false;
        module.farms.insert(name("direct"), direct);
        module.vlans.insert(vlan(300), module_vlan(Side::Server, subnet("10.8.0.1", 24)));
    });
    let said: Vec<String> = desired.unsupported.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "vlan 300: its interface does not exist",
            "serverfarm DIRECT: a farm without nat server is not supported",
            "vserver ANY: a virtual server without a port is not supported",
            "vserver LOST: serverfarm NOWHERE does not exist",
            "vserver NETWORK: a virtual address with a mask shorter than /32 is not supported",
            "vserver TWIN: 10.6.0.200:80 TCP belongs to vserver HTTP already",
        ]
    );
}

#[test]
fn more_reals_than_the_schedule_holds_are_reported() {
    let desired = compiled(|module| {
        let many = (0..2_700_u16).map(|number| hitless_config::model::Real {
            port: Some(1000 + number),
            ..real(11, 100)
        });
        module.farms.insert(name("web"), farm(many.collect()));
    });
    assert_eq!(
        desired.unsupported,
        [Unsupported::TooMany { what: "reals times weight", limit: 262_144, found: 270_000 }]
    );
}

#[test]
fn the_same_configuration_compiles_to_the_same() {
    assert_eq!(compiled(|_| {}), compiled(|_| {}));
}

fn own_line(group: Option<u64>) -> ClientSticky {
    let group = group.map(|group| group.try_into().unwrap());
    ClientSticky { minutes: 5, group, prefix: 24, by: StickyAddress::Both }
}

fn sticks(group: Option<u64>, configured: Option<StickyBy>) -> (Option<Sticky>, Vec<String>) {
    let desired = compiled(|module| {
        module.virtual_servers.get_mut(&name("http")).unwrap().sticky = Some(own_line(group));
        let config = configured.map(|by| StickyGroupConfig { by, timeout_min: 60 });
        module.sticky_groups.extend(config.map(|config| (35.try_into().unwrap(), config)));
    });
    let said = desired.unsupported.iter().map(ToString::to_string).collect();
    let server = desired.virtual_servers.iter().find(|server| server.name == name("http"));
    (server.unwrap().sticky, said)
}

#[test]
fn a_virtual_servers_own_line_counts_unless_its_group_is_configured() {
    let by_source = StickyBy::Address { prefix: 32, of: StickyAddress::Source };
    let alone = Sticky {
        group: None,
        prefix: 24,
        by: StickyAddress::Both,
        lasts: Duration::from_mins(5),
        since: StickySince::LastEnd,
        replicate: false,
    };
    assert_eq!(sticks(None, Some(by_source.clone())), (Some(alone), vec![]));
    let group = Some(35.try_into().unwrap());
    assert_eq!(sticks(Some(35), None), (Some(Sticky { group, ..alone }), vec![]));
    let grouped = Sticky {
        group,
        prefix: 32,
        by: StickyAddress::Source,
        lasts: Duration::from_hours(1),
        since: StickySince::LastBegin,
        replicate: false,
    };
    assert_eq!(sticks(Some(35), Some(by_source)), (Some(grouped), vec![]));
}

#[test]
fn clients_that_are_told_apart_by_content_do_not_stick_and_it_is_said() {
    let said = "vserver HTTP: sticky group 35 is not by addresses, which is not supported";
    assert_eq!(sticks(Some(35), Some(StickyBy::Ssl)), (None, vec![said.to_owned()]));
}

#[test]
fn an_address_stands_for_a_real_where_it_is_no_question_which() {
    let at = |last: u8, port: Option<u16>, in_service: InService| hitless_config::model::Real {
        port,
        in_service,
        ..real(last, 1)
    };
    let desired = compiled(|module| {
        let reals = vec![
            at(11, None, InService::Yes),
            at(11, Some(8080), InService::Yes),
            at(12, Some(80), InService::Yes),
            at(12, Some(8080), InService::No),
            at(13, Some(8080), InService::Yes),
            at(14, None, InService::No),
        ];
        module.farms.insert(name("web"), farm(reals));
    });
    let named: Vec<_> = desired.farms[0]
        .by_address
        .iter()
        .map(|(ip, position)| (ip.octets()[3], desired.reals[*position].port))
        .collect();
    assert_eq!(named, [(11, None), (13, Some(8080))]);
}
