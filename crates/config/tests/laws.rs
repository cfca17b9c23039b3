//! Laws of the command language: what is rendered is read back, the two sides of a pair have one
//! digest, and no text makes it panic.

mod generate;

use hitless_config::model::{FtGroup, KeyString, Module, Real, SplitBrain};
use hitless_config::{
    Configuration, admit, digest, merge, parse, parse_exec, render, render_with_secrets, validate,
};
use hitless_model::{Priority, Slot};
use proptest::collection::vec;
use proptest::prelude::*;

use generate::chassis::configuration;
use generate::id;
use generate::module::{ft, module};

/// With gateways to ask, and a group that has them asked.
fn asking(module: &Module) -> Option<Module> {
    let mut module = module.clone();
    let has_gateway = module.vlans.values().any(|vlan| !vlan.gateways.is_empty());
    let ft = module.ft.as_mut().filter(|_| has_gateway)?;
    ft.split_brain = SplitBrain::Gateway;
    Some(module)
}

/// What the other box of the pair is configured with.
fn swapped(module: &Module) -> Module {
    let mut other = module.clone();
    for vlan in other.vlans.values_mut().filter(|vlan| vlan.alt_address.is_some()) {
        std::mem::swap(&mut vlan.address, &mut vlan.alt_address);
        vlan.aliases.reverse();
        vlan.routes.reverse();
    }
    // The other box has devices of its own.
    for vlan in other.vlans.values_mut() {
        vlan.attach = vlan.attach.is_none().then(|| "eth7".to_owned());
    }
    other.variables.retain(|name, _| name != "DATAPLANE_HOOK");
    if let Some(ft) = &mut other.ft {
        ft.tracking.interfaces.clear();
    }
    for farm in other.farms.values_mut() {
        farm.reals.reverse();
    }
    if let Some(ft) = &mut other.ft
        && let Some(alt) = &mut ft.alt_priority
    {
        std::mem::swap(&mut ft.priority, alt);
    }
    other
}

