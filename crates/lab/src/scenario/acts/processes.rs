//! Processes killed, stopped, hung, replaced.

use anyhow::Result;
use nix::sys::signal::Signal;

use crate::arena::Arena;
use crate::clock::millis;
use crate::scenario::fault::Struck;

/// SIGKILL of the active one's module; its supervisor starts it again.
pub(crate) fn kill_module(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.signal_module(struck.active, Signal::SIGKILL)?;
    arena.interrupt.sleep(struck.lasts)
}

/// The killed one is back at work, as whatever it is now.
pub(crate) fn await_pair(arena: &mut Arena, _: Struck) -> Result<()> {
    arena.pair.await_one()?;
    arena.pair.await_step()
}

/// SIGKILL of the active one's supervisor; the module goes on without it.
pub(crate) fn kill_supervisor(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.kill_supervisor(struck.active)?;
    arena.interrupt.sleep(struck.lasts)
}

/// The supervisor is started again, as systemd would, and adopts the module.
pub(crate) fn start_again(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.start_again(struck.active)?;
    arena.pair.await_step()
}

/// `reload daemon` on the active one.
pub(crate) fn reload_active(arena: &mut Arena, struck: Struck) -> Result<()> {
    reload(arena, struck, struck.active)
}

/// `reload daemon` on the standby.
pub(crate) fn reload_standby(arena: &mut Arena, struck: Struck) -> Result<()> {
    reload(arena, struck, struck.standby())
}

fn reload(arena: &mut Arena, struck: Struck, number: usize) -> Result<()> {
    let start = std::time::Instant::now();
    arena.pair.reload(number)?;
    arena.findings.raise("slowest_reload_ms", millis(start.elapsed()));
    await_pair(arena, struck)
}

/// SIGTERM to the active one's supervisor, as systemd stops it.
pub(crate) fn stop(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.terminate(struck.active)?;
    arena.pair.await_active(struck.standby())
}

/// SIGSTOP of the active one's module for longer than its lease.
pub(crate) fn hang(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.signal_module(struck.active, Signal::SIGSTOP)?;
    arena.pair.await_active(struck.standby())?;
    arena.interrupt.sleep(struck.lasts)
}

/// SIGCONT.
pub(crate) fn go_on(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.signal_module(struck.active, Signal::SIGCONT)?;
    await_pair(arena, struck)
}
