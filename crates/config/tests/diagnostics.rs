//! What is said about a bad configuration: every wrong line, once, with the place and the remedy.

use hitless_config::model::HookChoice;
use hitless_config::{Diagnostic, parse};

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    parse(text, "a.conf").expect_err("the text is wrong")
}

fn texts(text: &str) -> String {
    let texts: Vec<String> = diagnostics(text).iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

/// The messages, with the line that each is about.
fn messages(text: &str) -> Vec<(usize, String)> {
    diagnostics(text).into_iter().map(|d| (d.line.unwrap_or(0), d.message)).collect()
}

/// A module whose client VLAN 2, server VLAN 3 and farm F are as they should be; its text ends in
/// module mode, with line 10 next.
const GOOD: &str = "\
module csm 5
 vlan 2 client
  ip address 10.0.2.10 255.255.255.0
  gateway 10.0.2.1
 vlan 3 server
  ip address 10.0.3.10 255.255.255.0
  alias 10.0.3.20 255.255.255.0
 serverfarm F
  real 10.0.3.101
";

fn in_good(lines: &str) -> Vec<(usize, String)> {
    messages(&format!("{GOOD}{lines}"))
}

fn said(line: usize, message: &str) -> Vec<(usize, String)> {
    vec![(line, message.to_owned())]
}

#[test]
fn a_wrong_line_is_shown_with_a_caret_and_what_was_expected() {
    let text = "module csm 5\n vlan 2 client\n  ip adress 10.0.0.1 255.0.0.0\n";
    assert_eq!(
        texts(text),
        "a.conf:3: % Invalid input detected at '^' marker.\n  \
         ip adress 10.0.0.1 255.0.0.0\n     ^\nexpected: address"
    );
}

#[test]
fn a_range_is_part_of_what_was_expected() {
    assert_eq!(
        texts("module csm 14\n"),
        "a.conf:1: % Invalid input detected at '^' marker.\nmodule csm 14\n           ^\n\
         expected: a slot (a number from 1 to 13)"
    );
}

#[test]
fn an_incomplete_line_has_its_caret_behind_the_last_word() {
    assert_eq!(
        texts("module csm 5\n ft group 90\n"),
        "a.conf:2: % Incomplete command.\n ft group 90\n            ^\nexpected: vlan"
    );
}

#[test]
fn an_ambiguous_word_is_shown_with_its_meanings() {
    let text = texts("module csm 5\n v 7\n");
    assert!(text.starts_with("a.conf:2: % Ambiguous command:  \"v 7\""), "{text}");
    assert!(text.ends_with("expected: variable, vlan, vserver"), "{text}");
}

#[test]
fn every_wrong_line_is_reported_and_no_line_because_of_another() {
    let text = "module csm 5\n vlan 4095 client\n  ip address 10.0.0.1 255.255.255.0\n  \
                gatway 10.0.0.2\n vlan 9\n serverfarm NAME-OF-SIXTEEN-\n  real 10.0.0.3\n   \
                weight 101\n   inservice\n vserver V\n  inservice\n";
    let lines: Vec<usize> = messages(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 4, 6, 8]);
}

#[test]
fn commands_that_nobody_knows_are_told_from_mistyped_ones() {
    for line in ["spanning-tree mode pvst", "vserver V\n xyz", "snmp-server community x"] {
        let said = messages(&format!("module csm 5\n{line}"));
        let last = said.last().map(|(_, message)| message.as_str());
        assert_eq!(last, Some("Invalid input detected at '^' marker."), "{line}");
        assert_eq!(said.len(), 1, "{said:?}");
    }
}

#[test]
fn a_virtual_network_has_nothing_outside_its_mask_and_ports_belong_to_protocols() {
    let text = "vserver V\n virtual 10.0.9.1 255.255.255.0 tcp www\n virtual 10.0.9.1 50 80\n";
    let expected = [
        (11, "The virtual network has bits outside its mask.".to_owned()),
        (12, "Only TCP and UDP have ports.".to_owned()),
    ];
    assert_eq!(in_good(text), expected);
}

