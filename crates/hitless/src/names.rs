//! Every global name of one daemon, derived from its state directory.
//!
//! Chassis may share the bpffs, /run/netns and the machine id; only the state directory is their
//! own. So namespaces, pin folders and interface names come from it. What other boxes see, MACs and
//! unit ids, comes from the machine id as well: the two boxes of a pair are usually installed alike,
//! with the same state directory.

use std::path::{Path, PathBuf};

use blake2::{Blake2s256, Digest};
use hitless_model::{Mac, Slot, UnitId, VlanId, abi::ABI_VERSION};

/// Where the kernel's BPF file system is expected.
pub const BPFFS: &str = "/sys/fs/bpf";
/// Where named network namespaces are mounted.
pub const NETNS: &str = "/run/netns";

/// Where the operating system keeps its machine id (machine-id(5)).
const MACHINE_ID: &str = "/etc/machine-id";

/// Names that belong to one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    state_dir: PathBuf,
    /// Of the state directory: tells daemons of one machine apart.
    hash: [u8; 8],
    /// Of machine and state directory: tells daemons of all machines apart.
    identity: [u8; 8],
}

impl Names {
    /// Names for an existing state directory.
    ///
    /// # Errors
    /// When the directory's canonical path cannot be found.
    pub fn new(state_dir: &Path) -> std::io::Result<Self> {
        // A machine without an id still has its state directory.
        let machine = std::fs::read(MACHINE_ID).unwrap_or_default();
        Ok(Self::of_machine(machine.trim_ascii(), state_dir.canonicalize()?))
    }

    fn of_machine(machine: &[u8], state_dir: PathBuf) -> Self {
        let path = state_dir.as_os_str().as_encoded_bytes();
        let hash = first_octets(&Blake2s256::digest(path));
        let together = Blake2s256::new().chain_update(machine).chain_update([0]).chain_update(path);
        Self { hash, identity: first_octets(&together.finalize()), state_dir }
    }

    /// The canonical state directory.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Six hexadecimal digits that name this daemon.
    pub fn tag(&self) -> String {
        let [a, b, c, ..] = self.hash;
        format!("{a:02x}{b:02x}{c:02x}")
    }

    /// Name of a module's network namespace.
    pub fn namespace(&self, slot: Slot) -> String {
        format!("hitless-{}-m{slot}", self.tag())
    }

    /// Path of a module's network namespace.
    pub fn namespace_path(&self, slot: Slot) -> PathBuf {
        Path::new(NETNS).join(self.namespace(slot))
    }

    /// Folder under which all of this daemon's BPF objects are pinned.
    pub fn pins(&self) -> PathBuf {
        Path::new(BPFFS).join(format!("hitless-{}", self.tag()))
    }

    /// Folder of one module's pins, with the ABI version in its name.
    pub fn module_pins(&self, slot: Slot) -> PathBuf {
        self.pins().join(format!("m{slot}-abi{ABI_VERSION}"))
    }

    /// Name of the chassis' end of the veth of one module VLAN, within the kernel's 15 characters.
    pub fn veth(&self, slot: Slot, vlan: VlanId) -> String {
        format!("h{}{:x}.{vlan}", self.tag(), slot.get())
    }

    /// Name of the module's interface on a VLAN, and of the VLAN's bridge in the chassis.
    pub fn vlan(vlan: VlanId) -> String {
        format!("vlan{vlan}")
    }

    /// Identity of a module: decides ties, seeds its MACs.
    pub fn unit(&self, slot: Slot) -> UnitId {
        UnitId(u64::from_be_bytes(self.identity).rotate_left(8) ^ u64::from(slot))
    }

    /// A module's own MAC on a VLAN: the same after every restart.
    pub fn mac(&self, slot: Slot, vlan: VlanId) -> Mac {
        Mac::derived_from(self.unit(slot).0 ^ (u64::from(vlan) << 48))
    }

    /// MAC of a VLAN's bridge: without one of its own it would change with its ports.
    pub fn bridge_mac(&self, vlan: VlanId) -> Mac {
        Mac::derived_from(u64::from_be_bytes(self.identity) ^ (u64::from(vlan) << 32))
    }

    /// Socket of a module's API.
    pub fn module_socket(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.sock"))
    }

    /// File with a module's process id, locked by it while it lives.
    pub fn module_pid(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.pid"))
    }

    /// File with the configuration that a module runs with, for its next life.
    pub fn module_config(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.config"))
    }

    /// File with a module's newest decisions.
    pub fn module_history(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.history"))
    }

    /// File with a module's newest epoch.
    pub fn module_epoch(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.epoch"))
    }
}

fn first_octets(digest: &[u8]) -> [u8; 8] {
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_fit_the_kernel() {
        let names = Names { state_dir: PathBuf::from("/"), hash: [0xab; 8], identity: [0xab; 8] };
        let slot = Slot::try_from(13).unwrap();
        let vlan = VlanId::try_from(4094).unwrap();
        assert_eq!(names.veth(slot, vlan), "habababd.4094");
        assert!(names.veth(slot, vlan).len() <= 15);
    }

    #[test]
    fn units_and_macs_differ_by_directory_slot_and_vlan() {
        let a = Names::of_machine(b"one", PathBuf::from("/a"));
        let b = Names::of_machine(b"one", PathBuf::from("/b"));
        let slot = |n: u64| Slot::try_from(n).unwrap();
        let vlan = |n: u64| VlanId::try_from(n).unwrap();
        assert_ne!(a.unit(slot(5)), b.unit(slot(5)));
        assert_ne!(a.unit(slot(5)), a.unit(slot(6)));
        assert_ne!(a.mac(slot(5), vlan(2)), a.mac(slot(5), vlan(3)));
        assert_ne!(a.mac(slot(5), vlan(2)), b.mac(slot(5), vlan(2)));
    }

    #[test]
    fn two_machines_with_the_same_state_directory_are_two_units() {
        let a = Names::of_machine(b"one", PathBuf::from("/var/lib/hitless"));
        let b = Names::of_machine(b"other", PathBuf::from("/var/lib/hitless"));
        let slot = Slot::try_from(5).unwrap();
        let vlan = VlanId::try_from(2).unwrap();
        assert_ne!(a.unit(slot), b.unit(slot));
        assert_ne!(a.mac(slot, vlan), b.mac(slot, vlan));
        assert_ne!(a.bridge_mac(vlan), b.bridge_mac(vlan));
        assert_eq!(a.tag(), b.tag(), "names within one machine need the directory alone");
    }
}
