//! The picture: lines for a screen of a given size. What is most important comes first, so that a
//! small screen shows it, and no line is longer than the screen is wide.

use std::time::Duration;

use hitless_model::Role;

use super::gather::{Chassis, Flow, SLICE, Snapshot};
use crate::clock::millis;
use crate::pair::LETTERS;
use crate::sampler::Seen;

/// How a part of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Title,
    Faint,
    Good,
    Bad,
}

/// A line: parts, each with its look.
pub(super) type Line = Vec<(Style, String)>;

/// Levels of the probes' line.
const LEVELS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters before an entry of the time line.
const TIME: usize = 11;
/// Characters of a whole lease.
const LEASE: usize = 10;

/// The picture for `width` columns and `height` rows.
pub(super) fn picture(snapshot: &Snapshot, width: usize, height: usize) -> Vec<Line> {
    let mut lines = vec![title(snapshot, width), Line::new()];
    lines.push(vec![(Style::Faint, heading())]);
    for (letter, chassis) in LETTERS.iter().zip(&snapshot.chassis) {
        lines.push(chassis_line(letter, chassis, snapshot.plan.timers.failover));
    }
    lines.push(Line::new());
    match &snapshot.flow {
        Some(flow) => lines.extend(flow_lines(flow, width)),
        None => lines.push(plain("  no traffic yet")),
    }
    lines.push(Line::new());
    let room = height.saturating_sub(lines.len());
    // No entry is shorter than a line.
    let newest = snapshot.time_line.len().saturating_sub(room);
    let past = &snapshot.time_line[newest..];
    let past: Vec<Line> =
        past.iter().flat_map(|said| event(said.at_s, &said.what, width)).collect();
    lines.extend_from_slice(&past[past.len().saturating_sub(room)..]);
    lines.truncate(height);
    lines.into_iter().map(|line| cut(line, width)).collect()
}

fn plain(text: impl Into<String>) -> Line {
    vec![(Style::Plain, text.into())]
}

fn title(snapshot: &Snapshot, width: usize) -> Line {
    let time = format!("{:.0} s ", snapshot.elapsed.as_secs_f64());
    let text = format!(" hitless, figure 7-1: {}", snapshot.plan.timers);
    let gap = width.saturating_sub(text.chars().count() + time.len());
    vec![(Style::Title, format!("{text}{}{time}", " ".repeat(gap)))]
}

fn heading() -> String {
    format!("  {:<10}{:<14}{:<23}{:>12}{:>12}", "chassis", "role", "lease", "heartbeats", "packets")
}

fn chassis_line(letter: &str, chassis: &Chassis, failover: Duration) -> Line {
    let (style, role) = role(chassis.seen);
    let rate =
        |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| format!("{count}/s"));
    vec![
        (Style::Plain, format!("  {letter:<10}")),
        (style, format!("{role:<14}")),
        (Style::Plain, format!("{:<23}", lease(chassis, failover))),
        (Style::Plain, format!("{:>12}", rate(chassis.heartbeats))),
        (Style::Plain, format!("{:>12}", rate(Some(chassis.packets)))),
    ]
}

fn role(seen: Seen) -> (Style, &'static str) {
    match seen {
        Seen::Nothing => (Style::Faint, "off"),
        Seen::Acts(Role::Initializing) => (Style::Plain, "listening"),
        Seen::Acts(Role::Standby) => (Style::Plain, "standby"),
        Seen::Acts(Role::Active) => (Style::Good, "ACTIVE"),
        Seen::Acts(Role::Draining) => (Style::Good, "draining"),
        Seen::Fenced => (Style::Bad, "SILENT"),
    }
}

/// "24 ms ████████··", of roles that have a lease.
fn lease(chassis: &Chassis, failover: Duration) -> String {
    let forwards = matches!(chassis.seen, Seen::Acts(role) if role.forwards());
    if !forwards {
        return String::new();
    }
    let piece = failover / u32::try_from(LEASE).unwrap_or(1);
    let full = (0..).take(LEASE).take_while(|place| piece * *place < chassis.lease_left).count();
    let bar = "█".repeat(full) + &"·".repeat(LEASE - full);
    format!("{:>5.0} ms {bar}", millis(chassis.lease_left))
}

fn flow_lines(flow: &Flow, width: usize) -> Vec<Line> {
    let Flow { tally, messages, probes, lost } = flow;
    let kept = tally.total - tally.broken;
    let broken = if tally.broken > 0 { Style::Bad } else { Style::Plain };
    vec![
        vec![
            (Style::Plain, "  connections   ".to_owned()),
            (Style::Good, format!("{kept} kept")),
            (Style::Plain, ", ".to_owned()),
            (broken, format!("{} broken", tally.broken)),
            (Style::Plain, format!(", {messages} messages/s")),
        ],
        plain(format!(
            "  probes        {} sent, {} lost, longest outage {:.0} ms",
            probes.sent,
            probes.lost,
            millis(probes.outage)
        )),
        vec![(Style::Plain, "  lost          ".to_owned()), (Style::Bad, graph(lost, width))],
        vec![(
            Style::Faint,
            format!("                {} ms a character, now at the right", SLICE.as_millis()),
        )],
    ]
}

