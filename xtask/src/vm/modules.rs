//! Kernel modules: which files, in which order.
//!
//! A package comes without the index that `depmod` makes when it is installed; each module says by
//! itself what it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::shell;

/// What the daemons, the laboratory and the probe use; a guest has nobody who loads modules on demand.
const WANTED: &[&str] =
    &["veth", "bridge", "8021q", "bonding", "sch_ingress", "cls_bpf", "sch_netem", "nf_tables"];

/// A module as the guest gets it.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// The wanted modules of a kernel and what they depend on, in the order in which they must be loaded.
pub(super) fn wanted(folder: &Path) -> Result<Vec<Module>> {
    let files = index(folder)?;
    let built_in = built_in(&fs::read_to_string(folder.join("modules.builtin"))?);
    let mut order = Order { files: &files, built_in: &built_in, done: Vec::new() };
    for name in WANTED {
        order.add(name)?;
    }
    Ok(order.done)
}

struct Order<'a> {
    files: &'a BTreeMap<String, PathBuf>,
    built_in: &'a BTreeSet<String>,
    done: Vec<Module>,
}

impl Order<'_> {
    /// A module after those that it depends on. The kernel's own build has made sure of no cycles.
    fn add(&mut self, name: &str) -> Result<()> {
        if self.built_in.contains(name) || self.done.iter().any(|module| module.name == name) {
            return Ok(());
        }
        let file = self.files.get(name).with_context(|| format!("there is no module {name}"))?;
        let content = read(file)?;
        for needed in dependencies(&content) {
            self.add(&needed)?;
        }
        self.done.push(Module { name: name.to_owned(), content });
        Ok(())
    }
}

/// Every module's file by the module's name.
fn index(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.join("kernel")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder);
        let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = module_name(&path) {
                files.insert(name, path);
            }
        }
    }
    Ok(files)
}

/// `sch_netem` of `…/sch-netem.ko.xz`: file names may have either dash.
fn module_name(path: &Path) -> Option<String> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn built_in(list: &str) -> BTreeSet<String> {
    list.lines().filter_map(|line| module_name(Path::new(line))).collect()
}

/// A module's file, unpacked.
fn read(file: &Path) -> Result<Vec<u8>> {
    let unpack = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return Ok(fs::read(file)?),
    };
    let output = shell::command(&[unpack, "-dc"]).arg(file).output();
    let output = output.with_context(|| format!("cannot run {unpack}"))?;
    ensure!(output.status.success(), "{unpack} cannot unpack {}", file.display());
    Ok(output.stdout)
}

/// What a module says in its section of facts: `depends=llc,stp`, between zeros.
fn dependencies(content: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = content.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = content[at + KEY.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    let names = String::from_utf8_lossy(value);
    names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_what_it_depends_on() {
        assert_eq!(dependencies(b"x\0license=GPL\0depends=llc,stp\0name=bridge\0"), ["llc", "stp"]);
        assert!(dependencies(b"x\0depends=\0name=veth\0").is_empty());
        assert!(dependencies(b"nothing").is_empty());
    }

    #[test]
    fn names_are_read_off_files_packed_or_not() {
        assert_eq!(module_name(Path::new("a/sch-netem.ko.xz")).as_deref(), Some("sch_netem"));
        assert_eq!(module_name(Path::new("a/veth.ko")).as_deref(), Some("veth"));
        assert_eq!(module_name(Path::new("a/modules.order")), None);
        assert!(built_in("kernel/net/packet/af_packet.ko\n").contains("af_packet"));
    }

    #[test]
    fn what_is_depended_on_comes_first_and_once() {
        let folder = std::env::temp_dir().join(format!("hitless-modules-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut files = BTreeMap::new();
        for (name, needs) in [("bridge", "llc,stp"), ("stp", "llc"), ("llc", "")] {
            let path = folder.join(format!("{name}.ko"));
            fs::write(&path, format!("\0depends={needs}\0")).unwrap();
            files.insert(name.to_owned(), path);
        }
        let mut order = Order { files: &files, built_in: &BTreeSet::new(), done: Vec::new() };
        order.add("bridge").unwrap();
        order.add("llc").unwrap();
        let names: Vec<_> = order.done.iter().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["llc", "stp", "bridge"]);
        assert!(order.add("veth").is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
