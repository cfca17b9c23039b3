//! The shell in a real pseudo-terminal, as a person uses it: keys that are answered at once, history,
//! pages, pastes, and what happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod person;
mod place;

use std::time::{Duration, Instant};

use person::Person;
use place::{Place, in_own_namespace};

/// The time that a person takes to read what is on the screen.
fn reading() {
    std::thread::sleep(Duration::from_millis(50));
}

/// A person before a daemon that runs.
fn sitting(name: &str, test: impl FnOnce(&mut Person, &Place) + Send) {
    sitting_before(name, 40, test);
}

fn sitting_before(name: &str, rows: u16, test: impl FnOnce(&mut Person, &Place) + Send) {
    in_own_namespace(name, |mut place| {
        place.wire();
        place.start();
        let mut person = Person::new(&place.folder.join("hitless.sock"), rows, 100);
        person.cursor_behind("chasA#");
        test(&mut person, &place);
    });
}

#[test]
fn a_question_mark_is_answered_without_enter_and_the_line_comes_back() {
    sitting("question", |person, _| {
        person.types("show mod?");
        person.sees("module");
        person.cursor_behind("chasA#show mod");
        assert!(person.screen().contains(&"chasA#show mod?".to_owned()));
        person.types("ule csm 4 ft | ?");
        person.until("filters", |person| person.screen().iter().any(|row| row.contains("include")));
        person.cursor_behind("chasA#show module csm 4 ft | ");
        // In the middle of a line: about what is before the cursor, and the cursor stays there.
        person.types("json\x01\x1bf?");
        person.cursor_behind("chasA#show");
        person.until("all of it", |person| {
            person.screen().last().is_some_and(|row| row == "chasA#show module csm 4 ft | json")
        });
    });
}

#[test]
fn tab_completes_a_word_that_is_the_only_one() {
    sitting("tab", |person, _| {
        person.types("sh\t");
        person.cursor_behind("chasA#show ");
        person.types("mod\tc\t4 vs\t");
        person.cursor_behind("chasA#show module csm 4 vservers ");
        person.types("\x15conf\tt\t\r");
        person.cursor_behind("chasA(config)#");
        person.types("mod\tcsm 4\r");
        person.cursor_behind("chasA(config-module-csm)#");
        // Before the first letter there is nothing to complete: an indented paste is no question.
        person.types("\t\tvser\t");
        person.cursor_behind("chasA(config-module-csm)#vserver ");
    });
}

#[test]
fn lines_typed_before_come_back_with_the_arrows() {
    sitting("history", |person, _| {
        person.enters("show clock", "chasA#");
        person.enters("show run | include ^hostname", "chasA#");
        person.types("\x1b[A");
        person.cursor_behind("chasA#show run | include ^hostname");
        person.types("\x10");
        person.cursor_behind("chasA#show clock");
        person.types("\x1b[B");
        person.cursor_behind("chasA#show run | include ^hostname");
        person.types("\x1b[B");
        person.cursor_behind("chasA#");
        person.enters("show history", "chasA#");
        let screen = person.screen();
        let at = screen.iter().position(|row| row == "chasA#show history").unwrap();
        let shown: Vec<&str> = screen[at + 1..at + 4].iter().map(|row| row.trim()).collect();
        assert_eq!(shown, ["show clock", "show run | include ^hostname", "show history"]);
    });
}

#[test]
fn a_long_text_is_paged() {
    sitting_before("pager", 10, |person, _| {
        person.types("show running-config\r");
        person.cursor_behind(" --More-- ");
        let first = person.screen();
        assert_eq!(first.len(), 10, "{first:?}");
        reading();
        person.types("\r");
        person.until("one line more", |person| person.screen()[0] == first[1]);
        person.cursor_behind(" --More-- ");
        reading();
        person.types(" ");
        person.until("a page more", |person| person.screen()[0] != first[1]);
        person.cursor_behind(" --More-- ");
        reading();
        person.types("q");
        person.cursor_behind("chasA#");
        assert!(!person.screen().iter().any(|row| row.contains("More")), "{:?}", person.screen());

        person.enters("terminal length 5", "chasA#");
        person.types("show running-config\r");
        person.cursor_behind(" --More-- ");
        reading();
        person.types("\x03");
        person.cursor_behind("chasA#");
        person.enters("terminal length 0", "chasA#");
        person.enters("show running-config", "chasA#");
        assert!(!person.screen().iter().any(|row| row.contains("More")));
    });
}

