//! The API over TCP: only with TLS, and only for those who show a token.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use blake2::{Blake2s256, Digest};
use hitless_config::Privilege;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::access::{Origin, Peer};
use super::refusal::Refusal;
use super::serve::{CLIENTS, converse};

/// How long a client may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Pause after the system had no descriptor for a client.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// A shorter token can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// Others may read it.
const OTHERS_READ: u32 = 0o007;

/// What `--listen` and its companions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The certificate with those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// The tokens, one in a line, each with `reader` or `administrator` in front of it.
    pub tokens: PathBuf,
}

/// What is wrong with it: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file cannot be used.
    #[error("{file}: {why}")]
    File {
        /// Which.
        file: String,
        /// Why not.
        why: String,
    },
    /// The port cannot be had.
    #[error("--listen {0}: {1}")]
    Port(SocketAddr, io::Error),
}

/// A door that is open to the network.
pub struct Door {
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    tokens: Arc<Vec<Token>>,
}

/// A token, as a digest: two of them have the same length.
struct Token {
    digest: [u8; 32],
    privilege: Privilege,
}

impl Network {
    /// Opens the port, with everything that it needs read.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn open(&self) -> Result<Door, Unusable> {
        let acceptor = TlsAcceptor::from(Arc::new(self.tls()?));
        let tokens = Arc::new(tokens(&self.tokens)?);
        let port = |error| Unusable::Port(self.listen, error);
        let listener = std::net::TcpListener::bind(self.listen).map_err(port)?;
        listener.set_nonblocking(true).map_err(port)?;
        Ok(Door { listener, acceptor, tokens })
    }

    fn tls(&self) -> Result<ServerConfig, Unusable> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(&self.certificate, error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| unusable(&self.key, error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&self.certificate, error))?
            .with_no_client_auth()
            .with_single_cert(chain, key);
        config.map_err(|error| unusable(&self.certificate, error))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unusable(file: &Path, why: impl ToString) -> Unusable {
    Unusable::File { file: file.display().to_string(), why: why.to_string() }
}

fn tokens(file: &Path) -> Result<Vec<Token>, Unusable> {
    let wrong = |why: &str| unusable(file, why);
    let mode = std::fs::metadata(file).map_err(|error| unusable(file, error))?.permissions().mode();
    if mode & OTHERS_READ != 0 {
        return Err(wrong("others may read the tokens: chmod o-rwx"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unusable(file, error))?;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let tokens: Result<Vec<_>, _> = lines.map(|line| token(line).map_err(wrong)).collect();
    let tokens = tokens?;
    if tokens.is_empty() {
        return Err(wrong("there is no token in it"));
    }
    Ok(tokens)
}

fn token(line: &str) -> Result<Token, &'static str> {
    let (who, token) = line.split_once(char::is_whitespace).ok_or(FORM)?;
    let privilege = match who {
        "administrator" => Privilege::Administrator,
        "reader" => Privilege::Reader,
        _ => return Err(FORM),
    };
    let token = token.trim();
    if token.len() < SHORTEST_TOKEN {
        return Err("a token has 16 characters or more");
    }
    Ok(Token { digest: Blake2s256::digest(token).into(), privilege })
}

const FORM: &str = "each line is \"administrator TOKEN\" or \"reader TOKEN\"";

/// What a token allows; all of them are compared, and each in the same time.
fn allowed(tokens: &[Token], shown: &str) -> Option<Privilege> {
    let shown: [u8; 32] = Blake2s256::digest(shown).into();
    let fits = |token: &&Token| bool::from(token.digest.ct_eq(&shown));
    tokens.iter().filter(fits).map(|token| token.privilege).max()
}

impl Door {
    /// Answers for as long as the runtime lives.
    ///
    /// # Errors
    /// When the runtime cannot have the port.
    pub async fn serve(self, router: Router) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let room = Arc::new(Semaphore::new(CLIENTS));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("a client of the API could not be let in: {error}");
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            let tokens = Arc::clone(&self.tokens);
            let check = move |request, next| checked(Arc::clone(&tokens), from, request, next);
            let router = router.clone().layer(from_fn(check));
            let acceptor = self.acceptor.clone();
            tokio::spawn(async move {
                match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, router).await,
                    Ok(Err(error)) => tracing::debug!("{from}: {error}"),
                    Err(_) => tracing::debug!("{from}: no TLS within {} s", HANDSHAKE.as_secs()),
                }
                drop(place);
            });
        }
    }
}

async fn checked(
    tokens: Arc<Vec<Token>>,
    from: SocketAddr,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|shown| shown.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some(privilege) = shown.and_then(|(_, token)| allowed(&tokens, token.trim())) else {
        let error = "show a token: Authorization: Bearer TOKEN";
        return Refusal::new(StatusCode::UNAUTHORIZED, error).into_response();
    };
    request.extensions_mut().insert(Peer { privilege, origin: Origin::Network(from) });
    next.run(request).await
}

#[cfg(test)]
mod tests;
