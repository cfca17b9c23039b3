//! Does to the kernel what a plan says, and undoes it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use hitless_model::{Slot, VlanId};

use super::plan::{Actual, Operation, mark};
use crate::names::Names;
use crate::netlink::{Error, Netlink, VethEnd, ethtool, netns, sysctl};

/// What every interface of a module's namespace needs: a balancer answers for its own addresses
/// only, never sends redirects, takes packets back whose way out is another interface, and has its
/// link-local address ready the moment it is switched on.
const MODULE_PARAMETERS: [(&str, &str); 8] = [
    ("ipv4/conf/{}/rp_filter", "0"),
    ("ipv4/conf/{}/send_redirects", "0"),
    ("ipv4/conf/{}/arp_ignore", "1"),
    ("ipv4/conf/{}/arp_announce", "2"),
    ("ipv6/conf/{}/disable_ipv6", "0"),
    ("ipv6/conf/{}/accept_dad", "0"),
    ("ipv6/conf/{}/dad_transmits", "0"),
    ("ipv6/conf/{}/accept_ra", "0"),
];

/// Bridged frames pass the firewall rules of the chassis by default, at a third of the throughput.
const BRIDGE_FIREWALL: [&str; 3] = [
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
    "net/bridge/bridge-nf-call-arptables",
];

/// The kernel, as seen from the chassis' namespace by one daemon.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub(super) netlink: Netlink,
    /// The chassis' namespace.
    pub(super) home: Arc<File>,
    pub(super) names: Names,
}

impl Kernel {
    /// Connects in the network namespace of the calling thread, which must be in a tokio runtime.
    pub fn connect(names: &Names) -> Result<Self, Error> {
        const HOME: &str = "/proc/thread-self/ns/net";
        let home = Arc::new(File::open(HOME).map_err(|error| Error::new(HOME, error))?);
        Ok(Self { netlink: Netlink::connect()?, home, names: names.clone() })
    }

    /// What there is.
    pub async fn dump(&self) -> Result<Actual, Error> {
        let mut actual = Actual { links: self.netlink.links().await?, ..Actual::default() };
        for slot in slots() {
            let path = self.names.namespace_path(slot);
            if netns::exists(&path) {
                let inside = Netlink::connect_in(&path)?.links().await?;
                actual.namespaces.insert(slot, inside);
            }
        }
        Ok(actual)
    }

