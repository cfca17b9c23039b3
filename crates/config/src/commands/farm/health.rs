//! When a real of a farm counts as failed, and what becomes of its connections.

use crate::commands::small;
use crate::grammar::{Command, Kind, Value, arg, keyword};
use crate::model::{FailAction, InbandHealth, Name, ServerFarm};

pub(super) fn fail_action() -> [Command<ServerFarm>; 2] {
    let first = keyword("failaction", "What becomes of the connections to a real that failed");
    let purge = keyword("purge", "They are closed");
    let reassign = keyword("reassign", "They go on at another real");
    let purge = Command::<ServerFarm>::new(&[first, purge])
        .puts(|farm| farm.fail_action = Some(FailAction::Purge))
        .clears(1, |farm| farm.fail_action = None)
        .shows(|farm, lines| lines.line_if(farm.fail_action == Some(FailAction::Purge), &[]));
    let reassign = Command::<ServerFarm>::new(&[first, reassign])
        .puts(|farm| farm.fail_action = Some(FailAction::Reassign))
        .clears(1, |farm| farm.fail_action = None)
        .shows(|farm, lines| lines.line_if(farm.fail_action == Some(FailAction::Reassign), &[]));
    [purge, reassign].map(|command| command.without_effect("failaction"))
}

pub(super) fn probe() -> Command<ServerFarm> {
    let path = [keyword("probe", "How a real is found to be alive"), arg(Kind::Name, "Its name")];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.probes.insert(args.get(0)?);
            Ok(())
        })
        .resets(2, |farm, args| {
            farm.probes.remove(&args.get::<Name>(0)?);
            Ok(())
        })
        .shows(|farm, lines| {
            for probe in &farm.probes {
                lines.line(&[Value::Name(probe.clone())]);
            }
        })
        .without_effect("a probe")
}

pub(super) fn health() -> Command<ServerFarm> {
    let path = [
        keyword("health", "Connections that come to nothing take a real out"),
        keyword("retries", "How many"),
        arg(Kind::Number { min: 0, max: 65_534 }, "Connections"),
        keyword("failed", "For how long"),
        arg(Kind::Number { min: 0, max: 65_535 }, "Seconds; 0 = for good"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            let (retries, failed_s) = (small(args.nth(0)?)?, small(args.nth(1)?)?);
            farm.health = Some(InbandHealth { retries, failed_s });
            Ok(())
        })
        .clears(1, |farm| farm.health = None)
        .shows(|farm, lines| {
            if let Some(InbandHealth { retries, failed_s }) = farm.health {
                lines.line(&[Value::Number(retries.into()), Value::Number(failed_s.into())]);
            }
        })
        .without_effect("inband health")
}

pub(super) fn return_codes() -> Command<ServerFarm> {
    let path = [keyword("retcode-map", "What codes of answers mean"), arg(Kind::Name, "Its name")];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.return_codes = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |farm| farm.return_codes = None)
        .shows(|farm, lines| {
            if let Some(map) = &farm.return_codes {
                lines.line(&[Value::Name(map.clone())]);
            }
        })
        .without_effect("retcode-map")
}

pub(super) fn bind_id() -> Command<ServerFarm> {
    let path = [
        keyword("bindid", "How outside agents call it"),
        arg(Kind::Number { min: 0, max: 65_533 }, "Number; 0 = they do not"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.bind_id = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |farm| farm.bind_id = 0)
        .shows(|farm, lines| {
            lines.line_if(farm.bind_id != 0, &[Value::Number(farm.bind_id.into())]);
        })
        .without_effect("bindid")
}
