//! Every global name of one daemon, derived from its state directory.
//!
//! Chassis may share the bpffs, /run/netns and the machine id; only the state directory is their
//! own. So namespaces, pin folders, interface names, MACs and unit ids all come from it.

use std::path::{Path, PathBuf};

use blake2::{Blake2s256, Digest};
use hitless_model::{Mac, Slot, UnitId, VlanId, abi::ABI_VERSION};

/// Where the kernel's BPF file system is expected.
pub const BPFFS: &str = "/sys/fs/bpf";
/// Where named network namespaces are mounted.
pub const NETNS: &str = "/run/netns";

/// Names that belong to one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    state_dir: PathBuf,
    hash: [u8; 8],
}

impl Names {
    /// Names for an existing state directory.
    ///
    /// # Errors
    /// When the directory's canonical path cannot be found.
    pub fn new(state_dir: &Path) -> std::io::Result<Self> {
        let state_dir = state_dir.canonicalize()?;
        let digest = Blake2s256::digest(state_dir.as_os_str().as_encoded_bytes());
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest[..8]);
        Ok(Self { state_dir, hash })
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
        UnitId(u64::from_be_bytes(self.hash).rotate_left(8) ^ u64::from(slot))
    }

    /// A module's own MAC on a VLAN: the same after every restart.
    pub fn mac(&self, slot: Slot, vlan: VlanId) -> Mac {
        Mac::derived_from(self.unit(slot).0 ^ (u64::from(vlan) << 48))
    }

    /// MAC of a VLAN's bridge: without one of its own it would change with its ports.
    pub fn bridge_mac(&self, vlan: VlanId) -> Mac {
        Mac::derived_from(u64::from_be_bytes(self.hash) ^ (u64::from(vlan) << 32))
    }

    /// Socket of a module's API.
    pub fn module_socket(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.sock"))
    }

    /// File with a module's process id, locked by it while it lives.
    pub fn module_pid(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.pid"))
    }

    /// File with a module's newest epoch.
    pub fn module_epoch(&self, slot: Slot) -> PathBuf {
        self.state_dir.join(format!("module-{slot}.epoch"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_fit_the_kernel() {
        let names = Names { state_dir: PathBuf::from("/"), hash: [0xab; 8] };
        let slot = Slot::try_from(13).unwrap();
        let vlan = VlanId::try_from(4094).unwrap();
        assert_eq!(names.veth(slot, vlan), "habababd.4094");
        assert!(names.veth(slot, vlan).len() <= 15);
    }

    #[test]
    fn units_and_macs_differ_by_directory_slot_and_vlan() {
        let a = Names { state_dir: PathBuf::from("/a"), hash: [1; 8] };
        let b = Names { state_dir: PathBuf::from("/b"), hash: [2; 8] };
        let slot = |n: u64| Slot::try_from(n).unwrap();
        let vlan = |n: u64| VlanId::try_from(n).unwrap();
        assert_ne!(a.unit(slot(5)), b.unit(slot(5)));
        assert_ne!(a.unit(slot(5)), a.unit(slot(6)));
        assert_ne!(a.mac(slot(5), vlan(2)), a.mac(slot(5), vlan(3)));
        assert_ne!(a.mac(slot(5), vlan(2)), b.mac(slot(5), vlan(2)));
    }
}
