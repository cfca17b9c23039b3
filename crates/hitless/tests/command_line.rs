//! The contract of the `hitless` program where no person is at a terminal: what it prints where, and
//! its exit status. The daemon is the real one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod place;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use place::{Place, in_own_namespace};

/// What the module has to do for another VLAN.
const OTHER_VLANS: &str = "% module csm 4: begins another life in place: it has other VLANs\n";

fn hitless(place: &Place) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hitless"));
    program.arg("--socket").arg(place.folder.join("hitless.sock")).current_dir(&place.folder);
    program
}

/// Each as a `-c`.
fn commands(place: &Place, commands: &[&str]) -> Output {
    let mut program = hitless(place);
    for command in commands {
        program.args(["-c", command]);
    }
    program.output().unwrap()
}

/// All of it through a pipe.
fn piped(place: &Place, input: &[u8]) -> Output {
    let mut program = hitless(place);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let mut stdin = program.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        program.wait_with_output().unwrap()
    })
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

/// What a command printed that went well.
fn printed(place: &Place, lines: &[&str]) -> String {
    let output = commands(place, lines);
    assert!(output.status.success(), "{lines:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).to_owned()
}

fn started(name: &str, test: impl FnOnce(Place) + Send) {
    in_own_namespace(name, |mut place| {
        place.wire();
        place.start();
        test(place);
    });
}

#[test]
fn several_commands_are_printed_in_order_until_one_fails() {
    started("order", |place| {
        let show = "show running-config | include ^hostname";
        assert_eq!(printed(&place, &[show, show]), "hostname chasA\nhostname chasA\n");
        let output = commands(&place, &[show, "show nonsense", show]);
        assert_eq!(text(&output.stdout), "hostname chasA\n");
        let said = text(&output.stderr);
        assert!(
            said.starts_with("show nonsense\n     ^\n% Invalid input detected at '^'"),
            "{said}"
        );
        assert!(!output.status.success());
    });
}

#[test]
fn a_daemon_that_is_not_there_is_one_sentence() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hitless"));
    let socket = PathBuf::from(format!("/tmp/hitless-absent-{}.sock", std::process::id()));
    program.arg("--socket").arg(socket).args(["-c", "show clock", "-c", "show clock"]);
    let output = program.output().unwrap();
    let said = text(&output.stderr);
    assert!(said.starts_with("% cannot reach") && said.lines().count() == 1, "{said}");
    assert!(!output.status.success());
}

#[test]
fn several_commands_are_one_session() {
    started("session", |place| {
        let lines = ["configure terminal", "hostname chasB", "module csm 4", "vserver NEW"];
        let rest = ["virtual 10.9.9.8 tcp www", "end", "show running-config | section vserver NEW"];
        let output = printed(&place, &[&lines[..], &rest[..]].concat());
        assert_eq!(output, " vserver NEW\n  virtual 10.9.9.8 tcp www\n");
        assert_eq!(printed(&place, &["show run | include ^hostname"]), "hostname chasB\n");
    });
}

#[test]
fn a_pasted_transcript_is_a_script() {
    started("transcript", |place| {
        let transcript = b"\
Router# configure terminal
Enter configuration commands, one per line.  End with CNTL/Z.
Router(config)# module csm 4
Router(config-module-csm)# vlan 5 client
Router(config-slb-vlan-client)# ip addr 192.158.38.10 255.255.255.0 alt 192.158.38.40
255.255.255.0
Router(config-slb-vlan-client) # gateway 192.158.38.20
! a remark, and is this a question?
Router(config-slb-vlan-client)# end
Router# show running-config | section vlan 5 client
";
        let output = piped(&place, transcript);
        assert_eq!(text(&output.stderr), "");
        assert!(output.status.success());
        let expected = " vlan 5 client\n  ip address 192.158.38.10 255.255.255.0 alt 192.158.38.40 \
                        255.255.255.0\n  gateway 192.158.38.20\n";
        let printed = text(&output.stdout);
        assert_eq!(printed.strip_prefix(OTHER_VLANS), Some(expected), "{printed}");
    });
}

#[test]
fn a_wrong_line_of_a_pipe_is_told_by_number_and_the_others_are_carried_out() {
    started("wrong", |place| {
        let show = "show run | include ^hostname";
        let output =
            piped(&place, format!("{show}\nnonsense\nconf t\nhostname a.b_c!\n{show}").as_bytes());
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.starts_with("line 2:\nnonsense\n^\n% Invalid input"), "{said}");
        assert!(said.contains("line 4:\n"), "{said}");
        assert_eq!(text(&output.stdout), "hostname chasA\nhostname chasA\n");
    });
}

#[test]
fn a_line_that_was_cut_short_is_an_error_unless_its_rest_follows() {
    started("cut", |place| {
        for input in ["conf t\nmodule csm\n", "conf t\nmodule csm\nhostname b\n", "show\n\n"] {
            let output = piped(&place, input.as_bytes());
            assert!(text(&output.stderr).contains("% Incomplete command."), "{input}");
            assert!(!output.status.success(), "{input}");
        }
    });
}

