//! What is accepted, kept, rendered back and not carried out says so: once, at its line.

use hitless_config::{Configuration, merge, parse, render};

/// Lines, the last of which has no effect yet, and what it says.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("clock calendar-valid", "a calendar"),
    ("ip igmp snooping", "ip igmp snooping"),
    ("interface FastEthernet3/6", "a port that is named by its place"),
    ("interface eth0\n switchport mode trunk", "a trunk"),
    ("interface eth0\n switchport trunk encapsulation dot1q", "a trunk"),
    ("interface eth0\n switchport trunk native vlan 7", "a trunk"),
    ("interface eth0\n switchport trunk allowed vlan 136", "a trunk"),
    ("interface eth0\n switchport trunk remove vlan 71", "a trunk"),
    ("interface eth0\n channel-group 100 mode on", "a port-channel"),
    ("interface eth0\n ip address 10.0.0.1 255.0.0.0", "an address of the chassis"),
    ("interface eth0\n standby 2 ip 10.0.0.9", "HSRP"),
    ("interface eth0\n standby 1 track Fa3/6 10", "HSRP"),
    ("interface eth0\n shutdown", "shutdown"),
    ("interface Port-channel 100", "a port-channel"),
    ("interface vlan 136", "an interface of the chassis on a VLAN"),
    ("module csm 5\n variable ARP_INTERVAL 300", "this variable"),
    ("module csm 5\n arp 10.0.0.1 0000.0c07.ac01 vlan 2", "a static neighbour"),
    ("module csm 5\n natpool P 10.0.0.1 10.0.0.9 netmask 255.0.0.0", "a pool of addresses"),
    ("module csm 5\n natpool P 10.0.0.1 10.0.0.9 prefix-length 8", "a pool of addresses"),
    ("module csm 5\n sticky 35 cookie C insert", "stickiness by what is in a connection"),
    ("module csm 5\n sticky 35 header H timeout 5", "stickiness by what is in a connection"),
    ("module csm 5\n policy P", "a policy"),
    ("module csm 5\n probe P icmp", "a probe"),
    ("module csm 5\n serverfarm F\n  no nat server", "no nat server"),
    ("module csm 5\n serverfarm F\n  nat client P", "nat client"),
    ("module csm 5\n serverfarm F\n  predictor leastconns slowstart 9", "predictor leastconns"),
    ("module csm 5\n serverfarm F\n  predictor hash url", "predictor hash url"),
    ("module csm 5\n serverfarm F\n  predictor hash address source", "predictor hash address"),
    ("module csm 5\n serverfarm F\n  predictor forward", "predictor forward"),
    ("module csm 5\n serverfarm F\n  failaction purge", "failaction"),
    ("module csm 5\n serverfarm F\n  probe P", "a probe"),
    ("module csm 5\n serverfarm F\n  health retries 3 failed 9", "inband health"),
    ("module csm 5\n serverfarm F\n  retcode-map M", "retcode-map"),
    ("module csm 5\n serverfarm F\n  bindid 9", "bindid"),
    ("module csm 5\n serverfarm F\n  real 10.0.0.1\n   maxconns 9", "maxconns"),
    ("module csm 5\n serverfarm F\n  real 10.0.0.1\n   minconns 9", "minconns"),
    ("module csm 5\n serverfarm F\n  real 10.0.0.1\n   inservice standby", "inservice standby"),
    ("module csm 5\n vserver V\n  virtual 10.0.0.0 255.255.255.0 tcp 80", "a virtual network"),
    ("module csm 5\n vserver V\n  virtual 10.0.0.1 udp any", "a virtual server for all ports"),
    (
        "module csm 5\n vserver V\n  virtual 0.0.0.0 0.0.0.0 any",
        "a virtual server for other protocols than TCP and UDP",
    ),
    (
        "module csm 5\n vserver V\n  virtual 10.0.0.1 50",
        "a virtual server for other protocols than TCP and UDP",
    ),
    ("module csm 5\n vserver V\n  virtual 10.0.0.1 tcp ftp service ftp", "virtual ... service"),
    ("module csm 5\n vserver V\n  serverfarm F backup G sticky", "a backup server farm"),
    (
        "module csm 5\n sticky 35 ssl\n vserver V\n  sticky 100 group 35",
        "stickiness by what is in a connection",
    ),
    ("module csm 5\n vserver V\n  replicate csrp sticky", "replicate csrp sticky"),
    ("module csm 5\n vserver V\n  vlan 7", "vlan of a virtual server"),
    ("module csm 5\n vserver V\n  client 10.0.0.0 255.0.0.0 exclude", "client of a virtual server"),
    ("module csm 5\n vserver V\n  slb-policy P", "a policy"),
    ("module csm 5\n vserver V\n  reverse-sticky 9", "reverse-sticky"),
    ("module csm 5\n vserver V\n  max-conns 9", "max-conns"),
    ("module csm 5\n vserver V\n  unidirectional", "unidirectional"),
    ("module csm 5\n vserver V\n  advertise active", "advertise"),
    ("module csm 5\n vserver V\n  status-tracking W", "status-tracking"),
    ("module csm 5\n vserver V\n  owner me", "an owner"),
    ("module csm 5\n vserver V\n  domain example.org", "a domain"),
    ("module csm 5\n vserver V\n  parse-length 99", "parse-length"),
    ("module csm 5\n vserver V\n  ssl-sticky offset 4 length 8", "ssl-sticky"),
    ("module csm 5\n vserver V\n  url-hash begin-pattern a", "url-hash"),
    ("module csm 5\n vserver V\n  inservice standby", "inservice standby"),
    ("module csm 5\n ft group 1 vlan 9\n  track group 2", "tracking"),
    ("module csm 5\n ft group 1 vlan 9\n  track gateway 10.0.0.1", "tracking"),
    ("module csm 5\n ft group 1 vlan 9\n  track interface fastethernet 3/6", "tracking"),
    ("module csm 5\n ft group 1 vlan 9\n  track interface async 1", "tracking"),
    ("module csm 5\n ft group 1 vlan 9\n  track mode all", "tracking"),
];

