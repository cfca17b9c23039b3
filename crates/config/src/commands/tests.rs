use super::*;
use crate::grammar::{Args, Form, Trees};
use crate::model::Side;

fn line(path: &[Element]) -> Vec<String> {
    path.iter().filter(|element| **element != Element::Rest).map(Element::example).collect()
}

/// Runs every form of every command of a table, each on a fresh target.
fn run_all<T: Clone>(table: &Table<T>, target: &T) {
    for (index, command) in table.commands().iter().enumerate() {
        let words = line(command.path());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (form, action) in [(Form::Plain, command.action()), (Form::No, command.reset())] {
            let Some(action) = action else { continue };
            let matched =
                table.tree(form).walk(&words).unwrap_or_else(|e| panic!("{words:?} {e:?}"));
            if form == Form::Plain {
                assert_eq!(matched.command, index, "{words:?} is hidden by another command");
            }
            apply(action, target.clone(), &matched.args, &words);
        }
    }
}

fn apply<T>(action: &Action<T>, mut target: T, args: &Args, words: &[&str]) {
    let refusal = match action {
        Action::Set(set) => set(&mut target, args).err(),
        Action::Enter(_, enter) => enter(&mut target, args).err(),
        Action::Put(_) | Action::Nothing | Action::Unavailable | Action::Leave | Action::Top => {
            None
        }
    };
    let lacks = refusal.is_some_and(|refusal| refusal.message.contains("lacks an argument"));
    assert!(!lacks, "handler and path of {words:?} disagree");
}

#[test]
fn every_command_is_reached_and_takes_the_arguments_that_its_path_yields() {
    run_all(&CONFIG, &Configuration::default());
    run_all(&VLAN, &Configuration::default());
    run_all(&DATABASE, &Configuration::default());
    run_all(&INTERFACE, &Interface::default());
    run_all(&MODULE, &Module::default());
    run_all(&MODULE_VLAN, &ModuleVlan::new(Side::Client));
    run_all(&FARM, &ServerFarm::default());
    run_all(&REAL, &Real::new(std::net::Ipv4Addr::new(10, 0, 0, 5), None));
    run_all(&VSERVER, &VirtualServer::default());
    let (group, vlan) = (9u64.try_into().unwrap(), 7u64.try_into().unwrap());
    run_all(&FT, &FtGroup::new(group, vlan));
    run_all(&crate::exec::EXEC, &None);
}

#[test]
fn every_offered_word_explains_itself() {
    let modes = [Mode::Config, Mode::Interface, Mode::Module, Mode::ClientVlan, Mode::Farm];
    for mode in modes.into_iter().chain([Mode::Real, Mode::VirtualServer, Mode::Ft, Mode::Exec]) {
        for candidate in crate::locate::candidates(mode, "") {
            assert!(!candidate.help.is_empty(), "{mode} {}", candidate.label);
        }
    }
}
