//! `cargo xtask bpf`: builds the BPF objects that are committed next to the crates that load them.
//!
//! The same source gives the same bytes on every machine and in every folder: one toolchain (Debian's
//! `rustc-web` and LLVM 22, one bpf-linker; `docs/adr/0002-bpf-toolchain.md`), one set of flags, and no
//! path of this machine in the object. So `--check` can compare bytes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::setup::Group;
use crate::shell::{self, cache, home};

/// Programs that are built together.
struct Programs {
    /// The committed object, below the workspace.
    object: &'static str,
    /// Its source, a workspace of its own.
    source: &'static str,
    /// The binary that the source builds.
    binary: &'static str,
    /// Where it is built, below the target folder.
    folder: &'static str,
}

const ALL: [Programs; 2] = [
    Programs {
        object: "crates/plane/bpf/hitless.bpf.o",
        source: "crates/plane-ebpf",
        binary: "hitless-bpf",
        folder: "bpf",
    },
    Programs {
        object: "crates/bench/bpf/bench.bpf.o",
        source: "crates/bench-ebpf",
        binary: "hitless-bench-bpf",
        folder: "bpf-bench",
    },
];

/// Numbers of a frame lie where no word begins, and every processor that matters reads them there at once.
/// The verifier allows it in frames and maps, not on the stack: what lies there is made of words.
const WORDS: &str = "-Clink-arg=--cpu-features=+allows-misaligned-mem-access";

const TARGET: &str = "bpfel-unknown-none";

pub(crate) const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const RUST_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";
const LLVM: &str = "/usr/lib/llvm-22";
const LLVM_OBJCOPY: &str = "/usr/lib/llvm-22/bin/llvm-objcopy";
/// What the committed object was built with; the bytes depend on it.
pub(crate) const RUSTC_VERSION: &str = "rustc 1.96.0 ";
pub(crate) const LINKER_VERSION: &str = "0.13.0";

/// Debian packages that the object is built with.
pub(crate) const PACKAGES: Group = Group {
    name: "BPF toolchain",
    why: "the BPF object is built with them, to compare it with the committed one",
    packages: &[
        ("rustc-web", RUSTC),
        ("cargo-web", CARGO),
        ("rust-web-src", RUST_SOURCE),
        ("llvm-22", LLVM_OBJCOPY),
        ("llvm-22-dev", "/usr/lib/llvm-22/include/llvm-c/Core.h"),
        ("libpolly-22-dev", "/usr/lib/llvm-22/lib/libPolly.a"),
        // LLVM's own libraries name these two when bpf-linker is linked.
        ("libzstd-dev", "/usr/include/zstd.h"),
        ("zlib1g-dev", "/usr/include/zlib.h"),
    ],
};

/// Installs the toolchain.
pub(crate) fn set_up() -> Result<()> {
    install_packages()?;
    install_linker().map(drop)
}

/// Rebuilds the committed objects, or compares them with what their sources give.
pub(crate) fn run(check: bool) -> Result<()> {
    install_packages()?;
    let linker = install_linker()?;
    ALL.iter().try_for_each(|programs| run_one(programs, &linker, check))
}

