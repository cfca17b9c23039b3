//! A place for one daemon: its files, its interfaces, and whatever processes it leaves behind.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use hitless::api::client;
use hitless::api::types::Ready;
use hitless::names::Names;
use hitless::netlink::{Netlink, VethEnd, netns};
use hitless_model::{Mac, Slot};
use rustix::process::{Pid, Signal, kill_process};

/// What it runs with unless a test says otherwise.
pub const CONFIGURATION: &str = "\
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

/// A place for one daemon.
pub struct Place {
    pub folder: PathBuf,
    pub names: Names,
    pub runtime: tokio::runtime::Runtime,
    pub daemon: Option<Child>,
    /// The program to start.
    pub program: PathBuf,
    /// The service manager's socket.
    pub notify: Option<PathBuf>,
}

impl Place {
    /// To be called inside the test's namespace.
    pub fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hitlessd-{test}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("state")).unwrap();
        std::fs::write(folder.join("chassis.conf"), CONFIGURATION).unwrap();
        let names = Names::new(&folder.join("state")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            folder,
            names,
            runtime,
            daemon: None,
            program: env!("CARGO_BIN_EXE_hitlessd").into(),
            notify: None,
        }
    }

    pub fn configure(&self, text: &str) {
        std::fs::write(self.folder.join("chassis.conf"), text).unwrap();
    }

    /// Makes eth2, whose far end is called wire.
    pub fn wire(&self) {
        self.runtime.block_on(async {
            let here = File::open("/proc/thread-self/ns/net").unwrap();
            let mac = Mac([6, 0, 0, 0, 0, 9]);
            let far = VethEnd { name: "wire", mac, namespace: here.as_fd() };
            Netlink::connect().unwrap().create_veth("eth2", far).await.unwrap();
        });
    }

    pub fn links(&self) -> BTreeSet<String> {
        self.runtime.block_on(async {
            let links = Netlink::connect().unwrap().links().await.unwrap();
            links.into_iter().map(|link| link.name).collect()
        })
    }

    pub fn delete(&self, name: &str) {
        self.runtime.block_on(async {
            let netlink = Netlink::connect().unwrap();
            let link = netlink.link(name).await.unwrap().unwrap();
            netlink.delete_link(link.index).await.unwrap();
        });
    }

    /// The bridge that an interface is a port of.
    pub fn bridge_of(&self, name: &str) -> Option<String> {
        self.runtime.block_on(async {
            let links = Netlink::connect().unwrap().links().await.unwrap();
            let master = links.iter().find(|link| link.name == name)?.master?;
            links.into_iter().find(|link| link.index == master).map(|link| link.name)
        })
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        if let Some(socket) = &self.notify {
            command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", "2000000");
        }
        command.arg("--config").arg(self.folder.join("chassis.conf"));
        command.arg("--state-dir").arg(self.folder.join("state"));
        command.arg("--socket").arg(self.folder.join("hitless.sock"));
        command
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let ready = self.log().matches(": ready on ").count() + 1;
        self.daemon = Some(self.command().stderr(log).spawn().unwrap());
        self.wait_for("the daemon is ready", || {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
            log.matches(": ready on ").count() == ready
        });
    }

    /// Runs a command on the daemon: whether it went well, and what it said.
    pub fn exec(&self, command: &str) -> (bool, String) {
        self.exec_all(&[command])
    }

    /// Runs several commands in one session.
    pub fn exec_all(&self, commands: &[&str]) -> (bool, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hitless"));
        program.arg("--socket").arg(self.folder.join("hitless.sock"));
        program.args(commands.iter().flat_map(|command| ["-c", command]));
        let output = program.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs a daemon that is expected to end by itself.
    pub fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    /// The module's process, once it is at work.
    pub fn module(&self) -> u32 {
        self.ready().pid
    }

    /// The module, once it is at work.
    pub fn ready(&self) -> Ready {
        let socket = self.names.module_socket(slot());
        self.runtime.block_on(async {
            for _ in 0..500 {
                match client::get::<Ready>(&socket, "/v1/ready").await {
                    Ok(ready) if ready.configured => return ready,
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
            panic!("no module came to work:\n{}", self.log());
        })
    }

    pub fn wait_for(&self, what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < Duration::from_secs(20), "not: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the daemon by a signal and says whether it ended well.
    pub fn end(&mut self, signal: Signal) -> bool {
        let mut daemon = self.daemon.take().unwrap();
        send(daemon.id(), signal);
        daemon.wait().unwrap().success()
    }

    /// Everything with one of this daemon's names that is left.
    pub fn left(&self) -> Vec<PathBuf> {
        let names = &self.names;
        let files = [
            names.namespace_path(slot()),
            names.pins(),
            names.module_socket(slot()),
            names.module_pid(slot()),
            names.module_config(slot()),
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
        for slot in (Slot::MIN..=Slot::MAX).filter_map(|number| Slot::try_from(number).ok()) {
            let pid = std::fs::read_to_string(self.names.module_pid(slot)).unwrap_or_default();
            if let Ok(pid) = pid.trim().parse() {
                send(pid, Signal::KILL);
                let _gone_already = netns::remove(&self.names.namespace_path(slot));
            }
        }
        let _gone_already = std::fs::remove_dir_all(self.names.pins());
        let _gone_already = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn slot() -> Slot {
    Slot::try_from(4).unwrap()
}

pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    let _gone_already = kill_process(pid, signal);
}

/// A process that has ended and waits to be reaped has no program any more.
pub fn is_alive(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

/// Runs a test in a network namespace of its own.
pub fn in_own_namespace(name: &str, test: impl FnOnce(Place) + Send) {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test runs the daemon in network namespaces: run it as root, through sudo"
    );
    netns::run_in_new(|| test(Place::new(name))).unwrap();
}
