//! Farms, virtual servers, and what decides between them.

use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{
    Admission, Advertise, Backup, ClientNetwork, ClientSticky, Credentials, DnsCheck, FailAction,
    HashedAddress, HttpCheck, HttpMethod, InService, InbandHealth, NatPool, Policy, Predictor,
    Probe, ProbeAddress, ProbeCheck, ProbeKind, Real, RequestReading, ServerFarm, Service,
    SslSticky, StatusRanges, StickyAddress, Subnet, VirtualAddress, VirtualProtocol, VirtualServer,
};
use hitless_model::StickyGroup;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;

use super::{address, description, id, key, label, name, network};

fn in_service() -> impl Strategy<Value = InService> {
    prop_oneof![Just(InService::No), Just(InService::Yes), Just(InService::Standby)]
}

fn predictor() -> impl Strategy<Value = Predictor> {
    let of_address = prop_oneof![
        Just(HashedAddress::Both),
        Just(HashedAddress::Source),
        Just(HashedAddress::Destination),
    ];
    prop_oneof![
        Just(Predictor::RoundRobin),
        of(1..=u16::MAX).prop_map(|slow_start_s| Predictor::LeastConns { slow_start_s }),
        Just(Predictor::HashUrl),
        (of_address, 0..=32u8).prop_map(|(of, prefix)| Predictor::HashAddress { of, prefix }),
        Just(Predictor::Forward),
    ]
}

fn reals() -> impl Strategy<Value = Vec<Real>> {
    let limits =
        prop_oneof![(Just(None), any::<u32>()), (1000..u32::MAX).prop_map(|most| (Some(most), 7)),];
    let real = (0..=100u8, limits, in_service());
    btree_map((1..=200u8, of(1..=u16::MAX)), real, 0..4).prop_map(|reals| {
        let real = |((host, port), (weight, (max_conns, min_conns), in_service))| Real {
            weight,
            max_conns,
            min_conns,
            in_service,
            ..Real::new(Ipv4Addr::new(10, 0, 1, host), port)
        };
        reals.into_iter().map(real).collect()
    })
}

pub(crate) fn farm() -> impl Strategy<Value = ServerFarm> {
    let health = of((0..=65_534u16, any::<u16>())
        .prop_map(|(retries, failed_s)| InbandHealth { retries, failed_s }));
    let fail = of(prop_oneof![Just(FailAction::Purge), Just(FailAction::Reassign)]);
    let nat = (any::<bool>(), of(name()));
    let outside = (of(name()), 0..=65_533u16, btree_set(name(), 0..3));
    (description(), nat, predictor(), fail, health, outside, reals()).prop_map(
        |(description, nat, predictor, fail_action, health, outside, reals)| {
            let (nat_server, nat_client) = nat;
            let (return_codes, bind_id, probes) = outside;
            ServerFarm {
                description,
                nat_server,
                nat_client,
                predictor,
                fail_action,
                probes,
                health,
                return_codes,
                bind_id,
                reals,
            }
        },
    )
}

pub(crate) fn nat_pool() -> impl Strategy<Value = NatPool> {
    (address(), 1..=32u8).prop_map(|(first, prefix)| {
        let last = u32::from(first) | !u32::from(Subnet { address: first, prefix }.mask());
        NatPool { first, last: Ipv4Addr::from(last), prefix }
    })
}

fn farms() -> impl Strategy<Value = (Option<hitless_config::model::Name>, Option<Backup>)> {
    let backup = (name(), any::<bool>()).prop_map(|(farm, is_sticky)| Backup { farm, is_sticky });
    of((name(), of(backup))).prop_map(|farms| match farms {
        Some((farm, backup)) => (Some(farm), backup),
        None => (None, None),
    })
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let groups = (of(id::<StickyGroup>(1, 255)), of(id::<StickyGroup>(1, 255)));
    (of(label()), farms(), groups, of(0..=63u8)).prop_map(
        |(client_group, (farm, backup), (sticky_group, reverse_sticky), dscp)| Policy {
            client_group,
            farm,
            backup,
            sticky_group,
            reverse_sticky,
            dscp,
        },
    )
}

fn statuses() -> impl Strategy<Value = StatusRanges> {
    btree_set((0..=500u16, 0..=499u16).prop_map(|(first, more)| (first, first + more)), 0..3)
}

fn check() -> impl Strategy<Value = ProbeCheck> {
    let method = prop_oneof![Just(HttpMethod::Get), Just(HttpMethod::Head)];
    let credentials =
        (label(), of(key())).prop_map(|(user, password)| Credentials { user, password });
    let headers = btree_map(label(), label(), 0..3);
    let http = (method, of(label()), headers, of(credentials), statuses()).prop_map(
        |(method, url, headers, credentials, expects)| HttpCheck {
            method,
            url,
            headers,
            credentials,
            expects,
        },
    );
    let dns = (of(label()), btree_set(address(), 0..3))
        .prop_map(|(name, expects)| DnsCheck { name, expects });
    let plain = [ProbeKind::Icmp, ProbeKind::Tcp, ProbeKind::Udp, ProbeKind::Telnet];
    let plain = proptest::sample::select([&plain[..], &[ProbeKind::KalAp]].concat());
    prop_oneof![
        plain.prop_map(ProbeKind::check),
        http.prop_map(ProbeCheck::Http),
        statuses().prop_map(ProbeCheck::Ftp),
        statuses().prop_map(ProbeCheck::Smtp),
        dns.prop_map(ProbeCheck::Dns),
        of(label()).prop_map(ProbeCheck::Script),
    ]
}

