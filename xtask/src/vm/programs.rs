//! The programs that go into the guest: built here, found by what cargo says of them.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::shell;

/// Built in release, as they are for the laboratory.
const RELEASE: &[&str] = &["hitlessd", "hitless", "hitless-lab", "hitless-machine"];
/// Of this machine: tests call it.
const IP: (&str, &str) = ("/bin/ip", "ip");

/// A program of this machine, and its name in the guest's `/bin`.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) file: PathBuf,
    pub(super) name: String,
}

/// Test programs of the data plane's crate, by the names of their targets.
const TESTS: &[&str] = &["hitless_plane", "dataplane", "dataplane-xdp"];

/// Which tests are built. Cargo builds what many crates share once for each selection of packages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selection {
    /// The data plane's only: the quickest, where nothing is built yet.
    DataPlane,
    /// All: nothing is built again after `cargo test --workspace`.
    Workspace,
}

impl Selection {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::DataPlane => &["-p", "hitless-plane"],
            Self::Workspace => &["--workspace"],
        }
    }
}

/// Builds everything.
pub(super) fn build(selection: Selection) -> Result<Vec<Program>> {
    println!("vm: building the daemons, the laboratory and the tests of the data plane");
    let packages = ["-p", "hitless", "-p", "hitless-lab", "-p", "hitless-machine"];
    shell::run(&[&["cargo", "build", "--quiet", "--release"], &packages[..]].concat())?;
    let folder = shell::target().join("release");
    let mut programs = tests(selection)?;
    programs.push(Program { file: IP.0.into(), name: IP.1.to_owned() });
    let built = RELEASE.iter().map(|name| (*name).to_owned());
    programs.extend(built.map(|name| Program { file: folder.join(&name), name }));
    for program in &programs {
        ensure!(program.file.is_file(), "{} is not there", program.file.display());
    }
    Ok(programs)
}

fn tests(selection: Selection) -> Result<Vec<Program>> {
    let words = ["cargo", "test", "--quiet", "--no-run", "--message-format=json"];
    let words = [&words, selection.words()].concat();
    let output = shell::command(&words).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests of the data plane do not build");
    let text = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    let mut found = executables(&text);
    found.retain(|program| TESTS.contains(&program.name.as_str()));
    let all = found.len() == TESTS.len();
    ensure!(all, "of the tests {} cargo built {}", TESTS.join(", "), found.len());
    Ok(found)
}

#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// What cargo's messages, a line each, say of executables; messages of other kinds have other forms.
fn executables(messages: &str) -> Vec<Program> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    artifacts
        .filter_map(|Artifact { target, executable }| {
            Some(Program { file: executable?, name: target.name })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_are_taken_from_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"libc"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"dataplane"},"executable":"/t/dataplane-1"}
{"reason":"build-finished","success":true}"#;
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.as_str(), found[0].file.to_str()),
            ("dataplane", Some("/t/dataplane-1"))
        );
    }
}
