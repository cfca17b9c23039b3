//! Every layout against its text.

use hitless_config::model::{Name, Side, SplitBrain, Subnet, VirtualProtocol};
use hitless_core::node::{Decision, PathId, PeerStatus, Status};
use hitless_model::tcp::seen;
use hitless_model::{
    ConnKey, ConnRecord, ConnStage, Epoch, Instant, Mac, Priority, Protocol, Role, UnitId, VlanId,
};

use super::*;
use crate::api::types::{
    ArpInfo, ArpKind, ArpStatus, ConnInfo, ConnPage, CounterInfo, FarmInfo, FtHistory, FtState,
    KeptDecision, KeptSettings, KeptStory, RealInfo, RealState, Stats, VirtualServerInfo,
    VirtualServerState, VlanInfo,
};
use crate::exec::{Depth, FarmDetail, Numbered};

fn name(text: &str) -> Name {
    Name::try_from(text.to_owned()).expect("a name")
}

fn vlan(number: u64) -> VlanId {
    VlanId::try_from(number).expect("a VLAN")
}

fn priority(number: u64) -> Priority {
    Priority::try_from(number).expect("a priority")
}

fn subnet(octets: [u8; 4], prefix: u8) -> Subnet {
    Subnet { address: octets.into(), prefix }
}

fn count(name: &str, count: u64) -> (String, u64) {
    (name.to_owned(), count)
}

fn peer() -> PeerStatus {
    PeerStatus {
        unit: UnitId(0xb),
        role: Role::Standby,
        epoch: Epoch(4),
        priority: priority(10),
        preempt: false,
        software: "0.1.0".to_owned(),
        config_agrees: true,
    }
}

fn ft() -> FtState {
    let status = Status {
        role: Role::Active,
        epoch: Epoch(4),
        lease_left_ns: Some(1_994_000_000),
        priority: priority(20),
        since: Instant::ZERO,
        role_changes: 2,
        lease_expiries: 0,
        longest_delay_ns: 3_400_000,
        delays: 0,
        peer: Some(peer()),
        key: Some(hitless_core::session::KeyInUse::Own),
        paths: vec![(PathId(vlan(9)), true), (PathId(vlan(2)), true)],
        waiting: None,
        gateways: None,
        in_step: true,
        at_risk: 0,
        queued: 0,
        lag_ms: 0,
        diverged: 0,
        repaired: 4,
        bulk: None,
        sent: vec![count("heartbeat", 1234), count("coup", 1)],
        received: vec![count("heartbeat", 1230), count("elect", 2)],
        rejected: vec![count("foreign_pair", 3), count("replayed", 0)],
    };
    FtState {
        group: 90u64.try_into().expect("a group"),
        ft_vlan: vlan(9),
        priority: priority(20),
        alt_priority: None,
        heartbeat_ms: 1000,
        failover_ms: 3000,
        preempt: false,
        split_brain: SplitBrain::BothActive,
        authenticated: true,
        status,
        since_unix_ms: 1_000_000_000_000,
        decisions: Vec::new(),
    }
}

/// In UTC.
fn text(answer: &Answer) -> String {
    super::text(answer, &Zone::default())
}

fn show_ft(ft: FtState, depth: Depth) -> String {
    text(&Answer::Ft(Some(Box::new(ft)), depth))
}

#[test]
fn a_healthy_pair_is_shown_as_the_original_shows_it() {
    assert_eq!(
        show_ft(ft(), Depth::Brief),
        "FT group 90, vlan 9
 This box is active
 priority 20, heartbeat 1, failover 3, preemption is off
"
    );
}

#[test]
fn what_is_wrong_with_a_pair_is_shown_without_asking() {
    let mut ft = ft();
    ft.status.role = Role::Standby;
    ft.preempt = true;
    ft.alt_priority = Some(priority(90));
    (ft.heartbeat_ms, ft.failover_ms) = (10, 30);
    ft.status.paths[0].1 = false;
    ft.status.in_step = false;
    ft.status.waiting = Some("preempting waits for the peer's connections (2 s)".to_owned());
    ft.status.peer = Some(PeerStatus { config_agrees: false, ..peer() });
    assert_eq!(
        show_ft(ft, Depth::Brief),
        "FT group 90, vlan 9
 This box is standby
 Configuration is out-of-sync
 priority 20, heartbeat msec 10, failover msec 30, preemption is on
 alternate priority 90
 ft-vlan-down: the peer is heard over other VLANs only
 preempting waits for the peer's connections (2 s)
"
    );
}

