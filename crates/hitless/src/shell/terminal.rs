//! A person's terminal: lines and single keys from it, pages to it.
//!
//! Between two lines the terminal neither echoes nor collects lines: what is typed or pasted while
//! a command runs waits for the editor, and is shown once, by the editor.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::history::{History, MemHistory, SearchDirection};
use rustyline::{
    CompletionType, Config, Editor, Event, EventHandler, KeyCode, KeyEvent, Modifiers,
};

use super::keys::{
    Assistant, Binding, LONGEST_LINE, Purpose, SharedKeys, SharedSession, Wanted, lock,
};

/// How many lines `show history` and the arrow keys know.
const HISTORY: usize = 256;
/// A key that comes sooner after `--More--` was not pressed in answer to it: it belongs to a paste.
const REACTION: Duration = Duration::from_millis(5);
/// How long the rest of an arrow key's sequence may take.
const SEQUENCE: u16 = 500;

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// `?` behind this beginning of a line.
    Help(String),
    /// Ctrl-Z, with what stood on the line.
    End(String),
    /// Ctrl-C.
    Cancel,
    /// Ctrl-D on an empty line.
    Leave,
    /// A line that was too long to be read.
    TooLong,
    /// Nobody is there any more.
    Gone,
}

/// The terminal, as a shell needs it.
pub(super) struct Terminal {
    editor: Editor<Assistant, MemHistory>,
    keys: SharedKeys,
    /// What the next line begins with, on both sides of the cursor.
    begun: (String, String),
    /// How wide lines are taken to be; 0 = as the window is.
    width: u16,
    /// Restores the terminal; dropped last.
    _quiet: Quiet,
}

/// A line that can be printed above the one that is being typed, from another thread.
pub(super) type Printer = Box<dyn rustyline::ExternalPrinter + Send>;

impl Terminal {
    /// Whether standard input and output are one.
    pub(super) fn is_there() -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Takes the terminal over.
    pub(super) fn open(session: SharedSession) -> rustyline::Result<Self> {
        let quiet = Quiet::begin();
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .bell_style(BellStyle::Audible)
            // Terminals would hold a paste together, and its lines could not be carried out one by one.
            .bracketed_paste(false)
            .keyseq_timeout(Some(SEQUENCE))
            .build();
        let mut editor = Editor::with_history(config, MemHistory::new())?;
        editor.set_max_history_size(HISTORY)?;
        let keys: SharedKeys = Arc::new(Mutex::default());
        editor.set_helper(Some(Assistant { keys: Arc::clone(&keys), session }));
        let binding = Box::new(Binding(Arc::clone(&keys)));
        editor.bind_sequence(Event::Any, EventHandler::Conditional(binding));
        Ok(Self { editor, keys, begun: <(String, String)>::default(), width: 0, _quiet: quiet })
    }

    /// A printer for what happens meanwhile.
    pub(super) fn printer(&mut self) -> rustyline::Result<Printer> {
        Ok(Box::new(self.editor.create_external_printer()?))
    }

    /// How wide lines are taken to be; 0 = as the window is.
    pub(super) fn set_width(&mut self, columns: u16) {
        self.width = columns;
    }

    /// The lines typed so far, the oldest first.
    pub(super) fn history(&self) -> Vec<String> {
        let history = self.editor.history();
        let entry = |index| history.get(index, SearchDirection::Forward).ok().flatten();
        (0..history.len()).filter_map(entry).map(|found| found.entry.into_owned()).collect()
    }

    /// Waits for a line or a key that wants an answer at once.
    pub(super) fn read(&mut self, prompt: &str) -> Typed {
        match self.turn(prompt, Purpose::Command) {
            Ok((line, wanted, is_cut)) => self.typed(line, wanted, is_cut),
            Err(ReadlineError::Interrupted) => Typed::Cancel,
            Err(_) => Typed::Gone,
        }
    }

    fn typed(&mut self, line: String, wanted: Wanted, is_cut: bool) -> Typed {
        match wanted {
            Wanted::Help(at) => {
                let (left, right) = line.split_at_checked(at).unwrap_or((&line, ""));
                self.begun = (left.to_owned(), right.to_owned());
                Typed::Help(left.to_owned())
            }
            Wanted::Cancel => Typed::Cancel,
            Wanted::Leave => Typed::Leave,
            Wanted::Line | Wanted::End | Wanted::Key(_) if is_cut => Typed::TooLong,
            Wanted::End => {
                self.remember(&line);
                Typed::End(line)
            }
            Wanted::Line | Wanted::Key(_) => {
                self.remember(&line);
                Typed::Line(line)
            }
        }
    }

