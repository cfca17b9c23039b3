//! What is odd, wrong or silent about the original's manual and its command line, and what is made
//! of it. The numbers are those of the list in `csm-spec.md`, part 10.

use std::time::Duration;

use hitless_config::model::{Module, PortName, Predictor, Side, StickyGroupConfig, VirtualServer};
use hitless_config::{Configuration, Merged, merge, parse, render};
use hitless_model::{Priority, StickyGroup};

fn read(text: &str) -> Merged {
    merge(&Configuration::default(), text, "transcript").unwrap_or_else(|diagnostics| {
        let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}", texts.join("\n"))
    })
}

fn module(text: &str) -> Module {
    read(text).configuration.modules.into_values().next().expect("there is a module")
}

fn virtual_server(lines: &str) -> VirtualServer {
    let text = format!("module csm 5\n vserver V\n{lines}");
    module(&text).virtual_servers.into_values().next().expect("there is a virtual server")
}

fn refused(text: &str) -> bool {
    parse(text, "transcript").is_err()
}

#[test]
fn trap_1_failover_is_a_time_since_the_last_heartbeat() {
    let ft = module("module csm 5\n ft group 90 vlan 9\n  heartbeat-time 2\n  failover 6\n").ft;
    let ft = ft.expect("a group");
    assert_eq!((ft.heartbeat, ft.failover), (Duration::from_secs(2), Duration::from_secs(6)));
    assert!(refused("module csm 5\n ft group 90 vlan 9\n  heartbeat-time 3\n  failover 3\n"));
}

#[test]
fn trap_2_groups_are_numbered_from_1_to_254_and_a_module_has_one() {
    assert!(module("module csm 5\n ft group 254 vlan 9\n").ft.is_some());
    assert!(refused("module csm 5\n ft group 255 vlan 9\n"));
    assert!(refused("module csm 5\n ft group 1 vlan 9\n ft group 2 vlan 8\n"));
}

#[test]
fn trap_3_stickiness_is_given_in_minutes() {
    let sticky = virtual_server("sticky 50\n").sticky.expect("sticky");
    assert_eq!(sticky.minutes, 50);
}

#[test]
fn trap_4_a_sticky_group_may_be_named_before_it_exists() {
    let merged = read("module csm 5\n vserver V\n sticky 100 group 35\n");
    let module = merged.configuration.modules.values().next().unwrap();
    let server = module.virtual_servers.values().next().unwrap();
    assert_eq!(server.sticky.and_then(|sticky| sticky.group).map(StickyGroup::get), Some(35));
    assert!(module.sticky_groups.is_empty());
    assert!(merged.notices.is_empty(), "it sticks at once, by the virtual server's own line");
    let later = "module csm 5\n sticky 35 netmask 255.255.255.0 timeout 20\n";
    let later = merge(&merged.configuration, later, "later").unwrap().configuration;
    let groups = &later.modules.values().next().unwrap().sticky_groups;
    let timeouts: Vec<u16> =
        groups.values().map(|StickyGroupConfig { timeout_min, .. }| *timeout_min).collect();
    assert_eq!(timeouts, [20]);
}

#[test]
fn trap_5_equal_hsrp_priorities_are_accepted_on_both_switches() {
    for host in [2, 3] {
        let text = format!(
            "interface vlan136\n ip address 10.6.0.{host} 255.255.0.0\n \
             standby 1 priority 100 preempt\n standby 1 ip 10.6.0.1\n"
        );
        let configuration = read(&text).configuration;
        let own = configuration.vlan_interfaces.values().next().unwrap();
        let group = own.routed.hsrp.values().next().unwrap();
        assert_eq!((group.priority, group.preempt.is_some()), (100, true));
    }
}

