use super::*;

#[test]
fn every_word_of_every_offered_command_explains_itself() {
    for mode in Mode::ALL {
        for entry in trees(*mode).entries().iter().filter(|entry| is_offered(entry)) {
            for element in &entry.path {
                let line = syntax(&entry.path);
                let is_told = !element.help().is_empty() || *element == Element::Rest;
                assert!(is_told, "{mode} {line}: nothing is said about {}", element.label());
                assert!(!element.help().ends_with('.'), "{mode} {line}: no period, as IOS");
            }
        }
    }
}

#[test]
fn every_mode_is_in_the_reference_with_its_way_in() {
    let page = reference();
    for mode in Mode::ALL.iter().filter(|mode| ![Mode::Exec, Mode::Config].contains(mode)) {
        assert!(page.contains(&format!("`Router{mode}#`")), "{mode} has no section");
        let entered =
            page.lines().any(|l| l.contains("Enters") && l.contains(&format!("`{mode}`")));
        assert!(entered, "nothing enters {mode}");
    }
}

/// Lines that lead to a fresh object of each mode that has defaults.
fn way_to(mode: Mode) -> String {
    let module = "module csm 5\n";
    match mode {
        Mode::Config => String::new(),
        Mode::Interface => "interface eth0\n".to_owned(),
        Mode::Probe(kind) => format!("{module}probe P {kind}\n"),
        Mode::Farm => format!("{module}serverfarm F\n"),
        Mode::Real => format!("{module}serverfarm F\nreal 10.0.0.1\n"),
        Mode::VirtualServer => format!("{module}vserver V\n"),
        Mode::Ft => format!("{module}ft group 90 vlan 9\n"),
        Mode::Exec
        | Mode::PortChannel
        | Mode::VlanInterface
        | Mode::Vlan
        | Mode::VlanDatabase
        | Mode::Module
        | Mode::ClientVlan
        | Mode::ServerVlan
        | Mode::Policy => panic!("{mode} has no defaults"),
    }
}

#[test]
fn a_line_that_states_a_default_changes_nothing() {
    for mode in Mode::ALL {
        for line in defaults::of_mode(*mode) {
            let Some(_) = defaults::command(*mode, line) else {
                assert!(matches!(mode, Mode::Probe(_)), "{mode} does not know {line:?}");
                continue;
            };
            let way = way_to(*mode);
            let before = crate::parse(&way, "fresh").unwrap();
            let after = crate::parse(&format!("{way}{line}\n"), "stated");
            let after = after.unwrap_or_else(|wrong| panic!("{line}: {}", wrong[0]));
            assert_eq!(after, before, "{mode} {line:?} is no default");
        }
    }
}
