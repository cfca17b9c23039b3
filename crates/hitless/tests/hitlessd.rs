//! The real daemon with a real module, in a network namespace of the test's own: what it makes, what
//! it repairs, what it refuses, and that it leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hitless::api::client;
use hitless::api::types::Ready;
use hitless::names::Names;
use hitless::netlink::{Netlink, VethEnd, netns, sysctl};
use hitless_model::{Mac, Slot};
use rustix::process::{Pid, Signal, kill_process};

const CONFIGURATION: &str = "\
hostname chasA
interface eth2
 switchport access vlan 2
module csm 4
 vlan 2 client
  ip address 10.6.0.245 255.255.255.0
  gateway 10.6.0.1
 vlan 3 server
  ip address 10.5.0.245 255.255.255.0
 serverfarm FARM
  real 10.5.0.11
   inservice
 vserver WEB
  virtual 10.9.9.9 tcp 80
  serverfarm FARM
  inservice
";

/// A place for one daemon: its files, its interfaces, and whatever processes it leaves behind.
struct Place {
    folder: PathBuf,
    names: Names,
    runtime: tokio::runtime::Runtime,
    daemon: Option<Child>,
}

impl Place {
    /// To be called inside the test's namespace.
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hitlessd-{test}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("state")).unwrap();
        std::fs::write(folder.join("chassis.conf"), CONFIGURATION).unwrap();
        let names = Names::new(&folder.join("state")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder, names, runtime, daemon: None }
    }

    fn configure(&self, text: &str) {
        std::fs::write(self.folder.join("chassis.conf"), text).unwrap();
    }

    /// Makes eth2, whose far end is called wire.
    fn wire(&self) {
        self.runtime.block_on(async {
            let here = File::open("/proc/thread-self/ns/net").unwrap();
            let mac = Mac([6, 0, 0, 0, 0, 9]);
            let far = VethEnd { name: "wire", mac, namespace: here.as_fd() };
            Netlink::connect().unwrap().create_veth("eth2", far).await.unwrap();
        });
    }

    fn links(&self) -> BTreeSet<String> {
        self.runtime.block_on(async {
            let links = Netlink::connect().unwrap().links().await.unwrap();
            links.into_iter().map(|link| link.name).collect()
        })
    }

    fn delete(&self, name: &str) {
        self.runtime.block_on(async {
            let netlink = Netlink::connect().unwrap();
            let link = netlink.link(name).await.unwrap().unwrap();
            netlink.delete_link(link.index).await.unwrap();
        });
    }

    /// The bridge that an interface is a port of.
    fn bridge_of(&self, name: &str) -> Option<String> {
        self.runtime.block_on(async {
            let links = Netlink::connect().unwrap().links().await.unwrap();
            let master = links.iter().find(|link| link.name == name)?.master?;
            links.into_iter().find(|link| link.index == master).map(|link| link.name)
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hitlessd"));
        command.arg("--config").arg(self.folder.join("chassis.conf"));
        command.arg("--state-dir").arg(self.folder.join("state"));
        command.arg("--socket").arg(self.folder.join("hitless.sock"));
        command
    }

    /// Starts the daemon and waits until it is ready.
    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let ready = self.log().matches(": ready on ").count() + 1;
        self.daemon = Some(self.command().stderr(log).spawn().unwrap());
        self.wait_for("the daemon is ready", || {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
            log.matches(": ready on ").count() == ready
        });
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs a daemon that is expected to end by itself.
    fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    /// The module's process, once it is at work.
    fn module(&self) -> u32 {
        let socket = self.names.module_socket(slot());
        self.runtime.block_on(async {
            for _ in 0..500 {
                match client::get::<Ready>(&socket, "/v1/ready").await {
                    Ok(Ready { configured: true, pid }) => return pid,
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
            panic!("no module came to work:\n{}", self.log());
        })
    }

    fn wait_for(&self, what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < Duration::from_secs(20), "not: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the daemon by a signal and says whether it ended well.
    fn end(&mut self, signal: Signal) -> bool {
        let mut daemon = self.daemon.take().unwrap();
        send(daemon.id(), signal);
        daemon.wait().unwrap().success()
    }

    /// Everything with one of this daemon's names that is left.
    fn left(&self) -> Vec<PathBuf> {
        let names = &self.names;
        let files = [
            names.namespace_path(slot()),
            names.pins(),
            names.module_socket(slot()),
            names.module_pid(slot()),
            self.folder.join("hitless.sock"),
        ];
        files.into_iter().filter(|file| file.exists()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _gone_already = daemon.kill();
            let _gone_already = daemon.wait();
        }
        let pid = std::fs::read_to_string(self.names.module_pid(slot())).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            send(pid, Signal::KILL);
        }
        let _gone_already = netns::remove(&self.names.namespace_path(slot()));
        let _gone_already = std::fs::remove_dir_all(self.names.pins());
        let _gone_already = std::fs::remove_dir_all(&self.folder);
    }
}

fn slot() -> Slot {
    Slot::try_from(4).unwrap()
}

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    let _gone_already = kill_process(pid, signal);
}

/// A process that has ended and waits to be reaped has no program any more.
fn is_alive(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

/// Runs a test in a network namespace of its own.
fn in_own_namespace(name: &str, test: impl FnOnce(Place) + Send) {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test runs the daemon in network namespaces: run it as root, through sudo"
    );
    netns::run_in_new(|| test(Place::new(name))).unwrap();
}

#[test]
fn what_it_makes_is_complete_repaired_and_gone_at_the_end() {
    in_own_namespace("life", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        assert_eq!(place.bridge_of("eth2").as_deref(), Some("vlan2"));
        assert_eq!(place.left().len(), 5, "what is looked for at the end is there before");

        let module = place.module();
        place.delete("vlan2");
        place.wait_for("eth2 is back", || place.bridge_of("eth2").as_deref() == Some("vlan2"));
        assert_eq!(place.module(), module, "the module lived through it");

        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
        assert!(!is_alive(module));
    });
}

#[test]
fn a_module_that_is_killed_is_started_again_at_once() {
    in_own_namespace("killed", |mut place| {
        place.wire();
        place.start();
        let first = place.module();
        let begun = Instant::now();
        send(first, Signal::KILL);
        place.wait_for("another process", || !is_alive(first));
        let second = place.module();
        assert_ne!(first, second);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn a_module_outlives_its_supervisor_and_is_adopted_by_the_next() {
    in_own_namespace("adopted", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        assert_eq!(place.module(), module, "it works on");
        place.start();
        assert_eq!(place.module(), module, "no second one was started");

        // Adopted or not, it is kept: the next one is a child again.
        send(module, Signal::KILL);
        place.wait_for("the adopted one is gone", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn what_a_crash_left_behind_is_taken_over_even_by_another_configuration() {
    in_own_namespace("crash", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        send(module, Signal::KILL);
        place.wait_for("the module is gone", || !is_alive(module));
        place.configure(&CONFIGURATION.replace("vlan 3 server", "vlan 5 server"));
        place.start();
        assert!(!place.links().contains("vlan3"), "{:?}", place.links());
        assert!(place.links().contains("vlan5"));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn an_adopted_module_with_another_configuration_makes_way() {
    in_own_namespace("changed", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        place.configure(&CONFIGURATION.replace("real 10.5.0.11", "real 10.5.0.12"));
        place.start();
        assert_ne!(place.module(), module);
        assert!(!is_alive(module));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_second_signal_does_not_wait_for_a_module_that_hangs() {
    in_own_namespace("hurry", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        send(module, Signal::STOP);
        let daemon = place.daemon.as_ref().unwrap().id();
        send(daemon, Signal::TERM);
        place.wait_for("it stops", || place.log().contains("stopping"));
        let begun = Instant::now();
        assert!(place.end(Signal::INT));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(!is_alive(module));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_namespace_removed_by_hand_is_made_again_with_a_module_in_it() {
    in_own_namespace("unmounted", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        netns::remove(&place.names.namespace_path(slot())).unwrap();
        place.wait_for("the old module leaves", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(netns::exists(&place.names.namespace_path(slot())));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

/// A start that fails: the sentence it says, and nothing left behind.
fn refused(place: &Place, sentence: &str) {
    let before = place.links();
    let output = place.run();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap().trim_end(), sentence);
    assert_eq!(place.links(), before);
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

#[test]
fn an_interface_that_does_not_exist_is_named_and_nothing_is_made() {
    in_own_namespace("missing", |place| {
        refused(&place, "hitlessd: interface eth2: there is no such network device");
    });
}

#[test]
fn a_module_that_cannot_start_takes_everything_back() {
    in_own_namespace("refuses", |place| {
        place.wire();
        let before = place.links();
        // Where a map belongs, there is a folder.
        std::fs::create_dir_all(place.names.module_pins(slot()).join("REAL_ADDRS")).unwrap();
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("hitlessd: module csm 4: "), "{said}");
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_bridge_of_somebody_else_is_left_alone() {
    in_own_namespace("foreign", |place| {
        place.wire();
        place.runtime.block_on(async {
            let mac = Mac([6, 0, 0, 0, 0, 7]);
            Netlink::connect().unwrap().create_bridge("vlan3", mac).await.unwrap();
        });
        refused(&place, "hitlessd: VLAN 3: a device vlan3 exists and is not ours");
    });
}

#[test]
fn two_daemons_do_not_share_a_vlan_or_a_state_directory() {
    in_own_namespace("first", |mut first| {
        first.wire();
        first.start();
        let pid = first.daemon.as_ref().unwrap().id();
        let output = first.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("another hitlessd (process {pid}) uses it")), "{said}");

        let second = Place::new("second");
        second.configure("vlan 3\n");
        let tag = first.names.tag();
        refused(&second, &format!("hitlessd: VLAN 3: vlan3 is used by another hitlessd ({tag})"));
        assert!(first.end(Signal::TERM));
    });
}

#[test]
fn without_ipv6_it_says_so() {
    in_own_namespace("ipv6", |place| {
        place.wire();
        sysctl::write("net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("hitlessd: IPv6 is disabled on this host"), "{said}");
        assert_eq!(said.lines().count(), 1);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_bad_configuration_is_refused_before_anything_else() {
    in_own_namespace("bad", |place| {
        place.configure("vlan 2\nvlam 3\n");
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("chassis.conf:2:"), "{said}");
        assert_eq!(place.left(), Vec::<PathBuf>::new());
        let check = |place: &Place| place.command().arg("--check").stderr(Stdio::null()).status();
        assert_eq!(check(&place).unwrap().code(), Some(1));
        place.configure(CONFIGURATION);
        assert_eq!(check(&place).unwrap().code(), Some(0));
    });
}
