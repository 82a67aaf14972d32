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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    /// Names the file to write once the full screen has begun. Without it the test that panics does
    /// nothing.
    const BEGAN: &str = "CLAUDE_SYNC_TEST_BEGAN";

    /// Run by the next test on a terminal of its own. Nothing is dropped, as in a release, where a
    /// panic aborts.
    #[test]
    fn panics_in_a_full_screen() {
        if let Some(began) = std::env::var_os(BEGAN) {
            std::mem::forget(Screen::enter().expect("a terminal"));
            fs::write(began, "").expect("written");
            panic!("as asked");
        }
    }

    fn tmux(folder: &Path, args: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(folder.join("tmux")).args(args);
        let ran = command.env("LC_ALL", "C.UTF-8").output().expect("tmux");
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        String::from_utf8(ran.stdout).expect("text")
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        if Command::new("tmux").arg("-V").output().is_err() {
            let peers = std::env::var("CLAUDE_SYNC_PEERS").unwrap_or_default();
            assert!(!peers.contains("tmux"), "there is no tmux");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let name = concat!(module_path!(), "::panics_in_a_full_screen");
        let (_, name) = name.split_once("::").expect("below the crate");
        let script = format!(
            "stty -a > '{}'; {BEGAN}='{}' '{}' {name} --exact --nocapture; stty -a > '{}'; tmux -S '{}' wait-for -S ended; cat",
            at("before"),
            at("began"),
            std::env::current_exe().expect("a program").display(),
            at("after"),
            at("tmux"),
        );
        let start = [
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "30",
        ];
        tmux(folder.path(), &[&start[..], &[&script]].concat());
        tmux(folder.path(), &["wait-for", "ended"]);
        let read = |file: &str| fs::read_to_string(at(file)).expect(file);
        assert_eq!(
            (read("began").as_str(), read("after")),
            ("", read("before"))
        );
        // What the program wrote may still be on its way: the other screen is left, and the cursor
        // shown.
        let limit = Instant::now() + Duration::from_mins(1);
        let flags = || {
            let ask = ["display-message", "-p", "#{alternate_on} #{cursor_flag}"];
            tmux(folder.path(), &ask)
        };
        while flags().trim() != "0 1" {
            assert!(Instant::now() < limit, "{}", flags());
            std::thread::sleep(Duration::from_millis(20));
        }
        let screen = tmux(folder.path(), &["capture-pane", "-p"]);
        assert!(
            screen.contains("as asked"),
            "the message is shown: {screen}"
        );
        tmux(folder.path(), &["kill-server"]);
    }
}
