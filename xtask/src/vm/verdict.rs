//! How each step is judged by what it printed: what is worth telling, or why it failed.

use serde::Deserialize;

use super::emulator::Ended;
use crate::stages::test_result;

/// Judges a step that has ended.
pub(super) type Judge = fn(&Ended) -> Result<String, String>;

/// Lines of a failed step that are shown.
const TAIL: usize = 40;

fn ended_well(ended: &Ended) -> Result<(), String> {
    match ended.status.as_str() {
        "0" => Ok(()),
        "too slow" => Err("took too long and was ended".to_owned()),
        status => Err(format!("ended with status {status}")),
    }
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("printed something else: {error}"))
}

#[derive(Deserialize)]
struct Finding {
    name: String,
    state: String,
    found: String,
}

/// Nothing lacks, and the programs hang where they should.
pub(super) fn probe(ended: &Ended) -> Result<String, String> {
    ended_well(ended)?;
    let text = ended.output.join("\n");
    let findings: Vec<Finding> = json(&text)?;
    let is = |state: &str| {
        let names = findings.iter().filter(|finding| finding.state == state);
        names.map(|finding| format!("{} ({})", finding.name, finding.found)).collect::<Vec<_>>()
    };
    let lacking = is("lacks");
    if !lacking.is_empty() {
        return Err(format!("lacks {}", lacking.join(", ")));
    }
    let hook = findings.iter().find(|finding| finding.name == "hook").ok_or("no hook was tried")?;
    let warnings = is("warn");
    let warnings = if warnings.is_empty() {
        String::new()
    } else {
        format!("; without {}", warnings.join(", "))
    };
    Ok(format!("{} things, {}{warnings}", findings.len(), hook.found))
}

/// What was found after each life.
pub(super) fn adoption(ended: &Ended) -> Result<String, String> {
    ended_well(ended)?;
    let adopted = ended.output.iter().find(|line| line.starts_with("adopted"));
    adopted.cloned().ok_or_else(|| "nothing was adopted".to_owned())
}

/// A test program: how many passed.
pub(super) fn tests(ended: &Ended) -> Result<String, String> {
    let counted = ended.output.iter().find_map(|line| test_result(line));
    match counted {
        Some((passed, 0)) if passed > 0 => {
            ended_well(ended)?;
            Ok(format!("{passed} tests"))
        }
        Some((passed, failed)) => Err(format!("{failed} of {} tests failed", passed + failed)),
        None => {
            ended_well(ended)?;
            Err("no test was run".to_owned())
        }
    }
}

#[derive(Deserialize)]
struct PowerLoss {
    connections_total: u64,
    connections_broken: u64,
    outage_ms_max: f64,
    repetitions: Vec<serde_json::Value>,
}

/// No connection broke. How long it took is told and not judged: an emulated machine has its own time.
pub(super) fn power_loss(ended: &Ended) -> Result<String, String> {
    let text = ended.output.join("\n");
    let report: PowerLoss = json(&text).map_err(|why| match ended_well(ended) {
        Ok(()) => why,
        Err(status) => status,
    })?;
    let PowerLoss { connections_total: total, connections_broken: broken, .. } = report;
    if broken > 0 || total == 0 || report.repetitions.is_empty() {
        return Err(format!("{broken} of {total} connections broken"));
    }
    Ok(format!("0 of {total} connections broken, outage {:.0} ms", report.outage_ms_max))
}

/// What a failed step printed last.
pub(super) fn tail(ended: &Ended) -> Vec<String> {
    let of = |lines: &[String]| lines[lines.len().saturating_sub(TAIL)..].to_vec();
    [of(&ended.output), of(&ended.errors)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: &str, output: &[&str]) -> Ended {
        let output = output.iter().map(|line| (*line).to_owned()).collect();
        Ended { status: status.to_owned(), output, ..Ended::default() }
    }

    #[test]
    fn tests_pass_when_some_ran_and_none_failed() {
        let line = "test result: ok. 84 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(tests(&ended("0", &["", line])).unwrap(), "84 tests");
        assert!(tests(&ended("101", &["test result: FAILED. 83 passed; 1 failed; 0"])).is_err());
        assert!(tests(&ended("0", &["test result: ok. 0 passed; 0 failed; 0"])).is_err());
        assert!(tests(&ended("0", &[])).is_err());
        assert!(tests(&ended("signal 11", &[])).is_err());
    }

    #[test]
    fn a_probe_fails_when_something_lacks_and_tells_warnings() {
        let hook = r#"{"name": "hook", "state": "ok", "found": "attached by clsact"}"#;
        let warn = r#"{"name": "bonding", "state": "warn", "found": "no"}"#;
        let lack = r#"{"name": "veth", "state": "lacks", "found": "no"}"#;
        let good = probe(&ended("0", &["[", hook, ",", warn, "]"])).unwrap();
        assert_eq!(good, "2 things, attached by clsact; without bonding (no)");
        assert_eq!(probe(&ended("0", &["[", lack, "]"])).unwrap_err(), "lacks veth (no)");
        assert!(probe(&ended("0", &["[", warn, "]"])).is_err());
        assert!(probe(&ended("1", &["[", hook, "]"])).is_err());
    }

    #[test]
    fn a_power_loss_is_judged_by_broken_connections_only() {
        let report = |total: u64, broken: u64| {
            format!(
                r#"{{"connections_total": {total}, "connections_broken": {broken},
                    "outage_ms_max": 812.4, "repetitions": [{{}}], "violated": ["outage"]}}"#
            )
        };
        let good = power_loss(&ended("1", &[&report(50, 0)])).unwrap();
        assert_eq!(good, "0 of 50 connections broken, outage 812 ms");
        assert!(power_loss(&ended("0", &[&report(50, 1)])).is_err());
        assert!(power_loss(&ended("0", &[&report(0, 0)])).is_err());
        assert_eq!(power_loss(&ended("too slow", &[])).unwrap_err(), "took too long and was ended");
    }
}
