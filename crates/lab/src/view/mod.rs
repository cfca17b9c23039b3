//! The live view of a demonstration: both boxes, what goes through them, what happens.
//!
//! [`gather`] looks at what runs without getting in its way, [`draw`] makes lines of it for a screen
//! of any size, [`terminal`] shows them and gives the terminal back whatever happens. A thread of
//! its own does that five times a second.

mod draw;
mod gather;
mod terminal;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use crate::arena::Arena;
use gather::Gatherer;
use terminal::Terminal;

/// Time between two pictures.
const PAUSE: Duration = Duration::from_millis(200);

/// A running view.
#[derive(Debug)]
pub struct View {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl View {
    /// Takes the terminal and shows this arena.
    pub fn start(arena: &Arena) -> Result<Self> {
        let mut gatherer = Gatherer::new(arena)?;
        let mut terminal = Terminal::take()?;
        let stop = Arc::new(AtomicBool::new(false));
        let for_thread = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("view".to_owned()).spawn(move || {
            while !for_thread.load(Ordering::Acquire) {
                let (width, height) = Terminal::size();
                let picture = draw::picture(&gatherer.look(), width, height);
                // A terminal that went away is no reason to stop the demonstration.
                let _ = terminal.show(&picture);
                std::thread::sleep(PAUSE);
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
