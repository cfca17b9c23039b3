//! Files that are replaced as a whole, or not at all.
//!
//! A file is written beside the one that it is to replace, and on disk before it takes its name; then
//! the folder is on disk too. Whatever is cut short leaves the old file, and perhaps an unfinished
//! one beside it, which the next writer overwrites.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file made here may hold keys: it is for root alone.
const MODE: u32 = 0o600;

/// A file that is written and on disk, and waits to take its name.
#[derive(Debug)]
pub(crate) struct Staged {
    fresh: PathBuf,
    target: PathBuf,
    placed: bool,
}

/// Writes what is to become `target`. A link is followed, and an existing file keeps its mode.
pub(crate) fn stage(target: &Path, content: &[u8]) -> io::Result<Staged> {
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let mode = fs::metadata(&target).map_or(MODE, |facts| facts.permissions().mode() & 0o777);
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let staged = Staged { fresh: target.with_file_name(name), target, placed: false };
    // One that was left behind may have another mode.
    absent_is_fine(fs::remove_file(&staged.fresh))?;
    let mut file = File::options().write(true).create_new(true).mode(MODE).open(&staged.fresh)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(staged)
}

impl Staged {
    /// Gives it its name, in the place of what had it.
    pub(crate) fn place(mut self) -> io::Result<()> {
        fs::rename(&self.fresh, &self.target)?;
        self.placed = true;
        sync_folder_of(&self.target)
    }

    /// Gives it another name as well.
    pub(crate) fn also_as(&self, name: &Path) -> io::Result<()> {
        absent_is_fine(fs::remove_file(name))?;
        fs::hard_link(&self.fresh, name)?;
        sync_folder_of(name)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed is overwritten by the next one.
            let _left_behind = fs::remove_file(&self.fresh);
        }
    }
}

/// Writes a file as a whole.
pub(crate) fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    stage(target, content)?.place()
}

/// A file's content; none if there is no such file.
pub(crate) fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