#[test]
fn only_a_box_that_forwards_can_be_out_of_step() {
    let mut ft = ft();
    ft.status.in_step = false;
    let alarm = " the peer does not hold every connection yet\n";
    assert!(show_ft(ft.clone(), Depth::Brief).ends_with(alarm));
    ft.status.role = Role::Standby;
    let full = show_ft(ft, Depth::Full);
    assert!(!full.contains(alarm) && full.contains(" Replication: receiving\n"), "{full}");
}

#[test]
fn an_active_box_alone_says_what_is_at_risk() {
    let mut ft = ft();
    ft.status.peer = None;
    ft.status.at_risk = 17;
    let text = show_ft(ft, Depth::Brief);
    assert!(text.ends_with(
        " peer is not heard on any path\n 17 connections break if this box fails now\n"
    ));
}

#[test]
fn detail_holds_peer_paths_replication_and_counters() {
    let rest = "
 Last state change: 01:46:40.000 UTC Sun Sep 9 2001
 State changes: 2, epoch 4, lease expiries 0
 Own delays: 0 beyond half a lease, longest 3 ms
 Lease: 1994 ms left
 Authentication: key-string
 Split brain: both active
 Software version: VERSION
 Peer: 000000000000000b, standby, priority 10, preemption is off, epoch 4
 Peer software version: 0.1.0, configuration in-sync
 Path vlan 9: up
 Path vlan 2: up
 Replication: in step, 0 connections at risk
 Backlog: 0 changes, 0 ms
 Tables: 0 connections differ, 4 repaired

 Messages                                 Sent       Received
 heartbeat                                1234           1230
 coup                                        1              0
 elect                                       0              2
 Frames dropped                                             3
   foreign_pair                                             3
";
    let full = show_ft(ft(), Depth::Full);
    let rest = rest.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(full, show_ft(ft(), Depth::Brief) + &rest);
}

#[test]
fn a_module_without_a_group_says_so() {
    assert_eq!(text(&Answer::Ft(None, Depth::Full)), "Fault tolerance is not configured\n");
}

fn history(decisions: Vec<KeptDecision>) -> Answer {
    Answer::History(Some(FtHistory { format: 1, decisions }))
}

#[test]
fn history_gives_time_change_reason_and_facts() {
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let decision = Decision {
        at: Instant::ZERO,
        from: Role::Standby,
        to: Role::Active,
        epoch: Epoch(5),
        reason: "the peer is silent on every path".to_owned(),
        inputs: vec![
            fact("priority", "20"),
            fact("epoch", "4"),
            fact("in-step", "false"),
            fact("peer", "39bee8ddeff8aa01"),
            fact("peer-heard-ms-ago", "30"),
            fact("paths-up", "0"),
        ],
    };
    let refusal = Decision { from: Role::Active, inputs: Vec::new(), ..decision.clone() };
    let kept = |unix_ms, decision, story| KeptDecision {
        unix_ms,
        release: "0.1.0".to_owned(),
        decision,
        story,
    };
    let story = Some(KeptStory::new(&"played by the simulation").expect("text"));
    let decisions =
        vec![kept(1_000_000_000_123, decision, story), kept(1_000_000_001_000, refusal, None)];
    assert_eq!(
        text(&history(decisions)),
        "FT history: 2 decisions, the newest last

 01:46:40.123 UTC Sun Sep 9 2001: standby -> active, epoch 5
  the peer is silent on every path
  priority = 20, epoch = 4, in-step = false, peer = 39bee8ddeff8aa01,
  peer-heard-ms-ago = 30, paths-up = 0

 01:46:41.000 UTC Sun Sep 9 2001: stays active, epoch 5
  the peer is silent on every path
  (cannot be replayed: its record is not kept any more)
"
    );
}

