//! Sessions at the prompt: modes, prompts, pasted transcripts, `?` and Tab, errors below a prompt.

use hitless_config::session::{EditSession, Step};
use hitless_config::{Configuration, Configure, ExecCommand, Privilege, Session, Show, merge};

fn at(lines: &[&str]) -> EditSession {
    let mut session = EditSession::new(Privilege::Administrator);
    for line in lines {
        let step = session.line(line);
        assert!(!matches!(step, Step::Error(_)), "{line}: {step:?}");
    }
    session
}

fn change(step: Step) -> (Vec<String>, String) {
    let Step::Change { context, line, .. } = step else { panic!("{step:?}") };
    (context, line)
}

fn error(session: &mut EditSession, line: &str) -> String {
    let width = session.prompt("Router").chars().count();
    let step = session.line(line);
    let Step::Error(bad) = step else { panic!("{line}: {step:?}") };
    bad.under_prompt(width)
}

#[test]
fn prompts_show_the_mode() {
    let mut session = EditSession::new(Privilege::Administrator);
    for (line, prompt) in [
        ("", "Router#"),
        ("configure terminal", "Router(config)#"),
        ("module csm 5", "Router(config-module-csm)#"),
        ("vlan 2 client", "Router(config-slb-vlan-client)#"),
        ("vlan 3 server", "Router(config-slb-vlan-server)#"),
        ("serverfarm F", "Router(config-slb-sfarm)#"),
        ("real 10.0.0.1", "Router(config-slb-real)#"),
        ("real 10.0.0.2", "Router(config-slb-real)#"),
        ("vserver V", "Router(config-slb-vserver)#"),
        ("inservice", "Router(config-slb-vserver)#"),
        ("exit", "Router(config-module-csm)#"),
        ("vlan", "Router(vlan)#"),
        ("exit", "Router(config-module-csm)#"),
        ("ft group 90 vlan 9", "Router(config-slb-ft)#"),
        ("interface eth0", "Router(config-if)#"),
        ("end", "Router#"),
        ("conf t", "Router(config)#"),
        ("hostname x\u{1a}", "Router#"),
    ] {
        session.line(line);
        assert_eq!(session.prompt("Router"), prompt, "after {line:?}");
    }
    assert_eq!(EditSession::new(Privilege::Reader).prompt("Router"), "Router>");
}

#[test]
fn a_change_comes_with_the_lines_that_lead_to_its_mode() {
    let mut session = at(&["conf t"]);
    assert_eq!(change(session.line("module csm 5")), (vec![], "module csm 5".to_owned()));
    let (context, line) = change(session.line("Router(config-module-csm)# serverfarm f ! farm"));
    assert_eq!((context.len(), line.as_str()), (1, "serverfarm f"), "without prompt and comment");
    session.line("real 10.0.0.1");
    let (context, line) = change(session.line("  weight 3"));
    assert_eq!(context, ["module csm 5", "serverfarm f", "real 10.0.0.1"]);
    assert_eq!(line, "weight 3");
    let (context, line) = change(session.line("no vserver V"));
    assert_eq!((context, line.as_str()), (vec!["module csm 5".to_owned()], "no vserver V"));
    assert_eq!(session.prompt(""), "(config-module-csm)#", "a line of an outer mode leaves");
}

#[test]
fn what_a_session_asks_for_is_what_the_whole_text_means() {
    let text = "module csm 5\n vlan 2 client\n  ip address 10.0.2.10 255.255.255.0\n vlan 3 server\n  \
                ip address 10.0.3.10 255.255.255.0\n serverfarm F\n  real 10.0.3.101\n   inservice\n \
                vserver V\n  virtual 10.0.2.30 tcp www\n  serverfarm F\n  inservice\n vlan\n  vlan 7\n  \
                vlan 8\n ft group 90 vlan 9\n  priority 30\nhostname box\nend\n";
    let whole = merge(&Configuration::default(), text, "whole").unwrap().configuration;
    let mut session = at(&["conf t"]);
    let mut one_by_one = Configuration::default();
    for line in text.lines() {
        let step = session.line(line);
        if step == Step::Nothing {
            continue;
        }
        let (context, line) = change(step);
        let lines = context.join("\n") + "\n" + &line;
        let merged = merge(&one_by_one, &lines, "change");
        one_by_one = merged.unwrap_or_else(|e| panic!("{lines}: {e:?}")).configuration;
    }
    assert_eq!(one_by_one, whole);
}

