//! The terminal while the view is shown. However the program ends, short of SIGKILL, the terminal
//! is as it was before.

use std::io::{self, Stdout, Write as _, stdout};
use std::panic;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::cli::stderr;

/// A terminal that shows a full screen.
pub(super) struct Screen {
    /// Where to draw.
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
    _restore: RestoreOnDrop,
}

impl Screen {
    /// Begins the full screen. Messages for standard error are held from here on.
    pub(super) fn enter() -> io::Result<Self> {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A panic aborts the process, so that nothing is dropped.
            restore();
            usual(info);
        }));
        enable_raw_mode()?;
        // From here on an error restores the terminal too.
        let restores = RestoreOnDrop;
        stderr::hold();
        execute!(stdout(), EnterAlternateScreen)?;
        let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        terminal.hide_cursor()?;
        terminal.clear()?;
        Ok(Self {
            terminal,
            _restore: restores,
        })
    }
}

struct RestoreOnDrop;

impl Drop for RestoreOnDrop {
    fn drop(&mut self) {
        restore();
    }
}

/// Ends the full screen. Errors are ignored: the terminal may be gone.
pub(super) fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = stdout().flush();
    stderr::release();
}
