//! What is configured and has no effect in this release: in the layouts of the original, and said so.

use super::Page;
use crate::exec::{Depth, NotBuilt, ProbeInfo};

pub(super) fn not_built(page: &mut Page, what: &NotBuilt) {
    let NotBuilt { what, configured } = what;
    for one in configured {
        page.line(format_args!("{one}"));
        page.line(format_args!("  State is Init"));
    }
    page.line(format_args!("% {what} is not built in this release."));
}

/// The state of a probe that never ran is `???`, as the original shows it before the first result.
pub(super) fn probes(page: &mut Page, probes: &[ProbeInfo], depth: Depth) {
    let head = ("probe", "type", "port", "interval", "retries", "failed", "open", "receive");
    let (name, kind, port, interval, retries, failed, open, receive) = head;
    page.line(format_args!(
        "{name:<16}{kind:<8}{port:<6}{interval:<10}{retries:<9}{failed:<8}{open:<6}{receive}"
    ));
    page.rule(69);
    for ProbeInfo { name, probe } in probes {
        let (kind, port) = (probe.check.kind(), probe.port.unwrap_or(0));
        let kind = kind.word();
        page.line(format_args!(
            "{name:<16}{kind:<8}{port:<6}{:<10}{:<9}{:<8}{:<6}{}",
            probe.interval_s, probe.retries, probe.failed_s, probe.open_s, probe.receive_s
        ));
        if depth == Depth::Full {
            let description = probe.description.as_ref().map_or("", |text| text.as_str());
            page.line(format_args!("Description: {description}"));
            page.line(format_args!("recover = {}", probe.recover));
        }
    }
    page.line(format_args!(
        "% Probes are not built in this release: every real counts as healthy."
    ));
}
