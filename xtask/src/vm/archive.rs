//! A file system in the format that the kernel unpacks at its start (`newc` of cpio).

use std::collections::BTreeSet;
use std::path::Path;

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// The archive, as far as it is written.
pub(super) struct Archive {
    bytes: Vec<u8>,
    /// Inode numbers; two entries with the same one would be one file.
    next: u32,
    names: BTreeSet<String>,
}

impl Archive {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), next: 1, names: BTreeSet::new() }
    }

    /// A folder and all around it.
    pub(super) fn folder(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if let Some(around) = Path::new(path).parent().and_then(Path::to_str)
            && !around.is_empty()
        {
            self.folder(around);
        }
        self.entry(path, FOLDER, (0, 0), &[]);
    }

    pub(super) fn file(&mut self, path: &str, content: &[u8]) {
        self.with_folder(path, FILE, content);
    }

    pub(super) fn program(&mut self, path: &str, content: &[u8]) {
        self.with_folder(path, PROGRAM, content);
    }

    /// A character device with its numbers.
    pub(super) fn device(&mut self, path: &str, major: u32, minor: u32) {
        self.entry(path, CHARACTER_DEVICE, (major, minor), &[]);
    }

    /// Whether a path is in it.
    pub(super) fn has(&self, path: &str) -> bool {
        self.names.contains(path.trim_matches('/'))
    }

    /// The archive with its end.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn with_folder(&mut self, path: &str, mode: u32, content: &[u8]) {
        if let Some(around) = Path::new(path).parent().and_then(Path::to_str) {
            self.folder(around);
        }
        self.entry(path, mode, (0, 0), content);
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.names.insert(path.to_owned()) {
            return;
        }
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_size = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        // Inode, mode, owner, group, links, time, size, device of the file, device that it is, name,
        // check sum (none in this format).
        let (major, minor) = device;
        let fields =
            [self.next, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0].map(hexadecimal);
        self.next += 1;
        self.bytes.extend(b"070701");
        self.bytes.extend(fields.concat().as_bytes());
        self.bytes.extend(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

fn hexadecimal(number: u32) -> String {
    format!("{number:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_a_head_of_110_octets_and_is_padded() {
        let mut archive = Archive::new();
        archive.file("a", b"hello");
        let bytes = archive.bytes;
        assert_eq!(&bytes[..6], b"070701");
        // The seventh number is the size, the twelfth the name's.
        assert_eq!(&bytes[6 + 6 * 8..6 + 7 * 8], b"00000005");
        assert_eq!(&bytes[6 + 11 * 8..6 + 12 * 8], b"00000002");
        assert_eq!(&bytes[110..112], b"a\0");
        assert_eq!(&bytes[112..117], b"hello");
        assert_eq!(bytes.len(), 120);
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_once() {
        let mut archive = Archive::new();
        archive.program("/bin/a", b"");
        archive.program("/bin/b", b"");
        archive.file("/lib/x/y", b"");
        assert!(archive.has("/lib/x") && archive.has("bin/b") && !archive.has("/sbin"));
        let text = String::from_utf8_lossy(&archive.finish()).into_owned();
        let at = |name: &str| text.find(&format!("{name}\0")).unwrap();
        assert!(at("bin") < at("bin/a") && at("lib") < at("lib/x") && at("lib/x") < at("lib/x/y"));
        assert_eq!(text.matches("070701").count(), 7);
        assert!(at("TRAILER!!!") > at("lib/x/y"));
    }
}
