//! Gratuitous ARP: tells switches and neighbours where the floating addresses are.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use hitless_model::Mac;
use rustix::net::SocketFlags;

use super::packet::{self, Arp, FRAME};
use super::realtime;

/// One floating address to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Announcement {
    /// Interface of its VLAN.
    pub(crate) ifindex: u32,
    /// The address.
    pub(crate) ip: Ipv4Addr,
    /// The virtual MAC of its VLAN.
    pub(crate) mac: Mac,
}

impl Announcement {
    /// An ARP announcement: a request for its own address (RFC 5227 section 2.3).
    fn frame(&self) -> [u8; FRAME] {
        Arp { to: Mac::BROADCAST, sender: (self.mac, self.ip), target: self.ip }.request()
    }
}

/// Sends announcements: the first of every VLAN from the calling thread, the rest from its own.
pub(crate) struct Announcer {
    socket: Arc<OwnedFd>,
    first: Vec<Announcement>,
    all: Arc<Vec<Announcement>>,
    rest: SyncSender<Arc<Vec<Announcement>>>,
}

impl Announcer {
    /// Opens the packet socket in the calling thread's namespace.
    pub(crate) fn open(all: Vec<Announcement>) -> io::Result<Self> {
        let socket = Arc::new(packet::socket(SocketFlags::empty())?);
        // One burst may wait while one is being sent; more would only repeat it.
        let (rest, bursts) = sync_channel(1);
        let sender = Arc::clone(&socket);
        thread::Builder::new()
            .name("announce".into())
            .spawn(move || send_bursts(&sender, &bursts))?;
        Ok(Self { socket, first: first_of_each(&all), all: Arc::new(all), rest })
    }

    /// Announces these from now on; those that are new at once if `now` says so.
    pub(crate) fn replace(&mut self, all: Vec<Announcement>, now: bool) {
        let before: HashSet<Announcement> = self.all.iter().copied().collect();
        let news: Vec<_> = all.iter().filter(|one| !before.contains(one)).copied().collect();
        self.first = first_of_each(&all);
        self.all = Arc::new(all);
        if now && !news.is_empty() {
            // Where a burst waits already, the next regular one has them.
            let _busy = self.rest.try_send(Arc::new(news));
        }
    }

    /// One frame per VLAN at once, so that every switch relearns; then all addresses.
    pub(crate) fn announce(&self) {
        for one in &self.first {
            send(&self.socket, one);
        }
        // A full channel means that a burst of the same addresses is waiting already.
        let _already_waiting = self.rest.try_send(Arc::clone(&self.all));
    }
}

fn first_of_each(all: &[Announcement]) -> Vec<Announcement> {
    let mut seen = HashSet::new();
    all.iter().filter(|one| seen.insert(one.ifindex)).copied().collect()
}

fn send_bursts(socket: &OwnedFd, bursts: &Receiver<Arc<Vec<Announcement>>>) {
    realtime::relax();
    for burst in bursts {
        for one in burst.iter() {
            send(socket, one);
        }
    }
}

fn send(socket: &OwnedFd, one: &Announcement) {
    if let Err(error) = packet::send(socket, &one.frame(), one.ifindex, Mac::BROADCAST) {
        tracing::debug!("announcement of {}: {error}", one.ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_an_arp_announcement() {
        let mac = Mac([2, 1, 2, 3, 4, 5]);
        let one = Announcement { ifindex: 1, ip: Ipv4Addr::new(192, 158, 38, 30), mac };
        let frame = one.frame();
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[6..12], mac.0);
        assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!(frame[22..28], mac.0);
        assert_eq!(frame[28..32], [192, 158, 38, 30]);
        assert_eq!(frame[38..42], [192, 158, 38, 30]);
    }
}
