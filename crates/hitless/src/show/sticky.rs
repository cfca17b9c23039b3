//! `show module csm N sticky`: who sticks to which real, and for how long.

use std::net::Ipv4Addr;

use hitless_config::model::{StickyBy, StickyGroupConfig};
use hitless_model::{StickyClient, StickyGroup, StickyOwner};

use super::Page;
use crate::api::types::{StickyInfo, StickyPage};

pub(super) fn entries(page: &mut Page, shown: &StickyPage) {
    page.line(format_args!("{:<8} {:<36} {:<22} timeout", "group", "sticky-data", "real"));
    page.rule(76);
    for entry in &shown.entries {
        let client = &entry.record.client;
        let group = match client.owner {
            StickyOwner::Group(group) => u64::from(group),
            StickyOwner::Server { .. } => 0,
        };
        let (data, real) = (data(entry), entry.record.real.to_string());
        let timeout = entry.timeout_s.map_or_else(|| "never".to_owned(), |left| left.to_string());
        page.line(format_args!("{group:<8} {data:<36} {real:<22} {timeout}"));
    }
    if shown.next.is_some() {
        page.line(format_args!("% There are more: ask for those of a client."));
    }
}

/// The addresses that count, and the virtual server of an entry that it has for itself.
fn data(entry: &StickyInfo) -> String {
    let StickyClient { owner, source, destination } = entry.record.client;
    let parts = [("ip", source), ("to", destination)];
    let told = parts.into_iter().filter(|(_, address)| *address != Ipv4Addr::UNSPECIFIED);
    let mut words: Vec<String> = told.map(|(word, address)| format!("{word} {address}")).collect();
    if words.is_empty() {
        words.push("ip 0.0.0.0".to_owned());
    }
    if let StickyOwner::Server { listens, .. } = owner {
        let name = entry.virtual_server.as_ref().map(ToString::to_string);
        words.push(format!("vs {}", name.unwrap_or_else(|| listens.to_string())));
    }
    words.join(" ")
}

pub(super) fn groups(page: &mut Page, groups: &[(StickyGroup, StickyGroupConfig)]) {
    page.line(format_args!(
        "{:<8} {:<12} {:<16} {:<12} timeout",
        "group", "type", "netmask", "address"
    ));
    page.rule(64);
    for (group, StickyGroupConfig { by, timeout_min }) in groups {
        let (kind, mask, of) = match by {
            StickyBy::Address { prefix, of } => ("netmask", mask(*prefix), of.word()),
            StickyBy::Cookie { .. } => ("cookie", String::new(), ""),
            StickyBy::Ssl => ("ssl", String::new(), ""),
            StickyBy::Header { .. } => ("header", String::new(), ""),
        };
        page.line(format_args!("{group:<8} {kind:<12} {mask:<16} {of:<12} {timeout_min}"));
    }
    if groups.iter().any(|(_, group)| !matches!(group.by, StickyBy::Address { .. })) {
        page.line(format_args!(
            "% Sticky by cookie, header or SSL session is not built in this release."
        ));
    }
}

fn mask(prefix: u8) -> String {
    hitless_config::model::Subnet { address: Ipv4Addr::UNSPECIFIED, prefix }.mask().to_string()
}

#[cfg(test)]
mod tests;
