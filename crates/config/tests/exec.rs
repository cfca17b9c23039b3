//! Exec commands: what is typed and what is meant.

use std::time::Duration;

use hitless_config::model::Name;
use hitless_config::{
    Clear, Configure, Connections, Copy, ExecCommand, Filter, Mode, ModuleView, Modules,
    OutputFormat, Privilege, Session, Show, Sticky, StickyEntries, Stored, SupportPart, candidates,
    parse_exec,
};
use hitless_model::Slot;

fn shown(line: &str) -> (ModuleView, bool) {
    match parse_exec(line).map(|line| line.command) {
        Ok(ExecCommand::Show(Show::Module { modules, view, detail })) => {
            assert_eq!(modules, Modules::One(Slot::try_from(5).expect("a slot")));
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
    let conns = |virtual_server, client| ModuleView::Conns { virtual_server, client };
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
        ("show module csm 5 conns detail", conns(None, None), true),
        ("show module csm 5 conns vserver vip1", conns(vserver("VIP1"), None), false),
        (
            "show module csm 5 conns vserver vip1 client 10.0.0.1 detail",
            conns(vserver("VIP1"), Some([10, 0, 0, 1].into())),
            true,
        ),
        ("show module csm 5 vlan", ModuleView::Vlans(None), false),
        ("show module csm 5 vlan id 3", ModuleView::Vlans(3u64.try_into().ok()), false),
        ("show module csm 5 arp", ModuleView::Arp, false),
        ("show module csm 5 stats", ModuleView::Stats, false),
        ("show module csm 5 dataplane", ModuleView::Dataplane, false),
        ("show module csm 5 status", ModuleView::Status, false),
        ("show module csm 5 variable", ModuleView::Variable(None), false),
        (
            "show module csm 5 variable arp_rate",
            ModuleView::Variable(Some("ARP_RATE".to_owned())),
            false,
        ),
        ("show module csm 5 sticky", ModuleView::Sticky(Sticky::All), false),
        ("show module csm 5 sticky groups", ModuleView::Sticky(Sticky::Groups), false),
        (
            "show module csm 5 sticky client 10.0.0.1",
            ModuleView::Sticky(Sticky::Client([10, 0, 0, 1].into())),
            false,
        ),
        ("show module csm 5 probe", ModuleView::Probe(None), false),
        ("show module csm 5 probe name p detail", ModuleView::Probe(vserver("P")), true),
        ("show module csm 5 tech-support", ModuleView::TechSupport(SupportPart::All), false),
        ("show module csm 5 tech ft", ModuleView::TechSupport(SupportPart::Ft), false),
    ] {
        assert_eq!(shown(line), (view, detail), "{line}");
    }
}

#[test]
fn the_other_commands_are_known() {
    let command = |line| parse_exec(line).unwrap().command;
    assert_eq!(command("show module csm all"), ExecCommand::Show(Show::Modules));
    assert_eq!(command("show run"), ExecCommand::Show(Show::RunningConfig));
    let slot = Slot::try_from(5).unwrap();
    let clear = ExecCommand::Clear { slot, what: Clear::FtActive };
    assert_eq!(command("clear module csm 5 ft active"), clear);
}

fn filtered(line: &str, text: &str) -> String {
    let line = parse_exec(line).expect("a command");
    assert_eq!(line.format, OutputFormat::Text);
    line.filter.expect("a filter").apply(text)
}

#[test]
fn every_way_to_name_a_configuration_is_known() {
    let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
    let replace =
        |with, force, revert| ExecCommand::Configure(Configure::Replace { with, force, revert });
    let file = |name: &str| Stored::File(name.to_owned());
    let terminal = |revert| ExecCommand::Configure(Configure::Terminal { revert });
    for (line, command) in [
        ("configure terminal", terminal(None)),
        ("conf t", terminal(None)),
        ("configure", terminal(None)),
        ("configure terminal revert timer 5", terminal(minutes(5))),
        ("configure replace a.conf", replace(file("a.conf"), false, None)),
        ("configure replace a.conf force", replace(file("a.conf"), true, None)),
        (
            "configure replace /etc/hitless/a force revert timer 2",
            replace(file("/etc/hitless/a"), true, minutes(2)),
        ),
        ("configure replace a revert timer 120", replace(file("a"), false, minutes(120))),
        ("configure replace archive:3", replace(Stored::Archive(3), false, None)),
        ("configure replace startup-config", replace(Stored::Startup, false, None)),
        ("rollback 2", replace(Stored::Archive(2), false, None)),
        ("rollback 2 force revert timer 1", replace(Stored::Archive(2), true, minutes(1))),
        ("configure confirm", ExecCommand::Configure(Configure::Confirm)),
        ("configure revert now", ExecCommand::Configure(Configure::RevertNow)),
        ("copy running-config startup-config", ExecCommand::Copy(Copy::Save)),
        ("copy run start", ExecCommand::Copy(Copy::Save)),
        ("write", ExecCommand::Copy(Copy::Save)),
        ("wr mem", ExecCommand::Copy(Copy::Save)),
        ("write terminal", ExecCommand::Show(Show::RunningConfig)),
        ("copy startup-config running-config", ExecCommand::Copy(Copy::Merge(Stored::Startup))),
        ("copy a.conf running-config", ExecCommand::Copy(Copy::Merge(file("a.conf")))),
        ("copy archive:1 running-config", ExecCommand::Copy(Copy::Merge(Stored::Archive(1)))),
        ("copy running-config a.conf", ExecCommand::Copy(Copy::Export("a.conf".to_owned()))),
    ] {
        assert_eq!(parse_exec(line).map(|line| line.command), Ok(command), "{line}");
    }
    assert!(error("configure replace archive:x").contains("% Archive:N takes a number."));
    assert!(error("configure terminal revert timer 121").contains("a number from 1 to 120"));
}

#[test]
fn every_clear_and_every_setting_of_the_terminal_is_known() {
    let slot = Slot::try_from(5).unwrap();
    let name = Name::try_from("V".to_owned()).unwrap();
    let ip = [10, 0, 0, 1].into();
    for (line, what) in [
        ("ft active", Clear::FtActive),
        ("connections", Clear::Connections(Connections::All)),
        ("conn real 10.0.0.1", Clear::Connections(Connections::Real(ip))),
        ("connections vserver v", Clear::Connections(Connections::VirtualServer(name))),
        ("counters", Clear::Counters),
        ("arp-cache", Clear::ArpCache(None)),
        ("arp-cache 10.0.0.1", Clear::ArpCache(Some(ip))),
        ("sticky all", Clear::Sticky(StickyEntries::All)),
        ("sticky 35", Clear::Sticky(StickyEntries::Group(35))),
        ("linecard-configuration", Clear::LinecardConfiguration),
    ] {
        let line = parse_exec(&format!("clear module csm 5 {line}")).unwrap();
        assert_eq!(line.command, ExecCommand::Clear { slot, what });
        assert_eq!(line.command.privilege(), Privilege::Administrator);
    }
    for (line, session) in [
        ("terminal monitor", Session::Monitor(true)),
        ("terminal no monitor", Session::Monitor(false)),
        ("no terminal monitor", Session::Monitor(false)),
        ("terminal length 0", Session::Length(0)),
        ("terminal width 132", Session::Width(132)),
        ("enable", Session::Enable),
        ("exit", Session::Leave),
        ("logout", Session::Leave),
    ] {
        let command = parse_exec(line).unwrap().command;
        assert_eq!(command, ExecCommand::Session(session));
        assert_eq!(command.privilege(), Privilege::Reader);
    }
    for sync in ["hw-module csm 5 standby config-sync", "hw contentSwitchingModule 5 s c"] {
        assert_eq!(parse_exec(sync).unwrap().command, ExecCommand::ConfigSync { slot });
    }
}

#[test]
fn every_show_is_known() {
    for (line, show) in [
        ("show module", Show::Modules),
        ("show module csm all", Show::Modules),
        ("show run", Show::RunningConfig),
        ("show startup-config", Show::StartupConfig),
        ("show archive", Show::Archive),
        ("show archive differences", Show::ArchiveDifferences(None)),
        ("show archive diff 3", Show::ArchiveDifferences(Some(3))),
        ("show configuration difference", Show::Difference),
        ("show history", Show::History),
        ("show clock", Show::Clock),
        ("show version", Show::Version),
        ("show standby", Show::Standby { brief: false }),
        ("show standby brief", Show::Standby { brief: true }),
        ("show tech-support", Show::TechSupport),
        ("show log", Show::Log),
        ("do show logging", Show::Log),
    ] {
        let command = parse_exec(line).map(|line| line.command);
        assert_eq!(command, Ok(ExecCommand::Show(show)), "{line}");
    }
    let all = parse_exec("show module csm all ft detail").unwrap().command;
    let view = ModuleView::Ft;
    assert_eq!(all, ExecCommand::Show(Show::Module { modules: Modules::All, view, detail: true }));
}

#[test]
fn a_bar_chooses_the_form_of_the_output() {
    let line = parse_exec("show module csm all|json").unwrap();
    assert_eq!((line.format, line.filter), (OutputFormat::Json, None));
    let line = parse_exec("show run | inc real 10.0.0.1").unwrap();
    assert!(matches!(line.filter, Some(Filter::Include(_))));
}

#[test]
fn filters_take_regular_expressions_and_sections_their_indented_lines() {
    let text = "a\n real 10.0.0.1\n real 10.0.0.2\nb\n c\n  d\ne\n";
    for (line, passes) in [
        ("show run | inc real 10.0.0.1", " real 10.0.0.1\n"),
        ("show run | include ^a|^b", "a\nb\n"),
        ("show run | begin b", "b\n c\n  d\ne\n"),
        ("show run | exclude ^[ ]", "a\nb\ne\n"),
        ("show run | section ^b", "b\n c\n  d\n"),
        ("show run | sec real", " real 10.0.0.1\n real 10.0.0.2\n"),
        ("show run | count real", "Number of lines which match regexp = 2\n"),
        ("show run | count x", "Number of lines which match regexp = 0\n"),
    ] {
        assert_eq!(filtered(line, text), passes, "{line}");
    }
}

#[test]
fn a_bar_belongs_to_show() {
    assert_eq!(
        error("write memory | include x"),
        "write memory | include x\n             ^\n% Invalid input detected at '^' marker.\n\
         expected: the end of the line"
    );
    let text = error("show run | include (");
    assert!(text.ends_with("^\n% Failed to compile regular expression."), "{text}");
    assert!(error("show run | include").starts_with("% Incomplete command."));
    assert!(error("show run | json x").contains("\n                ^\n"));
}

#[test]
fn errors_are_those_of_ios() {
    assert_eq!(
        error("show run x"),
        "show run x\n         ^\n% Invalid input detected at '^' marker.\n\
         expected: the end of the line"
    );
    assert!(error("show modul csm 5 fx").contains("\n                 ^\n% Invalid input"));
    assert!(error("show module csm").starts_with("% Incomplete command."));
    assert!(
        error("show module csm 5 v").starts_with("% Ambiguous command:  \"show module csm 5 v\"")
    );
    assert!(
        error("show module csm 5 policy").contains("\"policy\" is not available in this release.")
    );
    assert!(error("ping 10.0.0.1").contains("\"ping\" is not available in this release."));
    assert!(error("").starts_with("% Incomplete command."));
    let pipes = "expected: begin, count, exclude, include, json, section";
    assert!(error("show run | foo").contains(pipes));
    assert!(error("show run |").starts_with("% Incomplete command."));
}

#[test]
fn below_a_prompt_the_caret_stands_under_the_word_as_ios_prints_it() {
    let bad = parse_exec("show foo").unwrap_err();
    let typed = "Router#show foo";
    let answer = "            ^\n% Invalid input detected at '^' marker.\n";
    assert_eq!(bad.under_prompt("Router#".len()), answer);
    assert_eq!(&typed[12..13], "f", "the caret is under it");
    let bad = parse_exec("show").unwrap_err();
    assert_eq!(bad.under_prompt(7), "% Incomplete command.\n");
}

#[test]
fn a_question_mark_lists_what_may_follow() {
    let labels = |mode, line| -> Vec<String> {
        candidates(mode, line).into_iter().map(|candidate| candidate.label).collect()
    };
    assert_eq!(labels(Mode::Exec, "show module csm 5 v"), ["variable", "vlan", "vservers"]);
    assert_eq!(labels(Mode::Exec, "show module csm 5 ft "), ["detail", "history", "|", "<cr>"]);
    assert_eq!(labels(Mode::Ft, "failover "), ["<1-65535>", "msec"]);
    assert_eq!(
        labels(Mode::Real, ""),
        ["do", "end", "exit", "inservice", "maxconns", "minconns", "no", "weight"]
    );
    assert_eq!(labels(Mode::VirtualServer, "no rep"), ["replicate"]);
    assert_eq!(labels(Mode::ClientVlan, "ip address 1.2.3.4 "), ["A.B.C.D"]);
    assert!(labels(Mode::Ft, "nonsense ").is_empty());
}
