//! What running needs of the kernel: tried by `hitless-machine probe`, built here and run as root.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::check::{self, Area, Check, State};
use crate::shell;

const AREA: Area = Area::Run;
const PACKAGE: &str = "hitless-machine";

/// What the probe prints.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Finding {
    name: String,
    state: State,
    found: String,
    remedy: Option<String>,
}

/// Root first; without it, or without what building needs, nothing else can be tried.
pub(super) fn all(so_far: &[Check]) -> Vec<Check> {
    let root = root();
    if root.state == State::Lacks {
        return vec![root];
    }
    if !check::is_fit(so_far) {
        let found = "not tried: what building needs comes first";
        return vec![root, Check::lacks(AREA, "kernel", found, "see above")];
    }
    let mut checks = vec![root];
    match probe() {
        Ok(findings) => checks.extend(findings.into_iter().map(|finding| Check {
            area: AREA,
            name: finding.name,
            state: finding.state,
            found: finding.found,
            remedy: finding.remedy,
        })),
        Err(error) => {
            let found = format!("{error:#}");
            checks.push(Check::lacks(AREA, "kernel", found, "run as root, or allow sudo"));
        }
    }
    checks
}

fn root() -> Check {
    if shell::is_root() {
        return Check::ok(AREA, "root", "is who runs this");
    }
    if shell::succeeds(&["sudo", "-n", "true"]) {
        return Check::ok(AREA, "root", "through sudo");
    }
    if shell::succeeds(&["sudo", "--version"]) {
        return Check::ok(AREA, "root", "through sudo, with a password");
    }
    Check::lacks(AREA, "root", "neither root nor sudo", "run as root, or install sudo")
}

fn probe() -> Result<Vec<Finding>> {
    eprintln!("doctor: building and running the kernel probe");
    shell::run(&["cargo", "build", "--quiet", "-p", PACKAGE])?;
    let program = shell::target().join("debug").join(PACKAGE);
    let program = program.to_str().context("the target folder's name is not UTF-8")?;
    let words = [shell::as_root()?, &[program, "probe"]].concat();
    // Its errors, and sudo's question, go to the terminal.
    let (first, rest) = words.split_first().context("there is a program")?;
    let output = Command::new(first).args(rest).stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the kernel probe fails");
    serde_json::from_slice(&output.stdout).context("the kernel probe says something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probes_findings_are_understood() {
        let text = r#"[{"name": "veth", "state": "lacks", "found": "no", "remedy": "modprobe veth"},
                       {"name": "bridge", "state": "ok", "found": "made one", "remedy": null}]"#;
        let findings: Vec<Finding> = serde_json::from_str(text).unwrap();
        assert_eq!(findings[0].state, State::Lacks);
        assert_eq!(findings[0].remedy.as_deref(), Some("modprobe veth"));
        assert_eq!(findings[1].remedy, None);
    }
}
