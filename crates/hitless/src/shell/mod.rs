//! The shell: `hitless`, at a terminal, behind a pipe, or with `-c`.
//!
//! ```text
//!  keys ─ terminal ─▶ engine ─ EditSession (what is this line?) ─▶ daemon (API) ─▶ face (pages, errors)
//!            ▲  `?`, Tab: EditSession alone                          monitor (API) ─▶ above the prompt
//! ```
//! It knows neither commands nor layouts: those are `hitless_config`'s and the daemon's. Every line of
//! configuration is in force as soon as it is entered, as in IOS. Files are those of who types.

mod daemon;
mod engine;
mod face;
mod files;
mod keys;
mod monitor;
mod terminal;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use hitless_config::Privilege;

use daemon::Daemon;
use engine::{Flow, Shell, session};
use face::Face;
use terminal::{Terminal, Typed};

/// Where `hitlessd` answers unless it was told otherwise.
pub const SOCKET: &str = "/run/hitless.sock";

/// What the readers' socket has behind the name of the administrators'.
const READERS: &str = "-ro";

/// How the shell was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `--socket`.
    pub socket: PathBuf,
    /// `-c`, each.
    pub commands: Vec<String>,
}

/// Runs a shell until it is left; whether all lines went well.
///
/// # Errors
/// What keeps it from running at all, as a sentence.
pub fn run(call: &Call) -> Result<bool, String> {
    let (socket, privilege) = door(&call.socket);
    let is_person = call.commands.is_empty() && Terminal::is_there();
    let daemon =
        Daemon::new(socket, is_person).map_err(|error| format!("% cannot start: {error}"))?;
    let session = session(privilege);
    if !is_person {
        let mut shell = Shell::new(daemon, Face::Script(Vec::new()), session);
        let commands = &call.commands;
        return Ok(if commands.is_empty() {
            pipe(&mut shell)
        } else {
            script(&mut shell, commands)
        });
    }
    let terminal = Terminal::open(session.clone());
    let terminal = terminal.map_err(|error| format!("% the terminal: {error}"))?;
    let mut shell = Shell::new(daemon, Face::Person(Box::new(terminal)), session);
    converse(&mut shell);
    Ok(true)
}

/// The socket to use, and what may be done through it. Who cannot open the administrators' uses the
/// one beside it that everybody who may look can open.
fn door(socket: &Path) -> (PathBuf, Privilege) {
    if socket.as_os_str().as_encoded_bytes().ends_with(READERS.as_bytes()) {
        return (socket.to_owned(), Privilege::Reader);
    }
    let tried = std::os::unix::net::UnixStream::connect(socket);
    if tried.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
        return (readers_socket(socket), Privilege::Reader);
    }
    (socket.to_owned(), Privilege::Administrator)
}

/// The readers' socket beside the administrators'.
fn readers_socket(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(READERS);
    path.into()
}

/// Talks with a person until that person leaves.
fn converse(shell: &mut Shell) {
    if let Err(text) = shell.greet() {
        say(&text);
    }
    loop {
        let prompt = shell.prompt();
        let Face::Person(terminal) = &mut shell.face else { return };
        let done = match terminal.read(&prompt) {
            Typed::Line(line) => shell.line(&line),
            Typed::End(line) => {
                let done = shell.line(&line);
                shell.end();
                done
            }
            Typed::Help(typed) => {
                let help = shell.help(&typed);
                shell.page(&help)
            }
            Typed::Cancel => Ok(Flow::Goes),
            Typed::Leave if shell.is_configuring() => shell.line("exit"),
            Typed::Leave | Typed::Gone => return,
            Typed::TooLong => Err(terminal::too_long()),
        };
        match done {
            Ok(Flow::Goes) => {}
            Ok(Flow::Ends) => return,
            Err(text) => say(&text),
        }
    }
}

/// Carries out what comes through a pipe: all of it, whatever fails. Whether nothing did.
fn pipe(shell: &mut Shell) -> bool {
    let mut input = std::io::stdin().lock();
    let (mut octets, mut all_well) = (Vec::new(), true);
    // An error that the next line may yet make good: a page has cut the line in two.
    let mut held: Option<String> = None;
    for number in 1.. {
        octets.clear();
        // What cannot be read any more has ended.
        if !input.read_until(b'\n', &mut octets).is_ok_and(|length| length > 0) {
            break;
        }
        let line = String::from_utf8_lossy(&octets);
        let is_rest = line.trim().parse::<std::net::Ipv4Addr>().is_ok();
        if let Some(text) = held.take_if(|_| !line.trim().is_empty())
            && !is_rest
        {
            all_well = false;
            complain(&text);
        }
        match shell.scripted(line.trim_end_matches(['\r', '\n'])) {
            Ok(Flow::Goes) => {}
            Ok(Flow::Ends) => break,
            Err(text) if text.contains("% Incomplete command.") => {
                held = Some(numbered(number, &text));
            }
            Err(text) => {
                all_well = false;
                complain(&numbered(number, &text));
            }
        }
    }
    if let Some(text) = &held {
        complain(text);
    }
    all_well && held.is_none()
}

/// Carries out each `-c`; the first that fails is the last.
fn script(shell: &mut Shell, commands: &[String]) -> bool {
    for command in commands {
        match shell.scripted(command) {
            Ok(Flow::Goes) => {}
            Ok(Flow::Ends) => break,
            Err(text) => {
                complain(&text);
                return false;
            }
        }
    }
    true
}

fn numbered(number: usize, text: &str) -> String {
    format!("line {number}:\n{text}")
}

/// To the person, in between: an error is part of the conversation.
fn say(text: &str) {
    // A terminal that is gone is noticed when the next line is read.
    drop(std::io::stdout().write_all(text.as_bytes()));
    drop(std::io::stdout().flush());
}

fn complain(text: &str) {
    // Nobody is left to tell that standard error is closed.
    drop(std::io::stderr().write_all(text.as_bytes()));
}
