use std::sync::Arc;

use hitless_config::parse;

use crate::api::types::{Cleared, ModuleStatus, System, Variable};
use crate::exec::{Answer, Depth, NotBuilt, ProbeInfo};
use crate::log::{Entry, News, Severity, Zone};
use crate::store::{Applied, ArchiveEntry};

fn zone() -> Zone {
    Zone { name: "CET".to_owned(), offset_minutes: 60 }
}

fn text(answer: &Answer) -> String {
    crate::show::text(answer, &zone())
}

fn system() -> System {
    System {
        hostname: "chasA".to_owned(),
        software: "0.1.0".to_owned(),
        kernel: "6.1.0".to_owned(),
        pid: 7,
        uptime_s: 90_061,
        unix_ms: 1_000_000_000_123,
        zone: zone(),
        calendar_valid: true,
        revision: 4,
    }
}

#[test]
fn a_clock_that_nobody_vouches_for_has_a_star() {
    assert_eq!(text(&Answer::Clock(system())), "02:46:40.123 CET Sun Sep 9 2001\n");
    let doubtful = System { calendar_valid: false, ..system() };
    assert_eq!(text(&Answer::Clock(doubtful)), "*02:46:40.123 CET Sun Sep 9 2001\n");
}

#[test]
fn a_version_has_release_kernel_and_uptime() {
    assert_eq!(
        text(&Answer::Version(system())),
        "hitless, release 0.1.0
Kernel 6.1.0
chasA: supervisor is process 7
Uptime is 1 days, 01:01:01
Configuration revision 4
"
    );
}

#[test]
fn a_module_that_is_online_has_its_configuration() {
    let status = ModuleStatus {
        slot: 5u64.try_into().unwrap(),
        online: true,
        state: "is starting".to_owned(),
        pid: Some(7),
        software: None,
        core_age_ms: None,
        role: None,
    };
    assert_eq!(
        text(&Answer::Status(status.clone())),
        "SLB Module is online in slot 5.

Configuration Download state: COMPLETE, SUCCESS
"
    );
    let starting = ModuleStatus { online: false, ..status };
    assert_eq!(text(&Answer::Status(starting)), "SLB Module in slot 5 is starting.\n");
}

#[test]
fn the_value_of_a_variable_stands_in_column_33() {
    let variable = |name: &str, value: &str| Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        configured: true,
    };
    let shown = text(&Answer::Variables(vec![
        variable("ARP_INTERVAL", "300"),
        variable("AGGREGATE_BACKUP_SF_STATE_TO_VS", "0"),
    ]));
    assert_eq!(
        shown,
        "
variable                        value
----------------------------------------------------------------
ARP_INTERVAL                    300
AGGREGATE_BACKUP_SF_STATE_TO_VS 0
"
    );
    let column = shown.lines().last().and_then(|line| line.find('0'));
    assert_eq!(column.map(|column| column + 1), Some(33));
}

#[test]
fn the_archive_says_who_when_and_which_one_runs() {
    let entry = |revision, running| ArchiveEntry {
        revision,
        by: "root".to_owned(),
        at_unix_ms: 1_000_000_000_123,
        running,
    };
    assert_eq!(
        text(&Answer::Archive(vec![entry(4, true), entry(3, false)])),
        "revision  time                                  by
----------------------------------------------------------------
4         02:46:40.123 CET Sun Sep 9 2001       root  <- running
3         02:46:40.123 CET Sun Sep 9 2001       root
"
    );
}

#[test]
fn a_change_prints_its_difference_and_what_has_no_effect() {
    let applied = Applied {
        revision: 5,
        difference: vec!["-hostname a".to_owned(), "+hostname b".to_owned()],
        notices: vec!["% probe has no effect yet.".to_owned()],
    };
    assert_eq!(
        text(&Answer::Applied(applied)),
        "-hostname a
+hostname b
% probe has no effect yet.
Configuration revision 5
"
    );
    assert_eq!(text(&Answer::Difference(Vec::new())), "No difference.\n");
    assert_eq!(text(&Answer::Saved), "Building configuration...\n[OK]\n");
    let cleared = Cleared { entries: 2, notices: vec!["They are gone.".to_owned()] };
    assert_eq!(text(&Answer::Cleared(cleared)), "% They are gone.\n");
}

#[test]
fn log_lines_have_calendar_time_in_the_configured_zone() {
    let said = "%CSM_SLB-6-REDUNDANCY_INFO: Module 5 FT info: State Transition Standby -> Active";
    let entry = |news| Arc::new(Entry { number: 1, unix_ms: 1_000_000_000_123, slot: None, news });
    let line = entry(News::Log { severity: Severity::Info, text: said.to_owned() });
    let other = entry(News::Configuration { revision: 5, by: "root".to_owned() });
    assert_eq!(
        text(&Answer::Log(vec![line, other])),
        format!("Log Buffer (1 lines):\n\nSep  9 2001 02:46:40.123 CET: {said}\n")
    );
}

#[test]
fn what_is_not_built_has_its_table_and_says_so() {
    let text_of = "module csm 5\n probe ALIVE tcp\n  interval 5\n  port 80\n";
    let module = parse(text_of, "a").unwrap().modules.into_values().next().unwrap();
    let probes = module.probes.into_iter().map(|(name, probe)| ProbeInfo { name, probe });
    assert_eq!(
        text(&Answer::Probes(probes.collect(), Depth::Full)),
        "probe           type    port  interval  retries  failed  open  receive
---------------------------------------------------------------------
ALIVE           tcp     80    5         3        300     10    10
Description:
recover = 1
% Probes are not built in this release: every real counts as healthy.
"
    );
    let hsrp = NotBuilt { what: "HSRP".to_owned(), configured: vec!["Vlan4 - Group 1".to_owned()] };
    assert_eq!(
        text(&Answer::NotBuilt(hsrp)),
        "Vlan4 - Group 1\n  State is Init\n% HSRP is not built in this release.\n"
    );
}

#[test]
fn each_module_and_each_part_has_its_title() {
    let slot = 5u64.try_into().unwrap();
    let each = Answer::Each(vec![(slot, Answer::Refused("Module 5 is starting.".to_owned()))]);
    assert_eq!(text(&each), "Module 5:\n% Module 5 is starting.\n\n");
    let support = Answer::Support(vec![("show clock".to_owned(), Answer::Clock(system()))]);
    assert_eq!(
        text(&support),
        "
------------------ show clock ------------------

02:46:40.123 CET Sun Sep 9 2001
"
    );
}
