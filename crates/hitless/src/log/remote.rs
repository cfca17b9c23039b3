//! `logging host A`: every line to syslog servers, over UDP in the form of RFC 5424.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::feed::{Entry, Feed, News};
use super::writer::{FACILITY, PROGRAM};
use super::{Severity, Zone, line};

/// Where syslog servers listen.
const PORT: u16 = 514;
/// What every receiver has to take (RFC 5426).
const LONGEST: usize = 2_048;

/// Whom to send to, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// The servers.
    pub hosts: Vec<Ipv4Addr>,
    /// The chassis' name.
    pub hostname: String,
}

impl Hosts {
    /// Sends what comes to `feed` until nobody holds the other end of `hosts`.
    pub async fn serve(feed: &Feed, mut hosts: watch::Receiver<Self>) {
        let Ok(socket) = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await else { return };
        let mut coming = feed.subscribe(None).coming;
        loop {
            let entry = tokio::select! {
                changed = hosts.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                entry = coming.recv() => entry,
            };
            match entry {
                Ok(entry) => {
                    let hosts = hosts.borrow().clone();
                    hosts.send(&socket, &entry).await;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// A server that cannot be reached has no line of its own: that would go there too.
    async fn send(&self, socket: &UdpSocket, entry: &Arc<Entry>) {
        let News::Log { severity, text } = &entry.news else { return };
        if self.hosts.is_empty() || *severity == Severity::Debug {
            return;
        }
        let message = self.message(&super::zone(), entry.unix_ms, *severity, text);
        for host in &self.hosts {
            let _unreachable = socket.send_to(&message, SocketAddr::from((*host, PORT))).await;
        }
    }

    fn message(&self, zone: &Zone, unix_ms: u64, severity: Severity, text: &str) -> Vec<u8> {
        let priority = FACILITY * 8 + severity.digit();
        let when = zone.rfc3339(unix_ms);
        let name = line::name(text).map_or("-", |(_, _, mnemonic)| mnemonic);
        let host = if self.hostname.is_empty() { "-" } else { &self.hostname };
        let pid = std::process::id();
        let head = format!("<{priority}>1 {when} {host} {PROGRAM} {pid} {name} - ");
        // A text that is UTF-8 begins with this mark (RFC 5424, 6.4).
        let mut message = head + "\u{feff}" + text;
        message.truncate(message.floor_char_boundary(LONGEST));
        message.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let hosts = Hosts { hosts: Vec::new(), hostname: "box-a".to_owned() };
        let zone = Zone { name: "CET".to_owned(), offset_minutes: 60 };
        let text = "%CSM_SLB-6-REDUNDANCY_INFO: Module 5 FT info: x";
        let message = hosts.message(&zone, 1_767_225_000_005, Severity::Info, text);
        let pid = std::process::id();
        let expected = format!(
            "<190>1 2026-01-01T00:50:00.005+01:00 box-a hitlessd {pid} REDUNDANCY_INFO - \u{feff}{text}"
        );
        assert_eq!(String::from_utf8(message).unwrap(), expected);
    }

    #[test]
    fn a_message_is_no_longer_than_every_receiver_takes() {
        let long = "x".repeat(4 * LONGEST);
        let message = Hosts::default().message(&Zone::default(), 0, Severity::Info, &long);
        assert_eq!(message.len(), LONGEST);
    }
}
