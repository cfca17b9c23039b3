//! The guest's first and only file system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::archive::Archive;
use super::kernel::Kernel;
use super::programs::Program;
use super::steps::Step;
use super::{libraries, modules};
use crate::shell;

/// The guest's first process.
const FIRST: &str = "hitless-machine";

/// Writes the file system; gives its path.
pub(super) fn build(
    kernel: &Kernel,
    programs: &[Program],
    steps: &[Step],
    folder: &Path,
) -> Result<PathBuf> {
    let mut archive = Archive::new();
    for place in ["dev", "proc", "sys", "run", "tmp", "lab"] {
        archive.folder(place);
    }
    // The kernel opens it for the first process before anything is mounted.
    archive.device("dev/console", 5, 1);
    add_modules(&mut archive, kernel)?;
    for program in programs {
        add_program(&mut archive, program, folder)?;
    }
    archive.file("lab/steps", steps.iter().map(Step::line).collect::<String>().as_bytes());
    let bytes = archive.finish();
    println!("vm: the guest's file system has {} MiB", bytes.len() >> 20);
    let path = folder.join("initial.cpio");
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn add_modules(archive: &mut Archive, kernel: &Kernel) -> Result<()> {
    let mut list = String::new();
    for module in modules::wanted(&kernel.modules)? {
        let path = format!("/lab/{}.ko", module.name);
        archive.file(&path, &module.content);
        list.push_str(&path);
        list.push('\n');
    }
    archive.file("lab/modules", list.as_bytes());
    Ok(())
}

/// A program and its libraries; those lie where they lie on this machine.
fn add_program(archive: &mut Archive, program: &Program, folder: &Path) -> Result<()> {
    for library in libraries::of(&program.file)? {
        let path = library.to_str().context("a library's name is not UTF-8")?;
        if !archive.has(path) {
            archive.program(path, &fs::read(&library)?);
        }
    }
    let content = stripped(&program.file, folder)?;
    archive.program(&format!("bin/{}", program.name), &content);
    if program.name == FIRST {
        archive.program("init", &content);
    }
    Ok(())
}

/// A program without what only a debugger reads: most of its size.
fn stripped(file: &Path, folder: &Path) -> Result<Vec<u8>> {
    let small = folder.join("stripped");
    let status = shell::command(&["strip", "-o"]).args([&small, file]).status();
    let status = status.context("cannot run strip (binutils, part of build-essential)")?;
    ensure!(status.success(), "strip cannot read {}", file.display());
    let content = fs::read(&small)?;
    fs::remove_file(&small)?;
    Ok(content)
}
