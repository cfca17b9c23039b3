//! `show module csm N serverfarms`.

use hitless_config::model::{FailAction, InbandHealth, Name};

use super::Page;
use super::servers::{real_name, real_word};
use crate::api::types::FarmInfo;
use crate::exec::FarmDetail;

pub(super) fn farms(page: &mut Page, farms: &[FarmInfo]) {
    farm_line(page, ("server farm", "type", "predictor", "nat", "reals"), ("redirect", "bind id"));
    page.rule(75);
    for farm in farms {
        let (reals, bind) = (farm.reals.to_string(), farm.bind_id.to_string());
        let nat = match (farm.nat_server, &farm.nat_client) {
            (true, None) => "S",
            (false, Some(_)) => "C",
            (true, Some(_)) => "S/C",
            (false, None) => "none",
        };
        let line = (farm.name.as_str(), "SLB", farm.predictor.as_str(), nat, reals.as_str());
        farm_line(page, line, ("0", &bind));
    }
}

fn farm_line(page: &mut Page, line: (&str, &str, &str, &str, &str), last: (&str, &str)) {
    let ((name, kind, predictor, nat, reals), (redirect, bind)) = (line, last);
    page.line(format_args!(
        "{name:<16} {kind:<8} {predictor:<12} {nat:<6} {reals:<7} {redirect:<10} {bind}"
    ));
}

pub(super) fn farm_details(page: &mut Page, farms: &[FarmDetail]) {
    for detail in farms {
        farm_detail(page, detail);
    }
}

fn farm_detail(page: &mut Page, detail: &FarmDetail) {
    let farm = &detail.farm;
    let nat = match (farm.nat_server, &farm.nat_client) {
        (true, None) => "SERVER".to_owned(),
        (false, Some(pool)) => format!("CLIENT ({pool})"),
        (true, Some(pool)) => format!("SERVER, CLIENT ({pool})"),
        (false, None) => "none".to_owned(),
    };
    let fail_action = match farm.fail_action {
        Some(FailAction::Purge) => "purge",
        Some(FailAction::Reassign) => "reassign",
        None => "none",
    };
    page.line(format_args!("{}, type = SLB, predictor = {}", farm.name, farm.predictor));
    page.line(format_args!("  nat = {nat}"));
    page.line(format_args!(
        "  virtuals inservice = {}, reals = {}, bind id = {}, fail action = {fail_action}",
        detail.virtuals_in_service, farm.reals, farm.bind_id
    ));
    match farm.health {
        Some(InbandHealth { retries, failed_s }) => page
            .line(format_args!("  inband health config: retries = {retries}, failed = {failed_s}")),
        None => page.line(format_args!("  inband health config: <none>")),
    }
    let map = farm.return_codes.as_ref().map_or("<none>", Name::as_str);
    page.line(format_args!("  retcode map = {map}"));
    if !farm.probes.is_empty() {
        let probes: Vec<_> = farm.probes.iter().map(Name::as_str).collect();
        page.line(format_args!("  Probes: {}", probes.join(", ")));
    }
    page.line(format_args!("  Real servers:"));
    for real in &detail.members {
        let (name, state) = (real_name(real), real_word(real));
        page.line(format_args!(
            "    {name}, weight = {}, {state}, conns = {}",
            real.weight, real.conns
        ));
    }
    page.line(format_args!("  Total connections = {}", detail.conns));
}
