//! `(config-slb-sfarm)` and `(config-slb-real)`: real servers and how one is chosen.

use std::net::Ipv4Addr;

use super::{REAL, finish, unavailable};
use crate::defaults::WEIGHT;
use crate::grammar::{
    Action, Args, Child, Command, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword, rest,
};
use crate::model::{Predictor, Real, ServerFarm};

/// Commands of the original that a farm lacks in this release.
const FARM_LACKING: &[&str] =
    &["bindid", "description", "failaction", "health", "probe", "redirect-vserver", "retcode-map"];
/// Commands of the original that a real lacks in this release.
const REAL_LACKING: &[&str] = &["backup", "health", "maxconns", "minconns", "redirect-vserver"];

pub(super) fn table() -> Table<ServerFarm> {
    let nat = keyword("nat", "Translation of addresses");
    let commands = vec![
        nat_server(),
        Command::<ServerFarm>::new(&[nat, keyword("client", ""), rest()])
            .acts(Action::Unavailable)
            .no(2, Action::Nothing),
        predictor(),
        unavailable(&[keyword("predictor", ""), keyword("leastconns", ""), rest()]),
        unavailable(&[keyword("predictor", ""), keyword("hash", ""), rest()]),
        unavailable(&[keyword("predictor", ""), keyword("forward", ""), rest()]),
        real(),
        real_with_port(),
    ];
    finish(commands, FARM_LACKING)
}

fn nat_server() -> Command<ServerFarm> {
    let path =
        [keyword("nat", "Translation of addresses"), keyword("server", "Virtual to real address")];
    Command::<ServerFarm>::new(&path)
        .puts(|farm| farm.nat_server = true)
        .clears(2, |farm| farm.nat_server = false)
        .shows(|farm, lines| {
            if !farm.nat_server {
                lines.no(&[]);
            }
        })
}

/// The only predictor is the default, so there is nothing to show.
fn predictor() -> Command<ServerFarm> {
    let path = [
        keyword("predictor", "How a real is chosen"),
        keyword("roundrobin", "Each in turn, by weight"),
    ];
    Command::<ServerFarm>::new(&path).puts(round_robin).clears(1, round_robin)
}

fn round_robin(farm: &mut ServerFarm) {
    farm.predictor = Predictor::RoundRobin;
}

fn real() -> Command<ServerFarm> {
    let path = [keyword("real", "A real server"), arg(Kind::Ipv4, "Its address")];
    Command::<ServerFarm>::new(&path).enters(Mode::Real, enter_real).resets(2, remove_real)
}

/// Shows the reals of both forms, to keep their order.
fn real_with_port() -> Command<ServerFarm> {
    let path = [
        keyword("real", "A real server"),
        arg(Kind::Ipv4, "Its address"),
        arg(Kind::Port, "Its port, if not the virtual server's"),
    ];
    Command::<ServerFarm>::new(&path)
        .enters(Mode::Real, enter_real)
        .resets(2, remove_real)
        .shows(show_reals)
}

fn show_reals(farm: &ServerFarm, lines: &mut Lines<'_>) {
    for real in &farm.reals {
        let mut values = vec![Value::Ipv4(real.address)];
        values.extend(real.port.map(Value::Port));
        lines.block(&values, &REAL, real);
    }
}

fn which(args: &Args) -> Result<(Ipv4Addr, Option<u16>), Refusal> {
    let port = args.optional(1);
    if port == Some(0) {
        return Err(Refusal::argument(1, "a real has one port, or the virtual server's"));
    }
    Ok((args.get(0)?, port))
}

fn enter_real(farm: &mut ServerFarm, args: &Args) -> Result<Child, Refusal> {
    let (address, port) = which(args)?;
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        return Err(Refusal::argument(0, format!("{address} is not a host's address")));
    }
    if !farm.reals.iter().any(|real| real.address == address && real.port == port) {
        farm.reals.push(Real::new(address, port));
    }
    Ok(Child::Real(address, port))
}

fn remove_real(farm: &mut ServerFarm, args: &Args) -> Result<(), Refusal> {
    let (address, port) = which(args)?;
    farm.reals.retain(|real| real.address != address || real.port != port);
    Ok(())
}

pub(super) fn real_table() -> Table<Real> {
    let in_service = keyword("inservice", "Take connections");
    let commands = vec![
        weight(),
        Command::<Real>::new(&[in_service])
            .puts(|real| real.in_service = true)
            .clears(1, |real| real.in_service = false)
            .shows(|real, lines| lines.line_if(real.in_service, &[])),
        unavailable(&[in_service, keyword("standby", "")]),
    ];
    finish(commands, REAL_LACKING)
}

fn weight() -> Command<Real> {
    let path = [
        keyword("weight", "Share of new connections"),
        arg(Kind::Number { min: 0, max: 100 }, "Consecutive connections per turn; 0 = none"),
    ];
    Command::<Real>::new(&path)
        .sets(|real, args| {
            let weight: u64 = args.get(0)?;
            real.weight = u8::try_from(weight).map_err(|e| Refusal::argument(0, e.to_string()))?;
            Ok(())
        })
        .clears(1, |real| real.weight = WEIGHT)
        .shows(|real, lines| {
            lines.line_if(real.weight != WEIGHT, &[Value::Number(real.weight.into())]);
        })
}
