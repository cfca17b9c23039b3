//! Transcripts as the original's manual prints them: with prompts, wrapped lines, output in between,
//! and commands typed one mode too deep.

use hitless_config::{Configuration, parse};
use hitless_model::VlanId;

fn read(text: &str) -> Configuration {
    parse(text, "transcript").unwrap_or_else(|diagnostics| {
        let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}", texts.join("\n"))
    })
}

fn vlans(configuration: &Configuration) -> Vec<u16> {
    configuration.vlans.iter().map(|vlan| vlan.get()).collect()
}

#[test]
fn the_steps_for_the_active_box_are_accepted_as_printed() {
    let configuration = read(
        "Router(config)# module csm 5
Router(config-module-csm)# vlan 2 client
Router(config-slb-vlan-client)# ip addr 192.158.38.10 255.255.255.0
Router(config-slb-vlan-client)# gateway 192.158.38.20
Router(config-module-csm)# vserver vip1
Router(config-slb-vserver)# virtual 192.158.38.30 tcp www
Router(config-module-csm)# inservice
Router(config-module-csm)# vlan 3 server
Router(config-slb-vlan-server)# ip addr 192.158.39.10 255.255.255.0
Router(config-slb-vlan-server)# alias 192.158.39.20 255.255.255.0
Router(config-slb-vlan-server) vlan 9
Router(config-module-csm)# ft group 90 vlan 9
Router(config-module-csm)# vlan
Router(vlan)# vlan 2
Router(vlan)# vlan 3
Router(vlan)# vlan 9
Router(vlan)# exit
",
    );
    assert_eq!(vlans(&configuration), [2, 3, 9]);
    let module = configuration.modules.values().next().unwrap();
    assert!(module.ft_vlans.contains(&VlanId::try_from(9).unwrap()));
    let server = module.virtual_servers.values().next().unwrap();
    assert!(server.in_service.is_yes() && server.farm.is_none());
    assert_eq!(server.listens.unwrap().port, 80);
}

#[test]
fn the_steps_for_the_standby_box_are_accepted_as_printed() {
    let configuration = read(
        "Router(config)# module csm 6
Router(config-module-csm)# vlan 2 client
Router(config-slb-vlan-client)# ip addr 192.158.38.40 255.255.255.0
Router(config-slb-vlan-client)# gateway 192.158.38.20
Router(config-module-csm)# vserver vip1
Router(config-slb-vserver)# virtual 192.158.38.30 tcp www
Router(config-module-csm)# inservice
Router(config-module-csm)# vlan 3 server
Router(config-slb-vserver)# ip addr 192.158.39.30 255.255.255.0
Router(config-slb-vserver)# alias 192.158.39.20 255.255.255.0
Router(config-module-csm) vlan 9
Router(config-module-csm)# ft group 90 vlan 9
Router(config-module-csm)# show module csm all
",
    );
    let module = configuration.modules.values().next().unwrap();
    let own: Vec<_> = module.vlans.values().map(|v| v.address.unwrap().address).collect();
    assert_eq!(
        own.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.158.38.40", "192.158.39.30"]
    );
}

#[test]
fn a_page_that_wraps_lines_is_understood() {
    let configuration = read(
        "Router# configure terminal
Enter configuration commands, one per line.  End with CNTL/Z.
Router(config)# module csm 5
Router(config-module-csm)# vlan 2 client
Router(config-slb-vlan-client)# ip addr 192.158.38.10 255.255.255.0 alt 192.158.38.40
255.255.255.0
Router(config-slb-vlan-client)# gateway 192.158.38.20
Router(config-slb-vlan-client)# exit
Router(config-module-csm)# vlan 3 server
Router(config-slb-vlan-server)# ip addr 192.158.39.10 255.255.255.0 alt 192.158.39.30
255.255.255.0
Router(config-slb-vlan-server)# alias 192.158.39.20 255.255.255.0
Router(config-slb-vlan-server)# route 192.160.0.0 255.255.0.0 gateway 192.158.38.20
Router(config-slb-vlan-server)# exit
Router(config-module-csm)# ft group 90 vlan 9
Router(config-slb-ft)# priority 10 alt 15
Router(config-slb-ft)# end
",
    );
    let module = configuration.modules.values().next().unwrap();
    assert!(module.vlans.values().all(|vlan| vlan.alt_address.is_some()));
    assert_eq!(module.ft.as_ref().unwrap().alt_priority.unwrap().get(), 15);
    assert_eq!(module.vlans.values().map(|vlan| vlan.routes.len()).sum::<usize>(), 1);
}

