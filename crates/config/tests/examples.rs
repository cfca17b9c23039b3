//! The configurations that come with the project: the chapter's figures and examples, their
//! placeholders filled.

use std::path::Path;

use hitless_config::{Configuration, digest, merge, parse, render};

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
    assert!(
        module.virtual_servers.values().all(|v| v.replicate_connections && v.in_service.is_yes())
    );
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
fn both_boxes_of_figure_7_2_agree() {
    let digests = ["figure-7-2-a.conf", "figure-7-2-b.conf"].map(|name| {
        let configuration = read(name);
        configuration.modules.values().map(digest).collect::<Vec<_>>()
    });
    assert_eq!(digests[0], digests[1], "priorities and own addresses say nothing about a peer");
}

#[test]
fn every_example_is_read_and_rendered_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(folder).expect("the examples come with the project");
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).expect("text");
        let merged = merge(&Configuration::default(), &text, &name);
        let merged = merged.unwrap_or_else(|bad| panic!("{}", bad[0]));
        let rendered = render(&merged.configuration);
        let again = merge(&Configuration::default(), &rendered, &name);
        let again = again.unwrap_or_else(|bad| panic!("{}\n{rendered}", bad[0]));
        assert_eq!(again.configuration, merged.configuration, "{rendered}");
        assert_eq!(render(&again.configuration), rendered);
        assert_eq!(again.notices.is_empty(), merged.notices.is_empty(), "{name}");
        count += 1;
    }
    assert!(count >= 8, "{count} examples");
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
