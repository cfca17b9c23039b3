//! One finding, all findings as a table, and the verdict.

use std::fmt::{Display, Write};

use serde::{Deserialize, Serialize};

/// What something is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Area {
    /// Compiling and linking.
    Build,
    /// The daemons, the demo, the laboratory.
    Run,
    /// `cargo xtask test` beyond those.
    Test,
    /// Figures that mean something.
    Measure,
}

impl Area {
    fn title(self) -> &'static str {
        match self {
            Self::Build => "to build",
            Self::Run => "to run",
            Self::Test => "to test everything",
            Self::Measure => "to measure",
        }
    }

    /// Whether nothing works without.
    fn is_essential(self) -> bool {
        match self {
            Self::Build | Self::Run => true,
            Self::Test | Self::Measure => false,
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// There.
    Ok,
    /// Missing, and the area does not work without.
    Lacks,
    /// Unfavourable, or missed by few.
    Warn,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Lacks => "LACKS",
            Self::Warn => "warn",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) area: Area,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) found: String,
    /// How to get it, unless it is there.
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(area: Area, name: &str, found: impl Display) -> Self {
        Self {
            area,
            name: name.to_owned(),
            state: State::Ok,
            found: found.to_string(),
            remedy: None,
        }
    }

    /// Missing.
    pub(super) fn lacks(area: Area, name: &str, found: impl Display, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned());
        Self { state: State::Lacks, remedy, ..Self::ok(area, name, found) }
    }

    /// Unfavourable.
    pub(super) fn warn(area: Area, name: &str, found: impl Display, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned());
        Self { state: State::Warn, remedy, ..Self::ok(area, name, found) }
    }
}

/// Whether building and running are possible.
pub(super) fn is_fit(checks: &[Check]) -> bool {
    !checks.iter().any(|check| check.state == State::Lacks && check.area.is_essential())
}

/// The table for people.
pub(super) fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut area = None;
    for check in checks {
        if area != Some(check.area) {
            area = Some(check.area);
            push(&mut text, format_args!("\n{}\n", check.area.title()));
        }
        let (word, name, found) = (check.state.word(), &check.name, &check.found);
        push(&mut text, format_args!("  {word:<5}  {name:<width$}  {found}\n"));
        if let Some(remedy) = &check.remedy {
            push(&mut text, format_args!("         {:width$}  → {remedy}\n", ""));
        }
    }
    let of = |state| checks.iter().filter(|check| check.state == state).count();
    let verdict = if is_fit(checks) { "fit to build and run" } else { "NOT fit to build and run" };
    let (ok, lacks, warn) = (of(State::Ok), of(State::Lacks), of(State::Warn));
    push(&mut text, format_args!("\n{ok} ok, {lacks} lacking, {warn} warnings: {verdict}"));
    text
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_building_and_running_lack_makes_a_machine_unfit() {
        let warned = Check::warn(Area::Run, "bonding", "no", "modprobe bonding");
        let untested = Check::lacks(Area::Test, "QEMU", "no", "setup");
        assert!(is_fit(&[warned.clone(), untested.clone()]));
        let broken = Check::lacks(Area::Build, "C linker", "no", "apt-get install build-essential");
        assert!(!is_fit(&[warned, broken, untested]));
    }

    #[test]
    fn the_table_names_each_area_once_and_each_remedy() {
        let checks = [
            Check::ok(Area::Build, "Rust", "1.95.0"),
            Check::lacks(Area::Build, "C linker", "no", "apt-get install build-essential"),
            Check::ok(Area::Run, "kernel", "6.1"),
        ];
        let expected = "\nto build\n  ok     Rust      1.95.0\n  LACKS  C linker  no\n\
                        \x20                  → apt-get install build-essential\n\
                        \nto run\n  ok     kernel    6.1\n\
                        \n2 ok, 1 lacking, 0 warnings: NOT fit to build and run";
        assert_eq!(table(&checks), expected);
    }
}
