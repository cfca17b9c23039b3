//! The rival: two routers that balance by nftables, and a conntrackd on each that tells the other one's
//! kernel of connections as they come (mode FT-FW, no external cache: nothing is committed at a takeover).
//!
//! The configuration follows the example that the package brings, with buffers, caches and queues larger than
//! any load here. Times after which the kernel forgets closed connections are as short as hitless's.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hitless_lab::namespace::Namespace;
use hitless_lab::network::Network;
use hitless_lab::system;
use hitless_lab::work::Work;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ctnetlink::Tracked;
use crate::forward::ground::{self, Keeper, MIRRORS, VIRTUAL, Wiring};
use crate::forward::steer::{self, BOX, OTHERS};
use crate::forward::udp::Aim;
use crate::forward::{direct_router_buffers, nft};

const PROGRAM: &str = "conntrackd";
const HOSTS: [&str; 2] = ["box-a", "box-b"];
const STARTING: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// Connections that a kernel holds here, and chains of its table.
const MOST: &str = "2097152";
const CHAINS: &str = "524288";
/// Settings of the whole machine, in its own namespace.
const GLOBAL: [(&str, &str); 2] = [("nf_conntrack_max", MOST), ("nf_conntrack_buckets", CHAINS)];
const SETTINGS: &str = "/proc/sys/net/netfilter";
/// States after the last segments, and seconds in them.
const CLOSING: [&str; 5] = ["close", "close_wait", "fin_wait", "last_ack", "time_wait"];