#[test]
fn whatever_comes_through_a_pipe_is_refused_line_by_line() {
    started("noise", |place| {
        let mut input = b"conf t\n".to_vec();
        input.extend((0..=255_u8).filter(|octet| !matches!(octet, b'\n' | b'!' | b'%')));
        input.extend_from_slice("\nünïcödé 語\n".as_bytes());
        input.extend(std::iter::repeat_n(b'x', 1 << 20));
        input.extend_from_slice(b"\nshow run | include ^hostname\nhostname half-a-li");
        let output = piped(&place, &input);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let wrong: Vec<&str> = said.lines().filter(|line| line.starts_with("line ")).collect();
        assert_eq!(wrong, ["line 2:", "line 3:", "line 4:"], "{said}");
        assert!(said.len() < 1 << 14, "it says {} octets", said.len());
        assert_eq!(text(&output.stdout), "hostname chasA\n");
    });
}

#[test]
fn a_configuration_goes_to_a_file_and_back() {
    started("files", |place| {
        let key = ["conf t", "module csm 4", "ft group 90 vlan 9", "key-string opensesame"];
        printed(&place, &key);
        let said = printed(&place, &["copy running-config mine.conf"]);
        let file = place.folder.join("mine.conf");
        let kept = std::fs::read_to_string(&file).unwrap();
        assert_eq!(said, format!("{} bytes copied.\n", kept.len()));
        assert!(kept.contains("key-string opensesame"), "{kept}");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!printed(&place, &["show running-config"]).contains("opensesame"));

        std::fs::write(&file, kept.replace("hostname chasA", "hostname other")).unwrap();
        let output = commands(&place, &["configure replace mine.conf"]);
        assert!(!output.status.success());
        assert_eq!(text(&output.stdout), "-hostname chasA\n+hostname other\n");
        assert!(text(&output.stderr).contains("force"), "{}", text(&output.stderr));
        assert_eq!(printed(&place, &["show run | include ^hostname"]), "hostname chasA\n");
        printed(&place, &["configure replace mine.conf force"]);
        assert_eq!(printed(&place, &["show run | include ^hostname"]), "hostname other\n");
        let again = printed(&place, &["configure replace mine.conf"]);
        assert!(again.contains("no difference"), "{again}");

        std::fs::write(&file, "hostname third\nvlan 77\n").unwrap();
        printed(&place, &["copy mine.conf running-config"]);
        let running = printed(&place, &["show running-config"]);
        assert!(
            running.contains("hostname third\n") && running.contains("vserver WEB"),
            "{running}"
        );
        assert!(running.contains("77"), "{running}");
        std::fs::write(&file, "hostname fourth\nvlan 5000\n").unwrap();
        let output = commands(&place, &["copy mine.conf running-config"]);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.starts_with("mine.conf:2: % Invalid input"), "{said}");
        assert_eq!(printed(&place, &["show run | include ^hostname"]), "hostname third\n");
    });
}

#[test]
fn what_is_no_file_is_not_overwritten_and_not_read_for_ever() {
    started("nofile", |place| {
        std::fs::create_dir(place.folder.join("folder")).unwrap();
        for line in ["copy running-config folder", "copy running-config /dev/null"] {
            assert!(!commands(&place, &[line]).status.success(), "{line}");
        }
        for file in ["folder", "absent.conf", "/dev/zero"] {
            let output = commands(&place, &[&format!("copy {file} running-config")]);
            assert!(!output.status.success(), "{file}");
            assert!(text(&output.stderr).starts_with(&format!("% {file}: ")), "{file}");
        }
    });
}

#[test]
fn saving_is_told_as_ios_tells_it() {
    started("save", |place| {
        for line in ["write memory", "copy running-config startup-config", "wr"] {
            assert_eq!(printed(&place, &[line]), "Building configuration...\n[OK]\n", "{line}");
        }
    });
}

#[test]
fn who_cannot_open_the_administrators_socket_may_look() {
    started("reader", |place| {
        let readers = place.folder.join("hitless.sock-ro");
        std::fs::set_permissions(&readers, PermissionsExt::from_mode(0o666)).unwrap();
        let as_nobody = |line: &str| {
            // The program lies where only root may look.
            let program = place.folder.join("program");
            std::fs::copy(env!("CARGO_BIN_EXE_hitless"), &program).unwrap();
            let mut program = Command::new(program);
            program.arg("--socket").arg(place.folder.join("hitless.sock"));
            program.args(["-c", line]).uid(65534).gid(65534).output().unwrap()
        };
        let shown = as_nobody("show running-config | include ^hostname");
        assert_eq!(text(&shown.stdout), "hostname chasA\n", "{}", text(&shown.stderr));
        for line in ["configure terminal", "write memory", "enable", "reload daemon"] {
            let refused = as_nobody(line);
            assert!(!refused.status.success(), "{line}");
            assert!(text(&refused.stderr).contains('%'), "{line}");
        }
    });
}
