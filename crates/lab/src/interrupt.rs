//! Ctrl-C and SIGTERM: noted, and looked at in every wait, so that guards clean up on the way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Nobody notices this delay after Ctrl-C.
const SLICE: Duration = Duration::from_millis(20);

/// Whether somebody wants the laboratory to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to catch SIGINT, SIGTERM and SIGHUP.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let asked = Arc::clone(&interrupt.asked);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let [mut int, mut term, mut hup] = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        drop(guard);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! { _ = int.recv() => {}, _ = term.recv() => {}, _ = hup.recv() => {} }
                });
                asked.store(true, Ordering::Release);
            })
            .context("cannot start the thread that waits for signals")?;
        Ok(interrupt)
    }

    /// An error once somebody has asked to end.
    pub fn check(&self) -> Result<()> {
        if self.asked.load(Ordering::Acquire) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Sleeps, unless interrupted.
    pub fn sleep(&self, time: Duration) -> Result<()> {
        let start = std::time::Instant::now();
        while let Some(rest) = time.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) {
            self.check()?;
            std::thread::sleep(rest.min(SLICE));
        }
        self.check()
    }

    /// Asks every `pause` until the answer is yes; the error says what did not happen within `most`.
    pub fn wait_until(
        &self,
        what: &str,
        most: Duration,
        pause: Duration,
        mut holds: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let start = std::time::Instant::now();
        while !holds()? {
            if start.elapsed() > most {
                bail!("{what}: not within {:.1} s", most.as_secs_f64());
            }
            self.sleep(pause)?;
        }
        Ok(())
    }
}