/// Whether the program is there.
pub(super) fn is_installed() -> bool {
    let mut probe = Command::new(PROGRAM);
    probe.arg("-v").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Two routers.
pub(super) struct Mirrors {
    // Before the network: the daemons end while their namespaces are there.
    daemons: [Daemon; 2],
    pub(super) network: Network,
    folder: PathBuf,
    _settings: Settings,
    /// The kernel's memory that is not given back, in kilobytes, and its connections, at the start.
    memory: (u64, u64),
}

struct Daemon {
    config: PathBuf,
    child: Option<Child>,
}

/// Settings of the machine that are put back.
struct Settings(Vec<(&'static str, String)>);

impl Settings {
    fn set() -> Result<Self> {
        let mut before = Vec::new();
        for (name, value) in GLOBAL {
            let path = Path::new(SETTINGS).join(name);
            let read = || fs::read_to_string(&path);
            before.push((name, read().with_context(|| path.display().to_string())?));
            fs::write(&path, value).with_context(|| path.display().to_string())?;
        }
        Ok(Self(before))
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        for (name, value) in &self.0 {
            let _ = fs::write(Path::new(SETTINGS).join(name), value.trim());
        }
    }
}

impl Mirrors {
    pub(super) fn start(forgets: bool) -> Result<Self> {
        let settings = Settings::set()?;
        let network = ground::build(Wiring::Direct, Keeper::Mirrored)?;
        let folder = std::env::temp_dir().join(format!("hitless-bench-ct-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        for host in HOSTS {
            prepare(&network.node(host)?.namespace, forgets).context(host)?;
        }
        direct_router_buffers(&network)?;
        let daemon = |number: usize| -> Result<Daemon> {
            let config = folder.join(format!("{}.conf", HOSTS[number]));
            fs::write(&config, configuration(number, &folder))?;
            Ok(Daemon { config, child: None })
        };
        let daemons = [daemon(0)?, daemon(1)?];
        let mut mirrors = Self { daemons, network, folder, _settings: settings, memory: (0, 0) };
        for number in [0, 1] {
            mirrors.begin(number)?;
        }
        mirrors.memory = (slab(), mirrors.count(0)?);
        Ok(mirrors)
    }

    pub(super) fn aim(&self) -> Result<Aim> {
        let namespace = self.namespace(0)?;
        let macs = (steer::mac(namespace, "eth-client")?, steer::mac(namespace, "eth-server")?);
        Ok(Aim { address: VIRTUAL.octets(), macs })
    }

    pub(super) fn work(&self) -> Result<Vec<Work>> {
        let one = |daemon: &Daemon| match &daemon.child {
            Some(child) => Work::of(&[Pid::from_raw(child.id().cast_signed())]),
            None => Ok(Work::default()),
        };
        self.daemons.iter().map(one).collect()
    }

    pub(super) fn entries(&self) -> Result<[u64; 2]> {
        Ok([self.count(0)?, self.count(1)?])
    }

    pub(super) fn look_at_peer(&self) -> Result<Tracked> {
        self.namespace(1)?.within(Tracked::open)
    }

    /// What the kernel's memory grew by since the start, for each connection of the box. Others use that
    /// memory too: with many connections that does not matter.
    pub(super) fn memory_per_connection(&self) -> Result<f64> {
        let (before, had) = self.memory;
        let all: u64 = self.entries()?.iter().sum();
        let connections = all.saturating_sub(had);
        ensure!(connections > 0, "there are no connections");
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let each = slab().saturating_sub(before) as f64 * 1024.0 / connections as f64;
        Ok(each)
    }

    pub(super) fn stop_peer(&mut self) -> Result<()> {
        self.control(1, "-F").context("cannot empty the peer's table")?;
        self.daemons[1].stop();
        Ok(())
    }

    pub(super) fn start_peer(&mut self) -> Result<()> {
        self.begin(1)?;
        self.control(1, "-n").context("the peer cannot ask for everything")
    }

    pub(super) fn say(&self) -> String {
        let log = |host: &&str| {
            let text = fs::read_to_string(self.folder.join(format!("{host}.log")));
            format!("{host}: {}", text.unwrap_or_default())
        };
        HOSTS.iter().map(log).collect()
    }

    fn namespace(&self, number: usize) -> Result<&Namespace> {
        Ok(&self.network.node(HOSTS[number])?.namespace)
    }

    fn count(&self, number: usize) -> Result<u64> {
        self.namespace(number)?.within(|| {
            let path = format!("{SETTINGS}/nf_conntrack_count");
            let text = fs::read_to_string(&path).with_context(|| path.clone())?;
            text.trim().parse().with_context(|| path.clone())
        })
    }

    /// Starts a daemon and waits until it answers.
    fn begin(&mut self, number: usize) -> Result<()> {
        let core = [BOX, OTHERS][number];
        let namespace = &self.network.node(HOSTS[number])?.namespace;
        let config = self.daemons[number].config.clone();
        let child = steer::on_core(core, || {
            let mut command = Command::new(PROGRAM);
            command.arg("-C").arg(&config);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            system::die_with_parent(&mut command);
            namespace.within(|| command.spawn().context("cannot start conntrackd"))
        })?;
        self.daemons[number].child = Some(child);
        let start = Instant::now();
        while let Err(error) = self.control(number, "-s") {
            if start.elapsed() > STARTING {
                return Err(error.context(self.say()));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Asks a running daemon for something.
    fn control(&self, number: usize, what: &str) -> Result<()> {
        let mut command = Command::new(PROGRAM);
        command.arg("-C").arg(&self.daemons[number].config).arg(what);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = self.namespace(number)?.within(|| Ok(command.status()?))?;
        if !status.success() {
            bail!("conntrackd {what}: {status}");
        }
        Ok(())
    }
}

impl Drop for Mirrors {
    fn drop(&mut self) {
        self.daemons.iter_mut().for_each(Daemon::stop);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Daemon {
    fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
        let start = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && start.elapsed() < STARTING {
            std::thread::sleep(PAUSE);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The kernel's part of a router: it balances, tracks, and forgets what is closed.
fn prepare(namespace: &Namespace, forgets: bool) -> Result<()> {
    nft::balance(namespace)?;
    let set = |name: &str, value: &str| {
        namespace.sysctl(&format!("netfilter/nf_conntrack_{name}"), value)
    };
    for state in CLOSING {
        set(&format!("tcp_timeout_{state}"), "10")?;
    }
    if forgets {
        set("tcp_timeout_established", "10")?;
    }
    // What the peer is told it has not seen itself.
    set("tcp_be_liberal", "1")
}

/// Kilobytes of kernel objects that cannot be given back.
fn slab() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("SUnreclaim:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn configuration(number: usize, folder: &Path) -> String {
    let (own, other): (Ipv4Addr, Ipv4Addr) = (MIRRORS[number], MIRRORS[1 - number]);
    let file = |end: &str| folder.join(format!("{}.{end}", HOSTS[number])).display().to_string();
    let (log, lock, socket) = (file("log"), file("lock"), file("ctl"));
    format!(
        "Sync {{\n Mode FTFW {{\n  ResendQueueSize 1048576\n  PurgeTimeout 60\n  ACKWindowSize 300\n  \
         DisableExternalCache On\n }}\n UDP {{\n  IPv4_address {own}\n  \
         IPv4_Destination_Address {other}\n  Port 3780\n  Interface eth-ft\n  \
         SndSocketBuffer 67108864\n  RcvSocketBuffer 67108864\n  Checksum on\n }}\n}}\n\
         General {{\n HashSize 524288\n HashLimit 2097152\n LogFile {log}\n Syslog off\n \
         LockFile {lock}\n UNIX {{\n  Path {socket}\n }}\n NetlinkBufferSize 67108864\n \
         NetlinkBufferSizeMaxGrowth 268435456\n Filter From Kernelspace {{\n  Protocol Accept {{\n   \
         TCP\n  }}\n  State Accept {{\n   ESTABLISHED CLOSED TIME_WAIT CLOSE_WAIT for TCP\n  }}\n }}\n}}\n"
    )
}
