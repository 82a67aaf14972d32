//! The environment of the process: its clock and its terminal.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::time::Duration;

use super::error::CliError;
use super::globals::{ColorMode, GlobalOptions, Globals};
use super::{exit, host, progress};
use crate::base::progress::Watcher;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::report::{Look, UNLIMITED};
use crate::sync::Options;

/// Width of a terminal without a known width, and of messages in a file. Unit: characters.
const DEFAULT_WIDTH: u16 = 120;

/// The environment.
#[derive(Debug, Clone)]
pub(crate) struct Env {
    /// The clock. `CLAUDE_SYNC_NOW` (RFC 3339) stops it, for reproducible runs.
    pub(crate) now: Timestamp,
    /// `CLAUDE_SYNC_NOW`, if it is not a time.
    invalid_now: Option<String>,
    /// Width of the terminal, in characters; [`UNLIMITED`] for a file or a pipe.
    pub(crate) width: u16,
    /// Height of the terminal, in lines; `None` for a file or a pipe.
    pub(crate) height: Option<u16>,
    /// Whether error messages have colors.
    pub(crate) colors: bool,
    /// Whether the status line has colors: Claude Code shows them, though it is no terminal.
    pub(crate) tints: bool,
    /// Whether tables have a dim heading and bold totals.
    styled: bool,
    /// `--quiet`.
    pub(crate) quiet: bool,
    /// `--verbose`.
    verbose: bool,
    /// A step that takes longer has a progress bar. `None`: no bars.
    bars_after: Option<Duration>,
    /// Whether somebody can answer questions.
    pub(crate) attended: bool,
}

impl Env {
    /// Reads the environment variables and the terminal.
    pub(crate) fn read() -> Self {
        let (now, invalid_now) = clock();
        let stderr = std::io::stderr().is_terminal();
        let stdout = std::io::stdout().is_terminal();
        let dumb = is_dumb(std::env::var_os("TERM").as_deref(), cfg!(windows))
            || (stderr && !takes_colors());
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            now,
            invalid_now,
            width: width(stdout),
            height: height(stdout && !dumb),
            colors: stderr && !no_color && !dumb,
            tints: !no_color,
            styled: stdout && !no_color && !dumb,
            quiet: false,
            verbose: false,
            bars_after: (stderr && !dumb).then(bars_after),
            attended: std::io::stdin().is_terminal() && stderr,
        }
    }

    /// With the options of the command line.
    pub(crate) fn with_globals(self, globals: Globals) -> Self {
        let Globals { options, json } = globals;
        let GlobalOptions {
            color,
            quiet,
            verbose,
        } = options;
        let asked = |usual| match color {
            ColorMode::Auto => usual,
            ColorMode::Always => true,
            ColorMode::Never => false,
        };
        let bars_after = self.bars_after.filter(|_| !quiet && !json);
        Self {
            colors: asked(self.colors),
            tints: asked(self.tints),
            styled: asked(self.styled),
            quiet,
            verbose: verbose && !quiet,
            bars_after,
            ..self
        }
    }

    /// How tables look.
    pub(crate) fn look(&self) -> Look {
        Look {
            width: self.width,
            now: self.now,
            compact: false,
            styled: self.styled,
            columns: None,
        }
    }

    /// The time as it is by now, unless `CLAUDE_SYNC_NOW` stops the clock.
    pub(crate) fn clock(&self) -> Timestamp {
        if std::env::var_os("CLAUDE_SYNC_NOW").is_some() {
            self.now
        } else {
            Timestamp::now()
        }
    }

    /// Width of error messages, in characters.
    pub(crate) fn message_width(&self) -> u16 {
        if self.width == UNLIMITED {
            DEFAULT_WIDTH
        } else {
            self.width
        }
    }

    /// The watcher that shows the progress of work.
    pub(crate) fn watcher(&self) -> Watcher {
        if self.verbose {
            progress::lines()
        } else {
            self.bars_after.map(progress::bars).unwrap_or_default()
        }
    }

    /// Fails if a variable has an invalid value.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let Some(text) = &self.invalid_now else {
            return Ok(());
        };
        let message = format!("CLAUDE_SYNC_NOW is no time: {}", printable(text, 80));
        Err(CliError::plain(
            &message,
            "claude_sync::usage",
            exit::USAGE,
            "write it as 2026-11-23T12:00:00Z, or unset it",
        ))
    }

    /// The options of a run, before the options of a command change them.
    pub(crate) fn options(&self) -> Options {
        Options {
            host: host::host(),
            program: host::program(),
            attended: self.attended,
            watcher: self.watcher(),
            ..Options::new(self.now)
        }
    }
}

/// Whether a terminal of this `TERM` knows no colors. On Windows terminals have no name.
fn is_dumb(term: Option<&OsStr>, windows: bool) -> bool {
    term.map_or(!windows, |term| term == "dumb")
}

/// Has the console read colors and movements, which older ones of Windows do on demand. False where
/// it cannot.
#[cfg(windows)]
fn takes_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

#[cfg(not(windows))]
fn takes_colors() -> bool {
    true
}

/// The time, and `CLAUDE_SYNC_NOW` if it is not a time.
fn clock() -> (Timestamp, Option<String>) {
    let text = std::env::var("CLAUDE_SYNC_NOW").ok();
    match text.as_deref().map(Timestamp::parse) {
        Some(Some(now)) => (now, None),
        Some(None) => (Timestamp::now(), text),
        None => (Timestamp::now(), None),
    }
}

fn height(is_terminal: bool) -> Option<u16> {
    let size = terminal_size::terminal_size().filter(|_| is_terminal);
    size.map(|(_, height)| height.0)
}

fn width(is_terminal: bool) -> u16 {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    if !is_terminal {
        return columns.map_or(UNLIMITED, |width: u16| width.clamp(40, 400));
    }
    let terminal = terminal_size::terminal_size().map(|(width, _)| width.0);
    let width = terminal.or(columns);
    width.unwrap_or(DEFAULT_WIDTH).clamp(40, 400)
}

/// `CLAUDE_SYNC_BARS_AFTER`, in milliseconds, or the default.
fn bars_after() -> Duration {
    std::env::var("CLAUDE_SYNC_BARS_AFTER")
        .ok()
        .and_then(|text| text.parse().ok())
        .map_or(progress::AFTER, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_a_name_has_colors_on_windows() {
        for (term, windows, dumb) in [
            (None, true, false),
            (None, false, true),
            (Some("dumb"), true, true),
            (Some("dumb"), false, true),
            (Some("xterm-256color"), true, false),
            (Some("xterm-256color"), false, false),
        ] {
            assert_eq!(
                is_dumb(term.map(OsStr::new), windows),
                dumb,
                "{term:?} {windows}"
            );
        }
    }
}