#[test]
fn a_mask_must_be_contiguous() {
    let text = texts("module csm 5\n vlan 2 client\n  ip address 10.0.0.1 255.0.255.0\n");
    assert!(
        text.contains("\n                      ^\nexpected: a contiguous subnet mask"),
        "{text}"
    );
}

#[test]
fn a_vlan_has_one_use_in_a_module() {
    assert_eq!(
        in_good("vlan 2 server"),
        said(10, "VLAN 2 is a client VLAN of this module already.")
    );
    assert_eq!(in_good("vlan 3"), said(10, "VLAN 3 is a server VLAN of this module already."));
    let ft_first = "vlan 9\nvlan 9 client";
    assert_eq!(
        in_good(ft_first),
        said(11, "VLAN 9 is a fault-tolerant VLAN of this module already.")
    );
    assert_eq!(in_good("ft group 1 vlan 2"), said(10, "VLAN 2 is a client VLAN of this module."));
}

#[test]
fn a_module_is_in_one_group() {
    let text = "ft group 1 vlan 9\nft group 2 vlan 9";
    assert_eq!(in_good(text), said(11, "This module is in fault-tolerant group 1 already."));
    let text = "ft group 1 vlan 9\nft group 1 vlan 8";
    assert_eq!(in_good(text), said(11, "Group 1 is on VLAN 9 already."));
}

#[test]
fn failover_leaves_a_heartbeat_time_to_arrive() {
    let text = "ft group 1 vlan 9\n heartbeat-time msec 100\n failover msec 119";
    let message = "Failover is 119 ms: it must be at least heartbeat-time (100 ms) and 20 ms.";
    assert_eq!(in_good(text), said(12, message));
    let good = format!("{GOOD}ft group 1 vlan 9\n heartbeat-time msec 100\n failover msec 120");
    assert!(parse(&good, "a.conf").is_ok());
    let text = "ft group 1 vlan 9\n heartbeat-time 3";
    assert_eq!(in_good(text)[0].0, 11);
    assert_eq!(in_good("ft group 1 vlan 9\n heartbeat-time msec 9")[0].0, 11);
}

#[test]
fn addresses_belong_to_a_subnet_of_the_module() {
    let message = "10.9.9.9 is in no subnet of this module's VLANs.";
    assert_eq!(in_good("vlan 2 client\n gateway 10.9.9.9"), said(11, message));
    let route = "vlan 3 server\n route 10.8.0.0 255.255.0.0 gateway 10.9.9.9";
    assert_eq!(in_good(route), said(11, message));
    let alias = "vlan 2 client\n alias 10.9.9.9 255.255.255.0";
    assert_eq!(in_good(alias), said(11, "10.9.9.9 is not in the subnet of VLAN 2."));
    let text = format!("{GOOD}vlan 3 server\n route 10.8.0.0 255.255.0.0 gateway 10.0.2.1");
    assert!(parse(&text, "a.conf").is_ok(), "a next hop may be reached over any VLAN");
}

#[test]
fn an_address_has_one_owner() {
    let alias = "vlan 2 client\n alias 10.0.2.10 255.255.255.0";
    assert_eq!(in_good(alias), said(11, "10.0.2.10 is a box's own address on VLAN 2."));
    let listens = "vserver V\n virtual 10.0.3.20 tcp www";
    assert_eq!(in_good(listens), said(11, "10.0.3.20 is an address of this module on VLAN 3."));
    let own_gateway = "vlan 2 client\n gateway 10.0.2.10";
    assert_eq!(in_good(own_gateway), said(11, "10.0.2.10 is an address of this module."));
    let both = "vlan 2 client\n ip address 10.0.2.10 255.255.255.0 alt 10.0.2.10 255.255.255.0";
    assert_eq!(in_good(both), said(11, "Both boxes would have the same address."));
}

