//! Layouts of `show`: values to text, in the columns of the original where they are known.
//!
//! Everything here is a pure function of a value from [`crate::exec`]; what a module does not know
//! is left out rather than filled with a number that means nothing.

mod conns;
mod dataplane;
mod farms;
mod ft;
mod history;
mod log;
mod network;
mod servers;
mod sticky;
mod system;
#[cfg(test)]
mod tests;
mod unbuilt;

use std::fmt::{self, Write as _};

use crate::chassis::ModuleState;
use crate::exec::{Answer, ModuleSummary};
use crate::log::Zone;

/// The text of an answer, its times in `zone`.
pub fn text(answer: &Answer, zone: &Zone) -> String {
    let mut page = Page { text: String::new(), zone: zone.clone() };
    page.show(answer);
    page.text
}

impl Page {
    fn show(&mut self, answer: &Answer) {
        let page = self;
        match answer {
            Answer::Done => {}
            Answer::Saved => page.lines(&["Building configuration...", "[OK]"]),
            Answer::Applied(applied) => system::applied(page, applied),
            Answer::Cleared(cleared) => system::cleared(page, cleared),
            Answer::Refused(why) => page.line(format_args!("% {why}")),
            Answer::Each(modules) => {
                for (slot, answer) in modules {
                    page.line(format_args!("Module {slot}:"));
                    page.show(answer);
                    page.line(format_args!(""));
                }
            }
            Answer::Support(parts) => {
                for (title, answer) in parts {
                    page.line(format_args!(""));
                    page.line(format_args!("------------------ {title} ------------------"));
                    page.line(format_args!(""));
                    page.show(answer);
                }
            }
            Answer::Configuration(configuration) => {
                page.text += &hitless_config::render(configuration);
            }
            Answer::Archive(entries) => system::archive(page, entries),
            Answer::Difference(lines) => system::difference(page, lines),
            Answer::Clock(system) => system::clock(page, system),
            Answer::Version(system) => system::version(page, system),
            Answer::Log(entries) => log::show(page, entries),
            Answer::NotBuilt(what) => unbuilt::not_built(page, what),
            Answer::Status(status) => system::status(page, status),
            Answer::Variables(variables) => system::variables(page, variables),
            Answer::Sticky(entries) => sticky::entries(page, entries),
            Answer::StickyGroups(groups) => sticky::groups(page, groups),
            Answer::Probes(probes, depth) => unbuilt::probes(page, probes, *depth),
            Answer::Modules(modules) => show_modules(page, modules),
            Answer::Ft(ft, depth) => ft::show(page, ft.as_deref(), *depth),
            Answer::History(history) => history::show(page, history.as_ref()),
            Answer::VirtualServers(list, depth) => servers::virtual_servers(page, list, *depth),
            Answer::Reals(reals, depth) => servers::reals(page, reals, *depth),
            Answer::Farms(farms) => farms::farms(page, farms),
            Answer::FarmDetails(farms) => farms::farm_details(page, farms),
            Answer::Conns(list, depth) => conns::show(page, list, *depth),
            Answer::Vlans(vlans, depth) => network::vlans(page, vlans, *depth),
            Answer::Arp(entries) => network::arp(page, entries),
            Answer::Stats(stats) => dataplane::stats(page, stats),
            Answer::Dataplane(plane) => dataplane::dataplane(page, plane),
        }
    }
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
struct Page {
    text: String,
    zone: Zone,
}

impl Page {
    /// One line; blanks that padding left at its end go.
    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.text.write_fmt(line);
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Several lines.
    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.line(format_args!("{line}"));
        }
    }

    /// A rule of dashes.
    fn rule(&mut self, length: usize) {
        self.line(format_args!("{:-<length$}", ""));
    }
}