#[test]
fn trap_6_a_command_is_found_in_the_modes_around_a_wrong_one() {
    let module = module(
        "Router(config)# module csm 5
Router(config-module-csm)# vserver vip1
Router(config-slb-vserver)# virtual 192.158.38.30 tcp www
Router(config-module-csm)# inservice
Router(config-module-csm)# vlan 3 server
Router(config-slb-vserver)# ip addr 192.158.39.30 255.255.255.0
Router(config-slb-vserver)# alias 192.158.39.20 255.255.255.0
Router(config-module-csm) vlan 9
",
    );
    assert!(module.virtual_servers.values().all(|server| server.in_service.is_yes()));
    let server_side = module.vlans.values().next().unwrap();
    assert_eq!((server_side.side, server_side.aliases.len()), (Side::Server, 1));
    assert_eq!(module.ft_vlans.len(), 1, "a VLAN without a type is a fault-tolerant one");
}

#[test]
fn trap_7_a_next_hop_may_be_on_any_vlan_of_the_module() {
    let module = module(
        "module csm 5\n vlan 2 client\n  ip addr 192.158.38.10 255.255.255.0\n vlan 3 server\n  \
         ip addr 192.158.39.10 255.255.255.0\n  \
         route 192.160.0.0 255.255.0.0 gateway 192.158.38.20\n",
    );
    assert_eq!(module.vlans.values().map(|vlan| vlan.routes.len()).sum::<usize>(), 1);
}

#[test]
fn trap_8_vlans_are_taken_off_a_trunk_in_the_words_of_the_manual_and_of_ios() {
    let trunk = |lines: &str| {
        let text = format!("interface Port-channel100\n switchport\n{lines}");
        render(&read(&text).configuration)
    };
    let printed = " switchport trunk allowed vlan 136\n switchport trunk remove vlan 71\n \
                   switchport trunk remove vlan 272\n";
    let ios = " switchport trunk allowed vlan 136,71\n switchport trunk allowed vlan remove 71\n";
    assert_eq!(trunk(printed), trunk(ios), "what was not allowed cannot be taken off");
    assert!(trunk(ios).contains("\n switchport trunk allowed vlan 136\n"));
    let from_all = trunk(" switchport trunk remove vlan 71\n");
    assert!(from_all.contains("\n switchport trunk allowed vlan 2-70,72-4094\n"), "{from_all}");
}

#[test]
fn trap_9_the_standby_box_may_have_the_higher_priority() {
    let ft = module("module csm 5\n ft group 90 vlan 9\n  priority 10 alt 15\n").ft.unwrap();
    assert_eq!((ft.priority.get(), ft.alt_priority.map(Priority::get)), (10, Some(15)));
}

#[test]
fn trap_10_defaults_are_those_of_the_later_command_line() {
    let server = virtual_server("");
    assert_eq!(server.requests.parse_length, 2000);
    let farm = module("module csm 5\n serverfarm F\n").farms.into_values().next().unwrap();
    assert!(farm.nat_server);
    assert_eq!(farm.predictor, Predictor::RoundRobin);
}

#[test]
fn trap_11_the_topology_of_figure_7_2_is_accepted() {
    let text = "interface FastEthernet3/6\n ip address 10.100.0.2 255.255.0.0\n \
                standby 2 priority 110 preempt\n standby 2 ip 10.100.0.1\n";
    let configuration = read(text).configuration;
    let rendered = render(&configuration);
    assert!(rendered.contains("\n standby 2 priority 110\n standby 2 preempt\n"), "{rendered}");
    assert_eq!(parse(&rendered, "again").unwrap(), configuration);
}

#[test]
fn trap_12_replication_is_spelt_csrp_and_csrpf() {
    let one = virtual_server("replicate csrp sticky\nreplicate csrp connection\n");
    let other = virtual_server("replicate csrpf sticky\nreplicate csrpf connection\n");
    assert_eq!(one, other);
    assert!(one.replicate_sticky && one.replicate_connections);
    let text = "module csm 5\n vserver V\n  replicate csrpf connection\n";
    assert!(render(&read(text).configuration).contains("  replicate csrp connection\n"));
}

