//! Debian's stock cloud kernels: found in the package lists, fetched, unpacked into the cache.
//!
//! Nothing of it is installed: `apt-get download` checks the package against the signed lists, and
//! `dpkg-deb` unpacks it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::shell;

const PREFIX: &str = "linux-image-";
const SUFFIX: &str = "-cloud-amd64";

/// An unpacked kernel.
#[derive(Debug)]
pub(super) struct Kernel {
    /// What `uname -r` will say.
    pub(super) release: String,
    /// Version of the package.
    pub(super) package_version: String,
    /// The image that is booted.
    pub(super) image: PathBuf,
    /// Folder of its modules.
    pub(super) modules: PathBuf,
}

impl Kernel {
    fn in_folder(folder: &Path, release: &str, package_version: &str) -> Self {
        Self {
            release: release.to_owned(),
            package_version: package_version.to_owned(),
            image: folder.join(format!("boot/vmlinuz-{release}")),
            modules: folder.join("lib/modules").join(release),
        }
    }

    fn is_complete(&self) -> bool {
        self.image.is_file() && self.modules.is_dir()
    }
}

/// The newest cloud kernel of a version like `6.1`, from the cache or from Debian.
pub(super) fn obtain(version: &str) -> Result<Kernel> {
    if known().is_empty() {
        update_lists()?;
    }
    let (release, package_version) = newest(version)?;
    let folder = cached(&release, &package_version)?;
    let kernel = Kernel::in_folder(&folder, &release, &package_version);
    if !kernel.is_complete() {
        fetch(&release, &folder)?;
        ensure!(kernel.is_complete(), "the package of {release} has no kernel or no modules");
    }
    Ok(kernel)
}

/// What [`obtain`] would give, without fetching anything.
pub(super) fn at_hand(version: &str) -> Result<String> {
    let (release, package_version) = newest(version)?;
    let folder = cached(&release, &package_version)?;
    let is_here = Kernel::in_folder(&folder, &release, &package_version).is_complete();
    Ok(format!("{release}, {}", if is_here { "in the cache" } else { "can be fetched" }))
}

fn cached(release: &str, package_version: &str) -> Result<PathBuf> {
    Ok(shell::cache()?.join("kernels").join(format!("{release}_{package_version}")))
}

/// Release and package version of the newest one that the package lists have.
fn newest(version: &str) -> Result<(String, String)> {
    let releases = known();
    let matching = releases.iter().filter(|release| is_of(release, version));
    let mut newest_first: Vec<&String> = matching.collect();
    newest_first.reverse();
    newest_first
        .into_iter()
        .find_map(|release| Some((release.clone(), candidate(release)?)))
        .with_context(|| {
            format!(
                "the package lists have no {PREFIX}{version}*{SUFFIX}; they have: {}",
                if releases.is_empty() { "none".to_owned() } else { releases.join(", ") }
            )
        })
}

/// Releases that the package lists have.
fn known() -> Vec<String> {
    let names = shell::output(&["apt-cache", "pkgnames", PREFIX]);
    releases(&names.unwrap_or_default())
}

/// The version that would be fetched; a name alone may be that of a package that is gone.
fn candidate(release: &str) -> Option<String> {
    let package = format!("{PREFIX}{release}");
    let text = shell::output(&["apt-cache", "show", "--no-all-versions", &package])?;
    let version = text.lines().find_map(|line| line.strip_prefix("Version: "))?;
    Some(version.trim().to_owned())
}

/// Releases of all cloud kernels among these package names, the oldest first. Packages that only stand
/// for the newest of a version have no patch level.
fn releases(names: &str) -> Vec<String> {
    let mut releases: Vec<String> = names
        .lines()
        .filter_map(|name| name.strip_prefix(PREFIX))
        .filter(|release| release.ends_with(SUFFIX) && numbers(release).len() >= 3)
        .map(str::to_owned)
        .collect();
    releases.sort_by_key(|release| numbers(release));
    releases
}

/// Whether a release begins with the numbers of a version.
fn is_of(release: &str, version: &str) -> bool {
    let wanted = numbers(version);
    !wanted.is_empty() && numbers(release).starts_with(&wanted)
}

/// The numbers of a version, without those of the architecture behind it.
fn numbers(text: &str) -> Vec<u64> {
    let text = text.strip_suffix(SUFFIX).unwrap_or(text);
    let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    if starts_with_digit { parts.collect() } else { Vec::new() }
}

fn update_lists() -> Result<()> {
    println!("vm: updating the package lists (apt-get update)");
    shell::run(&[shell::as_root()?, &["apt-get", "-qq", "update"]].concat())
}

fn fetch(release: &str, folder: &Path) -> Result<()> {
    let package = format!("{PREFIX}{release}");
    println!("vm: fetching Debian's {package} into the cache; it is not installed");
    // Beside its place, so that an interrupted unpacking is not taken for a kernel.
    let parts = folder.with_extension("part");
    let _ = fs::remove_dir_all(&parts);
    fs::create_dir_all(&parts)?;
    let status = shell::command(&["apt-get", "-qq", "download", &package])
        // Root's own folders are closed to the user that apt fetches as.
        .args(["-o", "APT::Sandbox::User=root"])
        .current_dir(&parts)
        .status()
        .context("cannot run apt-get")?;
    ensure!(status.success(), "{package} cannot be fetched");
    let archive = fs::read_dir(&parts)?.flatten().next().context("apt-get fetched nothing")?.path();
    let status = shell::command(&["dpkg-deb", "-x"]).args([&archive, &parts]).status()?;
    ensure!(status.success(), "{package} cannot be unpacked");
    fs::remove_file(&archive)?;
    let _ = fs::remove_dir_all(folder);
    fs::rename(&parts, folder).context("cannot put the kernel into its place")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "linux-image-6.1.0-56-cloud-amd64\nlinux-image-6.1.0-9-cloud-amd64\n\
        linux-image-cloud-amd64\nlinux-image-6.1.0-56-amd64\nlinux-image-6.12-cloud-amd64\n\
        linux-image-6.12.107+deb12-cloud-amd64\nlinux-image-6.1.0-60-cloud-amd64-unsigned\n";

    #[test]
    fn only_cloud_kernels_with_a_patch_level_are_offered_the_newest_last() {
        assert_eq!(
            releases(NAMES),
            ["6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64", "6.12.107+deb12-cloud-amd64"]
        );
    }

    #[test]
    fn a_version_is_compared_number_by_number() {
        assert!(is_of("6.1.0-56-cloud-amd64", "6.1"));
        assert!(!is_of("6.12.107+deb12-cloud-amd64", "6.1"));
        assert!(is_of("6.12.107+deb12-cloud-amd64", "6.12"));
        assert!(is_of("6.1.0-56-cloud-amd64", "6.1.0-56"));
        assert!(!is_of("6.1.0-56-cloud-amd64", "latest"));
    }
}
