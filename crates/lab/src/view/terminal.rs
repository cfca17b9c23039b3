//! The terminal: an alternate screen that is given back at the end, on a panic too.
//!
//! It stays in its usual mode, so Ctrl-C is the signal that the laboratory listens for.

use std::io::{self, Write};
use std::sync::Once;

use anyhow::{Context, Result};
use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;

use super::draw::{Line, Style};

/// Another screen, no cursor, no wrapping of long lines.
const TAKE: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const GIVE_BACK: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/// Of a terminal that does not tell.
const USUAL: (usize, usize) = (80, 24);

/// The terminal, taken, and what is shown on it.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    shown: String,
}

impl Terminal {
    pub(super) fn take() -> Result<Self> {
        restore_on_panic();
        put(TAKE).context("cannot use the terminal")?;
        Ok(Self::default())
    }

    /// Columns and rows.
    pub(super) fn size() -> (usize, usize) {
        let size = tcgetwinsize(stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or(USUAL, |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
    }

    /// Shows a picture in place of the last one, in one go.
    pub(super) fn show(&mut self, picture: &[Line]) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (number, line) in picture.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            for (style, part) in line {
                text.push_str(code(*style));
                text.push_str(part);
            }
            text.push_str("\x1b[0m\x1b[K");
        }
        text.push_str("\x1b[J");
        if text != self.shown {
            put(&text)?;
            self.shown = text;
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = put(GIVE_BACK);
    }
}

/// What a panic says shall be readable.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _ = put(GIVE_BACK);
            usual(info);
        }));
    });
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn code(style: Style) -> &'static str {
    match style {
        Style::Plain => "\x1b[0m",
        Style::Title => "\x1b[0;7m",
        Style::Faint => "\x1b[0;2m",
        Style::Good => "\x1b[0;1;32m",
        Style::Bad => "\x1b[0;1;31m",
    }
}
