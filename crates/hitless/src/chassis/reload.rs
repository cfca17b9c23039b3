//! What a reload needs, found out before anything is touched: a configuration that can be read, a
//! program that can run and understands it, interfaces that are there, and modules whose peers wait.

use std::process::Stdio;
use std::time::Duration;

use hitless_model::abi::ABI_VERSION;
use tokio::process::Command;
use tokio::time::timeout;

use super::desired::Desired;
use super::modules::try_renewal;
use super::network::Network;
use super::process::Launch;
use super::succession::Invocation;
use crate::module::check_program;
use crate::store::opening::{self, Source};
use crate::store::shelf::Shelf;

/// How long the next program may take to say what it thinks of the configuration.
const CHECK: Duration = Duration::from_secs(10);

/// Checks everything that can be.
///
/// # Errors
/// Why there will be no reload, for people; everything goes on as before then.
pub(crate) async fn check(
    invocation: &Invocation,
    launch: &Launch,
    network: &Network,
) -> Result<(), String> {
    let shelf = invocation.shelf();
    let opening = opening::open(&shelf, true)?;
    check_program(&invocation.program)?;
    check_successor(invocation, &shelf, opening.source).await?;
    let desired = Desired::new(&opening.configuration);
    network.plan(&desired).await.map_err(|error| format!("{error:#}"))?;
    try_renewal(&opening.configuration, launch).await
}

/// Has the program that is to follow read the configuration, and say whether it can take over.
async fn check_successor(
    invocation: &Invocation,
    shelf: &Shelf,
    source: Source,
) -> Result<(), String> {
    let program = invocation.program.display();
    let configuration = match source {
        Source::Startup => shelf.startup_file(),
        Source::Checkpoint => shelf.checkpoint_file(),
    };
    let run = Command::new(&invocation.program)
        .args(["--check", "--abi", &ABI_VERSION.to_string(), "--config"])
        .arg(configuration)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(CHECK, run).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{program} cannot be run: {error}")),
        Err(_) => return Err(format!("{program} did not answer within {} s", CHECK.as_secs())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} cannot take over:\n{}", said.trim_end()))
}
