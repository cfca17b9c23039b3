//! Two real daemons as a pair, a client and a real server in network namespaces of the test's own.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hitless::api::client;
use hitless::api::types::{FtState, Ready};
use hitless::names::Names;
use hitless::netlink::{Address, Netlink, Route, VethEnd, ethtool, netns};
use hitless_config::model::Subnet;
use hitless_model::{Mac, Role, Slot};
use rustix::process::{Pid, Signal, kill_process};

pub const VIRTUAL: &str = "10.9.2.80:80";
/// The client as it is known behind a gateway, which it is itself.
const FAR: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 100);
/// The client as it is known on its VLAN.
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 9, 2, 100);

pub fn slot() -> Slot {
    Slot::try_from(5).unwrap()
}

/// How the boxes' modules get their client and server VLANs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// By bridges.
    Bridged,
    /// By devices of their own, with this value of `DATAPLANE_HOOK`.
    Attached(&'static str),
}

pub fn configuration(host: u8, wiring: Wiring) -> String {
    let mut text = bridged(host);
    if let Wiring::Attached(hook) = wiring {
        for vlan in [2, 3] {
            let port = format!("interface eth{vlan}\n switchport access vlan {vlan}\n");
            text = text.replace(&port, "");
            let address = format!("  ip address 10.9.{vlan}.");
            text = text.replace(&address, &format!("  attach eth{vlan}\n{address}"));
        }
        // A veth has the kernel take what it was sent for one MAC for that, whatever a program in its
        // driver makes of it: the way to a client is only found if it is a gateway's.
        text = text.replace("  alias 10.9.2.1 ", "  gateway 10.9.2.100\n  alias 10.9.2.1 ");
        text = format!("{text} variable DATAPLANE_HOOK {hook}\n");
    }
    text
}

fn bridged(host: u8) -> String {
    let priority = 30 - 10 * host;
    format!(
        "hostname box{host}
interface eth2
 switchport access vlan 2
interface eth3
 switchport access vlan 3
interface eth9
 switchport access vlan 9
module csm 5
 vlan 2 client
  ip address 10.9.2.25{host} 255.255.255.0
  alias 10.9.2.1 255.255.255.0
 vlan 3 server
  ip address 10.9.3.25{host} 255.255.255.0
  alias 10.9.3.1 255.255.255.0
 ft group 90 vlan 9
  priority {priority}
 serverfarm FARM
  real 10.9.3.11
   inservice
 vserver WEB
  virtual 10.9.2.80 tcp 80
  serverfarm FARM
  replicate csrp connection
  inservice
"
    )
}

/// A network namespace that goes with the value.
pub struct Namespace(pub PathBuf);

impl Namespace {
    fn new(name: &str) -> Self {
        let name = format!("hitless-test-{}-{name}", std::process::id());
        let path = Path::new("/run/netns").join(name);
        netns::create(&path).unwrap();
        Self(path)
    }

    /// Connects an interface in it to the bridge of a VLAN in the test's own namespace.
    async fn connect(&self, here: &Netlink, name: &str, (host, vlan): (u8, u8)) -> (Netlink, u32) {
        let namespace = File::open(&self.0).unwrap();
        let far =
            VethEnd { name, mac: Mac([6, 0, 0, 0, host, vlan]), namespace: namespace.as_fd() };
        let near = format!("p{host}.{vlan}");
        here.create_veth(&near, far).await.unwrap();
        let bridge = here.link(&format!("br{vlan}")).await.unwrap().unwrap().index;
        let near = here.link(&near).await.unwrap().unwrap().index;
        here.set_master(near, Some(bridge)).await.unwrap();
        here.set_up(near).await.unwrap();
        let there = Netlink::connect_in(&self.0).unwrap();
        let index = there.link(name).await.unwrap().unwrap().index;
        there.set_up(index).await.unwrap();
        (there, index)
    }