#[test]
fn a_blank_before_the_mark_of_a_prompt_does_not_matter() {
    let configuration = read(
        "Router(config) # module csm 5
Router(config-module-csm) # serverfarm SF_NONAT
Router(config-slb-sfarm) # no nat server
Router(config-module-csm) # vserver VS_LINUX-TELNET
Router(config-slb-vserver) # virtual 10.6.0.100 tcp telnet
Router(config-slb-vserver) # serverfarm SF_NONAT
Router(config-slb-vserver) # sticky 100 group 35
Router(config-slb-vserver) # replicate csrp sticky
Router(config-slb-vserver) # replicate csrp connection
Router(config-slb-vserver) # inservice
Router(config-slb-vserver) # exit
Router(config-module-csm) # ft group 90 vlan 111
Router(config-slb-ft) # priority 10
Router(config-slb-ft) # failover 3
Router(config-slb-ft) # preempt
Router(config-slb-ft) # exit
",
    );
    let module = configuration.modules.values().next().unwrap();
    let server = module.virtual_servers.values().next().unwrap();
    assert!(server.replicate_connections && server.replicate_sticky);
    assert_eq!(server.sticky.map(|sticky| sticky.minutes), Some(100));
    assert_eq!(server.listens.unwrap().port, 23);
    assert!(module.ft.as_ref().unwrap().preempt);
    assert!(!module.farms.values().next().unwrap().nat_server);
}

#[test]
fn words_may_be_abbreviated_and_in_any_case() {
    let long =
        read("interface eth0\n switchport access vlan 9\nmodule csm 5\n vserver v\n  idle 60\n");
    let short = read("INT eth0\n sw acc vl 9\nmod Content 5\n VS V\n  id 60\n");
    assert_eq!(long, short);
}

#[test]
fn no_restores_the_default_or_removes() {
    let text = "module csm 5\n serverfarm F\n  nat server\n  no nat server\n  real 10.0.0.1\n   \
                weight 20\n   no weight\n   inservice\n   no inservice\n  real 10.0.0.2\n  \
                no real 10.0.0.2\n vserver V\n  idle 60\n  no idle 60\n  pending 5\n  no pending\n \
                vserver W\n no vserver W\n ft group 1 vlan 9\n  priority 20 alt 30\n  \
                no priority\n  heartbeat-time msec 50\n  no heartbeat-time\n  key-string k\n  \
                no key-string\n variable ARP_RATE 1\n no variable ARP_RATE\n";
    let plain = "module csm 5\n serverfarm F\n  no nat server\n  real 10.0.0.1\n vserver V\n \
                 ft group 1 vlan 9\n";
    assert_eq!(read(text), read(plain));
}

#[test]
fn the_calendar_and_multicast_are_configured_as_printed() {
    let configuration = read(
        "Router# configure terminal
Router(config)# clock timezone CET 1
Router(config)# clock calendar-valid
Router# configure terminal
Router(config)# no ip igmp snooping
",
    );
    let zone = configuration.clock.timezone.unwrap();
    assert_eq!((zone.name.as_str(), zone.offset.minutes()), ("CET", 60));
    assert!(configuration.clock.calendar_valid && configuration.floods_multicast);
}