/// A character for each slice, as many of the newest as there is room for.
fn graph(lost: &[u64], width: usize) -> String {
    let room = width.saturating_sub(18).min(lost.len());
    let newest = &lost[lost.len() - room..];
    // Two probes leave every millisecond: a slice in which all are lost is a full block.
    let most = u64::try_from(SLICE.as_millis() * 2).unwrap_or(u64::MAX);
    let top = LEVELS.len() as u64 - 1;
    let level = |lost: u64| usize::try_from((lost * top).div_ceil(most).min(top)).unwrap_or(0);
    newest.iter().map(|lost| LEVELS[level(*lost)]).collect()
}

/// An entry of the time line, on as many lines as it needs.
fn event(at_s: f64, what: &str, width: usize) -> Vec<Line> {
    let style = if what.contains("NOT AS IT MUST BE") { Style::Bad } else { Style::Plain };
    let indent = what.len() - what.trim_start().len();
    let room = width.saturating_sub(TIME + indent).max(1);
    let line = |(number, text): (usize, String)| {
        let time = if number == 0 { format!("{at_s:7.2} s  ") } else { " ".repeat(TIME) };
        vec![(Style::Faint, time), (style, " ".repeat(indent) + &text)]
    };
    wrap(what.trim_start(), room).into_iter().enumerate().map(line).collect()
}

/// Words in lines of at most `room` characters, longer words excepted.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if length == 0 => line.push_str(word),
            Some(line) if length + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// No longer than the screen is wide; what is cut off is told by a dot dot dot.
fn cut(line: Line, width: usize) -> Line {
    let length: usize = line.iter().map(|(_, part)| part.chars().count()).sum();
    if length <= width {
        return line;
    }
    let mut room = width.saturating_sub(1);
    let mut short = Line::new();
    for (style, part) in line {
        let part: String = part.chars().take(room).collect();
        room -= part.chars().count();
        short.push((style, part));
    }
    if width > 0 {
        short.push((Style::Faint, "…".to_owned()));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Plan;
    use crate::config_text::Manner;
    use crate::console::Said;
    use crate::load::clients::Tally;
    use crate::probe::Window;

    fn snapshot() -> Snapshot {
        let chassis = |seen, ms| Chassis {
            seen,
            lease_left: Duration::from_millis(ms),
            heartbeats: Some(100),
            packets: 12_345,
        };
        let say = |number: u32| Said { at_s: number.into(), what: format!("event {number}") };
        Snapshot {
            plan: Plan {
                timers: "10,30".parse().unwrap(),
                connections: 500,
                manner: Manner::Usual,
                crowd: 0,
            },
            elapsed: Duration::from_secs(12),
            chassis: [chassis(Seen::Acts(Role::Active), 24), chassis(Seen::Acts(Role::Standby), 0)],
            flow: Some(Flow {
                tally: Tally { total: 500, broken: 1, ..Tally::default() },
                messages: 4980,
                probes: Window { sent: 9, lost: 3, ..Window::default() },
                lost: vec![0, 1, 100, 200],
            }),
            time_line: (0..50).map(say).collect(),
        }
    }

    fn text(width: usize, height: usize) -> Vec<String> {
        let joined = |line: Line| line.into_iter().map(|(_, part)| part).collect();
        picture(&snapshot(), width, height).into_iter().map(joined).collect()
    }

    #[test]
    fn everything_fits_the_screen_whatever_its_size() {
        for (width, height) in [(80, 24), (120, 40), (30, 8), (5, 3), (1, 1), (0, 0)] {
            let text = text(width, height);
            assert!(text.len() <= height, "{width}x{height}");
            assert!(text.iter().all(|line| line.chars().count() <= width), "{width}x{height}");
        }
    }

    #[test]
    fn a_usual_screen_tells_roles_connections_probes_and_the_newest_events() {
        let text = text(80, 24).join("\n");
        for part in
            ["ACTIVE", "standby", "24 ms ████████··", "499 kept", "1 broken", "12345/s", "event 49"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("event 10"));
    }

    #[test]
    fn long_entries_go_on_below_and_the_newest_are_seen() {
        let mut snapshot = snapshot();
        let what = "    a line that is too long for this screen".to_owned();
        snapshot.time_line.push(Said { at_s: 1.0, what });
        let joined = |line: Line| line.into_iter().map(|(_, part)| part).collect::<String>();
        let text: Vec<_> = picture(&snapshot, 40, 24).into_iter().map(joined).collect();
        let end = &text[text.len() - 2..];
        assert_eq!(
            end,
            ["   1.00 s      a line that is too long", "               for this screen"]
        );
    }

    #[test]
    fn a_slice_without_answers_is_a_full_block_and_a_single_loss_is_seen() {
        assert_eq!(graph(&[0, 1, 100, 200, 900], 80), "·▁▄██");
        assert_eq!(graph(&[0, 200], 19), "█");
    }
}