    /// A host with one address, whose other end of the world is behind a gateway.
    async fn host(&self, here: &Netlink, place: (u8, u8), address: [u8; 4]) {
        let (there, index) = self.connect(here, "eth0", place).await;
        let subnet = Subnet { address: Ipv4Addr::from(address), prefix: 24 };
        there.add_address(Address { index, subnet }).await.unwrap();
        let gateway = Ipv4Addr::new(10, 9, place.1, 1);
        let network = Subnet { address: Ipv4Addr::new(10, 8, 0, 0), prefix: 15 };
        there.add_route(Route { network, gateway, index }).await.unwrap();
    }
}

impl Namespace {
    /// Another address, in no network that anybody is in.
    async fn second_address(&self, address: Ipv4Addr) {
        let there = Netlink::connect_in(&self.0).unwrap();
        let index = there.link("eth0").await.unwrap().unwrap().index;
        there.add_address(Address { index, subnet: Subnet { address, prefix: 32 } }).await.unwrap();
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _gone_already = netns::remove(&self.0);
    }
}

/// One box.
pub struct Chassis {
    pub namespace: Namespace,
    pub folder: PathBuf,
    pub names: Names,
    pub daemon: Option<Child>,
}

impl Chassis {
    fn new(test: &str, number: u8, wiring: Wiring) -> Self {
        let folder = format!("hitless-pair-{test}-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(folder.join("state")).unwrap();
        std::fs::write(folder.join("chassis.conf"), configuration(number, wiring)).unwrap();
        let names = Names::new(&folder.join("state")).unwrap();
        let namespace = Namespace::new(&format!("{test}{number}"));
        Self { namespace, folder, names, daemon: None }
    }

    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hitlessd"));
        command.arg("--config").arg(self.folder.join("chassis.conf"));
        command.arg("--state-dir").arg(self.folder.join("state"));
        command.arg("--socket").arg(self.folder.join("hitless.sock")).stderr(log);
        self.daemon = Some(netns::run_in(&self.namespace.0, || command.spawn()).unwrap().unwrap());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn kill_daemon(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    pub fn reload(&self) -> String {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hitless"));
        program.arg("--socket").arg(self.folder.join("hitless.sock"));
        let output = program.args(["-c", "reload daemon"]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{said}\n{}", self.log());
        said
    }
}

impl Drop for Chassis {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let pid = Pid::from_raw(daemon.id().cast_signed()).unwrap();
            let _gone_already = kill_process(pid, Signal::TERM);
            let _gone_already = daemon.wait();
        }
        let pid = std::fs::read_to_string(self.names.module_pid(slot())).unwrap_or_default();
        if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::KILL);
        }
        let _gone_already = netns::remove(&self.names.namespace_path(slot()));
        let _gone_already = std::fs::remove_dir_all(self.names.pins());
        let _gone_already = std::fs::remove_dir_all(&self.folder);
    }
}

/// Both boxes, the first of them active, and a connection that talks all the time.
pub struct Pair {
    pub runtime: tokio::runtime::Runtime,
    pub boxes: [Chassis; 2],
    pub client: Namespace,
    wiring: Wiring,
    server: Namespace,
}

