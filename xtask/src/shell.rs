//! Running other programs: as the user, as root, with their output watched.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

/// The workspace's root folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The project's folder among the user's caches: what was fetched or built once and is kept.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let caches =
        set.filter(|path| path.is_absolute()).map_or_else(|| Ok(home()?.join(".cache")), Ok);
    caches.map(|folder: PathBuf| folder.join("hitless"))
}

/// The user's own folder.
pub(crate) fn home() -> Result<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).context("the environment has no HOME")
}

/// A program with its arguments.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words.first().copied().unwrap_or("true"));
    command.args(words.get(1..).unwrap_or_default());
    // Incremental files cost time and space where everything is built once.
    command.env("CARGO_INCREMENTAL", "0");
    command
}

/// Runs a program; an error unless it succeeds.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let status = command(words).status().with_context(|| format!("cannot run {}", words[0]))?;
    ensure!(status.success(), "`{}` failed", words.join(" "));
    Ok(())
}

/// Whether a program runs and succeeds, quietly.
pub(crate) fn succeeds(words: &[&str]) -> bool {
    let quiet =
        command(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// What a program prints, if it runs and succeeds.
pub(crate) fn output(words: &[&str]) -> Option<String> {
    let output = command(words).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program, shows its standard output as it comes and hands every line to `watch`.
pub(crate) fn run_watched(words: &[&str], mut watch: impl FnMut(&str)) -> Result<()> {
    let mut child = command(words)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", words[0]))?;
    let output = child.stdout.take().context("no standard output")?;
    let mut shown = std::io::stdout().lock();
    for line in BufReader::new(output).lines() {
        let line = line?;
        writeln!(shown, "{line}")?;
        watch(&line);
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{}` failed", words.join(" "));
    Ok(())
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    // The owner of one's own /proc folder is one's effective user.
    std::fs::metadata("/proc/self")
        .is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0)
}

/// What to put before a program so that it runs as root.
pub(crate) fn as_root() -> Result<&'static [&'static str]> {
    if is_root() {
        return Ok(&[]);
    }
    ensure!(
        succeeds(&["sudo", "--version"]),
        "network namespaces and BPF need root: run as root, or install sudo"
    );
    Ok(&["sudo", "-E"])
}

/// Runs a built program as root and gives its exit status on.
pub(crate) fn run_as_root(program: &Path, arguments: &[String]) -> Result<ExitCode> {
    let mut words = as_root()?.to_vec();
    let program = program.to_str().context("the target folder's name is not UTF-8")?;
    words.push(program);
    words.extend(arguments.iter().map(String::as_str));
    exit_code(&mut command(&words))
}

/// Runs a program and gives its exit status on.
pub(crate) fn exit_code(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    // A program that was ended by a signal has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
