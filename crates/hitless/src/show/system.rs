//! What is shown of the daemon, of configurations, and of modules as such.

use super::Page;
use crate::api::types::{Cleared, ModuleStatus, System, Variable};
use crate::store::{Applied, ArchiveEntry};

#[cfg(test)]
mod tests;

pub(super) fn clock(page: &mut Page, system: &System) {
    // A time that is not authoritative has a star, as in IOS.
    let star = if system.calendar_valid { "" } else { "*" };
    let now = page.zone.calendar(system.unix_ms);
    page.line(format_args!("{star}{now}"));
}

pub(super) fn version(page: &mut Page, system: &System) {
    let System { hostname, software, kernel, pid, uptime_s, .. } = system;
    let (days, seconds) = (uptime_s / 86_400, uptime_s % 86_400);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    page.line(format_args!("hitless, release {software}"));
    page.line(format_args!("Kernel {kernel}"));
    page.line(format_args!("{hostname}: supervisor is process {pid}"));
    page.line(format_args!("Uptime is {days} days, {hours:02}:{minutes:02}:{seconds:02}"));
    page.line(format_args!("Configuration revision {}", system.revision));
}

pub(super) fn status(page: &mut Page, status: &ModuleStatus) {
    if !status.online {
        return page.line(format_args!("SLB Module in slot {} {}.", status.slot, status.state));
    }
    page.line(format_args!("SLB Module is online in slot {}.", status.slot));
    page.line(format_args!(""));
    // It is online only once it has taken over its whole configuration.
    page.line(format_args!("Configuration Download state: COMPLETE, SUCCESS"));
}

/// Columns as they are known from the original.
pub(super) fn variables(page: &mut Page, variables: &[Variable]) {
    page.line(format_args!(""));
    page.line(format_args!("{:<32}value", "variable"));
    page.rule(64);
    for Variable { name, value, .. } in variables {
        page.line(format_args!("{name:<32}{value}"));
    }
}

pub(super) fn archive(page: &mut Page, entries: &[ArchiveEntry]) {
    page.line(format_args!("{:<10}{:<38}by", "revision", "time"));
    page.rule(64);
    for ArchiveEntry { revision, by, at_unix_ms, running } in entries {
        let when = page.zone.calendar(*at_unix_ms);
        let now = if *running { "  <- running" } else { "" };
        page.line(format_args!("{revision:<10}{when:<38}{by}{now}"));
    }
}

pub(super) fn difference(page: &mut Page, lines: &[String]) {
    if lines.is_empty() {
        return page.line(format_args!("No difference."));
    }
    for line in lines {
        page.line(format_args!("{line}"));
    }
}

pub(super) fn applied(page: &mut Page, applied: &Applied) {
    difference(page, &applied.difference);
    for notice in &applied.notices {
        page.line(format_args!("{notice}"));
    }
    page.line(format_args!("Configuration revision {}", applied.revision));
}

pub(super) fn cleared(page: &mut Page, cleared: &Cleared) {
    for notice in &cleared.notices {
        page.line(format_args!("% {notice}"));
    }
}