impl Pair {
    /// To be called inside the test's namespace.
    fn new(test: &str, wiring: Wiring) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let boxes = [1, 2].map(|number| Chassis::new(test, number, wiring));
        let client = Namespace::new(&format!("{test}c"));
        let server = Namespace::new(&format!("{test}s"));
        runtime.block_on(async {
            let here = Netlink::connect().unwrap();
            for vlan in [2, 3, 9] {
                let name = format!("br{vlan}");
                here.create_bridge(&name, Mac([6, 0, 0, 0, 9, vlan])).await.unwrap();
                let index = here.link(&name).await.unwrap().unwrap().index;
                here.set_up(index).await.unwrap();
                for (chassis, number) in boxes.iter().zip(1..) {
                    let (name, place) = (format!("eth{vlan}"), (number, vlan));
                    chassis.namespace.connect(&here, &name, place).await;
                    if wiring == Wiring::Attached("xdp") && vlan != 9 {
                        // What a network card does by itself.
                        let far = format!("p{number}.{vlan}");
                        ethtool::set_receive_offload(&far).unwrap();
                        ethtool::complete_checksums(&far).unwrap();
                    }
                }
            }
            client.host(&here, (3, 2), [10, 9, 2, 100]).await;
            client.second_address(FAR).await;
            server.host(&here, (4, 3), [10, 9, 3, 11]).await;
        });
        echo(&server);
        let mut pair = Self { runtime, boxes, client, wiring, server };
        pair.boxes[0].start();
        pair.until("the first is active", |pair| pair.role(0) == Some(Role::Active));
        pair.boxes[1].start();
        pair.until("both are in step", |pair| pair.ft(0).is_some_and(|ft| ft.status.in_step));
        pair.until("the second is standby", |pair| pair.role(1) == Some(Role::Standby));
        pair
    }

    /// Where the real server is.
    pub fn server(&self) -> &Namespace {
        &self.server
    }

    pub fn ready(&self, which: usize) -> Option<Ready> {
        self.get(which, "/v1/ready")
    }

    pub fn ft(&self, which: usize) -> Option<FtState> {
        self.get::<Option<FtState>>(which, "/v1/ft").flatten()
    }

    pub fn role(&self, which: usize) -> Option<Role> {
        self.ft(which).map(|ft| ft.status.role)
    }

    pub fn get<T: serde::de::DeserializeOwned>(&self, which: usize, route: &str) -> Option<T> {
        let socket = self.boxes[which].names.module_socket(slot());
        self.runtime.block_on(async { client::get(&socket, route).await.ok() })
    }

    pub fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !condition(self) {
            let logs = self.boxes.each_ref().map(Chassis::log).join("\n\n");
            assert!(begun.elapsed() < Duration::from_secs(40), "not: {what}\n{logs}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Does something to the pair while a connection talks; the connection must live, and the roles
    /// must be what they were.
    pub fn under_traffic(&mut self, job: impl FnOnce(&mut Self)) {
        let changes = self.ft(1).unwrap().status.role_changes;
        self.while_talking(job);
        let logs = || self.boxes.each_ref().map(Chassis::log).join("\n\n");
        assert_eq!(self.role(0), Some(Role::Active), "{}", logs());
        assert_eq!(self.ft(1).unwrap().status.role_changes, changes, "{}", logs());
    }

    /// Does something to the pair while a connection talks, which must live.
    pub fn while_talking(&mut self, job: impl FnOnce(&mut Self)) {
        let from = if self.wiring == Wiring::Bridged { NEAR } else { FAR };
        let stream = netns::run_in(&self.client.0, || connect(from));
        let (stream, over, echoes) = (stream.unwrap(), AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let talker = scope.spawn(|| talk(&stream, &over, &echoes));
            let _ends = Ends(&over);
            let some_more = || {
                let now = echoes.load(Ordering::Relaxed);
                let begun = Instant::now();
                while echoes.load(Ordering::Relaxed) < now + 20 && !talker.is_finished() {
                    assert!(begun.elapsed() < Duration::from_secs(20), "no echo any more");
                    std::thread::sleep(Duration::from_millis(1));
                }
            };
            some_more();
            job(self);
            some_more();
            over.store(true, Ordering::Relaxed);
            talker.join().unwrap();
        });
    }
}

/// Tells the talker to end, also when the job fails: nobody else ends it then.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Connects to the virtual server from an address.
fn connect(from: Ipv4Addr) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(from, 0)).unwrap();
    connect(&socket, &VIRTUAL.parse::<SocketAddrV4>().unwrap()).unwrap();
    socket.into()
}

/// A server that says what it hears.
fn echo(namespace: &Namespace) {
    let listener = netns::run_in(&namespace.0, || TcpListener::bind("10.9.3.11:80").unwrap());
    let listener = listener.unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut octets = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut octets) {
                    if stream.write_all(&octets[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn talk(mut stream: &TcpStream, over: &AtomicBool, echoes: &AtomicU64) {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    while !over.load(Ordering::Relaxed) {
        let said = echoes.load(Ordering::Relaxed).to_be_bytes();
        let mut heard = [0; 8];
        stream.write_all(&said).unwrap();
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, said);
        echoes.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a test in a network namespace of its own.
pub fn in_own_namespace(name: &str, wiring: Wiring, test: impl FnOnce(Pair) + Send) {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test runs daemons in network namespaces: run it as root, through sudo"
    );
    netns::run_in_new(|| test(Pair::new(name, wiring))).unwrap();
}
