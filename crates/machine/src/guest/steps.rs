//! The steps: programs with a time limit, their output told line by line.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::wire::Wire;

const PAUSE: Duration = Duration::from_millis(20);

/// One program to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    name: String,
    limit: Duration,
    words: Vec<String>,
}

/// Reads the list: name, seconds, program and arguments of each step, separated by tabs.
pub(super) fn parse(list: &str) -> Result<Vec<Step>> {
    list.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Result<Step> {
    let mut fields = line.split('\t').map(str::to_owned);
    let step = || format!("`{line}` is no step");
    let name = fields.next().filter(|name| !name.is_empty()).with_context(step)?;
    let seconds = fields.next().and_then(|text| text.parse().ok()).with_context(step)?;
    let words: Vec<String> = fields.collect();
    words.first().with_context(step)?;
    Ok(Step { name, limit: Duration::from_secs(seconds), words })
}

/// Runs a step; what comes of it is told, and the next one is run whatever it is.
pub(super) fn run(step: &Step, wire: &Wire) {
    wire.begin(&step.name);
    let start = Instant::now();
    let status = match start_program(step) {
        Ok(child) => watch(child, step.limit, wire),
        Err(error) => {
            wire.error(&format!("{error:#}"));
            "cannot start".to_owned()
        }
    };
    wire.end(&step.name, &status, start.elapsed());
}

fn start_program(step: &Step) -> Result<Child> {
    let (program, arguments) = step.words.split_first().context("a step has a program")?;
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/bin")
        .env("HOME", "/tmp")
        .env("RUST_BACKTRACE", "1")
        .current_dir("/tmp")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {program}"))
}

/// Tells the output and waits; ends the whole group when the limit is over.
fn watch(mut child: Child, limit: Duration, wire: &Wire) -> String {
    let deadline = Instant::now() + limit;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| each_line(out, |line| wire.output(line)));
        scope.spawn(|| each_line(err, |line| wire.error(line)));
        let status = wait(&mut child, deadline);
        // Whoever is left of the step would hold its output open.
        end_group(&child);
        status
    })
}

fn wait(child: &mut Child, deadline: Instant) -> String {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return in_words(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            Ok(None) => {
                end_group(child);
                // Reaped, so that its number is not another's.
                let _ = child.wait();
                return "too slow".to_owned();
            }
            Err(error) => return error.to_string(),
        }
    }
}

fn end_group(child: &Child) {
    if let Ok(number) = i32::try_from(child.id()) {
        // A group that is gone already is what is wanted.
        let _ = killpg(Pid::from_raw(number), Signal::SIGKILL);
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn each_line(output: Option<impl Read>, mut tell: impl FnMut(&str)) {
    let Some(output) = output else { return };
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        tell(String::from_utf8_lossy(&line).trim_end_matches('\r'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_a_name_a_limit_and_a_program() {
        let steps = parse("probe\t10\t/bin/a\tb c\nnext\t1\t/bin/d\n").unwrap();
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0].limit, Duration::from_secs(10));
        assert_eq!(steps[0].words, ["/bin/a", "b c"]);
        for wrong in ["probe", "probe\tsoon\t/bin/a", "probe\t10", "\t10\t/bin/a"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ends_are_told_by_code_or_signal() {
        assert_eq!(in_words(ExitStatus::from_raw(0)), "0");
        assert_eq!(in_words(ExitStatus::from_raw(3 << 8)), "3");
        assert_eq!(in_words(ExitStatus::from_raw(9)), "signal 9");
    }
}
