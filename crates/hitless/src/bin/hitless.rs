//! hitless: the command line. Each `-c` is one command for the daemon behind the socket; what it
//! prints goes to standard output, errors go to standard error as IOS prints them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use hitless::api::client::{self, ClientError};
use hitless::api::types::{ExecReply, ExecRequest};
use hyper::Method;

/// How long a daemon may take until it can be reached again.
const COMING_BACK: Duration = Duration::from_secs(5);
/// How long a reload may take.
const LONGEST_RELOAD: Duration = Duration::from_secs(90);
/// How often to try.
const RETRY: Duration = Duration::from_millis(5);

/// Command line of hitlessd.
#[derive(Debug, Parser)]
#[command(name = "hitless", version)]
struct CommandLine {
    /// Where hitlessd answers
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// A command, as in -c "show module csm all"; several are carried out in order
    #[arg(short = 'c', value_name = "COMMAND", required = true)]
    commands: Vec<String>,
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    match run(&command_line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            // Nobody is left to tell that standard error is closed.
            drop(writeln!(std::io::stderr(), "{text}"));
            ExitCode::FAILURE
        }
    }
}

/// The first command that fails ends it.
fn run(command_line: &CommandLine) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("% cannot start: {error}"))?;
    for command in &command_line.commands {
        let output = runtime.block_on(ask(&command_line.socket, command))?;
        print(&output).map_err(|error| format!("% standard output: {error}"))?;
    }
    Ok(())
}

async fn ask(socket: &Path, command: &str) -> Result<String, String> {
    let request = ExecRequest { command: command.to_owned() };
    let reply = client::call(socket, Method::POST, "/v1/exec", &request).await;
    match reply {
        Ok(ExecReply { output, follow: false }) => Ok(output),
        Ok(ExecReply { output, follow: true }) => Ok(output + &follow(socket).await?),
        Err(error) => Err(said(error)),
    }
}

/// The daemon is being replaced; the next one tells how that ended. It has the same socket, but for
/// an instant a question may meet the old one, which takes it along.
async fn follow(socket: &Path) -> Result<String, String> {
    let begun = Instant::now();
    loop {
        let asked = client::get(socket, "/v1/reload");
        let Ok(reply) = tokio::time::timeout(LONGEST_RELOAD, asked).await else {
            return Err(format!("% no answer within {} s", LONGEST_RELOAD.as_secs()));
        };
        match reply {
            Ok(ExecReply { output, .. }) => return Ok(output),
            Err(error @ (ClientError::Connect { .. } | ClientError::Transport(_))) => {
                if begun.elapsed() > COMING_BACK {
                    return Err(said(error));
                }
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(said(error)),
        }
    }
}

fn said(error: ClientError) -> String {
    match error {
        ClientError::Refused(said) if said.starts_with('%') => said,
        ClientError::Refused(said) => format!("% {said}"),
        error @ (ClientError::Connect { .. }
        | ClientError::Transport(_)
        | ClientError::Request(_)
        | ClientError::Answer(_)) => format!("% {error}"),
    }
}

/// A reader that has seen enough, as `head` does, is no error.
fn print(output: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(output.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
