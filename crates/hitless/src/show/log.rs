//! `show log`: the newest lines.

use std::sync::Arc;

use super::Page;
use crate::log::{Entry, News};

pub(super) fn show(page: &mut Page, entries: &[Arc<Entry>]) {
    let lines = entries.iter().filter_map(|entry| match &entry.news {
        News::Log { text, .. } => Some((entry.unix_ms, text)),
        News::Role { .. } | News::Configuration { .. } => None,
    });
    let lines: Vec<_> = lines.collect();
    page.line(format_args!("Log Buffer ({} lines):", lines.len()));
    page.line(format_args!(""));
    for (unix_ms, text) in lines {
        let stamp = page.zone.stamp(unix_ms);
        page.line(format_args!("{stamp}: {text}"));
    }
}
