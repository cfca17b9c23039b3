//! Exec commands: what is typed and what is meant.

use hitless_config::{ExecCommand, Filter, Mode, ModuleView, OutputFormat, candidates, parse_exec};
use hitless_model::Slot;

fn shown(line: &str) -> (ModuleView, bool) {
    match parse_exec(line).map(|line| line.command) {
        Ok(ExecCommand::ShowModule { slot, view, detail }) => {
            assert_eq!(slot, Slot::try_from(5).expect("a slot"));
            (view, detail)
        }
        other => panic!("{line}: {other:?}"),
    }
}

fn error(line: &str) -> String {
    parse_exec(line).expect_err("the line is wrong").to_string()
}

#[test]
fn views_are_known_by_singular_plural_and_abbreviation() {
    let vserver = |name: &str| Some(name.to_owned().try_into().unwrap());
    for (line, view, detail) in [
        ("show module csm 5 ft", ModuleView::Ft, false),
        ("show module csm 5 ft detail", ModuleView::Ft, true),
        ("sh mod csm 5 ft det", ModuleView::Ft, true),
        ("show module contentSwitchingModule 5 ft history", ModuleView::FtHistory, false),
        ("show module csm 5 vserver", ModuleView::VirtualServers(None), false),
        ("show module csm 5 vservers detail", ModuleView::VirtualServers(None), true),
        (
            "show module csm 5 vserver vip1 detail",
            ModuleView::VirtualServers(vserver("VIP1")),
            true,
        ),
        ("show module csm 5 vserver name vip1", ModuleView::VirtualServers(vserver("VIP1")), false),
        ("show module csm 5 real", ModuleView::Reals(None), false),
        ("show module csm 5 reals sfarm web", ModuleView::Reals(vserver("WEB")), false),
        ("show module csm 5 serverfarm", ModuleView::Farms(None), false),
        ("show module csm 5 conns detail", ModuleView::Conns(None), true),
        ("show module csm 5 conns vserver vip1", ModuleView::Conns(vserver("VIP1")), false),
        ("show module csm 5 vlan", ModuleView::Vlans(None), false),
        ("show module csm 5 vlan id 3", ModuleView::Vlans(3u64.try_into().ok()), false),
        ("show module csm 5 arp", ModuleView::Arp, false),
        ("show module csm 5 stats", ModuleView::Stats, false),
        ("show module csm 5 dataplane", ModuleView::Dataplane, false),
    ] {
        assert_eq!(shown(line), (view, detail), "{line}");
    }
}

#[test]
fn the_other_commands_are_known() {
    let command = |line| parse_exec(line).unwrap().command;
    assert_eq!(command("show module csm all"), ExecCommand::ShowAll);
    assert_eq!(command("show run"), ExecCommand::ShowRunningConfig);
    let slot = Slot::try_from(5).unwrap();
    assert_eq!(command("clear module csm 5 ft active"), ExecCommand::ClearFtActive { slot });
}

#[test]
fn a_bar_chooses_the_form_of_the_output() {
    let line = parse_exec("show module csm all|json").unwrap();
    assert_eq!((line.format, line.filter), (OutputFormat::Json, None));
    let line = parse_exec("show run | inc real 10.0.0.1").unwrap();
    let filter = line.filter.unwrap();
    assert_eq!(filter, Filter::Include("real 10.0.0.1".to_owned()));
    assert_eq!(filter.apply("a\n real 10.0.0.1\n real 10.0.0.2\n"), " real 10.0.0.1\n");
    let begin = Filter::Begin("b".to_owned());
    assert_eq!(begin.apply("a\nb\nc\n"), "b\nc\n");
    assert_eq!(Filter::Exclude("b".to_owned()).apply("a\nb\nc\n"), "a\nc\n");
}

#[test]
fn errors_are_those_of_ios() {
    assert_eq!(
        error("show modul csm 5 fx"),
        "show modul csm 5 fx\n                 ^\n% Invalid input detected at '^' marker.\n\
         expected: ft, vservers, reals, serverfarms, conns, vlan, arp, stats, dataplane"
    );
    assert!(error("show module csm").starts_with("% Incomplete command."));
    assert!(
        error("show module csm 5 v").starts_with("% Ambiguous command:  \"show module csm 5 v\"")
    );
    assert!(
        error("show module csm 5 sticky").contains("\"sticky\" is not available in this release.")
    );
    assert!(error("write memory").contains("\"write\" is not available in this release."));
    assert!(error("").starts_with("% Incomplete command."));
    assert!(error("show run | foo").contains("expected: begin, exclude, include, json"));
    assert!(error("show run |").starts_with("% Incomplete command."));
}

#[test]
fn a_question_mark_lists_what_may_follow() {
    let labels = |mode, line| -> Vec<String> {
        candidates(mode, line).into_iter().map(|candidate| candidate.label).collect()
    };
    assert_eq!(labels(Mode::Exec, "show module csm 5 v"), ["vlan", "vservers"]);
    assert_eq!(labels(Mode::Exec, "show module csm 5 ft "), ["detail", "history", "<cr>"]);
    assert_eq!(labels(Mode::Ft, "failover "), ["<1-65535>", "msec"]);
    assert_eq!(labels(Mode::Real, ""), ["end", "exit", "inservice", "no", "weight"]);
    assert_eq!(labels(Mode::VirtualServer, "no re"), ["replicate"]);
    assert_eq!(labels(Mode::ClientVlan, "ip address 1.2.3.4 "), ["A.B.C.D"]);
    assert!(labels(Mode::Ft, "nonsense ").is_empty());
}
