//! What is written on a network device while a module has it: enough to give it back as it was.
//!
//! The note is the device's alias, the one free text that the kernel keeps with a device. It goes
//! with the device into the module's namespace and back, outlives every process, and makes the device
//! recognizable where the kernel itself has moved it, as it does when a namespace ends.

use super::plan::mark;
use crate::names::Names;
use crate::netlink::Link;

/// Most octets of an alias that are kept; the kernel takes 255, the rest of the note included.
const ALIAS: usize = 180;

/// A device as it was when a module was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Its name.
    pub(super) name: String,
    /// Whether it was switched on.
    pub(super) up: bool,
    /// Its alias.
    pub(super) alias: String,
}

impl Note {
    /// What there is to remember about a device that nobody has yet.
    pub(super) fn about(link: &Link) -> Self {
        let alias = link.alias.clone().unwrap_or_default();
        let end = (0..=ALIAS.min(alias.len())).rev().find(|end| alias.is_char_boundary(*end));
        let alias = alias.get(..end.unwrap_or(0)).unwrap_or_default().to_owned();
        Self { name: link.name.clone(), up: link.up, alias }
    }

    /// The note that this daemon wrote on a device.
    pub(super) fn on(link: &Link, names: &Names) -> Option<Self> {
        let note = link.alias.as_deref()?.strip_prefix(&mark(names))?.strip_prefix(" has ")?;
        let mut parts = note.splitn(3, ' ');
        let (name, up) = (parts.next()?.to_owned(), parts.next()? == "up");
        Some(Self { name, up, alias: parts.next().unwrap_or_default().to_owned() })
    }

    /// The text.
    pub(super) fn text(&self, names: &Names) -> String {
        let Self { name, up, alias } = self;
        let state = if *up { "up" } else { "down" };
        format!("{} has {name} {state} {alias}", mark(names)).trim_end().to_owned()
    }
}