#[test]
fn two_modules_share_a_vlan_but_no_address() {
    let other = |address| format!("module csm 6\n vlan 2 client\n  ip address {address} 255.0.0.0");
    let text = format!("{GOOD}{}", other("10.0.2.11"));
    assert!(parse(&text, "a.conf").is_ok());
    assert_eq!(
        in_good(&other("10.0.2.10")),
        said(12, "10.0.2.10 is the address of module 5 there.")
    );
}

#[test]
fn one_subnet_on_both_sides_has_one_address() {
    let message = "VLAN 2 is in the same subnet: only a client and a server VLAN that have the \
                   same address are one.";
    assert_eq!(in_good("vlan 4 server\n ip address 10.0.2.11 255.255.255.0"), said(11, message));
    assert_eq!(in_good("vlan 4 client\n ip address 10.0.2.10 255.255.255.0"), said(11, message));
    let bridged = format!("{GOOD}vlan 4 server\n ip address 10.0.2.10 255.255.255.0");
    assert!(parse(&bridged, "a.conf").is_ok());
}

#[test]
fn limits_of_a_real_do_not_contradict_each_other() {
    let text = "serverfarm F\n real 10.0.3.101\n  maxconns 10\n  minconns 11";
    let message = "Minconns is 11: more than maxconns, which is 10.";
    assert_eq!(in_good(text), said(13, message));
}

#[test]
fn a_virtual_router_is_none_of_the_others() {
    let own = "interface vlan 136\n ip address 10.6.0.2 255.255.0.0\n standby 1 ip 10.6.0.2";
    assert_eq!(in_good(own), said(12, "10.6.0.2 is the interface's own address."));
    let group = "interface vlan 136\n standby 256 ip 10.6.0.2";
    assert_eq!(in_good(group), said(11, "Group 256 needs standby version 2."));
    let second = format!("{GOOD}{group}\n standby version 2");
    assert!(parse(&second, "a.conf").is_ok());
    let times = "interface vlan 136\n standby 1 timers msec 100 msec 149";
    let message = "The hold time must be longer than the hello time by 50 ms.";
    assert_eq!(in_good(times), said(11, message));
}

#[test]
fn a_port_is_switched_or_routed() {
    let routed = "interface eth0\n ip address 10.6.0.2 255.255.0.0\n switchport access vlan 2";
    let message = "A routed port carries no VLANs: switchport comes first.";
    assert_eq!(in_good(routed), said(12, message));
    let switched = "interface eth0\n switchport\n ip address 10.6.0.2 255.255.0.0";
    let message = "A switched port has no address: no switchport comes first.";
    assert_eq!(in_good(switched), said(12, message));
}

#[test]
fn a_probe_keeps_its_kind() {
    let text = "probe P icmp\nprobe P http";
    assert_eq!(in_good(text), said(11, "Probe P is of kind icmp already."));
    assert_eq!(in_good("probe P icmp\n request url /")[0].0, 11, "icmp asks for nothing");
}

#[test]
fn a_device_has_one_use() {
    let switched =
        "interface eth1\n switchport access vlan 7\nmodule csm 5\n vlan 2 client\n  attach eth1";
    assert_eq!(in_good(switched), said(14, "Device eth1 is a port of VLAN 7 already."));
    let twice = "vlan 2 client\n attach eth1\nvlan 3 server\n attach eth1";
    assert_eq!(in_good(twice), said(13, "Device eth1 is VLAN 2 of module 5 already."));
    assert_eq!(
        in_good("vlan 2 client\n attach vlan3"),
        said(11, "Device vlan3 would be a VLAN of this chassis.")
    );
    let good = format!("{GOOD}vlan 2 client\n attach eth1\n attach eth2\ninterface eth1\n");
    let good = parse(&good, "a.conf").unwrap();
    let text = hitless_config::render(&good);
    assert!(text.contains("vlan 2 client\n  attach eth2\n"), "the last one counts: {text}");
    let none = format!("{text}module csm 5\n vlan 2 client\n  no attach\n");
    assert!(!hitless_config::render(&parse(&none, "a.conf").unwrap()).contains("attach"));
}