pub(crate) fn probe() -> impl Strategy<Value = Probe> {
    let times = (2..=u16::MAX, any::<u16>(), 2..=u16::MAX, 1..=u16::MAX);
    let waits = (1..=u16::MAX, 1..=u16::MAX, of(1..=u16::MAX));
    let asked = of((address(), any::<bool>())
        .prop_map(|(address, is_routed)| ProbeAddress { address, is_routed }));
    (check(), description(), times, waits, asked).prop_map(
        |(check, description, times, (open_s, receive_s, port), address)| {
            let (interval_s, retries, failed_s, recover) = times;
            let port = port.filter(|_| check.kind() != ProbeKind::Icmp);
            Probe {
                check,
                description,
                interval_s,
                retries,
                failed_s,
                recover,
                open_s,
                receive_s,
                port,
                address,
            }
        },
    )
}

fn listens() -> impl Strategy<Value = VirtualAddress> {
    let service = of(prop_oneof![Just(Service::Ftp), Just(Service::Rtsp)]);
    let transport = prop_oneof![Just(VirtualProtocol::Tcp), Just(VirtualProtocol::Udp)];
    let other = prop_oneof![
        Just(VirtualProtocol::Any),
        any::<u8>()
            .prop_filter("TCP and UDP have words", |number| ![6, 17].contains(number))
            .prop_map(VirtualProtocol::Number),
    ];
    let what = prop_oneof![
        (transport, any::<u16>(), service),
        other.prop_map(|protocol| (protocol, 0, None)),
    ];
    // The address is given by whoever sees all of them.
    (8..=32u8, what).prop_map(|(prefix, (protocol, port, service))| {
        let address = Subnet { address: Ipv4Addr::UNSPECIFIED, prefix: prefix.max(24) };
        VirtualAddress { address, protocol, port, service }
    })
}

fn sticky() -> impl Strategy<Value = ClientSticky> {
    let by = proptest::sample::select(vec![
        StickyAddress::Source,
        StickyAddress::Destination,
        StickyAddress::Both,
    ]);
    (1..=u16::MAX, of(id(1, 255)), 0..=32u8, by)
        .prop_map(|(minutes, group, prefix, by)| ClientSticky { minutes, group, prefix, by })
}

fn clients() -> impl Strategy<Value = std::collections::BTreeSet<ClientNetwork>> {
    let admission = prop_oneof![Just(Admission::Include), Just(Admission::Exclude)];
    btree_map(network(), admission, 0..3).prop_map(|clients| {
        let client = |(network, admission)| ClientNetwork { network, admission };
        clients.into_iter().map(client).collect()
    })
}

fn requests() -> impl Strategy<Value = RequestReading> {
    let ssl = (0..=127u8, 1..=128u8).prop_map(|(offset, length)| SslSticky { offset, length });
    (any::<bool>(), 1..=4000u16, ssl, of(label()), of(label())).prop_map(
        |(persistent_rebalance, parse_length, ssl_sticky, url_hash_begin, url_hash_end)| {
            RequestReading {
                persistent_rebalance,
                parse_length,
                ssl_sticky,
                url_hash_begin,
                url_hash_end,
            }
        },
    )
}

pub(crate) fn virtual_server() -> impl Strategy<Value = VirtualServer> {
    let idle = prop_oneof![Just(0), 4..=13_500_000u64].prop_map(Duration::from_secs);
    let pending = (1..=65_535u64).prop_map(Duration::from_secs);
    let words = (description(), of(label()), of(label()), of(name()));
    let who = (of(listens()), of(id(2, 4094)), clients(), farms(), vec(name(), 0..3));
    let stays = (of(sticky()), of(id(1, 255)), idle, pending, of(1..=u32::MAX));
    let advertise = of(prop_oneof![Just(Advertise::Always), Just(Advertise::Active)]);
    let flags = any::<[bool; 3]>();
    (words, who, stays, advertise, flags, requests(), in_service()).prop_map(
        |(words, who, stays, advertise, flags, requests, in_service)| {
            let (description, owner, domain, status_tracking) = words;
            let (listens, vlan, clients, (farm, backup), mut policies) = who;
            let (sticky, reverse_sticky, idle, pending, max_conns) = stays;
            let [replicate_sticky, replicate_connections, unidirectional] = flags;
            policies.sort_unstable();
            policies.dedup();
            VirtualServer {
                description,
                owner,
                domain,
                listens,
                vlan,
                clients,
                farm,
                backup,
                policies,
                sticky,
                reverse_sticky,
                idle,
                pending,
                max_conns,
                replicate_sticky,
                replicate_connections,
                unidirectional,
                advertise,
                status_tracking,
                requests,
                in_service,
            }
        },
    )
}