#[test]
fn control_keys_leave_lines_modes_and_the_shell() {
    sitting("keys", |person, place| {
        person.types("show nonsense\x03");
        person.sees("chasA#show nonsense^C");
        person.cursor_behind("chasA#");
        person.enters("configure terminal", "chasA(config)#");
        person.types("hostname never\x03");
        person.cursor_behind("chasA(config)#");
        person.enters("module csm 4", "chasA(config-module-csm)#");
        person.types("\x04");
        person.cursor_behind("chasA(config)#");
        // As in IOS, the line counts.
        person.types("hostname chasB\x1a");
        person.cursor_behind("chasB#");
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname chasB\n".into()));
        person.types("\x04");
        assert!(person.leaves().success());
    });
}

#[test]
fn exit_leaves_one_mode_after_the_other() {
    sitting("exit", |person, _| {
        person.enters("conf t", "chasA(config)#");
        person.enters("module csm 4", "chasA(config-module-csm)#");
        person.enters("vlan 2 client", "chasA(config-slb-vlan-client)#");
        person.enters("do show clock", "chasA(config-slb-vlan-client)#");
        person.enters("exit", "chasA(config-module-csm)#");
        person.enters("end", "chasA#");
        person.types("exit\r");
        assert!(person.leaves().success());
    });
}

#[test]
fn the_end_of_the_terminal_is_the_end_of_the_shell() {
    sitting("hangup", |person, _| {
        person.enters("conf t", "chasA(config)#");
        person.hangs_up();
        person.leaves();
    });
}

/// The chapter's example for the active box, and what its first task table adds, as printed.
const CHAPTER: &str = "\
Router# configure terminal
Enter configuration commands, one per line.  End with CNTL/Z.
Router(config)# module csm 5
Router(config-module-csm)# vlan 2 client
Router(config-slb-vlan-client)# ip addr 192.158.38.10 255.255.255.0 alt 192.158.38.40
255.255.255.0
Router(config-slb-vlan-client)# gateway 192.158.38.20
Router(config-slb-vlan-client)# exit
Router(config-module-csm)# vserver vip1
Router(config-slb-vserver)# virtual 192.158.38.30 tcp www
Router(config-module-csm)# inservice
Router(config-module-csm)# vlan 3 server
Router(config-slb-vlan-server)# ip addr 192.158.39.10 255.255.255.0 alt 192.158.39.30
255.255.255.0
Router(config-slb-vlan-server)# alias 192.158.39.20 255.255.255.0
Router(config-slb-vlan-server)# route 192.160.0.0 255.255.0.0 gateway 192.158.38.20
Router(config-slb-vlan-server) vlan 9
Router(config-module-csm)# ft group 90 vlan 9
Router(config-slb-ft)# priority 10 alt 15
Router(config-slb-ft)# end
";

/// What must run afterwards.
fn runs_as_the_chapter_says(place: &Place) {
    let running = |section: &str| place.exec(&format!("show run | section {section}")).1;
    let client = running("vlan 2 client");
    assert!(
        client.contains("ip address 192.158.38.10 255.255.255.0 alt 192.158.38.40 255.255.255.0"),
        "{client}"
    );
    assert!(client.contains("gateway 192.158.38.20"), "{client}");
    let server = running("vlan 3 server");
    assert!(server.contains("route 192.160.0.0 255.255.0.0 gateway 192.158.38.20"), "{server}");
    assert!(running("vserver VIP1").contains("inservice"), "{}", running("vserver VIP1"));
    place.wait_for("the box is active", || {
        place.exec("show module csm 5 ft").1.contains("This box is active")
    });
    let (_, ft) = place.exec("show module csm 5 ft");
    assert!(ft.starts_with("FT group 90, vlan 9\n"), "{ft}");
    assert!(ft.contains("priority 10, heartbeat 1, failover 3, preemption is off"), "{ft}");
}

