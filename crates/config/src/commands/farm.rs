//! `(config-slb-sfarm)`: real servers and how one is chosen.

mod health;
mod predictor;
pub(super) mod real;

use std::net::Ipv4Addr;

use super::{DESCRIPTION, REAL, finish, show_description};
use crate::grammar::{
    Args, Child, Command, Kind, Lines, Mode, Refusal, Table, Value, arg, keyword,
};
use crate::model::{Real, ServerFarm};

pub(super) fn table() -> Table<ServerFarm> {
    let description = Command::<ServerFarm>::new(&DESCRIPTION)
        .sets(|farm, args| {
            farm.description = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |farm| farm.description = None)
        .shows(|farm, lines| show_description(farm.description.as_ref(), lines));
    let mut commands = vec![description, nat_server(), nat_client()];
    commands.extend(predictor::predictor());
    commands.extend(health::fail_action());
    commands.extend([health::probe(), health::health(), health::return_codes()]);
    commands.extend([health::bind_id(), real(), real_with_port()]);
    finish(commands)
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
        .without_effect_if(|farm| (!farm.nat_server).then_some("no nat server"))
}

fn nat_client() -> Command<ServerFarm> {
    let path = [
        keyword("nat", "Translation of addresses"),
        keyword("client", "Client's to the module's address"),
        arg(Kind::Name, "Pool of addresses"),
    ];
    Command::<ServerFarm>::new(&path)
        .sets(|farm, args| {
            farm.nat_client = Some(args.get(0)?);
            Ok(())
        })
        .clears(2, |farm| farm.nat_client = None)
        .shows(|farm, lines| {
            if let Some(pool) = &farm.nat_client {
                lines.line(&[Value::Name(pool.clone())]);
            }
        })
        .without_effect("nat client")
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
    // Who pastes a farm mostly means one of the last.
    if !farm.reals.iter().rev().any(|real| real.address == address && real.port == port) {
        farm.reals.push(Real::new(address, port));
    }
    Ok(Child::Real(address, port))
}

fn remove_real(farm: &mut ServerFarm, args: &Args) -> Result<(), Refusal> {
    let (address, port) = which(args)?;
    farm.reals.retain(|real| real.address != address || real.port != port);
    Ok(())
}
