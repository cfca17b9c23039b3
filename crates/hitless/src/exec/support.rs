//! `show tech-support`: everything that a report of a defect needs, and no key.

use hitless_config::{ModuleView, Show, SupportPart};
use hitless_model::Slot;

use super::answer::{Answer, Depth};
use super::look::{look, show_module};
use crate::api::app::App;
use crate::api::refusal::Refusal;

/// A part with the command that shows it alone.
type Part = (String, Answer);

/// Of the chassis and all its modules.
pub(super) async fn everything(app: &App) -> Answer {
    let of_chassis = [
        ("show version", Show::Version),
        ("show clock", Show::Clock),
        ("show running-config", Show::RunningConfig),
        ("show archive", Show::Archive),
        ("show module csm all", Show::Modules),
    ];
    let mut parts = Vec::new();
    for (title, what) in of_chassis {
        parts.push((title.to_owned(), said(Box::pin(look(app, &what)).await)));
    }
    for (slot, _) in app.chassis().modules().collect::<Vec<_>>() {
        parts.extend(module(app, slot, SupportPart::All).await);
    }
    parts.push(("show log".to_owned(), said(Box::pin(look(app, &Show::Log)).await)));
    Answer::Support(parts)
}

/// Of one module.
pub(super) async fn of_module(app: &App, slot: Slot, part: SupportPart) -> Result<Answer, Refusal> {
    app.module(slot)?;
    Ok(Answer::Support(module(app, slot, part).await))
}

async fn module(app: &App, slot: Slot, part: SupportPart) -> Vec<Part> {
    let ft = [("ft detail", ModuleView::Ft), ("ft history", ModuleView::FtHistory)];
    let utilization = [("status", ModuleView::Status), ("dataplane", ModuleView::Dataplane)];
    let rest = [
        ("variable", ModuleView::Variable(None)),
        ("stats", ModuleView::Stats),
        ("vservers detail", ModuleView::VirtualServers(None)),
        ("reals detail", ModuleView::Reals(None)),
        ("serverfarms", ModuleView::Farms(None)),
        ("vlan detail", ModuleView::Vlans(None)),
        ("arp", ModuleView::Arp),
    ];
    let views: Vec<_> = match part {
        SupportPart::Ft => ft.into_iter().collect(),
        SupportPart::Utilization => utilization.into_iter().collect(),
        SupportPart::All => utilization.into_iter().chain(ft).chain(rest).collect(),
    };
    let mut parts = Vec::new();
    for (words, view) in views {
        let depth = Depth::of(words.ends_with(" detail"));
        let title = format!("show module csm {slot} {words}");
        parts.push((title, said(Box::pin(show_module(app, slot, &view, depth)).await)));
    }
    parts
}

fn said(answer: Result<Answer, Refusal>) -> Answer {
    answer.unwrap_or_else(|refusal| Answer::Refused(refusal.error().to_owned()))
}
