//! hitless as a user would run it: two daemons with configurations, driven by their command line.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hitless::api::types::{Dataplane, FtState};
use hitless::names::Names;
use hitless_lab::network::{Network, Node};
use hitless_lab::{process, system};
use hitless_model::{Role, Slot};
use hitless_plane::MapUse;
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::core_time::Work;
use super::ground::Wiring;
use super::steer::{self, BOX, OTHERS};

const SLOT: u8 = 5;
const STARTING: Duration = Duration::from_secs(20);
const STOPPING: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(50);

/// Which hook an attached device is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookWord {
    /// The driver's.
    Xdp,
    /// Traffic control's.
    Tc,
}

/// Whether the virtual servers' connections are told to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replicate {
    /// They are.
    Yes,
    /// They are not: what there would be without a peer.
    No,
}

/// How long connections without a packet are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lives {
    /// As usual, in a table of the usual size.
    Long,
    /// As short as possible, in a table that holds more than a million.
    Short,
    /// As usual, in such a table.
    Many,
}

/// A pair; the first of the two is the box under test.
pub(crate) struct Pair {
    boxes: Vec<Daemon>,
    folder: PathBuf,
}

struct Daemon {
    host: &'static str,
    child: Child,
    names: Names,
    folder: PathBuf,
}

impl Pair {
    /// Starts both and waits until the first is active and the second holds what it holds.
    pub(crate) fn start(
        network: &Network,
        wiring: Wiring,
        how: (HookWord, Replicate, Lives),
    ) -> Result<Self> {
        let name = format!("hitless-bench-{}", std::process::id());
        let mut pair = Self { boxes: Vec::new(), folder: std::env::temp_dir().join(name) };
        for (number, core) in [(0, BOX), (1, OTHERS)] {
            let text = configuration(number, (number == 0).then_some(wiring), how);
            let host = ["box-a", "box-b"][number];
            let daemon = steer::on_core(core, || {
                Daemon::start(host, network.node(host)?, &pair.folder.join(host), &text)
            })?;
            pair.boxes.push(daemon);
            let role = [Role::Active, Role::Standby][number];
            pair.boxes[number].wait_for(|ft| ft.status.role == role)?;
        }
        pair.boxes[0].wait_for(|ft| ft.status.in_step && ft.status.peer.is_some())?;
        Ok(pair)
    }

    /// The peer stops and forgets everything.
    pub(crate) fn stop_peer(&mut self) -> Result<()> {
        self.boxes.get_mut(1).context("a peer")?.stop();
        Ok(())
    }

    /// The peer starts again.
    pub(crate) fn start_peer(&mut self, network: &Network) -> Result<()> {
        let peer = self.boxes.get_mut(1).context("a peer")?;
        let (host, folder) = (peer.host, peer.folder.clone());
        let text = std::fs::read_to_string(folder.join("hitless.conf"))?;
        *peer =
            steer::on_core(OTHERS, || Daemon::start(host, network.node(host)?, &folder, &text))?;
        Ok(())
    }

    /// Waits until the peer holds everything.
    pub(crate) fn await_step(&mut self) -> Result<()> {
        let first = self.boxes.first_mut().context("a box")?;
        first.wait_for(|ft| ft.status.in_step && ft.status.peer.is_some())
    }

    /// Octets of kernel memory for each connection: both directions, tables of the size that they have.
    pub(crate) fn memory_per_connection(&self) -> Result<f64> {
        let first = self.boxes.first().context("a box")?;
        let text = first.command(&format!("show module csm {SLOT} dataplane | json"))?;
        let plane: Dataplane = serde_json::from_str(&text)?;
        let main = plane.plane.maps.iter().filter(|map| map.name.starts_with("CONN_"));
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let each = |map: &MapUse| map.octets.map(|octets| octets as f64 / f64::from(map.room));
        main.map(each).sum::<Option<f64>>().context("the kernel does not tell what maps take")
    }

    /// The namespace of the box's module.
    pub(crate) fn module(&self) -> Result<File> {
        let daemon = self.boxes.first().context("the pair has a first box")?;
        let path = daemon.names.namespace_path(slot()?);
        File::open(&path).with_context(|| path.display().to_string())
    }

    /// What each box's processes have done so far, the box under test first.
    pub(crate) fn work(&self) -> Result<Vec<Work>> {
        self.boxes.iter().map(Daemon::work).collect()
    }

    /// Where the maps of both are pinned.
    pub(crate) fn pins(&self) -> Result<Vec<PathBuf>> {
        self.boxes.iter().map(|daemon| Ok(daemon.names.module_pins(slot()?))).collect()
    }

