use hitless_config::model::Name;
use hitless_config::parse;

use super::*;
use crate::api::keys;
use crate::api::types::{
    FarmInfo, KeptSettings, RealInfo, RealState, VirtualServerInfo, VirtualServerState,
};

fn name(text: &str) -> Name {
    Name::try_from(text.to_owned()).expect("a name")
}

fn real(farm: &str, host: u8, conns: u64) -> RealInfo {
    RealInfo {
        address: [10, 0, 3, host].into(),
        port: None,
        farm: name(farm),
        weight: 8,
        state: RealState::Operational,
        conns,
        max_conns: None,
        min_conns: 0,
    }
}

fn server(farm: &str, state: VirtualServerState) -> VirtualServerInfo {
    VirtualServerInfo {
        name: name("V"),
        protocol: None,
        address: None,
        port: 0,
        state,
        conns: 0,
        farm: Some(name(farm)),
        replicate_connections: false,
        idle_s: 3600,
        pending_s: 30,
        kept: KeptSettings::default(),
    }
}

#[test]
fn a_farm_has_its_own_reals_and_virtual_servers_only() {
    let farm = FarmInfo {
        name: name("F"),
        predictor: "RoundRobin".to_owned(),
        nat_server: true,
        reals: 2,
        nat_client: None,
        bind_id: 0,
        fail_action: None,
        health: None,
        return_codes: None,
        probes: [].into(),
    };
    let reals = [real("F", 1, 3), real("G", 2, 40), real("F", 3, 4)];
    let states = [VirtualServerState::Standby, VirtualServerState::OutOfService];
    let servers = states.map(|state| server("F", state));
    let detail = FarmDetail::new(farm, &reals, &servers);
    assert_eq!((detail.members.len(), detail.conns, detail.virtuals_in_service), (2, 7, 1));
}

#[test]
fn no_form_of_the_running_configuration_has_a_key_in_it() {
    let text = "module csm 5\n ft group 90 vlan 9\n  key-string opensesame\n";
    let configuration = parse(text, "a.conf").unwrap();
    let answer = Answer::Configuration(Box::new(keys::hidden(&configuration)));
    for format in ["show run", "show run | json"] {
        let line = parse_exec(format).unwrap();
        let printed = print(&answer, &line).unwrap();
        assert!(!printed.contains("opensesame"), "{printed}");
        assert!(printed.contains("******"), "{printed}");
    }
}

#[test]
fn a_filter_works_on_the_text() {
    let configuration = parse("hostname a\nvlan 2,3\n", "a.conf").unwrap();
    let answer = Answer::Configuration(Box::new(configuration));
    let line = parse_exec("show running-config | include vlan").unwrap();
    assert_eq!(print(&answer, &line).unwrap(), "vlan 2-3\n");
}

#[test]
fn several_answers_are_one_object_of_json() {
    let parts = vec![
        ("show variable".to_owned(), Answer::Variables(Vec::new())),
        ("show sticky".to_owned(), Answer::Refused("not at work".to_owned())),
    ];
    let json: serde_json::Value =
        serde_json::from_str(&Answer::Support(parts).json().unwrap()).unwrap();
    assert_eq!(json["show variable"], serde_json::json!([]));
    assert_eq!(json["show sticky"]["error"], "not at work");
}