    fn remember(&mut self, line: &str) {
        if !line.trim().is_empty() {
            // A history that is full has forgotten its oldest line; it does not fail.
            let _ = self.editor.add_history_entry(line);
        }
    }

    /// Asks a question; none if the person gave up.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        match self.turn(question, Purpose::Answer) {
            Ok((line, Wanted::Line, false)) => Some(line),
            Ok(_) | Err(_) => None,
        }
    }

    fn turn(
        &mut self,
        prompt: &str,
        purpose: Purpose,
    ) -> Result<(String, Wanted, bool), ReadlineError> {
        {
            let mut keys = lock(&self.keys);
            (keys.purpose, keys.wanted, keys.is_cut) = (purpose, Wanted::Line, false);
        }
        let (left, right) = match purpose {
            Purpose::Command => std::mem::take(&mut self.begun),
            Purpose::Answer | Purpose::Key => <(String, String)>::default(),
        };
        let line = self.editor.readline_with_initial(prompt, (&left, &right))?;
        let keys = lock(&self.keys);
        Ok((line, keys.wanted, keys.is_cut))
    }

    /// Prints a text, a page at a time if it has more than `length` lines; none = as the window.
    pub(super) fn page(&mut self, text: &str, length: Option<u16>) -> std::io::Result<()> {
        let (rows, columns) = window();
        let columns = if self.width == 0 { columns } else { usize::from(self.width) };
        let page = usize::from(length.unwrap_or(rows));
        if page < 2 {
            return write(text);
        }
        let mut room = page - 1;
        let mut lines = text.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            write(line)?;
            room = room.saturating_sub(rows_of(line, columns));
            if room == 0 && lines.peek().is_some() {
                room = match self.more()? {
                    More::Line => 1,
                    More::Page => page - 1,
                    More::All => usize::MAX,
                    More::Nothing => return Ok(()),
                };
            }
        }
        Ok(())
    }

    /// Waits at `--More--` for a key.
    fn more(&mut self) -> std::io::Result<More> {
        let shown = Instant::now();
        let turn = self.turn(" --More-- ", Purpose::Key);
        // The line that the editor has left, and the question on it.
        write("\x1b[A\r\x1b[K")?;
        let Ok((_, Wanted::Key(key), _)) = turn else { return Ok(More::Nothing) };
        let KeyEvent(code, modifiers) = key;
        if shown.elapsed() < REACTION {
            if let (KeyCode::Char(c), Modifiers::NONE) = (code, modifiers) {
                self.begun.0.push(c);
            }
            return Ok(More::All);
        }
        let is_line = matches!(code, KeyCode::Enter | KeyCode::Down) || key == KeyEvent::ctrl('J');
        let is_page = matches!(code, KeyCode::Char(' ' | 'f') | KeyCode::PageDown);
        Ok(match (is_line, is_page) {
            (true, _) => More::Line,
            (false, true) => More::Page,
            (false, false) => More::Nothing,
        })
    }
}

/// How a page goes on.
enum More {
    Line,
    Page,
    All,
    Nothing,
}

/// Tells that a line was not read.
pub(super) fn too_long() -> String {
    format!("% The line is longer than {LONGEST_LINE} characters, and was not carried out.\n")
}

fn write(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn window() -> (u16, usize) {
    let size = tcgetwinsize(std::io::stdout()).ok();
    let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or((24, 80), |size| (size.ws_row, usize::from(size.ws_col)))
}

/// How many rows of the window a line takes.
fn rows_of(line: &str, columns: usize) -> usize {
    line.trim_end_matches('\n').chars().count().div_ceil(columns).max(1)
}

/// The terminal without echo and without lines, as long as this lives.
struct Quiet(Option<Termios>);

impl Quiet {
    fn begin() -> Self {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        // A shell that is all there is, as a login shell is, must not be suspended.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = 0;
        quiet.special_codes[SpecialCodeIndex::VQUIT] = 0;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        let done = tcsetattr(&stdin, OptionalActions::Drain, &quiet);
        Self(done.is_ok().then_some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, before);
        }
    }
}
