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
        let entered = page.lines().any(|l| l.contains("Enters") && l.contains(&format!("`{mode}`")));
        assert!(entered, "nothing enters {mode}");
    }
}