    /// Does all operations, or none: when one fails, those before it are undone.
    pub async fn apply_all(&self, operations: &[Operation]) -> Result<(), Error> {
        for (position, operation) in operations.iter().enumerate() {
            if let Err(error) = self.apply(operation).await {
                self.undo(&operations[..position]).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Does one operation.
    pub async fn apply(&self, operation: &Operation) -> Result<(), Error> {
        tracing::debug!("{operation}");
        let done = match operation {
            Operation::DeleteLink(name) => self.delete_link(name).await,
            Operation::ReturnDevice(slot, name) => self.return_device(*slot, name).await,
            Operation::RestoreDevice(name) => self.restore_device(name).await,
            Operation::GiveDevice(name, slot, vlan) => self.give_device(name, *slot, *vlan).await,
            Operation::DeleteNamespace(slot) => self.delete_namespace(*slot),
            Operation::CreateNamespace(slot) => self.create_namespace(*slot),
            Operation::CreateBridge(vlan) => self.create_bridge(*vlan).await,
            Operation::CreateVeth(slot, vlan) => self.create_veth(*slot, *vlan).await,
            Operation::Enslave(name, vlan) => self.enslave(name, *vlan).await,
            Operation::SetUp(name) => self.netlink.set_up(self.index(name).await?).await,
        };
        done.map_err(|error| Error::new(operation.to_string(), io::Error::other(error.to_string())))
    }

    /// Undoes operations, the newest first. Best effort: what fails is said.
    pub async fn undo(&self, operations: &[Operation]) {
        for operation in operations.iter().rev() {
            let undone = match operation {
                Operation::CreateNamespace(slot) => self.delete_namespace(*slot),
                Operation::CreateBridge(vlan) => self.delete_link(&Names::vlan(*vlan)).await,
                Operation::GiveDevice(_, slot, vlan) => {
                    self.return_device(*slot, &Names::vlan(*vlan)).await
                }
                Operation::CreateVeth(slot, vlan) => {
                    self.delete_link(&self.names.veth(*slot, *vlan)).await
                }
                Operation::Enslave(name, _) => self.release(name).await,
                // Only leftovers of our own are ever deleted or restored, and being on does no harm.
                Operation::DeleteLink(_)
                | Operation::ReturnDevice(..)
                | Operation::RestoreDevice(_)
                | Operation::DeleteNamespace(_)
                | Operation::SetUp(_) => Ok(()),
            };
            if let Err(error) = undone {
                tracing::warn!("undoing \"{operation}\": {error}");
            }
        }
    }

    /// Removes everything that carries this daemon's mark or names, releases its ports and gives the
    /// host's devices back.
    pub async fn remove_all(&self) -> Result<(), Error> {
        let mark = mark(&self.names);
        let actual = self.dump().await?;
        self.return_all(&actual).await?;
        // Deleting one end of a veth deletes the other at once, deleting a namespace only later.
        for link in actual.links.iter().filter(|link| link.alias.as_ref() == Some(&mark)) {
            Error::absent_is_fine(self.netlink.delete_link(link.index).await)?;
        }
        for &slot in actual.namespaces.keys() {
            self.delete_namespace(slot)?;
        }
        Ok(())
    }

    /// Takes the chassis' firewall out of the bridges' way; gives back what was changed.
    pub fn free_bridges(&self) -> Result<Vec<&'static str>, Error> {
        let mut changed = Vec::new();
        for name in BRIDGE_FIREWALL {
            if sysctl::write_if_present(name, "0")? {
                changed.push(name);
            }
        }
        Ok(changed)
    }

    async fn index(&self, name: &str) -> Result<u32, Error> {
        let absent = || Error::new(name, io::Error::from_raw_os_error(libc::ENODEV));
        Ok(self.netlink.link(name).await?.ok_or_else(absent)?.index)
    }

    async fn delete_link(&self, name: &str) -> Result<(), Error> {
        match self.netlink.link(name).await? {
            Some(link) => Error::absent_is_fine(self.netlink.delete_link(link.index).await),
            None => Ok(()),
        }
    }

    async fn release(&self, name: &str) -> Result<(), Error> {
        match self.netlink.link(name).await? {
            Some(link) => self.netlink.set_master(link.index, None).await,
            None => Ok(()),
        }
    }

    async fn enslave(&self, name: &str, vlan: VlanId) -> Result<(), Error> {
        let bridge = self.index(&Names::vlan(vlan)).await?;
        self.netlink.set_master(self.index(name).await?, Some(bridge)).await
    }

    fn delete_namespace(&self, slot: Slot) -> Result<(), Error> {
        let path = self.names.namespace_path(slot);
        netns::remove(&path).map_err(|error| Error::new(path.display().to_string(), error))
    }

    fn create_namespace(&self, slot: Slot) -> Result<(), Error> {
        let path = self.names.namespace_path(slot);
        netns::create(&path).map_err(|error| Error::new(path.display().to_string(), error))?;
        let prepared = in_namespace(&path, || {
            sysctl::write("net/ipv4/ip_forward", "1")?;
            // `default` comes last: interfaces made later start from it.
            ["all", "default"].into_iter().try_for_each(set_parameters)
        });
        if prepared.is_err() {
            self.delete_namespace(slot)?;
        }
        prepared
    }

    async fn create_bridge(&self, vlan: VlanId) -> Result<(), Error> {
        let name = Names::vlan(vlan);
        self.netlink.create_bridge(&name, self.names.bridge_mac(vlan)).await?;
        let marked = self.mark(&name).await;
        let quiet = sysctl::write(&format!("net/ipv6/conf/{name}/accept_ra"), "0");
        if let Err(error) = marked.and(quiet) {
            self.delete_link(&name).await?;
            return Err(error);
        }
        Ok(())
    }

    async fn create_veth(&self, slot: Slot, vlan: VlanId) -> Result<(), Error> {
        let (near, far) = (self.names.veth(slot, vlan), Names::vlan(vlan));
        let path = self.names.namespace_path(slot);
        let namespace =
            File::open(&path).map_err(|error| Error::new(path.display().to_string(), error))?;
        let mac = self.names.mac(slot, vlan);
        let end = VethEnd { name: &far, mac, namespace: namespace.as_fd() };
        self.netlink.create_veth(&near, end).await?;
        // The chassis' end is a bare port: the bridge must not speak IPv6 through it.
        let quiet = sysctl::write(&format!("net/ipv6/conf/{near}/disable_ipv6"), "1");
        let quiet = quiet.and_then(|()| ethtool::set_receive_offload(&near));
        let prepared = quiet.and_then(|()| in_namespace(&path, || set_parameters(&far)));
        if let Err(error) = prepared.and(self.mark(&near).await) {
            self.delete_link(&near).await?;
            return Err(error);
        }
        Ok(())
    }

    async fn mark(&self, name: &str) -> Result<(), Error> {
        self.netlink.set_alias(self.index(name).await?, &mark(&self.names)).await
    }
}

/// All slots of a chassis.
pub fn slots() -> impl Iterator<Item = Slot> {
    (Slot::MIN..=Slot::MAX).filter_map(|number| Slot::try_from(number).ok())
}

/// Does something in a module's namespace.
pub(super) fn in_namespace(
    path: &std::path::Path,
    job: impl FnOnce() -> Result<(), Error> + Send,
) -> Result<(), Error> {
    netns::run_in(path, job).map_err(|error| Error::new(path.display().to_string(), error))?
}

/// Sets the parameters of an interface of the calling thread's namespace.
pub(super) fn set_parameters(interface: &str) -> Result<(), Error> {
    for (name, value) in MODULE_PARAMETERS {
        sysctl::write(&format!("net/{}", name.replace("{}", interface)), value)?;
    }
    // A next hop that does not answer the first question, as on a link that has only just come up,
    // is asked again soon: a box that takes over has to know it.
    sysctl::write_if_present(&format!("net/ipv4/neigh/{interface}/retrans_time_ms"), "100")?;
    sysctl::write(&format!("net/ipv6/conf/{interface}/addr_gen_mode"), "0")
}
