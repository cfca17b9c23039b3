//! The supervisor follows what its modules say, so that one feed has the news of all of them, and tells
//! each in which zone times are printed.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitless_config::Configuration;
use hitless_model::Slot;
use hyper::Method;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::app::App;
use super::client;
use crate::chassis::Chassis;
use crate::log::{self, Entry, Hosts, News, Zone};

/// Pause before a module that does not answer is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often to look for modules that came or went.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the feed, the zone and the logging hosts what they should be, until it is aborted.
pub(crate) async fn everything(app: Arc<App>) {
    let chassis = app.chassis();
    let (hosts, told) = watch::channel(Hosts::default());
    let (zone, zones) = watch::channel(Zone::default());
    tokio::spawn(Hosts::serve(log::feed(), told));
    let mut followed: BTreeMap<Slot, JoinHandle<()>> = BTreeMap::new();
    let mut revisions = chassis.store().subscribe();
    let mut said = *revisions.borrow_and_update();
    loop {
        let running = chassis.store().running();
        zone.send_if_modified(|zone| replace(zone, Zone::configured(&running.configuration)));
        log::set_zone(zone.borrow().clone());
        let wanted =
            Hosts { hosts: hosts_of(&running.configuration), hostname: chassis.hostname() };
        hosts.send_if_modified(|hosts| replace(hosts, wanted));
        if said != running.revision {
            said = running.revision;
            let by = running.by.clone();
            tracing::info!("%SYS-5-CONFIG_I: Configured by {by}, revision {said}");
            log::feed().publish(News::Configuration { revision: said, by });
        }
        follow_modules(chassis, &mut followed, &zones);
        tokio::select! {
            changed = revisions.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn replace<T: PartialEq>(old: &mut T, new: T) -> bool {
    let differs = *old != new;
    *old = new;
    differs
}

fn hosts_of(configuration: &Configuration) -> Vec<Ipv4Addr> {
    configuration.logging_hosts.iter().copied().collect()
}

fn follow_modules(
    chassis: &Chassis,
    followed: &mut BTreeMap<Slot, JoinHandle<()>>,
    zones: &watch::Receiver<Zone>,
) {
    let slots: Vec<_> = chassis.modules().map(|(slot, _)| slot).collect();
    followed.retain(|slot, task| {
        let stays = slots.contains(slot);
        if !stays {
            task.abort();
        }
        stays
    });
    for slot in slots {
        let Some(socket) = chassis.module_socket(slot) else { continue };
        let zones = zones.clone();
        followed
            .entry(slot)
            .or_insert_with(|| tokio::spawn(async move { follow(slot, &socket, zones).await }));
    }
}

/// Follows one module through all its lives.
async fn follow(slot: Slot, socket: &Path, mut zones: watch::Receiver<Zone>) {
    let mut after = 0;
    loop {
        let zone = zones.borrow_and_update().clone();
        // A module that cannot be told its zone cannot be followed either.
        let told = client::call::<_, ()>(socket, Method::PUT, "/v1/zone", &zone).await;
        if told.is_ok() {
            tokio::select! {
                _ = listen(slot, socket, &mut after) => {}
                changed = zones.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn listen(slot: Slot, socket: &Path, after: &mut u64) -> Result<(), client::ClientError> {
    let mut events = client::events(socket, &format!("/v1/events?after={after}")).await?;
    while let Some(event) = events.next().await? {
        let Ok(entry) = serde_json::from_str::<Entry>(&event.data) else { continue };
        *after = entry.number;
        log::feed().pass_on(slot, entry);
    }
    Ok(())
}
