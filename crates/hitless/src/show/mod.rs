//! Layouts of `show`: values to text, in the columns of the original where they are known.
//!
//! Everything here is a pure function of a value from [`crate::exec`]; what a module does not know
//! is left out rather than filled with a number that means nothing.

mod conns;
mod dataplane;
mod ft;
mod history;
mod network;
mod servers;
#[cfg(test)]
mod tests;
mod time;

use std::fmt::{self, Write as _};

use crate::chassis::ModuleState;
use crate::exec::{Answer, ModuleSummary};

/// The text of an answer.
pub fn text(answer: &Answer) -> String {
    let mut page = Page::default();
    match answer {
        Answer::Done => {}
        Answer::Modules(modules) => show_modules(&mut page, modules),
        Answer::RunningConfig(configuration) => {
            page.0 = hitless_config::render(configuration);
        }
        Answer::Ft(ft, depth) => ft::show(&mut page, ft.as_deref(), *depth),
        Answer::History(history) => history::show(&mut page, history.as_ref()),
        Answer::VirtualServers(list, depth) => servers::virtual_servers(&mut page, list, *depth),
        Answer::Reals(reals, depth) => servers::reals(&mut page, reals, *depth),
        Answer::Farms(farms) => servers::farms(&mut page, farms),
        Answer::FarmDetails(farms) => servers::farm_details(&mut page, farms),
        Answer::Conns(list, depth) => conns::show(&mut page, list, *depth),
        Answer::Vlans(vlans, depth) => network::vlans(&mut page, vlans, *depth),
        Answer::Arp(entries) => network::arp(&mut page, entries),
        Answer::Stats(stats) => dataplane::stats(&mut page, stats),
        Answer::Dataplane(plane) => dataplane::dataplane(&mut page, plane),
    }
    page.0
}

/// How a module is, as the end of a sentence that begins with it.
pub(crate) fn module_state(state: &ModuleState) -> String {
    match state {
        ModuleState::Starting => "is starting".to_owned(),
        ModuleState::Running { pid, .. } => format!("is running as process {pid}"),
        ModuleState::Dead { why } => format!("is down ({why}) and about to be started again"),
        ModuleState::Stopped => "is stopped".to_owned(),
    }
}

fn show_modules(page: &mut Page, modules: &[ModuleSummary]) {
    for module in modules {
        if module.online {
            page.line(format_args!("SLB Module is online in slot {}.", module.slot));
            ft::show(page, module.ft.as_ref(), crate::exec::Depth::Brief);
        } else {
            page.line(format_args!("SLB Module in slot {} {}.", module.slot, module.state));
        }
        page.line(format_args!(""));
    }
}

/// Lines of text under way.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    /// One line; blanks that padding left at its end go.
    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.0.write_fmt(line);
        self.0.truncate(self.0.trim_end_matches(' ').len());
        self.0.push('\n');
    }

    /// A rule of dashes.
    fn rule(&mut self, length: usize) {
        self.line(format_args!("{:-<length$}", ""));
    }
}
