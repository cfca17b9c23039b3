//! What this machine must offer, found out before anything is touched.

use std::io;
use std::path::Path;

use hitless_model::Mac;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::privileges;
use crate::names::BPFFS;
use crate::netlink::{Error, Netlink, VethEnd, netns, sysctl};

/// Something that is missing: one sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum Unmet {
    /// Not root.
    #[error("hitlessd needs root ({0} missing): run it through sudo")]
    Privileges(String),
    /// No IPv6.
    #[error(
        "IPv6 is disabled on this host ({0}), but the two boxes of a pair talk over IPv6 \
         link-local addresses: enable it"
    )]
    Ipv6(&'static str),
    /// The kernel lacks a device type.
    #[error("this kernel cannot make {device} devices, it needs {option}: {source}")]
    Device {
        /// Which.
        device: &'static str,
        /// The kernel's build option.
        option: &'static str,
        /// What the kernel said.
        source: Error,
    },
    /// No network namespaces.
    #[error("this kernel cannot make network namespaces, it needs CONFIG_NET_NS: {0}")]
    Namespaces(io::Error),
    /// No place for pins.
    #[error("no BPF file system on {BPFFS}, and none can be mounted: {0}")]
    Bpffs(io::Error),
    /// The check itself failed.
    #[error("the kernel's abilities cannot be found out: {0}")]
    Check(#[from] Error),
}

/// Checks everything that does not depend on the configuration.
pub fn check() -> Result<(), Unmet> {
    let missing = privileges::missing();
    if !missing.is_empty() {
        return Err(Unmet::Privileges(missing.join(", ")));
    }
    check_ipv6()?;
    netns::run_in_new(check_devices).map_err(Unmet::Namespaces)??;
    provide_bpffs()
}

fn check_ipv6() -> Result<(), Unmet> {
    match sysctl::read("net/ipv6/conf/all/disable_ipv6").as_deref() {
        None => Err(Unmet::Ipv6("the kernel was built or started without it")),
        Some("0") => Ok(()),
        Some(_) => Err(Unmet::Ipv6("net.ipv6.conf.all.disable_ipv6 is not 0")),
    }
}

/// Makes one device of each type in a namespace that ends with the calling thread.
fn check_devices() -> Result<(), Unmet> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new("no runtime", error))?;
    runtime.block_on(async {
        let netlink = Netlink::connect()?;
        let mac = Mac([6, 0, 0, 0, 0, 1]);
        let unmet = |device, option| move |source| Unmet::Device { device, option, source };
        netlink.create_bridge("probe0", mac).await.map_err(unmet("bridge", "CONFIG_BRIDGE"))?;
        let here = std::fs::File::open("/proc/thread-self/ns/net");
        let here = here.map_err(|error| Error::new("/proc/thread-self/ns/net", error))?;
        let far = VethEnd { name: "probe2", mac, namespace: std::os::fd::AsFd::as_fd(&here) };
        netlink.create_veth("probe1", far).await.map_err(unmet("veth", "CONFIG_VETH"))
    })
}

fn provide_bpffs() -> Result<(), Unmet> {
    let path = Path::new(BPFFS);
    if statfs(path).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC) {
        return Ok(());
    }
    let none = None::<&str>;
    mount(Some("bpf"), path, Some("bpf"), MsFlags::empty(), none)
        .map_err(|error| Unmet::Bpffs(error.into()))?;
    tracing::info!("mounted the BPF file system on {BPFFS}");
    Ok(())
}
