//! The rival: an nftables ruleset that balances by translating the destination. No replication, no second box.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hitless_lab::namespace::Namespace;

use super::ground::{REAL, VIRTUAL};

/// Debian's package of the same name has it.
const PROGRAM: &str = "nft";

/// Whether the program is there.
pub(crate) fn is_installed() -> bool {
    let mut probe = Command::new(PROGRAM);
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// A server farm of one: the place in the farm is drawn for each connection all the same.
fn rules() -> String {
    format!(
        "table ip balancer {{\n\
         \tchain prerouting {{\n\
         \t\ttype nat hook prerouting priority dstnat;\n\
         \t\tip daddr {VIRTUAL} tcp dport 80 dnat to numgen inc mod 1 map {{ 0 : {REAL} }}\n\
         \t\tip daddr {VIRTUAL} udp dport 80 dnat to numgen inc mod 1 map {{ 0 : {REAL} }}\n\
         \t}}\n}}\n"
    )
}

/// Puts the rules in force in a namespace.
pub(crate) fn balance(namespace: &Namespace) -> Result<()> {
    let mut child = namespace.within(|| {
        let mut command = Command::new(PROGRAM);
        command.args(["-f", "-"]).stdin(Stdio::piped());
        command.spawn().context("cannot run nft (Debian package nftables)")
    })?;
    child.stdin.take().context("nft has no input")?.write_all(rules().as_bytes())?;
    ensure!(child.wait()?.success(), "nft refuses the rules");
    Ok(())
}
