//! `clock ...`: the zone that times are shown in.

use crate::commands::forms::{Family, Saying, forms, may, must};
use crate::commands::{label, small};
use crate::grammar::{Command, Element, Kind, Lines, Refusal, Value, arg, keyword};
use crate::model::{Configuration, TimeZone, UtcOffset};

/// `clock timezone` and `clock calendar-valid`.
pub(super) fn clock() -> Vec<Command<Configuration>> {
    let first = keyword("clock", "Time of day");
    let calendar = keyword("calendar-valid", "The calendar of the hardware is right");
    let calendar = Command::<Configuration>::new(&[first, calendar])
        .puts(|configuration| configuration.clock.calendar_valid = true)
        .clears(2, |configuration| configuration.clock.calendar_valid = false)
        .shows(|configuration, lines| lines.line_if(configuration.clock.calendar_valid, &[]))
        .without_effect("a calendar");
    let name = arg(Kind::Word, "Name of the zone");
    let minutes = arg(Kind::Number { min: 0, max: 59 }, "Minutes from UTC");
    let hours = [first, keyword("timezone", "Zone that times are shown in"), name, HOURS];
    let zone = Family::<Configuration> {
        set: |configuration, args| {
            let name = label(args.get(0)?)?;
            let minutes = small(args.nth::<u64>(0).unwrap_or(0))?;
            let offset = UtcOffset::new(args.get(1)?, minutes);
            let offset = offset.map_err(|error| Refusal::argument(1, error.to_string()))?;
            configuration.clock.timezone = Some(TimeZone { name, offset });
            Ok(())
        },
        reset: |configuration, _| {
            configuration.clock.timezone = None;
            Ok(())
        },
        shows: show_zone,
    };
    let mut commands = zone.commands(2, &forms(&[must(&hours), may(&[minutes])]));
    commands.push(calendar);
    commands
}

const HOURS: Element = arg(Kind::Hours, "Hours from UTC");

fn show_zone(configuration: &Configuration, lines: &mut Lines<'_>) {
    let Some(zone) = &configuration.clock.timezone else { return };
    let (hours, minutes) = zone.offset.hours_and_minutes();
    let mut values = vec![Value::Word(zone.name.to_string())];
    values.extend(i8::try_from(hours).ok().map(Value::Hours));
    let path = [keyword("clock", ""), keyword("timezone", ""), arg(Kind::Word, ""), HOURS];
    let mut saying = Saying::new(&path);
    saying.and(&[], values);
    if minutes > 0 {
        let number = arg(Kind::Number { min: 0, max: 59 }, "");
        saying.and(&[number], [Value::Number(minutes.into())]);
    }
    saying.print(lines);
}
