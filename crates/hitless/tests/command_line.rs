//! The contract of the `hitless` program: what it prints where, and its exit status.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use hitless::api::server::{self, Exec};
use hitless::api::types::ExecReply;

/// A socket in a folder of its own.
struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hitless-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("s.sock")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The real server, with a daemon behind it that knows two commands.
fn serve(socket: &Socket) {
    let exec: Arc<Exec> = Arc::new(|line: String| {
        Box::pin(async move {
            match line.as_str() {
                "show one" => Ok(ExecReply::done("one\n")),
                "show two" => Ok(ExecReply::done("two\n")),
                _ => Err("% Invalid input detected at '^' marker.".to_owned()),
            }
        })
    });
    let listener = server::bind(&socket.path()).expect("a socket");
    tokio::spawn(async move { axum::serve(listener, server::supervisor(exec)).await });
}

async fn hitless(socket: &Socket, commands: &[&str]) -> Output {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_hitless"));
    program.arg("--socket").arg(socket.path());
    for command in commands {
        program.args(["-c", command]);
    }
    program.output().await.expect("the program runs")
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("text")
}

#[tokio::test]
async fn several_commands_are_printed_in_order() {
    let socket = Socket::new("order");
    serve(&socket);
    let output = hitless(&socket, &["show one", "show two"]).await;
    assert_eq!(text(&output.stdout), "one\ntwo\n");
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}

#[tokio::test]
async fn an_error_goes_to_standard_error_and_ends_it() {
    let socket = Socket::new("error");
    serve(&socket);
    let output = hitless(&socket, &["show one", "nonsense", "show two"]).await;
    assert_eq!(text(&output.stdout), "one\n");
    assert_eq!(text(&output.stderr), "% Invalid input detected at '^' marker.\n");
    assert!(!output.status.success());
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_one_sentence() {
    let socket = Socket::new("absent");
    let output = hitless(&socket, &["show one"]).await;
    let said = text(&output.stderr);
    assert!(said.starts_with("% cannot reach") && said.lines().count() == 1, "{said}");
    assert!(!output.status.success());
}