/// A box with nothing on it but a name.
fn with_an_empty_box(name: &str, test: impl FnOnce(&mut Person, &Place) + Send) {
    in_own_namespace(name, |mut place| {
        place.configure("hostname Router\n");
        place.start();
        let mut person = Person::new(&place.folder.join("hitless.sock"), 200, 120);
        person.cursor_behind("Router#");
        test(&mut person, &place);
    });
}

#[test]
fn the_chapters_example_pasted_configures_a_box_that_runs() {
    with_an_empty_box("paste", |person, place| {
        person.types(&CHAPTER.replace('\n', "\r"));
        person.types("show clock\r");
        person.until("the end of the paste", |person| {
            let screen = person.screen();
            screen.iter().any(|row| row == "Router#show clock") && person.at_cursor() == "Router#"
        });
        let screen = person.screen();
        // Beside what the module had to do for a line.
        let is_error =
            |row: &&String| row.starts_with("% ") && !row.starts_with("% module csm 5: ");
        let errors: Vec<&String> = screen.iter().filter(is_error).collect();
        // A page has cut two lines: each is incomplete until the next one comes.
        assert_eq!(errors, ["% Incomplete command."; 2], "{screen:#?}");
        runs_as_the_chapter_says(place);
    });
}

#[test]
fn a_paste_that_the_terminal_brackets_is_read_line_by_line_too() {
    with_an_empty_box("bracketed", |person, place| {
        person.types(&format!("\x1b[200~{}\x1b[201~", CHAPTER.replace('\n', "\r")));
        person.until("the end of the paste", |person| {
            let screen = person.screen();
            screen.iter().any(|row| row.ends_with("# end")) && person.at_cursor() == "Router#"
        });
        runs_as_the_chapter_says(place);
    });
}

#[test]
fn a_paste_goes_on_behind_a_text_that_would_be_paged() {
    sitting_before("pasted", 10, |person, place| {
        person.types("show running-config\rconfigure terminal\rhostname pasted\rend\r");
        person.cursor_behind("pasted#");
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname pasted\n".into()));
    });
}

#[test]
fn a_long_paste_is_read_at_full_speed() {
    sitting("speed", |person, place| {
        let lines = " ! a remark that is not carried out\r".repeat(500);
        person.enters("configure terminal", "chasA(config)#");
        let begun = Instant::now();
        person.types(&lines);
        person.types("hostname quick\r");
        person.cursor_behind("quick(config)#");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname quick\n".into()));
    });
}

#[test]
fn a_key_is_answered_before_a_person_notices() {
    sitting("latency", |person, _| {
        person.enters("show clock", "chasA#");
        let mut typed = "chasA#".to_owned();
        let mut worst = Duration::ZERO;
        for key in "show module csm 4 vservers detail".chars() {
            let begun = Instant::now();
            person.types(&key.to_string());
            typed.push(key);
            person.cursor_behind(&typed);
            worst = worst.max(begun.elapsed());
        }
        let begun = Instant::now();
        person.types(" ?");
        person.cursor_behind(&format!("{typed} "));
        worst = worst.max(begun.elapsed());
        // Ten times the figure that is aimed at, for a machine that does other things too.
        assert!(worst < Duration::from_millis(200), "{worst:?}");
    });
}

