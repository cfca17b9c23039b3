//! What the service manager is told, by the protocol of sd_notify(3). Without one, nobody listens.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use super::modules::Roster;
use super::vitals::Vitals;

/// A sign of life older than this is none: longer than what any keeper waits for at a stretch, and
/// than a look at the whole network takes.
const LATE: Duration = Duration::from_secs(20);
/// How often the status line is looked at where no watchdog wants feeding.
const LOOK: Duration = Duration::from_secs(1);

/// Everything is at work.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins; `ready` ends it, whatever came of it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now, NotifyState::Status("reloading")]),
        Err(error) => tracing::debug!("service manager: {error}"),
    }
}

/// The end begins.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("handing over and stopping")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("service manager: {error}");
    }
}

/// Feeds the watchdog while everything that must not stand still shows life, and keeps the status
/// line up to date.
pub(crate) async fn watch(own: Vitals, modules: watch::Receiver<Roster>) {
    let pause = sd_notify::watchdog_enabled().map_or(LOOK, |limit| (limit / 4).min(LOOK));
    let mut told = String::new();
    loop {
        tokio::time::sleep(pause).await;
        let modules = Arc::clone(&modules.borrow());
        let keepers = modules.values().map(|member| &member.vitals);
        let all_alive = [&own].into_iter().chain(keepers).all(|one| one.age() < LATE);
        if all_alive && sd_notify::watchdog_enabled().is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        let now = status(&modules);
        if now != told {
            tell(&[NotifyState::Status(&now)]);
            told = now;
        }
    }
}

/// One line about all modules.
pub(crate) fn status(modules: &Roster) -> String {
    let lines = modules.iter().map(|(slot, member)| match member.vitals.role() {
        Some(role) => format!("module csm {slot} {role}"),
        None => format!("module csm {slot}"),
    });
    lines.collect::<Vec<_>>().join(", ")
}
