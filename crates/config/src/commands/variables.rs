//! `variable NAME VALUE` in `(config-module-csm)`: settings of a module that have no command.

use crate::defaults::{HOOK_VARIABLE, MAX_CONNECTIONS_VARIABLE, STICKY_SINCE_END_VARIABLE};
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{HookChoice, Module};

/// A variable that is a number.
struct Numeric {
    name: &'static str,
    help: &'static str,
    min: u64,
    max: u64,
    has_effect: bool,
}

/// A variable of the original that is kept and has no effect.
const fn kept(name: &'static str, help: &'static str, max: u64) -> Numeric {
    Numeric { name, help, min: 0, max, has_effect: false }
}

const NUMERIC: [Numeric; 11] = [
    kept("ADVERTISE_RHI_FREQ", "Seconds between announcements of routes", 65_535),
    kept("AGGREGATE_BACKUP_SF_STATE_TO_VS", "A backup farm counts for its virtual server", 1),
    kept("ARP_GRATUITOUS_INTERVAL", "Seconds between announcements of addresses", 31_536_000),
    kept("ARP_INTERVAL", "Seconds between questions to configured neighbours", 31_536_000),
    kept("ARP_LEARNED_INTERVAL", "Seconds between questions to learnt neighbours", 31_536_000),
    kept("ARP_LEARN_MODE", "What neighbours are learnt from", 1),
    kept("ARP_RATE", "Questions a second", 60),
    kept("ARP_REPLY_FOR_NO_INSERVICE_VIP", "Answer for addresses that are out of service", 1),
    kept("ARP_RETRIES", "Questions without an answer until a neighbour is gone", 15),
    Numeric {
        name: STICKY_SINCE_END_VARIABLE,
        help: "1 = times of sticky groups count from the end of the last connection",
        min: 0,
        max: 1,
        has_effect: true,
    },
    // Below it makes no sense, above it no memory.
    Numeric {
        name: MAX_CONNECTIONS_VARIABLE,
        help: "Size of the connection table",
        min: 1024,
        max: 4_194_304,
        has_effect: true,
    },
];

const VARIABLE: Element = keyword("variable", "A setting of the module");

pub(super) fn commands() -> Vec<Command<Module>> {
    let mut commands: Vec<_> = NUMERIC.iter().map(numeric).collect();
    let choices = [HookChoice::Auto, HookChoice::Tc, HookChoice::Xdp];
    commands.extend(choices.map(hook));
    if let Some(first) = commands.first_mut() {
        *first = first.clone().shows(show);
    }
    commands
}

fn numeric(variable: &Numeric) -> Command<Module> {
    let Numeric { name, help, min, max, has_effect } = *variable;
    let path = [VARIABLE, keyword(name, help), arg(Kind::Number { min, max }, help)];
    let command = Command::<Module>::new(&path).sets(set_number).resets(2, remove);
    if has_effect { command } else { command.without_effect("this variable") }
}

/// An extension: the original has one data plane.
fn hook(choice: HookChoice) -> Command<Module> {
    let name = keyword(HOOK_VARIABLE, "Where packets of attached devices are met");
    let help = match choice {
        HookChoice::Auto => "In the driver where that is of use (default)",
        HookChoice::Tc => "At traffic control",
        HookChoice::Xdp => "In the driver",
    };
    let set: fn(&mut Module) = match choice {
        HookChoice::Auto => |module| set_hook(module, HookChoice::Auto),
        HookChoice::Tc => |module| set_hook(module, HookChoice::Tc),
        HookChoice::Xdp => |module| set_hook(module, HookChoice::Xdp),
    };
    let path = [VARIABLE, name, keyword(choice.word(), help)];
    Command::<Module>::new(&path).puts(set).resets(2, remove)
}

fn set_hook(module: &mut Module, choice: HookChoice) {
    module.variables.insert(HOOK_VARIABLE.to_owned(), choice.word().to_owned());
}

/// The variable that a line names.
fn named(args: &Args) -> Result<&'static str, Refusal> {
    let mut names = NUMERIC.iter().map(|variable| variable.name).chain([HOOK_VARIABLE]);
    let name = names.find(|name| args.says(name));
    name.ok_or_else(|| Refusal::command("there is no such variable"))
}

fn set_number(module: &mut Module, args: &Args) -> Result<(), Refusal> {
    let value: u64 = args.get(0)?;
    module.variables.insert(named(args)?.to_owned(), value.to_string());
    Ok(())
}

fn remove(module: &mut Module, args: &Args) -> Result<(), Refusal> {
    module.variables.remove(named(args)?);
    Ok(())
}

fn show(module: &Module, lines: &mut Lines<'_>) {
    let word = arg(Kind::Word, "");
    for (name, value) in &module.variables {
        let values = [Value::Word(name.clone()), Value::Word(value.clone())];
        lines.line_by(&[VARIABLE, word, word], &values);
    }
    if !module.variables.is_empty() {
        lines.separator();
    }
}

impl HookChoice {
    /// The choice that a word stands for.
    pub fn by_word(word: &str) -> Option<Self> {
        let is = |choice: &Self| choice.word().eq_ignore_ascii_case(word);
        [Self::Auto, Self::Tc, Self::Xdp].into_iter().find(is)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tc => "tc",
            Self::Xdp => "xdp",
        }
    }
}
