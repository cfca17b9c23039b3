//! Prints the command reference; `cargo xtask docs` puts it where it belongs.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

fn main() {
    print!("{}", hitless_config::reference());
}