#[test]
fn the_hsrp_gateway_is_made_as_printed() {
    let configuration = read(
        "Router(config)# interface FastEthernet3/6
Router(config-if)# ip address 10.100.0.2 255.255.0.0
Router(config-if)# standby 2 priority 110 preempt
Router(config-if)# standby 2 ip 10.100.0.1
",
    );
    let text = hitless_config::render(&configuration);
    let expected = "interface FastEthernet3/6\n ip address 10.100.0.2 255.255.0.0\n \
                    standby 2 ip 10.100.0.1\n standby 2 priority 110\n standby 2 preempt\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_fault_tolerant_hsrp_configuration_is_made_as_printed() {
    let configuration = read(
        "Router(config)# module csm 5
Router(config-module-csm)# vlan 136 client
Router(config-slb-vlan-client)# ip address 10.6.0.245 255.255.0.0
Router(config-slb-vlan-client)# gateway 10.6.0.1
Router(config-slb-vlan-client)# exit

Router(config-module-csm)# vlan 272 server
Router(config-slb-vlan-server)# ip address 10.5.0.2 255.255.0.0
Router(config-slb-vlan-server)# alias 10.5.0.1 255.255.0.0
Router(config-slb-vlan-server)# exit
Router(config-module-csm)# exit

Router(config)# vlan 71
Router(config-vlan)# exit

Router(config)# interface vlan136
Router(config-if)# ip address 10.6.0.2 255.255.0.0
Router(config-if)# standby 1 priority 100 preempt
Router(config-if)# standby 1 ip 10.6.0.1
Router(config-if)# standby 1 track Fa3/6 10
Router(config-if)# exit

Router(config)# module csm 5
Router(config-module-csm)# ft group 88 vlan 71
Router(config-slb-ft)# priority 30
Router(config-slb-ft)# preempt
Router(config-slb-ft)# exit
",
    );
    assert_eq!(vlans(&configuration), [71, 136, 272]);
    let own = configuration.vlan_interfaces.values().next().unwrap();
    let group = own.routed.hsrp.values().next().unwrap();
    let tracked: Vec<String> = group.tracks.keys().map(ToString::to_string).collect();
    assert_eq!(tracked, ["FastEthernet3/6"]);
    let ft = configuration.modules.values().next().unwrap().ft.as_ref().unwrap();
    assert_eq!((ft.priority.get(), ft.preempt), (30, true));
}

#[test]
fn the_etherchannel_is_made_as_printed() {
    let configuration = read(
        "Router(config)# interface Port-channel100
Router(config-if)# switchport
Router(config-if)# switchport trunk encapsulation dot1q
Router(config-if)# switchport trunk allowed vlan 136
Router(config-if)# switchport trunk remove vlan 71
Router(config-if)# switchport trunk remove vlan 272
Router(config)# interface FastEthernet3/25
Router(config-if)# switchport
Router(config-if)# channel-group 100 mode on
",
    );
    let text = hitless_config::render(&configuration);
    let port = "interface FastEthernet3/25\n switchport\n channel-group 100 mode on\n";
    let channel = "interface Port-channel100\n switchport\n \
                   switchport trunk encapsulation dot1q\n switchport trunk allowed vlan 136\n";
    assert!(text.contains(port) && text.contains(channel), "{text}");
}

#[test]
fn tracking_is_configured_in_the_words_of_the_task_tables() {
    let configuration = read(
        "module csm 5
ft group 88 vlan 71
Router(config-slbf-ft)# track group 2
Router(config-slbf-ft)# track gateway 10.6.0.1
Router(config-slbf-ft)# track interface async 1
Router(config-slbf-ft)# track interface ctunnel 1
Router(config-slbf-ft)# track interface dialer 1
Router(config-slbf-ft)# track interface fastethernet 3/6
Router(config-slbf-ft)# track interface gigabitethernet 1/1
Router(config-slb-ft)# track mode any
Router(config-slb-ft)# track mode all
",
    );
    let tracking = &configuration.modules.values().next().unwrap().ft.as_ref().unwrap().tracking;
    assert_eq!((tracking.groups.len(), tracking.gateways.len()), (1, 1));
    assert_eq!(tracking.interfaces.len(), 5);
    assert_eq!(tracking.mode, hitless_config::model::TrackMode::All);
}

#[test]
fn the_task_of_connection_redundancy_is_done_step_by_step() {
    let configuration = read(
        "Router# configure terminal
Router(config)# no ip igmp snooping
module csm 5
Router(config-module-csm)# vserver virtserver-name
Router(config-slb-vserver)# virtual 10.6.0.100 255.255.255.255 tcp 21 service ftp
Router(config-slb-vserver)# serverfarm serverfarm-name
Router(config-slb-vserver)# sticky 100 group 35 netmask 255.255.255.0
Router(config-slb-vserver)# replicate csrpf sticky
Router(config-slb-vserver)# replicate csrpf connection
Router(config-slb-vserver)# inservice
Router(config-module-csm)# ft group 90 vlan 111
Router(config-slb-ft)# priority 10
Router(config-slb-ft)# failover 3
Router(config-slb-ft)# preempt
",
    );
    let module = configuration.modules.values().next().unwrap();
    let server = module.virtual_servers.values().next().unwrap();
    assert!(server.replicate_connections && server.replicate_sticky);
    assert_eq!(server.sticky.map(|sticky| sticky.prefix), Some(24));
    assert!(module.ft.as_ref().unwrap().preempt);
}
