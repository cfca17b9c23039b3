//! Loops that want every processor all the time, with the priority of everybody's programs.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;

/// Running loops.
#[derive(Debug)]
pub struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    /// Starts so many.
    pub fn start(count: usize) -> Result<Self> {
        let mut busy = Self { stop: Arc::default(), threads: Vec::new() };
        for _ in 0..count {
            let stop = Arc::clone(&busy.stop);
            let work = move || {
                while !stop.load(Ordering::Relaxed) {
                    spin_loop();
                }
            };
            busy.threads.push(std::thread::Builder::new().name("busy".to_owned()).spawn(work)?);
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
