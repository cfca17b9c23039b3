//! The tree of exec commands, and the value that each yields.

mod doing;
mod session;
mod show;
mod views;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{ExecCommand, Privilege};
use crate::grammar::{
    Action, Args, Command, Element, Form, Kind, Refusal, Table, arg, keyword, keyword_or,
};

type Chosen = Option<ExecCommand>;
type Set = fn(&mut Chosen, &Args) -> Result<(), Refusal>;

/// `Router#`.
pub(crate) static EXEC: LazyLock<Table<Chosen>> = LazyLock::new(table);

const MODULE: Element = keyword("module", "A module of this chassis");
const CSM: Element = keyword_or("csm", "contentSwitchingModule", "Content switching module");
const SLOT: Element = arg(Kind::Slot, "Its slot");
const NAME: Element = arg(Kind::Name, "Name");
const FT: Element = keyword("ft", "Fault tolerance");

/// The command that a match in [`EXEC`] is.
///
/// # Errors
/// An argument that has the right type and is not acceptable.
pub(crate) fn command(index: usize, form: Form, args: &Args) -> Result<ExecCommand, Refusal> {
    let lost = || Refusal::command("the command is not carried out");
    let command = EXEC.commands().get(index).ok_or_else(lost)?;
    let action = match form {
        Form::Plain => command.action(),
        Form::No => command.reset(),
    };
    let mut chosen = None;
    if let Some(Action::Set(set)) = action {
        set(&mut chosen, args)?;
    }
    chosen.ok_or_else(lost)
}

/// Whether a command that begins with this word is for those who may only look.
pub(crate) fn is_for_readers(word: &str) -> bool {
    static WORDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let all = EXEC.commands().iter().enumerate();
        let open = all.filter(|(index, _)| {
            privilege(*index).is_some_and(|privilege| privilege == Privilege::Reader)
        });
        open.filter_map(|(_, command)| Some(command.path().first()?.label())).collect()
    });
    word == "no" || WORDS.contains(word)
}

/// Who may give a command; none, if this release lacks it.
pub(crate) fn privilege(index: usize) -> Option<Privilege> {
    let path = EXEC.commands().get(index)?.path();
    let words: Vec<String> = path.iter().map(Element::example).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let matched = EXEC.plain().walk(&words).ok()?;
    Some(command(matched.command, Form::Plain, &matched.args).ok()?.privilege())
}

fn table() -> Table<Chosen> {
    Table::new(
        [show::commands(), views::commands(), doing::commands(), session::commands()].concat(),
    )
}

fn entry(path: &[Element], set: Set) -> Command<Chosen> {
    Command::<Chosen>::new(path).sets(set)
}

#[expect(clippy::unnecessary_wraps, reason = "every handler of a table has this form")]
fn choose(chosen: &mut Chosen, command: ExecCommand) -> Result<(), Refusal> {
    *chosen = Some(command);
    Ok(())
}

/// `path` with every selection of `options`, in their order.
fn with_options(path: &[Element], options: &[&[Element]]) -> Vec<Vec<Element>> {
    let mut paths = vec![path.to_vec()];
    for option in options {
        let longer: Vec<_> = paths.iter().map(|path| [&path[..], option].concat()).collect();
        paths.extend(longer);
    }
    paths
}

/// A command with options that may be left out, each.
fn entries(path: &[Element], options: &[&[Element]], set: Set) -> Vec<Command<Chosen>> {
    with_options(path, options).iter().map(|path| entry(path, set)).collect()
}
