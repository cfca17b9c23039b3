//! Who asks, and what he may.

use std::net::SocketAddr;
use std::time::Duration;

use hitless_config::Privilege;
use nix::unistd::{Uid, User};

/// How long the system may take to tell a user's name.
const NAME: Duration = Duration::from_secs(1);

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A process of this machine, over a socket; its user, if the kernel tells.
    Local(Option<u32>),
    /// A host that showed a token.
    Network(SocketAddr),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What he may.
    pub privilege: Privilege,
    /// Where from.
    pub origin: Origin,
}

impl Peer {
    /// Whether he may do what asks for `needed`.
    pub fn may(&self, needed: Privilege) -> bool {
        self.privilege >= needed
    }

    /// As he is called in the archive and in conflicts.
    pub async fn name(&self) -> String {
        match self.origin {
            Origin::Network(address) => address.ip().to_string(),
            Origin::Local(None) => "somebody".to_owned(),
            Origin::Local(Some(uid)) => {
                // The system may ask a directory on the network.
                let asked = tokio::task::spawn_blocking(move || User::from_uid(Uid::from_raw(uid)));
                match tokio::time::timeout(NAME, asked).await {
                    Ok(Ok(Ok(Some(user)))) => user.name,
                    _ => format!("uid {uid}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_user_is_told_by_name_or_else_by_number() {
        let name = async |uid| {
            let origin = Origin::Local(Some(uid));
            Peer { privilege: Privilege::Reader, origin }.name().await
        };
        assert_eq!(name(0).await, "root");
        assert_eq!(name(3_999_999_999).await, "uid 3999999999");
    }

    #[test]
    fn an_administrator_may_what_a_reader_may_and_not_the_other_way_round() {
        let peer = |privilege| Peer { privilege, origin: Origin::Local(None) };
        assert!(peer(Privilege::Administrator).may(Privilege::Reader));
        assert!(!peer(Privilege::Reader).may(Privilege::Administrator));
    }
}
