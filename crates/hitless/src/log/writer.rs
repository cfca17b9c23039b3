//! Where lines go on this machine. Only the thread that writes waits for a slow reader.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::Receiver;

use super::{Severity, line};

/// The journal's socket (systemd-journald.service(8), "native journal protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";
/// Syslog's socket.
const SYSLOG: &str = "/dev/log";
/// Facility local7, as IOS uses it.
pub(super) const FACILITY: u8 = 23;
/// Who speaks.
pub(super) const PROGRAM: &str = "hitlessd";

/// What goes to the thread that writes.
#[derive(Debug)]
pub(super) enum Written {
    /// A line.
    Line {
        /// Unix time in milliseconds.
        unix_ms: u64,
        /// How much it matters.
        severity: Severity,
        /// Its text.
        text: String,
        /// Lines before it that had no room.
        lost: u64,
    },
    /// There are no more.
    End,
}

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    /// Standard error, with times.
    Stderr,
    /// The journal, which has its own times.
    Journal(UnixDatagram),
    /// Syslog, which has its own times.
    Syslog(UnixDatagram),
}

impl Sink {
    /// What `HITLESS_LOG_TO` names: `stderr`, `journald` or `syslog`. Without it the journal, if
    /// standard error is that anyway; what cannot be reached is standard error.
    pub(super) fn chosen() -> Self {
        let chosen = std::env::var_os("HITLESS_LOG_TO");
        let reached = match chosen.as_deref().and_then(OsStr::to_str) {
            Some("journald") => connect(JOURNAL).map(Self::Journal),
            Some("syslog") => connect(SYSLOG).map(Self::Syslog),
            None if stderr_is_journal() => connect(JOURNAL).map(Self::Journal),
            Some(_) | None => None,
        };
        reached.unwrap_or(Self::Stderr)
    }

    fn write(&self, unix_ms: u64, severity: Severity, text: &str) -> std::io::Result<()> {
        match self {
            Self::Stderr => {
                let stamp = super::zone().stamp(unix_ms);
                writeln!(std::io::stderr(), "{stamp}: {text}")
            }
            Self::Journal(socket) => socket.send(journal(severity, text).as_bytes()).map(drop),
            Self::Syslog(socket) => {
                let priority = FACILITY * 8 + severity.digit();
                let line = format!("<{priority}>{PROGRAM}[{}]: {text}", std::process::id());
                socket.send(line.as_bytes()).map(drop)
            }
        }
    }
}

fn connect(path: &str) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect(Path::new(path)).ok()?;
    Some(socket)
}

/// As systemd.exec(5) says it under JOURNAL_STREAM: device and inode of standard error.
fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stat) = rustix::fs::fstat(std::io::stderr()) else { return false };
    stream == format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// A record of the journal; the text has no line end in it.
fn journal(severity: Severity, text: &str) -> String {
    let name = line::name(text).map_or("", |(_, _, mnemonic)| mnemonic);
    format!(
        "MESSAGE={text}\nPRIORITY={}\nSYSLOG_IDENTIFIER={PROGRAM}\nSYSLOG_FACILITY={FACILITY}\n\
         HITLESS_MESSAGE={name}\n",
        severity.digit()
    )
}

/// Writes until there are no more. Nobody is left to tell that a line cannot be written.
pub(super) fn run(mut sink: Sink, lines: &Receiver<Written>) {
    for written in lines {
        let Written::Line { unix_ms, severity, text, lost } = written else { return };
        if lost > 0 {
            let text = format!("%HITLESS-4-WARNING: {lost} lines lost: nobody reads fast enough");
            drop(sink.write(unix_ms, Severity::Warning, &text));
        }
        if sink.write(unix_ms, severity, &text).is_err() {
            sink = Sink::Stderr;
            drop(sink.write(unix_ms, severity, &text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_journal_has_its_fields() {
        let text = "%CSM_SLB-4-REDUNDANCY_WARN: Module 5 FT warning: x";
        let record = journal(Severity::Warning, text);
        let fields: Vec<_> = record.lines().collect();
        let message = format!("MESSAGE={text}");
        assert_eq!(fields.first(), Some(&message.as_str()));
        assert!(fields.contains(&"PRIORITY=4"), "{record}");
        assert!(fields.contains(&"HITLESS_MESSAGE=REDUNDANCY_WARN"), "{record}");
    }

    #[test]
    fn a_reader_gets_the_line_over_its_socket() {
        let folder = std::env::temp_dir().join(format!("hitless-writer-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("log");
        let reader = UnixDatagram::bind(&path).unwrap();
        let sink = Sink::Syslog(connect(path.to_str().unwrap()).unwrap());
        sink.write(0, Severity::Error, "%CSM_SLB-3-REDUNDANCY: x").unwrap();
        let mut octets = [0; 256];
        let length = reader.recv(&mut octets).unwrap();
        let pid = std::process::id();
        let expected = format!("<187>hitlessd[{pid}]: %CSM_SLB-3-REDUNDANCY: x");
        assert_eq!(octets.get(..length), Some(expected.as_bytes()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