#[test]
fn trap_13_a_pasted_prompt_of_any_form_is_skipped() {
    for prompt in
        ["Router(config-module-csm) ", "Router(config-module-csm) # ", "Router(config-slbf-ft)# "]
    {
        let text = format!("module csm 5\n{prompt}vserver V\n");
        assert_eq!(module(&text).virtual_servers.len(), 1, "{prompt}");
    }
    let text = "module csm 5\n ft group 90 vlan 9\nRouter(config-slbf-ft)# track group 2\n";
    assert_eq!(module(text).ft.unwrap().tracking.groups.len(), 1);
}

#[test]
fn trap_14_a_mask_that_the_page_wrapped_belongs_to_the_line_before() {
    let module = module(
        "module csm 5\n vlan 2 client\n\
         Router(config-slb-vlan-client)# ip addr 192.158.38.10 255.255.255.0 alt 192.158.38.40\n\
         255.255.255.0\n",
    );
    assert!(module.vlans.values().all(|vlan| vlan.alt_address.is_some()));
}

#[test]
fn trap_15_looking_works_at_a_configuration_prompt() {
    let text = "module csm 5\nRouter(config-module-csm)# show module csm all\n vserver V\n";
    assert_eq!(module(text).virtual_servers.len(), 1);
}

#[test]
fn trap_16_output_inside_an_example_is_skipped() {
    let text = "Router# configure terminal
Enter configuration commands, one per line.  End with CNTL/Z.
Router(config)# module csm 5
%CSM_SLB-6-REDUNDANCY_INFO:Module 5 FT info:Active:Bulk sync started
%CSM_SLB-6-REDUNDANCY_INFO:Module 5 FT info:Active:Manual bulk sync completed
Router(config-module-csm)# vserver V
";
    assert_eq!(module(text).virtual_servers.len(), 1);
}

#[test]
fn trap_17_a_virtual_server_needs_no_server_farm() {
    let server = virtual_server("virtual 192.158.38.30 tcp www\ninservice\n");
    assert!(server.farm.is_none() && server.in_service.is_yes());
    let server = virtual_server("serverfarm SF_NONAT\n");
    assert!(server.farm.is_some(), "nor one that exists already");
}

#[test]
fn trap_18_a_vlan_that_is_mentioned_is_there() {
    let text = "interface vlan136\nvlan 71\nmodule csm 5\n vlan 272 server\n ft group 88 vlan 9\n";
    let vlans: Vec<u16> = read(text).configuration.vlans.iter().map(|vlan| vlan.get()).collect();
    assert_eq!(vlans, [9, 71, 136, 272]);
}

#[test]
fn trap_19_a_placeholder_is_not_a_value() {
    assert!(refused("module csm slot-number\n"));
    assert!(refused("module csm 5\n ft group group-id vlan 9\n"));
    assert!(refused("module csm 5\n ft group 90 vlan 9\n  priority active_value alt 15\n"));
    let filled = "module csm 5\n ft group 90 vlan 9\n  priority 10 alt 15\n";
    assert!(!refused(filled));
}

#[test]
fn an_interface_may_be_named_in_every_way_of_ios() {
    let names =
        |text: &str| -> Vec<PortName> { read(text).configuration.interfaces.into_keys().collect() };
    let full = names("interface FastEthernet3/6\n");
    for text in ["interface Fa3/6\n", "int fastethernet 3/6\n", "int fa 3/6\n"] {
        assert_eq!(names(text), full, "{text}");
    }
    let own = |text: &str| read(text).configuration.vlan_interfaces.into_keys().next();
    assert_eq!(own("interface vlan136\n"), own("int vl 136\n"));
    let channel = |text: &str| read(text).configuration.port_channels.into_keys().next();
    assert_eq!(channel("interface Port-channel100\n"), channel("int po 100\n"));
}
