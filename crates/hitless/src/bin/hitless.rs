//! hitless: the shell. At a terminal it talks like IOS; each `-c` is one line; without either it reads
//! lines from standard input. Everything is decided in [`hitless::shell`] and in the daemon.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hitless::shell::{self, Call};

/// The command line of hitlessd: IOS prompts at a terminal, lines from a pipe, or -c
#[derive(Debug, Parser)]
#[command(name = "hitless", version)]
struct CommandLine {
    /// Where hitlessd answers
    #[arg(long, value_name = "PATH", default_value = shell::SOCKET)]
    socket: PathBuf,
    /// A command, as in -c "show module csm all"; several are carried out in order
    #[arg(short = 'c', value_name = "COMMAND")]
    commands: Vec<String>,
}

fn main() -> ExitCode {
    let CommandLine { socket, commands } = CommandLine::parse();
    match shell::run(&Call { socket, commands }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            // Nobody is left to tell that standard error is closed.
            drop(writeln!(std::io::stderr(), "{text}"));
            ExitCode::FAILURE
        }
    }
}