#[test]
fn a_history_says_that_it_is_empty_or_that_there_is_no_group() {
    assert_eq!(text(&history(Vec::new())), "FT history: no decision yet\n");
    assert_eq!(text(&Answer::History(None)), "Fault tolerance is not configured\n");
}

#[test]
fn a_record_is_exported_as_it_was_written() {
    let story = KeptStory::new(&serde_json::json!({"format": 9, "of": [1, 2]})).expect("JSON");
    let decision = Decision {
        at: Instant::ZERO,
        from: Role::Standby,
        to: Role::Active,
        epoch: Epoch(5),
        reason: String::new(),
        inputs: Vec::new(),
    };
    let kept =
        KeptDecision { unix_ms: 1, release: "0.0.9".to_owned(), decision, story: Some(story) };
    let text = history(vec![kept]).json().expect("JSON");
    assert!(text.contains(r#""story": {"format":9,"of":[1,2]}"#), "{text}");
    let read: Option<FtHistory> = serde_json::from_str(&text).expect("what was written");
    assert_eq!(history(read.expect("a history").decisions).json().expect("JSON"), text);
}

#[test]
fn all_modules_are_shown_with_their_fault_tolerance() {
    let slot = |n: u64| n.try_into().expect("a slot");
    let online =
        ModuleSummary { slot: slot(5), online: true, state: String::new(), ft: Some(ft()) };
    let state = module_state(&ModuleState::Dead { why: "exit status 1".to_owned() });
    let down = ModuleSummary { slot: slot(6), online: false, state, ft: None };
    assert_eq!(
        text(&Answer::Modules(vec![online, down])),
        "SLB Module is online in slot 5.
FT group 90, vlan 9
 This box is active
 priority 20, heartbeat 1, failover 3, preemption is off

SLB Module in slot 6 is down (exit status 1) and about to be started again.

"
    );
}

fn server() -> VirtualServerInfo {
    VirtualServerInfo {
        name: name("VIP1"),
        protocol: Some(VirtualProtocol::Tcp),
        address: Some(subnet([192, 158, 38, 30], 32)),
        port: 80,
        state: VirtualServerState::Operational,
        conns: 500,
        farm: Some(name("WEB")),
        replicate_connections: true,
        idle_s: 3600,
        pending_s: 30,
        kept: KeptSettings::default(),
    }
}

#[test]
fn virtual_servers_stand_in_columns() {
    let empty = VirtualServerInfo {
        name: name("EMPTY"),
        protocol: None,
        address: None,
        port: 0,
        state: VirtualServerState::OutOfService,
        conns: 0,
        farm: None,
        ..server()
    };
    let list = vec![Numbered { index: 1, server: server() }, Numbered { index: 2, server: empty }];
    assert_eq!(
        text(&Answer::VirtualServers(list, Depth::Brief)),
        "slb vserver      prot  virtual                  vlan  state         conns
---------------------------------------------------------------------------
VIP1             TCP   192.158.38.30/32:80      ALL   OPERATIONAL   500
EMPTY                  0.0.0.0/0:0              ALL   OUTOFSERVICE  0
"
    );
}

#[test]
fn a_virtual_server_in_detail_is_as_in_the_original() {
    let list = vec![Numbered { index: 10, server: server() }];
    assert_eq!(
        text(&Answer::VirtualServers(list, Depth::Full)),
        "VIP1, type = SLB, state = OPERATIONAL, v_index = 10
  virtual = 192.158.38.30/32:80 bidir, TCP, service = NONE, advertise = FALSE
  idle = 3600, replicate csrp = connections, vlan = ALL, pending = 30, layer 4
  conns = 500
  Default policy:
    server farm = WEB, backup = <not assigned>
    sticky: timer = 0, subnet = 0.0.0.0, group id = 0
"
    );
}

fn real(host: u8, port: Option<u16>, state: RealState) -> RealInfo {
    let address = [192, 158, 39, host].into();
    let (max_conns, min_conns) = (None, 0);
    RealInfo { address, port, farm: name("WEB"), weight: 8, state, conns: 21, max_conns, min_conns }
}

#[test]
fn reals_stand_in_columns_and_in_detail() {
    let reals = vec![
        real(101, None, RealState::Operational),
        real(102, Some(8080), RealState::OutOfService),
    ];
    assert_eq!(
        text(&Answer::Reals(reals.clone(), Depth::Brief)),
        "real                    server farm      weight   state           conns/hits
---------------------------------------------------------------------------
192.158.39.101          WEB              8        OPERATIONAL     21
192.158.39.102:8080     WEB              8        OUTOFSERVICE    21
"
    );
    assert_eq!(
        text(&Answer::Reals(reals[..1].to_vec(), Depth::Full)),
        "192.158.39.101, WEB, state = OPERATIONAL
  conns = 21, maxconns = 4294967295, minconns = 0
  weight = 8, weight(admin) = 8, metric = 2, remainder = 5
"
    );
}

#[test]
fn server_farms_stand_in_columns_and_in_detail() {
    let farm = FarmInfo {
        name: name("WEB"),
        predictor: "RoundRobin".to_owned(),
        nat_server: true,
        reals: 1,
        nat_client: None,
        bind_id: 0,
        fail_action: None,
        health: None,
        return_codes: None,
        probes: [name("ALIVE")].into(),
    };
    assert_eq!(
        text(&Answer::Farms(vec![farm.clone()])),
        "server farm      type     predictor    nat    reals   redirect   bind id
---------------------------------------------------------------------------
WEB              SLB      RoundRobin   S      1       0          0
"
    );
    let members = [real(101, None, RealState::Operational)];
    let detail = FarmDetail::new(farm, &members, &[server()]);
    assert_eq!(
        text(&Answer::FarmDetails(vec![detail])),
        "WEB, type = SLB, predictor = RoundRobin
  nat = SERVER
  virtuals inservice = 1, reals = 1, bind id = 0, fail action = none
  inband health config: <none>
  retcode map = <none>
  Probes: ALIVE
  Real servers:
    192.158.39.101, weight = 8, OPERATIONAL, conns = 21
  Total connections = 21
"
    );
}

fn conn(seen: u8, stage: ConnStage) -> ConnInfo {
    let address = |text: &str| text.parse().expect("an address");
    ConnInfo {
        record: ConnRecord {
            key: ConnKey {
                client: address("198.18.0.7:40126"),
                virtual_server: address("192.158.38.30:80"),
                protocol: Protocol::Tcp,
            },
            real: address("192.158.39.101:80"),
            client_vlan: vlan(2),
            server_vlan: vlan(3),
            seen,
            idle: std::time::Duration::from_secs(4),
        },
        stage,
        virtual_server: Some(name("VIP1")),
        replicated: true,
        from_peer: false,
        packets: (10, 9),
        bytes: (1000, 900),
    }
}

#[test]
fn a_connection_has_a_row_for_each_side() {
    let established = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;
    let conns = vec![conn(established, ConnStage::Established)];
    assert_eq!(
        text(&Answer::Conns(ConnPage { conns, next: None }, Depth::Full)),
        "    prot vlan source                destination           state
----------------------------------------------------------------------
In  TCP  2    198.18.0.7:40126      192.158.38.30:80      ESTAB
Out TCP  3    192.158.39.101:80     198.18.0.7:40126      ESTAB
    vs = VIP1, ftp = No, csrp = True
    from peer = False, idle = 4, packets = 10/9, bytes = 1000/900
"
    );
}

fn page(conns: Vec<ConnInfo>, next: Option<usize>) -> Answer {
    Answer::Conns(ConnPage { conns, next }, Depth::Brief)
}

#[test]
fn a_page_of_connections_says_that_there_are_more() {
    let more = text(&page(vec![conn(0, ConnStage::Embryonic)], Some(1)));
    assert!(more.ends_with("% There are more: ask for those of a virtual server or a client.\n"));
}

#[test]
fn states_of_connections_are_the_words_of_the_original() {
    let established = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;
    for (seen, stage, word) in [
        (0, ConnStage::Embryonic, "SYNCLIENT"),
        (seen::REAL_ANSWERED, ConnStage::Embryonic, "SYNBOTH"),
        (established, ConnStage::Established, "ESTAB"),
        (established | seen::FIN_CLIENT, ConnStage::Established, "FINCLIENT"),
        (established | seen::FIN_REAL, ConnStage::Established, "FINSERVER"),
        (established | seen::RESET, ConnStage::Closing, "CLOSING"),
    ] {
        let shown = text(&page(vec![conn(seen, stage)], None));
        let row = shown.lines().nth(2).unwrap();
        assert_eq!(row.split_whitespace().last(), Some(word));
    }
}

#[test]
fn vlans_are_shown_with_what_belongs_to_them() {
    let client = VlanInfo {
        vlan: vlan(2),
        side: Some(Side::Client),
        address: Some(subnet([192, 158, 38, 10], 24)),
        gateways: vec![[192, 158, 38, 20].into()],
        aliases: vec![subnet([192, 158, 38, 11], 24)],
        routes: vec![(subnet([192, 160, 0, 0], 16), [192, 158, 38, 20].into())],
        mac: Mac([6, 0, 0, 0, 0, 0xab]),
        virtual_mac: Some(Mac([2, 0, 0, 0, 0, 0xcd])),
    };
    let ft = VlanInfo {
        vlan: vlan(9),
        side: None,
        address: None,
        gateways: Vec::new(),
        aliases: Vec::new(),
        routes: Vec::new(),
        mac: Mac([6, 0, 0, 0, 0, 1]),
        virtual_mac: None,
    };
    assert_eq!(
        text(&Answer::Vlans(vec![client.clone(), ft], Depth::Brief)),
        "vlan   IP address       IP mask          type
---------------------------------------------------
2      192.158.38.10    255.255.255.0    CLIENT
9      0.0.0.0          0.0.0.0          FT
"
    );
    let full = text(&Answer::Vlans(vec![client], Depth::Full));
    let rest = full.split_inclusive('\n').skip(3).collect::<String>();
    assert_eq!(
        rest,
        "  GATEWAYS
  192.158.38.20
  ROUTES
  IP address       IP mask          gateway
  192.160.0.0      255.255.0.0      192.158.38.20
  ALIASES
  IP address       IP mask
  192.158.38.11    255.255.255.0
  MAC 06-00-00-00-00-AB
  virtual MAC 02-00-00-00-00-CD
"
    );
}

#[test]
fn the_arp_table_says_what_each_address_is() {
    let entry = |host: u8, kind, status, mac| ArpInfo {
        address: [192, 158, 38, host].into(),
        mac,
        vlan: Some(vlan(2)),
        kind,
        status,
    };
    let mac = Some(Mac([2, 0, 0, 0, 0, 0xcd]));
    let entries = vec![
        entry(30, ArpKind::VirtualServer, ArpStatus::Local, mac),
        entry(20, ArpKind::Gateway, ArpStatus::Up, mac),
        entry(21, ArpKind::Real, ArpStatus::Down, None),
    ];
    assert_eq!(
        text(&Answer::Arp(entries)),
        "Internet Address  Physical Interface  VLAN   Type       Status
--------------------------------------------------------------------
192.158.38.30     02-00-00-00-00-CD   2      VSERVER    local
192.158.38.20     02-00-00-00-00-CD   2      GATEWAY    up(0 misses)
192.158.38.21     00-00-00-00-00-00   2      REAL       down
"
    );
}

#[test]
fn counters_are_shown_with_their_meaning() {
    let counter = |name: &str, value| CounterInfo {
        name: name.to_owned(),
        value,
        help: "What it counts.".to_owned(),
    };
    let stats = Stats {
        connections: 3,
        capacity: 131_072,
        counters: vec![
            counter("connections_created", 9),
            counter("connections_established", 8),
            counter("drop_malformed", 1),
        ],
    };
    assert_eq!(
        text(&Answer::Stats(stats)),
        "Connections Created:         9
Connections Established:     8
Connections Current:         3
Connections Possible:        131072

connections_created                    9  What it counts.
connections_established                8  What it counts.
drop_malformed                         1  What it counts.
"
    );
}
