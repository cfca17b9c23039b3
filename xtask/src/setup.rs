//! Installs what is missing, saying what and what for before it does.
//!
//! The demo needs nothing but stable Rust and build-essential: the BPF object is committed, and the
//! laboratory speaks netlink itself. `cargo xtask test` needs the [`GROUPS`] of Debian packages below,
//! the Rust components that judge the source, and a bpf-linker, which is built ([`crate::bpf`]).

use std::path::Path;

use anyhow::{Result, ensure};

use crate::{bpf, shell, vm};

/// Debian packages that serve one purpose.
pub(crate) struct Group {
    /// In two words.
    pub(crate) name: &'static str,
    /// What for.
    pub(crate) why: &'static str,
    /// Each with the file that shows that it is there.
    pub(crate) packages: &'static [(&'static str, &'static str)],
}

/// Everything that `cargo xtask test` uses.
pub(crate) const GROUPS: &[Group] = &[TOOLS, bpf::PACKAGES, GUEST];

const TOOLS: Group = Group {
    name: "network tools",
    why: "tests of the data plane and of the daemons set their interfaces up with them",
    packages: &[("iproute2", "/bin/ip")],
};

/// What `cargo xtask lab-vm` uses. QEMU recommends a graphical part, which nothing here needs.
pub(crate) const GUEST: Group = Group {
    name: "emulator",
    why: "the oldest supported kernel is tested in a guest",
    packages: &[("qemu-system-x86", "/usr/bin/qemu-system-x86_64"), ("xz-utils", "/usr/bin/xz")],
};

/// What benchmarks compare with.
pub(crate) const MEASURE: Group = Group {
    name: "comparison",
    why: "benchmarks compare with what the kernel itself offers",
    packages: &[("iproute2", "/bin/ip"), ("nftables", "/usr/sbin/nft")],
};

/// What replication is compared with.
pub(crate) const MIRROR: Group = Group {
    name: "mirror",
    why: "replication is compared with it; its own service is not needed and may be switched off",
    packages: &[("conntrackd", "/usr/sbin/conntrackd")],
};

impl Group {
    /// Packages of it that are not there.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let is_missing = |(_, file): &&(&str, &str)| !Path::new(file).exists();
        self.packages.iter().filter(is_missing).map(|(name, _)| *name).collect()
    }

    /// Installs those.
    pub(crate) fn install(&self) -> Result<()> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        ensure!(
            shell::succeeds(&["apt-get", "--version"]),
            "{} ({}): Debian 12's packages {}; this system has no apt-get",
            self.name,
            self.why,
            missing.join(", ")
        );
        println!("set-up: installing Debian packages: {} ({})", missing.join(" "), self.why);
        let root = shell::as_root()?;
        shell::run(&[root, &["apt-get", "-qq", "update"]].concat())?;
        let quiet = ["env", "DEBIAN_FRONTEND=noninteractive"];
        let install = ["apt-get", "-qq", "install", "--no-install-recommends", "--yes"];
        shell::run(&[root, &quiet, &install, &missing].concat())
    }
}

/// What building needs.
pub(crate) fn for_build() -> Result<()> {
    ensure!(
        shell::succeeds(&["cc", "--version"]),
        "there is no C linker: `apt-get install build-essential`"
    );
    Ok(())
}

/// What every stage of `cargo xtask test` needs beyond that; two stages install more themselves.
pub(crate) fn for_test() -> Result<()> {
    for_build()?;
    component("rustfmt", &["cargo", "fmt", "--version"])?;
    component("clippy", &["cargo", "clippy", "--version"])?;
    TOOLS.install()
}

/// Everything, at once: nothing is fetched any more while tests run, except crates.
pub(crate) fn everything() -> Result<()> {
    for_test()?;
    bpf::set_up()?;
    vm::set_up()?;
    println!("set-up: complete; `cargo xtask doctor` tells more");
    Ok(())
}

fn component(name: &str, probe: &[&str]) -> Result<()> {
    if shell::succeeds(probe) {
        return Ok(());
    }
    println!("set-up: installing the Rust component {name} (rustup component add {name})");
    shell::run(&["rustup", "component", "add", name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_whose_file_is_there_is_not_missing() {
        const PACKAGES: &[(&str, &str)] = &[("a", "/proc/self/exe"), ("b", "/proc/nowhere")];
        let group = Group { name: "", why: "", packages: PACKAGES };
        assert_eq!(group.missing(), ["b"]);
    }

    #[test]
    fn no_package_is_listed_without_a_file_of_its_own() {
        let all: Vec<_> = GROUPS.iter().flat_map(|group| group.packages).collect();
        for (name, file) in &all {
            assert!(file.starts_with('/'), "{name}");
            assert_eq!(all.iter().filter(|(_, other)| other == file).count(), 1, "{file}");
        }
    }
}
