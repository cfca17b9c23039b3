//! Configurations as a whole: from and to files of the person who types, and the one that a daemon
//! starts with.
//!
//! Files are read and written here, with that person's rights, and not by the daemon.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitless_config::Stored;

use super::daemon::{Said, What};
use super::engine::{Done, Flow, Shell, notices};
use crate::store::Applied;

/// How a configuration is put in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    /// Without asking.
    pub(super) force: bool,
    /// What runs now comes back after this time.
    pub(super) revert: Option<Duration>,
}

/// How the daemon calls a text that it was sent, in front of a line's number.
const SENT: &str = "change:";
/// Longer files are no configurations.
const LONGEST_FILE: u64 = 64 << 20;

/// `configure replace`: shows what would change, and asks unless that was waived.
pub(super) fn replace(shell: &mut Shell, with: &Stored, how: How, line: &str) -> Done {
    let what = what(with)?;
    let difference = shell.daemon.difference(&what).map_err(text)?;
    if difference.is_empty() {
        return shell.print("% There is no difference: nothing was changed.\n");
    }
    shell.page(&difference.iter().flat_map(|line| [line, "\n"]).collect::<String>())?;
    if !how.force {
        if !shell.face.is_person() {
            return Err("% Nobody is there to be asked: say \"force\".\n".to_owned());
        }
        if !agrees(shell, "Make these changes? [yes/no]: ") {
            return shell.print("% Nothing was changed.\n");
        }
    }
    match what {
        What::Text(text) => put(shell, &text, how.revert).map_err(|said| by_file(&said, with)),
        // The daemon has it, keys and all.
        What::Startup | What::Archived(_) => shell.ask_daemon(line),
    }
}

fn put(shell: &mut Shell, configuration: &str, revert: Option<Duration>) -> Done {
    if let Some(after) = revert {
        shell.daemon.revert_in(after).map_err(text)?;
    }
    let applied = shell.daemon.replace(configuration);
    if applied.is_err() && revert.is_some() {
        // What is pending would undo nothing; that it is not there any more is as good.
        let _ = shell.daemon.confirm();
    }
    done(shell, &applied.map_err(text)?)?;
    shell.print(&revert.map(will_revert).unwrap_or_default())
}

/// The session goes on from a change of its own.
fn done(shell: &mut Shell, applied: &Applied) -> Done {
    shell.has_changed(applied.revision);
    shell.print(&notices(applied))
}

/// What is told of a timer.
pub(super) fn will_revert(after: Duration) -> String {
    let minutes = after.as_secs() / 60;
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!(
        "% What is changed now is changed back in {minutes} {unit}, unless \"configure confirm\".\n"
    )
}

/// `copy ... running-config`.
pub(super) fn merge(shell: &mut Shell, from: &Stored, line: &str) -> Done {
    let lines = match what(from)? {
        What::Text(lines) => lines,
        // The daemon has it, keys and all.
        What::Startup | What::Archived(_) => return shell.ask_daemon(line),
    };
    let applied = shell.daemon.merge(lines).map_err(|said| by_file(&said.text, from))?;
    done(shell, &applied)
}

/// `copy running-config startup-config`, which asks where to, and `write memory`.
pub(super) fn save(shell: &mut Shell, asks: bool) -> Done {
    if asks {
        let Some(answer) = shell.face.ask("Destination filename [startup-config]? ") else {
            return Ok(Flow::Goes);
        };
        let answer = answer.trim();
        if !answer.is_empty() && answer != "startup-config" {
            return export(shell, answer);
        }
    }
    shell.print("Building configuration...\n")?;
    shell.daemon.save().map_err(text)?;
    shell.print("[OK]\n")
}

/// `copy running-config FILE`.
pub(super) fn export(shell: &mut Shell, file: &str) -> Done {
    let path = Path::new(file);
    let exists = std::fs::symlink_metadata(path);
    if let Ok(found) = &exists {
        if !found.is_file() {
            return Err(format!("% {file} is there, and no file.\n"));
        }
        let question = format!("{file} is there already. Replace it? [yes/no]: ");
        if shell.face.is_person() && !agrees(shell, &question) {
            return shell.print("% Nothing was written.\n");
        }
    }
    let running = shell.daemon.running_text().map_err(text)?;
    store(path, &running).map_err(|error| format!("% {file}: {error}\n"))?;
    shell.print(&format!("{} bytes copied.\n", running.len()))
}

/// Writes a file that only its owner may read, as keys are in it: all of it, or nothing.
fn store(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if written.is_err() {
        // The error to tell is the one that came first.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn what(stored: &Stored) -> Result<What, String> {
    match stored {
        Stored::Startup => Ok(What::Startup),
        Stored::Archive(revision) => Ok(What::Archived(*revision)),
        Stored::File(file) => {
            let text = load(file).map_err(|error| format!("% {file}: {error}\n"))?;
            Ok(What::Text(text))
        }
    }
}

/// The daemon does not know what the file is called that a wrong line stands in.
fn by_file(said: &str, from: &Stored) -> String {
    let Stored::File(file) = from else { return said.to_owned() };
    let line = |line: &str| match line.strip_prefix(SENT) {
        Some(rest) => format!("{file}:{rest}\n"),
        None => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

fn load(file: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file)?;
    opened.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST_FILE) {
        return Ok(text);
    }
    Err(std::io::Error::other(format!("is longer than {LONGEST_FILE} octets")))
}

/// Asks until the answer is one.
fn agrees(shell: &mut Shell, question: &str) -> bool {
    loop {
        let Some(answer) = shell.face.ask(question) else { return false };
        let answer = answer.trim().to_ascii_lowercase();
        let begins = |word: &str| !answer.is_empty() && word.starts_with(&answer);
        if begins("yes") {
            return true;
        }
        if begins("no") {
            return false;
        }
    }
}

fn text(said: Said) -> String {
    said.text
}
