//! The time line of a decision: what the machine was told, and what it said to that.

use hitless_core::ft::{Beat, Flags, Ft, Output, Seq};
use hitless_core::node::{Decision, Event, PathId, Played, Recording, Told};
use hitless_model::Instant;

/// Something at one moment, with what followed from it.
pub(super) struct Line {
    at: Instant,
    /// What a heartbeat says, and the paths that it came over one after the other.
    heard: Option<(u32, Vec<PathId>)>,
    what: String,
    said: Vec<String>,
}

/// A decision in one line.
pub(super) fn decided(decision: &Decision) -> String {
    let Decision { from, to, epoch, reason, .. } = decision;
    let change = if from == to { format!("stays {to}") } else { format!("{from} -> {to}") };
    format!("{change}, epoch {epoch}: {reason}")
}

impl Line {
    /// The machine as it is before the first step.
    pub(super) fn opening(at: Instant, ft: &Ft, outputs: &[Output]) -> Self {
        let peer = ft.peer_status().map_or_else(
            || "no peer is heard".to_owned(),
            |peer| format!("peer {} is {}, epoch {}", peer.unit, peer.role, peer.epoch),
        );
        let what = format!("is {}, epoch {}; {peer}", ft.role(), ft.epoch());
        Self { at, heard: None, what, said: said(at, outputs) }
    }

    /// Adds a step; a heartbeat that was just heard over another path goes with that.
    pub(super) fn add(lines: &mut Vec<Self>, recording: &Recording, played: &Played<'_>) {
        let at = played.step.at;
        let said = said(at, &played.outputs);
        if let Told::Beat { path, body } = played.step.told {
            let last = lines.last_mut().and_then(|line| line.heard.as_mut());
            if let Some((_, paths)) = last.filter(|(last, _)| *last == body && said.is_empty()) {
                return paths.push(path);
            }
            let what = recording.beat(body).as_ref().map_or("what does not add up".into(), beat);
            lines.push(Self { at, heard: Some((body, vec![path])), what, said });
        } else {
            lines.push(Self { at, heard: None, what: told(played), said });
        }
    }

    /// As text, in milliseconds from `zero`.
    pub(super) fn text(&self, zero: Instant) -> Vec<String> {
        let time = relative(self.at, zero);
        let what = match &self.heard {
            None => self.what.clone(),
            Some((_, paths)) => {
                let paths: Vec<_> = paths.iter().map(|path| path.0.to_string()).collect();
                format!("hears over vlan {}: {}", paths.join(", "), self.what)
            }
        };
        let first = format!("{time:>12} ms  {what}");
        let said = self.said.iter().map(|said| format!("{:>17}{said}", ""));
        std::iter::once(first).chain(said).collect()
    }
}

/// Milliseconds with their sign.
fn relative(at: Instant, zero: Instant) -> String {
    let (late, early) = (at.saturating_since(zero), zero.saturating_since(at));
    let sign = if early.is_zero() { "" } else { "-" };
    format!("{sign}{:.3}", late.max(early).as_secs_f64() * 1000.0)
}

fn told(played: &Played<'_>) -> String {
    match &played.step.told {
        Told::Deadline => match played.due {
            Some(due) => format!("due: {}", format!("{due:?}").to_lowercase()),
            None => "looks at the time".to_owned(),
        },
        Told::Established { unit, software } => {
            format!("a session with {unit} begins, release {software}")
        }
        Told::Sighted => "sights a peer without a session".to_owned(),
        // Told with its path.
        Told::Beat { .. } => String::new(),
        Told::Handover(cause) => format!("is asked to hand over: {cause:?}").to_lowercase(),
        Told::Absence(lasts) => format!("is about to be away for {lasts:?}"),
        Told::Replication { in_step, drained } => {
            let step = if *in_step { "in step" } else { "not in step" };
            format!("replication: {step}{}", if *drained { ", nothing left to tell" } else { "" })
        }
        Told::Configure(_) => "is configured anew".to_owned(),
        Told::CaughtUp => "had stood still, and has read what came since".to_owned(),
        Told::GatewayHeard => "hears a gateway".to_owned(),
    }
}

/// What a heartbeat tells.
fn beat(beat: &Beat) -> String {
    let Beat { seq, purpose, role, epoch, priority, heard, .. } = beat;
    let heard = if *heard == Seq::default() { "nobody".into() } else { format!("#{}", heard.0) };
    let (number, purpose) = (seq.0, purpose.name());
    let facts = format!("{purpose} #{number}: {role}, epoch {epoch}, priority {priority}");
    let flags = FLAGS.into_iter().filter(|(flag, _)| beat.flags.has(*flag));
    let flags = flags.map(|(_, name)| name.to_owned());
    let waits = [("asks to wait", beat.hold), ("waits", beat.holding)];
    let waits = waits.into_iter().filter_map(|(what, lasts)| Some(format!("{what} {:?}", lasts?)));
    let parts = [facts, format!("heard {heard}")].into_iter().chain(flags).chain(waits);
    let parts: Vec<_> = parts.collect();
    parts.join(", ")
}

/// What is worth saying of a heartbeat's facts.
const FLAGS: [(Flags, &str); 7] = [
    (Flags::ASK, "asks"),
    (Flags::LAPSED, "lapsed"),
    (Flags::DRAINED, "drained"),
    (Flags::IN_STEP, "in step"),
    (Flags::COUP, "wants the role"),
    (Flags::STOPPING, "is about to stop"),
    (Flags::PREEMPT, "preempts"),
];

fn said(at: Instant, outputs: &[Output]) -> Vec<String> {
    outputs.iter().map(|output| saying(at, output)).collect()
}

fn saying(at: Instant, output: &Output) -> String {
    match output {
        Output::Send { purpose, body } => match Beat::parse(body) {
            Ok(content) => format!("says {}", beat(&content)),
            Err(_) => format!("says {}", purpose.name()),
        },
        Output::Gate { role, epoch, lease_until, .. } if role.forwards() => {
            let left = lease_until.saturating_since(at).as_secs_f64() * 1000.0;
            format!("gate: {role}, epoch {epoch}, {left:.3} ms of lease")
        }
        Output::Gate { role, epoch, .. } => format!("gate: {role}, epoch {epoch}"),
        Output::Announce => "announces its addresses".to_owned(),
        Output::AskGateways => "asks its gateways".to_owned(),
        Output::PersistEpoch(epoch) => format!("stores epoch {epoch}"),
        Output::Decision(decision) => format!("decides: {}", decided(decision)),
        Output::Event(event) => happened(event),
        Output::Malformed(_) => "rejects it".to_owned(),
    }
}

fn happened(event: &Event) -> String {
    if let Event::PathState { path, up } = event {
        let state = if *up { "up" } else { "down" };
        return format!("finds the path over vlan {} {state}", path.0);
    }
    format!("reports {event:?}")
}
