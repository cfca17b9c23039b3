//! Commands that concern only the terminal.

use super::super::{ExecCommand, Session};
use super::{Chosen, Set, choose, entry};
use crate::grammar::{Action, Args, Command, Element, Kind, Refusal, arg, keyword};

const TERMINAL: Element = keyword("terminal", "Set something for this session");
const MONITOR: Element = keyword("monitor", "Print messages of the log as they come");
const SIZE: Kind = Kind::Number { min: 0, max: 512 };

pub(super) fn commands() -> Vec<Command<Chosen>> {
    let quiet: Set = |c, _| session(c, Session::Monitor(false));
    let length = keyword("length", "Lines of a page");
    let width = keyword("width", "Characters of a line");
    let no = keyword("no", "Undo");
    let words: [(&'static str, &'static str, Set); 6] = [
        ("disable", "Only look from here on", |c, _| session(c, Session::Disable)),
        ("enable", "Be allowed to change", |c, _| session(c, Session::Enable)),
        ("end", "Stay here: there is nothing further out", |c, _| session(c, Session::End)),
        ("exit", "Leave", |c, _| session(c, Session::Leave)),
        ("logout", "Leave", |c, _| session(c, Session::Leave)),
        ("quit", "Leave", |c, _| session(c, Session::Leave)),
    ];
    let words = words.map(|(word, help, set)| entry(&[keyword(word, help)], set));
    let monitor = entry(&[TERMINAL, MONITOR], |c, _| session(c, Session::Monitor(true)));
    let mut commands = vec![
        monitor.no(2, Action::Set(quiet)),
        entry(&[TERMINAL, no, MONITOR], quiet),
        entry(&[TERMINAL, length, arg(SIZE, "Lines; 0 = no pages")], |c, a| {
            session(c, Session::Length(narrow(a)?))
        }),
        entry(&[TERMINAL, width, arg(SIZE, "Characters; 0 = as wide as it is")], |c, a| {
            session(c, Session::Width(narrow(a)?))
        }),
    ];
    commands.extend(words);
    commands
}

fn session(chosen: &mut Chosen, what: Session) -> Result<(), Refusal> {
    choose(chosen, ExecCommand::Session(what))
}

fn narrow(args: &Args) -> Result<u16, Refusal> {
    let number: u64 = args.get(0)?;
    u16::try_from(number).map_err(|error| Refusal::argument(0, error.to_string()))
}
