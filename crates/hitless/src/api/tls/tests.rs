use axum::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

/// A folder with a token file in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, tokens: &str, mode: u32) -> Self {
        let name = format!("hitless-tls-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("tokens");
        std::fs::write(&file, tokens).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        Self(folder)
    }

    fn network(&self) -> Network {
        Network {
            listen: "127.0.0.1:0".parse().unwrap(),
            certificate: Path::new(FIXTURES).join("certificate.pem"),
            key: Path::new(FIXTURES).join("key.pem"),
            tokens: self.0.join("tokens"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

const TOKENS: &str = "# who\nadministrator 0123456789abcdef-a\nreader 0123456789abcdef-r\n";

/// Asks over TLS with this head, and gives the whole answer.
async fn ask(at: SocketAddr, head: &str) -> String {
    let file = Path::new(FIXTURES).join("certificate.pem");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("hitless.test").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.unwrap();
    let request = format!("GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that closes without a good-bye has said all the same.
    let _how_it_ended = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn who() -> Router {
    Router::new().route(
        "/who",
        get(async |Extension(peer): Extension<Peer>| match peer.privilege {
            Privilege::Administrator => "administrator",
            Privilege::Reader => "reader",
        }),
    )
}

#[tokio::test]
async fn a_token_tells_what_its_bearer_may_and_nothing_else_gets_in() {
    let folder = Folder::new("serve", TOKENS, 0o600);
    let door = folder.network().open().unwrap();
    let at = door.listener.local_addr().unwrap();
    let server = tokio::spawn(door.serve(who()));
    for (head, status, body) in [
        ("Authorization: Bearer 0123456789abcdef-a\r\n", "200", "administrator"),
        ("Authorization: bearer  0123456789abcdef-r\r\n", "200", "reader"),
        ("Authorization: Bearer 0123456789abcdef\r\n", "401", "show a token"),
        ("Authorization: Basic 0123456789abcdef-a\r\n", "401", "show a token"),
        ("", "401", "show a token"),
    ] {
        let answer = ask(at, head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}{answer}");
        assert!(answer.contains(body), "{head}{answer}");
    }
    // Without TLS nobody is talked to.
    let mut plain = TcpStream::connect(at).await.unwrap();
    plain.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _reset = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.abort();
}

#[test]
fn what_is_missing_or_wrong_is_said_in_a_sentence() {
    let said = |tokens: &str, mode| {
        let folder = Folder::new("wrong", tokens, mode);
        folder.network().open().err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(said(TOKENS, 0o604).contains("chmod o-rwx"), "{}", said(TOKENS, 0o604));
    assert!(said("", 0o600).ends_with("there is no token in it"));
    assert!(said("root 0123456789abcdef", 0o600).contains("each line is"));
    assert!(said("reader short", 0o600).contains("16 characters"));
    let folder = Folder::new("files", TOKENS, 0o600);
    for file in ["certificate", "key", "tokens"] {
        let mut network = folder.network();
        let missing = folder.0.join("missing");
        match file {
            "certificate" => network.certificate = missing,
            "key" => network.key = missing,
            _ => network.tokens = missing,
        }
        let error = network.open().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("missing"), "{file}: {error}");
    }
    let mismatched = Network { key: folder.network().certificate, ..folder.network() };
    assert!(mismatched.open().is_err());
}