/// Lines made of words that mean something, so that the walk gets deep.
fn plausible() -> impl Strategy<Value = String> {
    let words = [
        "module",
        "csm",
        "5",
        "vlan",
        "2",
        "client",
        "server",
        "ip",
        "address",
        "10.0.0.1",
        "255.255.255.0",
        "alt",
        "gateway",
        "alias",
        "route",
        "serverfarm",
        "F",
        "real",
        "weight",
        "inservice",
        "vserver",
        "virtual",
        "tcp",
        "www",
        "no",
        "exit",
        "end",
        "ft",
        "group",
        "priority",
        "heartbeat-time",
        "msec",
        "100",
        "failover",
        "key-string",
        "replicate",
        "csrp",
        "connection",
        "interface",
        "eth0",
        "switchport",
        "access",
        "show",
        "detail",
        "|",
        "json",
        "!",
        "é",
        "\u{0}",
        "Router(config)#",
        "variable",
        "hostname",
        "clear",
        "all",
        "\u{feff}",
    ];
    let line = vec(proptest::sample::select(words.to_vec()), 0..8).prop_map(|w| w.join(" "));
    vec(line, 0..30).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_back(configuration in configuration()) {
        prop_assert_eq!(validate(&configuration), vec![]);
        let text = render_with_secrets(&configuration);
        let read = parse(&text, "rendered");
        prop_assert!(read.is_ok(), "{:?}\n{}", read, text);
        prop_assert_eq!(read.unwrap(), configuration, "{}", text);
    }

    #[test]
    fn a_part_on_top_changes_nothing_if_it_is_there_already(configuration in configuration()) {
        let text = render_with_secrets(&configuration);
        let merged = merge(&configuration, &text, "again");
        prop_assert!(merged.is_ok(), "{:?}\n{}", merged, text);
        prop_assert_eq!(merged.unwrap().configuration, configuration, "{}", text);
    }

    #[test]
    fn what_commands_can_say_is_admitted(configuration in configuration()) {
        let admitted = admit(&configuration, "typed").unwrap();
        prop_assert_eq!(admitted.configuration, configuration);
    }

    #[test]
    fn what_is_kept_is_kept_as_json_too(configuration in configuration()) {
        let json = serde_json::to_string(&configuration).unwrap();
        prop_assert_eq!(serde_json::from_str::<Configuration>(&json).unwrap(), configuration);
    }

    #[test]
    fn keys_are_rendered_only_where_they_are_asked_for(ft in ft()) {
        let slot = Slot::try_from(5).unwrap();
        let key = ft.key.as_ref().map(|key| format!("key-string {}\n", key.expose()));
        let module = Module { ft: Some(ft), ..Module::default() };
        let configuration =
            Configuration { modules: [(slot, module)].into(), ..Configuration::default() };
        if let Some(line) = key {
            prop_assert!(!render(&configuration).contains(&line));
            prop_assert!(render_with_secrets(&configuration).contains(&line));
        }
    }

    #[test]
    fn both_boxes_of_a_pair_have_one_digest(module in module()) {
        prop_assert_eq!(digest(&module), digest(&swapped(&module)));
    }

    #[test]
    fn a_difference_changes_the_digest(module in module(), priority in id::<Priority>(1, 254)) {
        let before = digest(&module);
        let mut other = module.clone();
        other.variables.insert("ARP_RATE".to_owned(), "1".to_owned());
        prop_assert_ne!(digest(&other), before);
        if let Some(ft) = &module.ft && ft.priority != priority && ft.alt_priority != Some(priority) {
            let mut other = module.clone();
            other.ft = Some(FtGroup { priority, ..ft.clone() });
            let is_told = ft.alt_priority.is_some();
            prop_assert_eq!(digest(&other) != before, is_told, "without alt nobody knows the peer's");
        }
        if let Some(other) = asking(&module) {
            prop_assert_ne!(digest(&other), before);
            prop_assert_eq!(digest(&other), digest(&swapped(&other)));
        }
        if let Some(ft) = &module.ft {
            let mut other = module.clone();
            let key = Some(KeyString::new("another key".to_owned()));
            other.ft = Some(FtGroup { key: key.clone(), ..ft.clone() });
            prop_assert_ne!(digest(&other), before);
            let mut other = module.clone();
            other.ft = Some(FtGroup { accepted_key: key, ..ft.clone() });
            prop_assert_eq!(digest(&other), before, "while keys are changed only one box has it");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text, "any");
        let _ = parse_exec(&text);
    }

    #[test]
    fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&octets);
        let _ = parse(&text, "any");
        let _ = parse_exec(&text);
    }

    #[test]
    fn no_line_of_known_words_makes_it_panic(text in plausible()) {
        match parse(&text, "any") {
            Ok(configuration) => {
                let text = render_with_secrets(&configuration);
                prop_assert_eq!(parse(&text, "again"), Ok(configuration), "{}", text);
            }
            Err(diagnostics) => {
                prop_assert!(!diagnostics.is_empty());
                for diagnostic in diagnostics {
                    prop_assert!(diagnostic.to_string().starts_with("any"));
                }
            }
        }
        let _ = text.lines().map(parse_exec).collect::<Vec<_>>();
    }
}

#[test]
fn what_no_command_can_say_is_not_admitted() {
    let good = "hostname a\nmodule csm 5\n serverfarm F\n  real 10.0.0.1\n";
    let good = parse(good, "good").unwrap();
    let refused = |change: &dyn Fn(&mut Configuration)| {
        let mut bad = good.clone();
        change(&mut bad);
        admit(&bad, "typed").is_err()
    };
    assert!(!refused(&|_| {}));
    assert!(refused(&|bad| bad.hostname = Some("b\nvlan 7".to_owned())), "a line of its own");
    assert!(refused(&|bad| bad.hostname = Some("b ! c".to_owned())), "a comment");
    let real = |bad: &mut Configuration, change: &dyn Fn(&mut Real)| {
        let farms = bad.modules.values_mut().flat_map(|module| module.farms.values_mut());
        farms.flat_map(|farm| &mut farm.reals).for_each(change);
    };
    assert!(refused(&|bad| real(bad, &|real| real.weight = 101)), "out of range");
    assert!(refused(&|bad| real(bad, &|real| real.port = Some(0))));
    let variable = |name: &str, value: &str| {
        refused(&|bad| {
            for module in bad.modules.values_mut() {
                module.variables.insert(name.to_owned(), value.to_owned());
            }
        })
    };
    assert!(variable("COLOUR", "3") && variable("ARP_RATE", "many"));
    assert!(!variable("ARP_RATE", "3"));
}