#[test]
fn the_vlan_database_takes_effect_when_it_is_left() {
    let mut session = at(&["conf t", "module csm 5", "vlan"]);
    assert_eq!(session.line("Router(vlan)# vlan 2"), Step::Nothing);
    assert_eq!(session.line("vlan 3"), Step::Nothing);
    let Step::Change { context, line, said } = session.line("exit") else { panic!("no change") };
    assert_eq!(context, ["module csm 5", "vlan"]);
    assert_eq!(line, "vlan 2\nvlan 3");
    assert_eq!(said, Some("APPLY completed.\nExiting...."));
    session.line("vlan");
    assert_eq!(session.line("exit"), Step::Say("APPLY completed.\nExiting....".to_owned()));
    session.line("vlan");
    session.line("vlan 7");
    let (context, line) = change(session.line("ft group 90 vlan 9"));
    assert_eq!(context, ["module csm 5"]);
    assert_eq!(line, "vlan\nvlan 7\nft group 90 vlan 9", "left by a line of the mode around it");
    assert_eq!(session.prompt(""), "(config-slb-ft)#");
    session.line("exit");
    session.line("vlan");
    session.line("vlan 8");
    session.line("\u{1a}");
    session.line("conf t");
    session.line("module csm 5");
    assert_eq!(session.line("exit"), Step::Nothing, "Ctrl-Z has given it up");
}

#[test]
fn exec_commands_work_in_every_mode() {
    let mut session = at(&["conf t", "module csm 5", "vserver V"]);
    let shows = |step| {
        let Step::Exec(line) = step else { panic!("{step:?}") };
        line.command
    };
    let all = ExecCommand::Show(Show::Modules);
    assert_eq!(shows(session.line("show module csm all")), all);
    assert_eq!(shows(session.line("do show module csm all | include x|y")), all);
    assert_eq!(session.prompt(""), "(config-slb-vserver)#");
    let terminal = ExecCommand::Configure(Configure::Terminal { revert: None });
    assert_eq!(shows(session.line("Router# configure terminal")), terminal);
    assert_eq!(session.prompt(""), "(config)#");
    session.line("exit");
    assert_eq!(shows(session.line("exit")), ExecCommand::Session(Session::Leave));
    assert_eq!(session.line("end"), Step::Nothing);
}

#[test]
fn errors_are_those_of_ios_with_the_caret_under_the_word() {
    let mut session = at(&["conf t", "module csm 5"]);
    let invalid = "% Invalid input detected at '^' marker.\n";
    //      Router(config-module-csm)#vlan 2 cleint
    let caret = " ".repeat(26 + 7) + "^\n";
    assert_eq!(error(&mut session, "vlan 2 cleint"), caret + invalid);
    assert_eq!(error(&mut session, "ft group 90"), "% Incomplete command.\n");
    assert_eq!(error(&mut session, "v 7"), "% Ambiguous command:  \"v 7\"\n");
    assert_eq!(error(&mut session, "no"), "% Incomplete command.\n");
    let caret = " ".repeat(26) + "^\n";
    assert_eq!(error(&mut session, "frobnicate 3"), caret.clone() + invalid);
    let lacking = "% \"ping\" is not available in this release.\n";
    assert_eq!(error(&mut session, "ping 10.0.0.1"), caret + lacking);
    let mut session = at(&[]);
    assert_eq!(error(&mut session, "vlan 2"), "       ^\n".to_owned() + invalid);
    assert_eq!(error(&mut session, "\tshow\tfoo"), "             ^\n".to_owned() + invalid);
}

#[test]
fn one_who_may_only_look_may_not_configure() {
    let mut session = EditSession::new(Privilege::Reader);
    let invalid = "       ^\n% Invalid input detected at '^' marker.\n";
    for line in ["configure terminal", "write memory", "reload daemon"] {
        assert_eq!(error(&mut session, line), invalid, "{line}");
    }
    assert!(matches!(session.line("show module csm all"), Step::Exec(_)));
    assert!(!session.help("").contains("configure"));
    assert!(session.help("").contains("show"));
    session.set_privilege(Privilege::Administrator);
    assert!(matches!(session.line("configure terminal"), Step::Exec(_)));
    session.set_privilege(Privilege::Reader);
    assert_eq!(session.prompt("Router"), "Router>");
}