fn run_one(programs: &Programs, linker: &Path, check: bool) -> Result<()> {
    let object = programs.object;
    let built = strip(&build(programs, linker)?)?;
    let committed = shell::workspace().join(object);
    if check {
        lint(programs)?;
        let same = fs::read(&committed).is_ok_and(|bytes| bytes == built);
        ensure!(
            same,
            "{object} is not what its source gives: run `cargo xtask bpf` and commit the object"
        );
        println!("bpf: {object} is what its source gives");
        return Ok(());
    }
    let folder = committed.parent().context("the object lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(&committed, &built).with_context(|| format!("cannot write {object}"))?;
    println!("bpf: wrote {object}, {} bytes", built.len());
    Ok(())
}

/// Installs the Debian packages that are missing and makes sure of the compiler's version.
fn install_packages() -> Result<()> {
    PACKAGES.install()?;
    let version = output_of(RUSTC, &["--version"])?;
    ensure!(
        version.starts_with(RUSTC_VERSION),
        "the committed object was built by {RUSTC_VERSION}of Debian's rustc-web, but {RUSTC} is {}: \
         install that version, or change it in xtask/src/bpf.rs and rebuild the object",
        version.trim()
    );
    Ok(())
}

/// Installs bpf-linker where the user's caches are; gives its path.
fn install_linker() -> Result<PathBuf> {
    let tools = cache()?.join("tools");
    let linker = linker()?;
    let expected = format!("bpf-linker {LINKER_VERSION}");
    let path = linker.to_str().context("the cache folder's name is not UTF-8")?;
    if output_of(path, &["--version"]).is_ok_and(|version| version.trim() == expected) {
        return Ok(linker);
    }
    println!("bpf: installing {expected} into {} (a few minutes)", tools.display());
    let status = tool(CARGO)
        .args(["install", "bpf-linker", "--version", LINKER_VERSION, "--locked", "--force"])
        .args(["--no-default-features", "--features", "llvm-22", "--root"])
        .arg(&tools)
        .env("LLVM_PREFIX", LLVM)
        .env("CARGO_TARGET_DIR", shell::target().join("bpf-linker"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "bpf-linker {LINKER_VERSION} does not build");
    Ok(linker)
}

/// Where bpf-linker is, or will be.
pub(crate) fn linker() -> Result<PathBuf> {
    Ok(cache()?.join("tools/bin/bpf-linker"))
}

/// Builds the object with debug information; gives its path.
fn build(programs: &Programs, linker: &Path) -> Result<PathBuf> {
    let source = programs.source;
    println!("bpf: building {source}");
    let target = shell::target().join(programs.folder);
    let place = shell::workspace().join(source);
    // First, so that the registries' folders exist when their paths are remapped.
    let fetched = tool(CARGO).current_dir(&place).args(["fetch", "--quiet", "--locked"]).status();
    ensure!(fetched.context("cannot run cargo")?.success(), "cannot fetch what {source} uses");
    let status = tool(CARGO)
        .current_dir(&place)
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
        .args(["-Z", "build-std=core"])
        // The compiler is a stable one; building core oneself is not stable.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(linker)?)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the BPF programs do not build");
    Ok(target.join(TARGET).join("release").join(programs.binary))
}

/// Flags of the compiler, separated as cargo wants it.
fn flags(linker: &Path) -> Result<OsString> {
    let mut linker_flag = OsString::from("-Clinker=");
    linker_flag.push(linker);
    let mut flags = vec![
        linker_flag,
        "-Clink-arg=--btf".into(),
        // The oldest with atomics that fetch; every kernel since 5.12 runs it.
        "-Ctarget-cpu=v3".into(),
        WORDS.into(),
    ];
    flags.push(remap(shell::workspace(), "/hitless"));
    flags.push(remap(Path::new(RUST_SOURCE), "/rust"));
    // Each registry has a folder of its own, named after its address.
    let registries = cargo_home()?.join("registry/src");
    fs::create_dir_all(&registries)?;
    for registry in fs::read_dir(registries)? {
        flags.push(remap(&registry?.path(), "/cargo"));
    }
    Ok(flags.join("\u{1f}".as_ref()))
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// Format and clippy of the source: it is in no workspace that others look at. Clippy judges it as if
/// it were for this machine, since its own target needs `core` built.
fn lint(programs: &Programs) -> Result<()> {
    let manifest = format!("{}/Cargo.toml", programs.source);
    shell::run(&["cargo", "fmt", "--check", "--manifest-path", &manifest])?;
    let status = shell::command(&["cargo", "clippy", "--quiet", "--locked", "--manifest-path"])
        .args([&manifest, "--", "-Dwarnings"])
        .current_dir(shell::workspace())
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Cpanic=abort")
        .env("CARGO_TARGET_DIR", shell::target().join("bpf-lint"))
        .status()
        .context("cannot run cargo clippy")?;
    ensure!(status.success(), "clippy finds fault with the BPF programs");
    Ok(())
}

/// The object without debug information; BTF stays, the kernel and the verifier's log use it.
fn strip(object: &Path) -> Result<Vec<u8>> {
    let stripped = object.with_extension("stripped");
    let status = tool(LLVM_OBJCOPY)
        .arg("--strip-debug")
        .args([object, &stripped])
        .status()
        .context("cannot run llvm-objcopy")?;
    ensure!(status.success(), "llvm-objcopy cannot strip the object");
    fs::read(&stripped).context("the stripped object is not there")
}

/// A program of the pinned toolchain, without what the environment would have it do otherwise.
fn tool(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("RUSTC", RUSTC);
    for variable in [
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(variable);
    }
    command
}

fn output_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cargo_home() -> Result<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map_or_else(|| Ok(home()?.join(".cargo")), |path| Ok(path.into()))
}
