//! `show` of the chassis and of configurations.

use super::super::{ExecCommand, Show};
use super::{CSM, Chosen, MODULE, choose, entries, entry};
use crate::grammar::{Args, Command, Element, Kind, Refusal, arg, keyword};

pub(super) const SHOW: Element = keyword("show", "Show what is running");
pub(super) const ALL: Element = keyword("all", "Every module");

type Get = fn(&mut Chosen, &Args) -> Result<(), Refusal>;

pub(super) fn commands() -> Vec<Command<Chosen>> {
    let brief = keyword("brief", "One line a group");
    let standby = [SHOW, keyword("standby", "HSRP")];
    let mut commands = vec![
        entry(&[SHOW, MODULE], |c, _| show(c, Show::Modules)),
        entry(&[SHOW, MODULE, CSM, ALL], |c, _| show(c, Show::Modules)),
    ];
    commands.extend(configurations());
    commands.extend(plain());
    commands.extend(entries(&standby, &[&[brief]], |c, args| {
        show(c, Show::Standby { brief: args.says("brief") })
    }));
    commands
}

fn configurations() -> Vec<Command<Chosen>> {
    let archive = keyword("archive", "The last configurations");
    let differences = keyword("differences", "What would change if one came back");
    let number = arg(Kind::Number { min: 1, max: 9999 }, "Its number in the archive");
    let configuration = keyword("configuration", "The configuration");
    let difference = keyword("difference", "startup-config against running-config");
    let running = keyword("running-config", "The configuration in force");
    let startup = keyword("startup-config", "The configuration after a start");
    let mut commands = vec![
        entry(&[SHOW, running], |c, _| show(c, Show::RunningConfig)),
        entry(&[SHOW, startup], |c, _| show(c, Show::StartupConfig)),
        entry(&[SHOW, configuration, difference], |c, _| show(c, Show::Difference)),
        entry(&[SHOW, archive], |c, _| show(c, Show::Archive)),
    ];
    commands.extend(entries(&[SHOW, archive, differences], &[&[number]], |c, args| {
        show(c, Show::ArchiveDifferences(args.optional(0)))
    }));
    commands
}

fn plain() -> impl Iterator<Item = Command<Chosen>> {
    let words: [(&'static str, &'static str, Get); 5] = [
        ("clock", "Time in the configured zone", |c, _| show(c, Show::Clock)),
        ("history", "What was typed in this session", |c, _| show(c, Show::History)),
        ("logging", "The last messages", |c, _| show(c, Show::Log)),
        ("tech-support", "All that a report of a defect needs, without keys", |c, _| {
            show(c, Show::TechSupport)
        }),
        ("version", "Release of the program, kernel, time since the start", |c, _| {
            show(c, Show::Version)
        }),
    ];
    words.into_iter().map(|(word, help, set)| entry(&[SHOW, keyword(word, help)], set))
}

fn show(chosen: &mut Chosen, what: Show) -> Result<(), Refusal> {
    choose(chosen, ExecCommand::Show(what))
}