#[test]
fn pasted_transcripts_are_understood() {
    let mut session = at(&["Router# configure terminal"]);
    for nothing in [
        "Enter configuration commands, one per line.  End with CNTL/Z.",
        "! a comment",
        "%CSM_SLB-6-REDUNDANCY_INFO:Module 5 FT info:Active:Bulk sync started",
        "Building configuration...",
        "[OK]",
        "Router(config)#",
        "   ",
    ] {
        assert_eq!(session.line(nothing), Step::Nothing, "{nothing}");
    }
    session.line("Router(config)# module csm 5");
    session.line("Router(config-module-csm)# vlan 3 server");
    let (context, line) =
        change(session.line("Router(config-slb-vserver)# alias 10.5.0.1 255.255.0.0"));
    assert_eq!((context.len(), line.as_str()), (2, "alias 10.5.0.1 255.255.0.0"));
    let (context, line) = change(session.line("Router(config-slb-vlan-server) vlan 9"));
    assert_eq!((context.len(), line.as_str()), (1, "vlan 9"), "the prompt has no mark");
    session.line("Router(config-module-csm) # ft group 90 vlan 9");
    assert_eq!(change(session.line("Router(config-slbf-ft)# priority 20")).0.len(), 2);
    session.line("Router(config)# vlan 71");
    assert_eq!(
        session.prompt(""),
        "(config-vlan)#",
        "the prompt tells that it is not the module's"
    );
}

#[test]
fn a_mask_that_a_page_has_wrapped_belongs_to_the_line_before() {
    let mut session = at(&["conf t", "module csm 5", "vlan 2 client"]);
    let cut = "ip addr 192.158.38.10 255.255.255.0 alt 192.158.38.40";
    assert_eq!(error(&mut session, cut), "% Incomplete command.\n");
    assert_eq!(change(session.line("255.255.255.0")).1, format!("{cut} 255.255.255.0"));
    assert!(matches!(session.line("255.255.255.0"), Step::Error(_)));
}

#[test]
fn a_question_mark_behind_a_blank_explains_what_may_follow() {
    let session = at(&["conf t", "module csm 5", "ft group 90 vlan 9"]);
    assert_eq!(session.help("failover "), "  <1-65535>  Seconds\n  msec       In milliseconds\n");
    assert_eq!(session.help("priority 3 "), "  alt   Priority of the other box\n  <cr>\n");
    assert_eq!(session.help("pre"), "preempt\n");
    assert_eq!(session.help("p"), "preempt  priority\n");
    assert_eq!(session.help("nonsense "), "% Unrecognized command\n");
    assert_eq!(session.help("p "), "% Ambiguous command:  \"p \"\n");
    assert_eq!(session.help("do show clo"), "clock\n");
    let all = session.help("");
    assert!(all.starts_with("SLB fault tolerance config commands:\n  do "), "{all}");
    assert!(all.contains("\n  exit            Leave this mode\n"), "{all}");
}

#[test]
fn a_question_mark_helps_with_what_is_behind_a_bar() {
    let session = at(&[]);
    assert_eq!(session.help("show mod"), "module\n");
    assert_eq!(session.help("show running-config "), "  |     Output modifiers\n  <cr>\n");
    let verbs = session.help("show running-config | ");
    assert!(verbs.starts_with("  begin    Begin with the first line that matches\n"), "{verbs}");
    assert_eq!(session.help("show running-config | inc"), "include\n");
    assert_eq!(session.help("show running-config | include "), "  LINE  Regular expression\n");
    assert_eq!(session.help("show running-config | json "), "  <cr>\n");
    assert_eq!(session.help("write memory | "), "% Unrecognized command\n");
}

#[test]
fn tab_completes_words_and_only_words() {
    let session = at(&["conf t", "module csm 5"]);
    assert_eq!(session.complete("vs"), ["vserver"]);
    assert_eq!(session.complete("v"), ["variable", "vlan", "vserver"]);
    assert_eq!(session.complete("vlan 2 c"), ["client"]);
    assert_eq!(session.complete("vlan "), Vec::<String>::new());
    assert_eq!(session.complete("interf"), ["interface"], "a command of an outer mode");
    assert_eq!(session.complete("do sh"), ["show"]);
    assert_eq!(session.complete("show run | inc"), ["include"]);
    assert!(session.complete("nothing of the kind").is_empty());
    assert!(session.complete("").contains(&"serverfarm".to_owned()));
}
