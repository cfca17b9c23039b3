//! QEMU: started, listened to, ended.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::kernel::Kernel;
use super::wire::{self, Told};

/// The program.
pub(crate) const EMULATOR: &str = "qemu-system-x86_64";

/// Emulated processors: what is tested has threads that must not wait for each other.
const PROCESSORS: &str = "2";
/// The model that costs least: what newer ones add is emulated too.
const MODEL: &str = "qemu64";
/// Mebibytes; the guest's file system is in it too.
const MEMORY: &str = "2048";
/// `quiet` because each line takes the guest's time; a restart ends the machine, see `-no-reboot`.
const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1 reboot=t rdinit=/init";
/// An emulated kernel takes some seconds.
const BOOT: Duration = Duration::from_mins(2);
/// Lines of the kernel's console that are shown when the guest ends too early.
const SHOWN: usize = 25;

/// A step as the guest told it.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) step: String,
    pub(super) status: String,
    pub(super) took: Duration,
    pub(super) output: Vec<String>,
    pub(super) errors: Vec<String>,
}

/// Runs the guest to its end; everything that it told of each step that ended.
pub(super) fn run(
    kernel: &Kernel,
    initial: &Path,
    folder: &Path,
    patience: Duration,
) -> Result<Vec<Ended>> {
    let console = folder.join("console.log");
    let mut emulator = start(kernel, initial, &console)?;
    let lines = listen(&mut emulator)?;
    let log = File::create(folder.join("guest.log")).context("cannot write the guest's log")?;
    let mut guest = Guest::new(log);
    let result = guest.follow(&lines, BOOT + patience);
    // It is our child: killed and collected whatever it was doing.
    let _ = emulator.kill();
    let _ = emulator.wait();
    match result {
        Ok(()) => Ok(guest.ended),
        Err(error) => {
            let text = std::fs::read(&console).unwrap_or_default();
            Err(error.context(last_lines(&String::from_utf8_lossy(&text), &console)))
        }
    }
}

fn start(kernel: &Kernel, initial: &Path, console: &Path) -> Result<Child> {
    Command::new(EMULATOR)
        .args(["-accel", "tcg,thread=multi", "-cpu", MODEL, "-smp", PROCESSORS, "-m", MEMORY])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(initial)
        .args(["-append", COMMAND_LINE])
        // The first serial line is the kernel's console, the second one what the guest tells us.
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {EMULATOR}"))
}

/// A thread reads, so that waiting for a line can have an end.
fn listen(emulator: &mut Child) -> Result<Receiver<String>> {
    let output = emulator.stdout.take().context("the emulator has no output")?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// What was heard of the guest so far.
struct Guest<L> {
    log: L,
    ended: Vec<Ended>,
    current: Ended,
    start: Instant,
}

impl<L: Write> Guest<L> {
    fn new(log: L) -> Self {
        Self { log, ended: Vec::new(), current: Ended::default(), start: Instant::now() }
    }

    /// Takes lines until the guest says that it is over.
    fn follow(&mut self, lines: &Receiver<String>, patience: Duration) -> Result<()> {
        loop {
            let left = patience.saturating_sub(self.start.elapsed());
            let line = match lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the guest was not done after {} s{}", patience.as_secs(), self.during())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the guest ended before it was done{}", self.during())
                }
            };
            writeln!(self.log, "{:8.3} {}", self.start.elapsed().as_secs_f64(), line.trim_end())?;
            if self.take(&line)? {
                return Ok(());
            }
        }
    }

    /// Takes one line; whether it was the last one.
    fn take(&mut self, line: &str) -> Result<bool> {
        match wire::parse(line) {
            Some(Told::Booted { kernel, millis }) => self.say(&format!(
                "kernel {kernel} is up after {:.1} s of its own time",
                Duration::from_millis(millis).as_secs_f64()
            )),
            Some(Told::Ready { modules }) => self.say(&format!("{modules} modules loaded")),
            Some(Told::Begin(step)) => {
                self.say(step);
                self.current = Ended { step: step.to_owned(), ..Ended::default() };
            }
            Some(Told::End { step, status, millis }) => self.end(step, status, millis),
            Some(Told::Output(text)) => self.current.output.push(text.to_owned()),
            Some(Told::Error(text)) => self.current.errors.push(text.to_owned()),
            Some(Told::Fault(text)) => bail!("the guest says: {text}"),
            Some(Told::Over) => return Ok(true),
            // The firmware's.
            None => {}
        }
        Ok(false)
    }

    fn end(&mut self, step: &str, status: &str, millis: u64) {
        let mut ended = std::mem::take(&mut self.current);
        step.clone_into(&mut ended.step);
        status.clone_into(&mut ended.status);
        ended.took = Duration::from_millis(millis);
        self.ended.push(ended);
    }

    fn say(&self, text: &str) {
        println!("vm: {:6.1} s  {text}", self.start.elapsed().as_secs_f64());
    }

    fn during(&self) -> String {
        let step = &self.current.step;
        if step.is_empty() { String::new() } else { format!(", in step `{step}`") }
    }
}

fn last_lines(text: &str, console: &Path) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    let path = console.display();
    format!("the kernel's console, all of it in {path}:\n{}\n", shown.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows a guest that says these lines and is gone.
    fn follow(lines: &[&str]) -> (Result<()>, Vec<Ended>) {
        let (sender, receiver) = channel();
        for line in lines {
            sender.send((*line).to_owned()).unwrap();
        }
        drop(sender);
        let mut guest = Guest::new(Vec::new());
        let result = guest.follow(&receiver, Duration::from_mins(1));
        (result, guest.ended)
    }

    #[test]
    fn what_a_step_prints_belongs_to_it() {
        let lines =
            ["@begin\ta", "|1", "!2", "@end\ta\t0\t5", "@begin\tb", "@end\tb\t1\t6", "@over"];
        let (result, ended) = follow(&lines);
        result.unwrap();
        assert_eq!(
            (ended[0].output.as_slice(), ended[0].errors.as_slice()),
            (&["1".into()][..], &["2".into()][..])
        );
        assert_eq!((ended[1].step.as_str(), ended[1].status.as_str()), ("b", "1"));
        assert!(ended[1].output.is_empty());
    }

    #[test]
    fn a_guest_that_dies_is_told_with_its_step() {
        let (result, ended) = follow(&["@begin\ta", "@end\ta\t0\t5", "@begin\tb", "|half"]);
        assert_eq!(
            result.unwrap_err().to_string(),
            "the guest ended before it was done, in step `b`"
        );
        assert_eq!(ended.len(), 1);
        let (result, _) = follow(&["SeaBIOS"]);
        assert_eq!(result.unwrap_err().to_string(), "the guest ended before it was done");
    }

    #[test]
    fn a_fault_of_the_guest_ends_it() {
        let (result, _) = follow(&["@fault\tcannot load /lab/veth.ko", "@over"]);
        assert!(result.unwrap_err().to_string().contains("/lab/veth.ko"));
    }

    #[test]
    fn the_end_of_the_console_is_shown() {
        let text = (0..100).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
        let shown = last_lines(&text, Path::new("console.log"));
        assert!(
            shown.contains("line 99") && shown.contains("line 75") && !shown.contains("line 74")
        );
    }
}