    /// What both say of themselves, for whoever looks for the cause of a failure.
    pub(crate) fn say(&self) -> String {
        let lines = ["ft detail", "stats", "dataplane"];
        let said = self.boxes.iter().flat_map(|daemon| {
            lines.iter().map(|what| {
                let line = format!("show module csm {SLOT} {what}");
                let answer = daemon.command(&line).unwrap_or_else(|error| format!("{error:#}"));
                format!("{}> {line}\n{answer}\n", daemon.host)
            })
        });
        said.collect()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The standby first: nobody has to take over.
        for daemon in self.boxes.iter_mut().rev() {
            daemon.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Daemon {
    fn start(host: &'static str, node: &Node, folder: &Path, text: &str) -> Result<Self> {
        std::fs::create_dir_all(folder.join("state"))?;
        std::fs::write(folder.join("hitless.conf"), text)?;
        let log = File::create(folder.join("log"))?;
        let mut command = Command::new(program("hitlessd")?);
        command.arg("--config").arg(folder.join("hitless.conf"));
        command.arg("--state-dir").arg(folder.join("state"));
        command.arg("--socket").arg(folder.join("socket"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        system::die_with_parent(&mut command);
        let child = node.namespace.within(|| command.spawn().context("cannot start hitlessd"))?;
        let names = Names::new(&folder.join("state"))?;
        Ok(Self { host, child, names, folder: folder.to_owned() })
    }

    fn work(&self) -> Result<Work> {
        Work::of(&process::family(Pid::from_raw(self.child.id().cast_signed())))
    }

    fn command(&self, line: &str) -> Result<String> {
        let mut command = Command::new(program("hitless")?);
        command.arg("--socket").arg(self.folder.join("socket")).args(["-c", line]);
        let output = command.stdin(Stdio::null()).output().context("cannot start hitless")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{}: {}", self.host, said.trim());
        Ok(String::from_utf8(output.stdout)?)
    }

    fn wait_for(&mut self, holds: impl Fn(&FtState) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let answer = self.command(&format!("show module csm {SLOT} ft detail | json"));
            let ft = answer.and_then(|text| Ok(serde_json::from_str::<FtState>(&text)?));
            if ft.as_ref().is_ok_and(&holds) {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if start.elapsed() > STARTING || ended.is_some() {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("{} does not take its role: {ft:?}\n{log}", self.host);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// SIGTERM, and time to clean up; then force.
    fn stop(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let family = process::family(pid);
        let _ = kill(pid, Signal::SIGTERM);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < STOPPING {
            std::thread::sleep(PAUSE);
        }
        process::kill_all(&family);
        let _ = self.child.wait();
        process::reap(&family[1..]);
        // Errors mean that there is nothing to remove.
        if let Ok(slot) = slot() {
            let namespace = self.names.namespace_path(slot);
            let _ = umount2(&namespace, MntFlags::MNT_DETACH);
            let _ = std::fs::remove_file(&namespace);
        }
        let _ = std::fs::remove_dir_all(self.names.pins());
    }
}

/// A program that was built together with this one.
fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name(name);
    anyhow::ensure!(path.is_file(), "there is no {name} beside {}", own.display());
    Ok(path)
}

fn slot() -> Result<Slot> {
    Ok(Slot::try_from(u64::from(SLOT))?)
}

/// The configuration of one of the two. The peer's VLANs are bridged and have no traffic.
fn configuration(
    number: usize,
    wiring: Option<Wiring>,
    (hook, replicate, lives): (HookWord, Replicate, Lives),
) -> String {
    let hosts = [10, 11];
    let (own, other) = (hosts[number % 2], hosts[(number + 1) % 2]);
    let bridged =
        |port: &str, vlan: u8| format!("interface {port}\n switchport access vlan {vlan}\n");
    let is_attached = wiring == Some(Wiring::Direct);
    let attach =
        |port: &str| if is_attached { format!("  attach {port}\n") } else { String::new() };
    let ports = if is_attached {
        String::new()
    } else {
        bridged("eth-client", 2) + &bridged("eth-server", 3)
    };
    let hook = match (is_attached, hook) {
        (false, _) => "",
        (true, HookWord::Xdp) => " variable DATAPLANE_HOOK xdp\n",
        (true, HookWord::Tc) => " variable DATAPLANE_HOOK tc\n",
    };
    let (ft, client, server) = (bridged("eth-ft", 9), attach("eth-client"), attach("eth-server"));
    let mask = "255.255.255.0";
    let size = match lives {
        Lives::Long => "",
        Lives::Short | Lives::Many => " variable MAX_CONNECTIONS 1310720\n",
    };
    let servers = virtual_servers(replicate, lives);
    format!(
        "hostname box-{own}\nvlan 2,3,9\n{ports}{ft}module csm {SLOT}\n{hook}{size} vlan 2 client\n{client}  \
         ip address 192.158.38.{own} {mask} alt 192.158.38.{other} {mask}\n  gateway 192.158.38.20\n \
         vlan 3 server\n{server}  ip address 192.158.39.{own} {mask} alt 192.158.39.{other} {mask}\n  \
         alias 192.158.39.20 {mask}\n serverfarm FARM\n  nat server\n  real 192.158.39.101\n   \
         inservice\n{servers} ft group 90 vlan 9\n  priority {} alt {}\n  heartbeat-time msec 100\n  \
         failover msec 500\n",
        30 - own,
        30 - other,
    )
}

/// One for TCP and one for UDP.
fn virtual_servers(replicate: Replicate, lives: Lives) -> String {
    let replicate = match replicate {
        Replicate::Yes => "  replicate csrp connection\n",
        Replicate::No => "",
    };
    let idle = match lives {
        Lives::Long | Lives::Many => "",
        Lives::Short => "  idle 4\n",
    };
    let server = |protocol| {
        format!(
            " vserver {protocol}\n  virtual 192.158.38.30 {protocol} 80\n  serverfarm FARM\n\
             {idle}{replicate}  inservice\n"
        )
    };
    ["tcp", "udp"].map(server).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_would_take_all_of_them() {
        for wiring in [None, Some(Wiring::Direct), Some(Wiring::Bridged)] {
            for (number, how) in [
                (0, (HookWord::Xdp, Replicate::Yes, Lives::Long)),
                (1, (HookWord::Tc, Replicate::No, Lives::Short)),
            ] {
                let text = configuration(number, wiring, how);
                let configuration = hitless_config::parse(&text, "box").unwrap();
                assert!(hitless_config::validate(&configuration).is_empty(), "{text}");
            }
        }
    }
}
