//! Gives devices of the host to modules and takes them back.
//!
//! A device never loses its note while it is away from home: the note is written before it leaves
//! and wiped off when everything else is as it was. So whatever is cut short anywhere in between is
//! finished by the next one who looks.

use std::fs::File;
use std::os::fd::AsFd;

use hitless_model::{Slot, VlanId};

use super::attached::Note;
use super::kernel::{Kernel, in_namespace, set_parameters};
use super::plan::Actual;
use crate::names::Names;
use crate::netlink::{Error, Link, Netlink};

impl Kernel {
    /// Makes a device of the chassis a module's interface on a VLAN.
    pub(super) async fn give_device(
        &self,
        name: &str,
        slot: Slot,
        vlan: VlanId,
    ) -> Result<(), Error> {
        let link = found(&self.netlink, name).await?;
        let note = Note::on(&link, &self.names).unwrap_or_else(|| Note::about(&link));
        let path = self.names.namespace_path(slot);
        let namespace =
            File::open(&path).map_err(|error| Error::new(path.display().to_string(), error))?;
        self.netlink.set_alias(link.index, &note.text(&self.names)).await?;
        let inside = Names::vlan(vlan);
        self.netlink.move_link(link.index, namespace.as_fd(), &inside).await?;
        if let Err(error) = in_namespace(&path, || set_parameters(&inside)) {
            self.return_device(slot, &inside).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes a module's interface, which is a device of the host, back into the chassis.
    pub(super) async fn return_device(&self, slot: Slot, inside: &str) -> Result<(), Error> {
        let there = Netlink::connect_in(&self.names.namespace_path(slot))?;
        let Some(link) = there.link(inside).await? else { return Ok(()) };
        let Some(note) = Note::on(&link, &self.names) else { return Ok(()) };
        there.move_link(link.index, self.home.as_fd(), &note.name).await?;
        self.restore_device(&note.name).await
    }

    /// Makes a device of the chassis what it was before a module had it.
    pub(super) async fn restore_device(&self, name: &str) -> Result<(), Error> {
        let link = found(&self.netlink, name).await?;
        let Some(note) = Note::on(&link, &self.names) else { return Ok(()) };
        if link.name != note.name {
            // Kernels before 6.2 rename only what is switched off.
            self.netlink.set_down(link.index).await?;
            self.netlink.rename(link.index, &note.name).await?;
        }
        if note.up {
            self.netlink.set_up(link.index).await?;
        }
        self.netlink.set_alias(link.index, &note.alias).await
    }

    /// Takes every device back.
    pub(super) async fn return_all(&self, actual: &Actual) -> Result<(), Error> {
        let is_away = |link: &&Link| Note::on(link, &self.names).is_some();
        for (&slot, links) in &actual.namespaces {
            for link in links.iter().filter(is_away) {
                self.return_device(slot, &link.name).await?;
            }
        }
        for link in actual.links.iter().filter(is_away) {
            self.restore_device(&link.name).await?;
        }
        Ok(())
    }
}

async fn found(netlink: &Netlink, name: &str) -> Result<Link, Error> {
    let absent = || Error::new(name, std::io::Error::from_raw_os_error(libc::ENODEV));
    netlink.link(name).await?.ok_or_else(absent)
}
