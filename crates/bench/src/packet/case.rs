//! What is measured: kinds of packets, each with its frame, its verdict, and the program that is its floor.

use anyhow::{Context, Result};
use etherparse::PacketBuilder;
use hitless_model::Counter;
use hitless_model::tcp::{ACK, SYN};
use serde::Serialize;

use super::scene::{
    FIRST_REAL, FOREIGN, GATEWAY_MAC, KNOWN, NEW, OWN_CLIENT_MAC, OWN_SERVER_MAC, PORT, REAL_MAC,
    Scene, VIRTUAL,
};
use crate::object::Hook;
use crate::plan::{
    CLIENT_IS_DESTINATION, CLIENT_IS_SOURCE, FIRST_PORT, FRAME_LEN, Plan, REALS, Service, Target,
};

/// Flows that may come new before one comes again: more than any table remembers.
const NEW_FLOWS: u32 = 1 << 25;
/// Headers before the payload.
const TCP_HEADERS: usize = 14 + 20 + 20;
const UDP_HEADERS: usize = 14 + 20 + 8;
const TTL: u8 = 64;

/// A kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Case {
    /// TCP of an established connection, from the client.
    TcpToReal,
    /// TCP of an established connection, from the real.
    TcpToClient,
    /// UDP of an established flow, from the client.
    UdpToReal,
    /// Neither a virtual server's nor a connection's: the kernel's.
    NotOurs,
    /// TCP that opens a connection, which is stored.
    TcpNew,
}

/// All of them; the last leaves the small tables full, so it comes last.
pub(crate) const CASES: [Case; 5] =
    [Case::TcpToReal, Case::TcpToClient, Case::UdpToReal, Case::NotOurs, Case::TcpNew];

/// A frame without what the headers' builders add.
struct Frame {
    macs: ([u8; 6], [u8; 6]),
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    tcp: Option<u8>,
}