#[test]
fn the_log_is_printed_above_the_line_that_is_being_typed() {
    sitting("monitor", |person, place| {
        person.enters("terminal monitor", "chasA#");
        person.types("show cl");
        person.cursor_behind("chasA#show cl");
        let (is_done, said) = place.exec_all(&["conf t", "hostname elsewhere", "end"]);
        assert!(is_done, "{said}");
        person.until("the message", |person| {
            person.screen().iter().any(|row| row.contains("%SYS-5-CONFIG_I"))
        });
        person.cursor_behind("chasA#show cl");
        person.enters("ock", "chasA#");
        person.enters("terminal no monitor", "chasA#");
        let seen = |person: &Person| {
            person.screen().iter().filter(|row| row.contains("%SYS-5-CONFIG_I")).count()
        };
        let before = seen(person);
        assert!(place.exec_all(&["conf t", "hostname once-more", "end"]).0);
        person.enters("show clock", "chasA#");
        assert_eq!(seen(person), before);
    });
}

#[test]
fn two_who_change_the_same_are_told_of_each_other() {
    sitting("conflict", |person, place| {
        person.enters("configure terminal", "chasA(config)#");
        assert!(place.exec_all(&["conf t", "vlan 77", "end"]).0);
        person.enters("hostname mine", "chasA(config)#");
        let screen = person.screen().join("\n");
        assert!(screen.contains("% The configuration was changed by root at "), "{screen}");
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname chasA\n".into()));
        person.enters("hostname mine", "mine(config)#");
        assert!(place.exec("show run | include vlan 77").0);
    });
}

#[test]
fn copy_asks_where_to_and_replace_shows_what_would_change() {
    sitting("asks", |person, place| {
        person.types("copy running-config startup-config\r");
        person.cursor_behind("Destination filename [startup-config]? ");
        person.types("\r");
        person.cursor_behind("chasA#");
        assert!(person.screen().ends_with(&["[OK]".to_owned(), "chasA#".to_owned()]));

        let file = place.folder.join("other.conf");
        let kept = format!("copy running-config {}", file.display());
        person.enters(&kept, "chasA#");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("hostname chasA", "hostname other")).unwrap();
        let replace = format!("configure replace {}", file.display());
        person.types(&format!("{replace}\r"));
        person.cursor_behind("Make these changes? [yes/no]: ");
        person.sees("-hostname chasA");
        person.sees("+hostname other");
        person.types("maybe\r");
        person.cursor_behind("Make these changes? [yes/no]: ");
        person.types("no\r");
        person.cursor_behind("chasA#");
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname chasA\n".into()));
        person.types(&format!("{replace}\r"));
        person.cursor_behind("Make these changes? [yes/no]: ");
        person.types("yes\r");
        person.cursor_behind("other#");
        // Over the file that is there now: asked first.
        person.types(&format!("{kept}\r"));
        person.until("a question", |person| person.at_cursor().ends_with("Replace it? [yes/no]: "));
        person.types("\x03");
        person.cursor_behind("other#");
        person.sees("% Nothing was written.");
    });
}

#[test]
fn a_line_longer_than_any_is_refused_whole() {
    sitting("long", |person, place| {
        person.enters("configure terminal", "chasA(config)#");
        person.types(&format!("hostname x{}\r", " ".repeat(1100)));
        person.until("a refusal", |person| {
            person.screen().iter().any(|row| row.starts_with("% The line is longer than"))
        });
        person.cursor_behind("chasA(config)#");
        assert_eq!(place.exec("show run | include ^hostname"), (true, "hostname chasA\n".into()));
    });
}

#[test]
fn a_daemon_that_stops_and_comes_back_is_only_an_error_meanwhile() {
    sitting("gone", |person, place| {
        let daemon = place.daemon.as_ref().unwrap().id();
        place::send(daemon, rustix::process::Signal::STOP);
        place.wait_for("the daemon stands still", || stands_still(daemon));
        person.types("show clock\r");
        std::thread::sleep(Duration::from_millis(100));
        // Nobody has to wait for an answer that does not come.
        person.types("\x03");
        person.sees("% Interrupted.");
        place::send(daemon, rustix::process::Signal::CONT);
        person.until("the name", |person| person.at_cursor() == "chasA#");
        person.enters("show run | include ^hostname", "chasA#");
        person.sees("hostname chasA");
    });
}

/// Whether every thread of a process is stopped.
fn stands_still(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}