/// Lines that do what they say, or say what holds anyway.
const WITH_EFFECT: &[&str] = &[
    "hostname a\nvlan 2-4",
    "no ip igmp snooping\nclock timezone CET 1\nlogging host 10.0.0.1",
    "interface eth0\n switchport\n switchport mode access\n switchport access vlan 2",
    "interface eth0\n no shutdown\n no channel-group\n no standby 2 ip",
    "module csm 5\n serverfarm F\n  nat server\n  predictor roundrobin\n  no nat client",
    "module csm 5\n serverfarm F\n  real 10.0.0.1 80\n   weight 3\n   inservice",
    "module csm 5\n vserver V\n  virtual 10.0.0.1 tcp www\n  serverfarm F\n  idle 9\n  pending 9",
    "module csm 5\n vserver V\n  replicate csrp connection\n  inservice\n  no sticky",
    "module csm 5\n sticky 35 netmask 255.255.255.0 address both timeout 5\n sticky 36 netmask 255.0.0.0",
    "module csm 5\n vserver V\n  sticky 100 group 35 netmask 255.255.255.0 source",
    "module csm 5\n vserver V\n  sticky 100",
    "module csm 5\n variable NO_TIMEOUT_IP_STICKY_ENTRIES 1\n variable MAX_CONNECTIONS 4096\n variable DATAPLANE_HOOK tc",
    "module csm 5\n ft group 1 vlan 9\n  priority 9 alt 8\n  preempt\n  no track gateway 10.0.0.1",
];

fn notices(text: &str) -> Vec<(usize, String)> {
    let merged = merge(&Configuration::default(), text, "a.conf");
    let merged = merged.unwrap_or_else(|bad| panic!("{text}\n{}", bad[0]));
    merged.notices.into_iter().map(|notice| (notice.line, notice.what)).collect()
}

#[test]
fn what_has_no_effect_yet_says_so_at_its_line() {
    for (text, what) in WITHOUT_EFFECT {
        let last = notices(text).pop();
        assert_eq!(last, Some((text.lines().count(), (*what).to_owned())), "{text}");
    }
}

#[test]
fn what_has_no_effect_yet_is_rendered_back() {
    for (text, _) in WITHOUT_EFFECT {
        let configuration = parse(text, "a.conf").unwrap();
        let rendered = render(&configuration);
        assert_eq!(parse(&rendered, "again").unwrap(), configuration, "{rendered}");
        let before = text.rsplit_once('\n').map_or("", |(before, _)| before);
        let is_default = ["ip igmp snooping"].contains(text);
        let is_kept = parse(before, "before").unwrap() != configuration;
        assert_eq!(is_kept, !is_default, "{text}");
    }
}

#[test]
fn what_has_an_effect_says_nothing() {
    for text in WITH_EFFECT {
        assert_eq!(notices(text), [], "{text}");
    }
}

#[test]
fn a_sentence_tells_it() {
    let merged = merge(&Configuration::default(), "module csm 5\n probe P http\n", "a.conf");
    assert_eq!(merged.unwrap().notices[0].to_string(), "% a probe has no effect yet.");
}

#[test]
fn one_address_on_both_sides_is_bridge_mode() {
    let text = "module csm 5\n vlan 2 client\n  ip address 10.0.2.10 255.255.255.0\n vlan 3 server\n  \
                ip address 10.0.2.10 255.255.255.0\n";
    assert_eq!(notices(text), [(5, "bridge mode".to_owned())]);
}

#[test]
fn what_is_not_complete_is_no_error() {
    for text in [
        "module csm 5\n vserver V\n  inservice",
        "module csm 5\n vserver V\n  serverfarm LATER\n  status-tracking W\n  reverse-sticky 3",
        "module csm 5\n serverfarm F\n  probe LATER\n  nat client LATER",
        "module csm 5\n vlan 2 client\n  gateway 10.0.0.1",
        "module csm 5\n policy P\n  serverfarm LATER\n  sticky-group 9",
        "interface eth0\n channel-group 7 mode on",
        "interface vlan 136\n standby 1 ip",
        "module csm 5\n ft group 1 vlan 9\n  track group 2",
    ] {
        assert!(parse(text, "a.conf").is_ok(), "{text}");
    }
}
