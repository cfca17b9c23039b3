//! What all requests to the supervisor share.

use std::sync::Arc;
use std::time::Instant;

use hitless_model::Slot;

use super::refusal::Refusal;
use super::server::Reloaded;
use super::types::System;
use crate::chassis::Chassis;
use crate::exec::Module;
use crate::log;
use crate::module::clock;
use crate::store::Store;

/// A running chassis as requests see it.
#[derive(Debug)]
pub struct App {
    chassis: Arc<Chassis>,
    pub(super) reloaded: Reloaded,
    begun: Instant,
}

impl App {
    /// Everything is asked of `chassis`.
    pub fn new(chassis: Arc<Chassis>, reloaded: Reloaded) -> Self {
        Self { chassis, reloaded, begun: Instant::now() }
    }

    /// The chassis.
    pub(crate) fn chassis(&self) -> &Chassis {
        &self.chassis
    }

    /// What runs, and the way to change it.
    pub(crate) fn store(&self) -> &Arc<Store> {
        self.chassis.store()
    }

    /// A module that is at work.
    pub(crate) fn module(&self, slot: Slot) -> Result<Module, Refusal> {
        Module::at_work(&self.chassis, slot)
    }

    /// The daemon.
    pub(crate) fn system(&self) -> System {
        let running = self.store().running();
        System {
            hostname: self.chassis.hostname(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            pid: std::process::id(),
            uptime_s: self.begun.elapsed().as_secs(),
            unix_ms: clock::unix_ms(),
            zone: log::zone(),
            calendar_valid: running.configuration.clock.calendar_valid,
            revision: running.revision,
        }
    }
}