impl Case {
    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TcpToReal => "TCP established, client to real",
            Self::TcpToClient => "TCP established, real to client",
            Self::UdpToReal => "UDP established, client to real",
            Self::NotOurs => "not ours, left to the kernel",
            Self::TcpNew => "TCP SYN, new flow stored",
        }
    }

    /// Whether the targets for established flows are about it.
    pub(crate) fn is_established(self) -> bool {
        match self {
            Self::TcpToReal | Self::TcpToClient | Self::UdpToReal => true,
            Self::NotOurs | Self::TcpNew => false,
        }
    }

    /// Of so many runs, as many as it needs: a new flow takes ten times as long as a known one, and there is
    /// no table that all of them have to have touched.
    pub(crate) fn share_of(self, repeat: u32) -> u32 {
        match self {
            Self::TcpNew => repeat / 8,
            Self::TcpToReal | Self::TcpToClient | Self::UdpToReal | Self::NotOurs => repeat,
        }
    }

    /// The floor's program.
    pub(crate) fn floor(self, hook: Hook) -> &'static str {
        match (self, hook) {
            (Self::TcpToClient, Hook::Tc) => "reverse_tc",
            (Self::TcpToClient, Hook::Xdp) => "reverse_xdp",
            (Self::TcpToReal | Self::UdpToReal | Self::NotOurs | Self::TcpNew, Hook::Tc) => {
                "forward_tc"
            }
            (Self::TcpToReal | Self::UdpToReal | Self::NotOurs | Self::TcpNew, Hook::Xdp) => {
                "forward_xdp"
            }
        }
    }

    /// The verdict that it must get.
    pub(crate) fn verdict(self, hook: Hook) -> u32 {
        match self {
            Self::NotOurs => hook.pass(),
            Self::TcpToReal | Self::TcpToClient | Self::UdpToReal | Self::TcpNew => hook.redirect(),
        }
    }

    /// The counter that counts each of them, if the data plane counts them at all.
    pub(crate) fn counter(self) -> Option<Counter> {
        match self {
            Self::TcpToReal | Self::UdpToReal => Some(Counter::ForwardedToReal),
            Self::TcpToClient => Some(Counter::ForwardedToClient),
            Self::TcpNew => Some(Counter::ConnectionsCreated),
            Self::NotOurs => None,
        }
    }

    /// Whether the data plane and the floor make the same frame of it: a new flow's real is not the same.
    pub(crate) fn is_same_on_floor(self) -> bool {
        self != Self::TcpNew
    }

    /// The interface that it arrives on.
    pub(crate) fn ifindex(self, scene: &Scene) -> u32 {
        match self {
            Self::TcpToClient => scene.ports.server,
            Self::TcpToReal | Self::UdpToReal | Self::NotOurs | Self::TcpNew => scene.ports.client,
        }
    }

    /// Its frames.
    pub(crate) fn plan(self, scene: &Scene, flows: u32) -> Result<Plan> {
        let (client, mask) = match self {
            Self::TcpToClient => (CLIENT_IS_DESTINATION, flows - 1),
            Self::TcpNew => (CLIENT_IS_SOURCE, NEW_FLOWS - 1),
            Self::TcpToReal | Self::UdpToReal | Self::NotOurs => (CLIENT_IS_SOURCE, flows - 1),
        };
        let frame = self.frame(scene)?.bytes()?;
        Ok(Plan { state: 0, mask, client, reals: REALS - 1, ifindex: 0, frame })
    }

    fn frame(self, scene: &Scene) -> Result<Frame> {
        let known = (KNOWN.octets(), FIRST_PORT);
        let to_virtual = Frame {
            macs: (GATEWAY_MAC, scene.virtual_client_mac()?),
            from: known,
            to: (VIRTUAL.octets(), PORT),
            tcp: Some(ACK),
        };
        Ok(match self {
            Self::TcpToReal => to_virtual,
            Self::UdpToReal => Frame { tcp: None, ..to_virtual },
            Self::TcpNew => {
                Frame { tcp: Some(SYN), from: (NEW.octets(), FIRST_PORT), ..to_virtual }
            }
            Self::NotOurs => Frame {
                macs: (GATEWAY_MAC, OWN_CLIENT_MAC),
                to: (FOREIGN.octets(), PORT),
                ..to_virtual
            },
            Self::TcpToClient => Frame {
                macs: (REAL_MAC, scene.virtual_server_mac()?),
                from: (FIRST_REAL.octets(), PORT),
                to: known,
                tcp: Some(ACK),
            },
        })
    }
}

impl Frame {
    /// The frame, of the least length that Ethernet carries.
    fn bytes(&self) -> Result<[u8; FRAME_LEN]> {
        let ip =
            PacketBuilder::ethernet2(self.macs.0, self.macs.1).ipv4(self.from.0, self.to.0, TTL);
        let (from, to) = (self.from.1, self.to.1);
        let mut bytes = Vec::new();
        match self.tcp {
            Some(flags) => {
                let tcp = ip.tcp(from, to, 0x0102_0304, 8192);
                let tcp = if flags == SYN { tcp.syn() } else { tcp.ack(0x0506_0708).psh() };
                tcp.write(&mut bytes, &[0; FRAME_LEN - TCP_HEADERS])?;
            }
            None => ip.udp(from, to).write(&mut bytes, &[0; FRAME_LEN - UDP_HEADERS])?,
        }
        bytes.try_into().ok().context("a frame has its length")
    }
}

/// What the floor is told: the same rewriting as the data plane's.
pub(crate) fn service(scene: &Scene) -> Service {
    let port = PORT.to_be_bytes();
    let forward = (REAL_MAC, OWN_SERVER_MAC);
    let reverse = (GATEWAY_MAC, OWN_CLIENT_MAC);
    Service {
        forward: Target::new((FIRST_REAL.octets(), port), forward, scene.ports.server),
        reverse: Target::new((VIRTUAL.octets(), port), reverse, scene.ports.client),
    }
}
