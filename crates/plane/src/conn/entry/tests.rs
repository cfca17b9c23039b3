use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::desired::desired;
use crate::layout::{Contents, lay_out};
use crate::testing::{self, CLIENT_VLAN, SERVER_VLAN, VIP, module, ports, vlan};

fn resolver() -> Resolver {
    let desired = desired(&module(), &ports());
    let contents = lay_out(&Contents::default(), &desired).unwrap();
    Resolver::new(&desired, &contents)
}

fn now() -> Instant {
    Instant::from_nanos(1_000_000_000_000)
}

#[test]
fn an_on_link_client_is_answered_directly_and_any_other_by_the_gateway() {
    let resolver = resolver();
    let mut record = testing::record(1);
    let far = pair(&record, &resolver, now()).unwrap().reverse.1;
    let gateway = resolver.by_neighbour[&(3, Ipv4Addr::new(10, 6, 0, 1))];
    assert_eq!((far.next_hop, far.out_ifindex, far.out_vlan), (gateway, 3, CLIENT_VLAN));

    record.key.client = SocketAddrV4::new(Ipv4Addr::new(10, 6, 0, 7), 4000);
    let near = pair(&record, &resolver, now()).unwrap().reverse.1;
    assert_eq!((near.next_hop, near.out_ifindex, near.out_vlan), (0, 3, CLIENT_VLAN));
}

#[test]
fn the_forward_entry_leads_to_the_real() {
    let resolver = resolver();
    let forward = pair(&testing::record(0), &resolver, now()).unwrap().forward.1;
    let real = resolver.by_neighbour[&(4, Ipv4Addr::new(10, 7, 0, 11))];
    assert_eq!((forward.next_hop, forward.out_ifindex), (real, 4));
    assert_eq!((forward.in_vlan, forward.out_vlan), (CLIENT_VLAN, SERVER_VLAN));
    assert_eq!(forward.flags, CONN_FROM_PEER | CONN_REPLICATE);
}

#[test]
fn a_record_that_this_box_cannot_carry_on_is_refused_with_the_reason() {
    let refused = |change: fn(&mut ConnRecord)| {
        let mut record = testing::record(1);
        change(&mut record);
        pair(&record, &resolver(), now()).unwrap_err()
    };
    let server = refused(|record| record.key.virtual_server.set_port(81));
    assert_eq!(server, Refusal::UnknownVirtualServer);
    let protocol = refused(|record| record.key.protocol = Protocol::Udp);
    assert_eq!(protocol, Refusal::UnknownVirtualServer);
    let real = refused(|record| record.real.set_ip(Ipv4Addr::new(10, 7, 0, 99)));
    assert_eq!(real, Refusal::UnknownReal);
    assert_eq!(refused(|record| record.client_vlan = vlan(5)), Refusal::UnknownVlan);
}

#[test]
fn an_entry_of_an_unknown_protocol_or_vlan_is_no_record() {
    let (key, conn) = pair(&testing::record(1), &resolver(), now()).unwrap().forward;
    assert!(record(&FlowKey { protocol: 1, ..key }, &conn, now()).is_none());
    assert!(record(&key, &Conn { in_vlan: 0, ..conn }, now()).is_none());
}

prop_compose! {
    fn records()(
        client in any::<u32>(), client_port in any::<u16>(), tcp in any::<bool>(),
        last in 11_u8..13, real_port in any::<u16>(), seen in any::<u8>(),
        idle in 0_u64..1_000_000_000_000,
    ) -> ConnRecord {
        let (protocol, port) = if tcp { (Protocol::Tcp, 80) } else { (Protocol::Udp, 53) };
        ConnRecord {
            key: ConnKey {
                client: SocketAddrV4::new(Ipv4Addr::from(client), client_port),
                virtual_server: SocketAddrV4::new(VIP, port),
                protocol,
            },
            real: SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, last), real_port),
            client_vlan: vlan(CLIENT_VLAN),
            server_vlan: vlan(SERVER_VLAN),
            seen,
            idle: Duration::from_nanos(idle),
        }
    }
}

proptest! {
    #[test]
    fn a_record_survives_the_way_into_the_maps_and_back(told in records()) {
        let pair = pair(&told, &resolver(), now()).unwrap();
        let (key, forward) = pair.forward;
        prop_assert_eq!(record(&key, &forward, now()), Some(told));
    }

    #[test]
    fn each_entry_leads_to_the_other(told in records()) {
        let Pair { forward: (forward_key, forward), reverse: (reverse_key, reverse) } =
            pair(&told, &resolver(), now()).unwrap();
        let real = (forward.rewrite_ip, forward.rewrite_port);
        prop_assert_eq!(forward_key.reverse_of_forward(real), reverse_key);
        let server = (reverse.rewrite_ip, reverse.rewrite_port);
        prop_assert_eq!(reverse_key.forward_of_reverse(server), forward_key);
        prop_assert_eq!(forward.seen, reverse.seen);
        prop_assert_eq!((forward.in_vlan, forward.out_vlan), (reverse.out_vlan, reverse.in_vlan));
    }
}