#[test]
fn two_virtual_servers_do_not_listen_on_the_same_place() {
    let text = "vserver V\n virtual 10.0.2.30 tcp www\nvserver W\n virtual 10.0.2.30 tcp 80";
    let message = "Virtual server V has this address, protocol and port.";
    assert_eq!(in_good(text), said(13, message));
    let other = format!(
        "{GOOD}vserver V\n virtual 10.0.2.30 tcp www\nvserver W\n virtual 10.0.2.30 udp 80"
    );
    assert!(parse(&other, "a.conf").is_ok());
}

#[test]
fn a_real_is_in_a_farm_once() {
    let again = format!("{GOOD}serverfarm F\n real 10.0.3.101\n  weight 3\n real 10.0.3.101 8080");
    let configuration = parse(&again, "a.conf").unwrap();
    let farm = configuration.modules.values().next().unwrap().farms.values().next().unwrap();
    let reals: Vec<_> = farm.reals.iter().map(|real| (real.port, real.weight)).collect();
    assert_eq!(reals, [(None, 3), (Some(8080), 8)], "the same one is entered again");
}

#[test]
fn variables_are_known_ones_with_sensible_values() {
    let invalid = || said(10, "Invalid input detected at '^' marker.");
    assert_eq!(in_good("variable MAX_CONNECTIONS 1023"), invalid());
    assert_eq!(in_good("variable max_connections 4194305"), invalid());
    assert_eq!(in_good("variable COLOUR 3"), invalid());
    let text = texts(&format!("{GOOD}variable MAX_CONNECTIONS 1023"));
    assert!(text.ends_with("expected: a number from 1024 to 4194304"), "{text}");
    let good = parse(&format!("{GOOD}variable MAX_CONNECTIONS 1024"), "a.conf").unwrap();
    assert_eq!(good.modules.values().next().unwrap().max_connections(), 1024);
    assert!(parse(&format!("{GOOD}variable ARP_INTERVAL 300"), "a.conf").is_ok());
    let text = texts(&format!("{GOOD}variable DATAPLANE_HOOK driver"));
    assert!(text.ends_with("expected: auto, tc, xdp"), "{text}");
    let good = parse(&format!("{GOOD}variable dataplane_hook XDP"), "a.conf").unwrap();
    assert_eq!(good.modules.values().next().unwrap().hook(), HookChoice::Xdp);
}

#[test]
fn gateways_can_decide_only_if_there_are_any() {
    let asked = "ft group 1 vlan 9\n split-brain gateway\n";
    let good = parse(&format!("{GOOD}{asked}"), "a.conf").unwrap();
    let text = hitless_config::render(&good);
    assert!(text.contains("\n  split-brain gateway\n"), "{text}");
    assert_eq!(parse(&text, "again").unwrap(), good);
    for back in ["no split-brain", "no split-brain gateway", "split-brain both-active"] {
        let text = format!("{GOOD}{asked} {back}\n");
        let rendered = hitless_config::render(&parse(&text, "a.conf").unwrap());
        assert!(!rendered.contains("split-brain"), "{back}: {rendered}");
    }
    let none = format!("{GOOD}vlan 2 client\n no gateway 10.0.2.1\n{asked}");
    assert_eq!(
        texts(&none),
        "a.conf:13: % This module has no gateway that could be asked.\n split-brain gateway\n ^"
    );
}

#[test]
fn a_hidden_key_is_not_taken_for_the_key() {
    let message = "This is how a hidden key is printed, not the key itself.";
    assert_eq!(in_good("ft group 1 vlan 9\n key-string ******"), said(11, message));
}

#[test]
fn doing_has_no_place_in_a_configuration_and_showing_no_effect() {
    let message = "This is not a configuration command.";
    for doing in ["clear module csm 5 ft active", "write memory", "configure replace f force"] {
        assert_eq!(in_good(doing), said(10, message), "{doing}");
    }
    assert!(parse(&format!("{GOOD}show module csm all\n"), "a.conf").is_ok());
}
