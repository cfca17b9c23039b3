//! The configurations of figure 7-1 that come with the project.

use hitless_config::{Configuration, digest, parse, render};

fn read(name: &str) -> Configuration {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/").to_owned() + name;
    let text = std::fs::read_to_string(path).expect("the examples come with the project");
    parse(&text, name).unwrap_or_else(|diagnostics| {
        let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}", texts.join("\n"))
    })
}

#[test]
fn figure_7_1_is_read_as_it_is_drawn() {
    let a = read("figure-7-1-a.conf");
    let module = a.modules.values().next().unwrap();
    assert_eq!(module.vlans.len(), 2);
    assert_eq!(module.farms.values().next().unwrap().reals.len(), 3);
    assert_eq!(module.virtual_servers.len(), 2);
    assert!(module.virtual_servers.values().all(|v| v.replicate_connections && v.in_service.is_yes()));
    let ft = module.ft.as_ref().unwrap();
    assert_eq!((ft.group.get(), ft.vlan.get(), ft.priority.get()), (90, 9, 20));
    assert_eq!(a.vlans.len(), 3);
}

#[test]
fn both_boxes_of_figure_7_1_agree() {
    let digests = ["figure-7-1-a.conf", "figure-7-1-b.conf"].map(|name| {
        let configuration = read(name);
        configuration.modules.values().map(digest).collect::<Vec<_>>()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn what_is_rendered_is_read_back() {
    for name in ["figure-7-1-a.conf", "figure-7-1-b.conf"] {
        let configuration = read(name);
        let text = render(&configuration);
        assert_eq!(parse(&text, name).unwrap(), configuration, "{text}");
    }
}

#[test]
fn a_pair_configured_by_hand_without_alt_agrees() {
    let box_of = |address: &str, priority: u8| {
        let text = format!(
            "module csm 5\n vlan 2 client\n  ip address {address} 255.255.255.0\n vlan 9\n \
             ft group 90 vlan 9\n  priority {priority}\n"
        );
        let configuration = parse(&text, "by-hand.conf").unwrap();
        configuration.modules.values().map(digest).collect::<Vec<_>>()
    };
    assert_eq!(box_of("192.158.38.10", 30), box_of("192.158.38.40", 20));
    assert_ne!(box_of("192.158.38.10", 30), box_of("192.158.37.40", 20), "another segment");
}
