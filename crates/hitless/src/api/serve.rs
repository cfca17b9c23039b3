//! Doors and those who come through them: bounded in number, in patience, and in what they may.
//!
//! The administrators' socket, the readers' socket beside it, and if it is configured a TCP port
//! ([`super::tls`]). Whoever serves requests runs at ordinary priority in the supervisor's process; the
//! threads that speak to the peer are in the modules' processes and in the real-time class, so that no
//! number of clients can delay a heartbeat.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hitless_config::Privilege;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::access::{Origin, Peer};

/// Clients of one door at a time; more wait until one leaves.
pub(super) const CLIENTS: usize = 256;
/// How long a client may take to say what it wants, or to want anything.
const HEAD: Duration = Duration::from_secs(30);
/// Octets of a request's head.
const LONGEST_HEAD: usize = 64 << 10;
/// Pause after the system had no descriptor for a client.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Opens a socket that only its owner and group may use; a stale one of a dead process is replaced.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    bind_std(path).and_then(UnixListener::from_std)
}

/// As [`bind`], outside of a runtime.
pub fn bind_std(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process answers on {}", path.display()),
        ));
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers on a socket for as long as the runtime lives.
pub async fn local(listener: UnixListener, privilege: Privilege, router: Router) {
    let room = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a client of the API could not be let in: {error}");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let uid = stream.peer_cred().ok().map(|peer| peer.uid());
        let peer = Peer { privilege, origin: Origin::Local(uid) };
        let router = router.clone().layer(Extension(peer));
        tokio::spawn(async move {
            converse(stream, router).await;
            drop(place);
        });
    }
}

/// Talks to one client until either is done.
pub(super) async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let service = TowerToHyperService::new(router);
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = conversation.await {
        tracing::debug!("a client of the API: {error}");
    }
}
