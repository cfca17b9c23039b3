//! `(config-slb-real)`: a real server.

use crate::commands::{finish, small};
use crate::defaults::WEIGHT;
use crate::grammar::{Command, Kind, Table, Value, arg, keyword};
use crate::model::{InService, Real};

/// The largest number of connections, which is how the original writes that there is no limit.
const MOST_CONNECTIONS: u64 = 4_294_967_295;

pub(in crate::commands) fn table() -> Table<Real> {
    let in_service = keyword("inservice", "Take connections");
    let standby = keyword("standby", "Only in the place of one that failed");
    let yes = Command::<Real>::new(&[in_service])
        .puts(|real| real.in_service = InService::Yes)
        .clears(1, |real| real.in_service = InService::No)
        .shows(|real, lines| lines.line_if(real.in_service == InService::Yes, &[]));
    let standby = Command::<Real>::new(&[in_service, standby])
        .puts(|real| real.in_service = InService::Standby)
        .clears(1, |real| real.in_service = InService::No)
        .shows(|real, lines| lines.line_if(real.in_service == InService::Standby, &[]))
        .without_effect("inservice standby");
    finish(vec![weight(), max_conns(), min_conns(), yes, standby])
}

fn max_conns() -> Command<Real> {
    let path = [
        keyword("maxconns", "Most connections"),
        arg(Kind::Number { min: 1, max: MOST_CONNECTIONS }, "Connections"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            let most: u32 = small(args.get(0)?)?;
            real.max_conns = Some(most).filter(|most| *most != u32::MAX);
            Ok(())
        })
        .clears(1, |real| real.max_conns = None)
        .shows(|real, lines| {
            if let Some(most) = real.max_conns {
                lines.line(&[Value::Number(most.into())]);
            }
        })
        .without_effect("maxconns")
}

fn min_conns() -> Command<Real> {
    let path = [
        keyword("minconns", "After too many, take connections again below this number"),
        arg(Kind::Number { min: 0, max: MOST_CONNECTIONS }, "Connections"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            real.min_conns = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |real| real.min_conns = 0)
        .shows(|real, lines| {
            lines.line_if(real.min_conns != 0, &[Value::Number(real.min_conns.into())]);
        })
        .without_effect("minconns")
}

fn weight() -> Command<Real> {
    let path = [
        keyword("weight", "Share of new connections"),
        arg(Kind::Number { min: 0, max: 100 }, "Consecutive connections per turn; 0 = none"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            real.weight = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |real| real.weight = WEIGHT)
        .shows(|real, lines| {
            lines.line_if(real.weight != WEIGHT, &[Value::Number(real.weight.into())]);
        })
}
