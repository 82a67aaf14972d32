//! `claude-usage-tracker live`: a full-screen view of now.

mod args;
mod fetch;
mod keys;
#[cfg(not(unix))]
mod no_signals;
mod reader;
mod screen;
#[cfg(unix)]
mod signals;

use std::io;
use std::time::Duration;

use ratatui::crossterm::event;

pub(crate) use self::args::Args;
use self::fetch::Fetches;
use self::keys::{Action, action};
#[cfg(not(unix))]
use self::no_signals::Signals;
use self::reader::Reader;
use self::screen::Screen;
#[cfg(unix)]
use self::signals::Signals;
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, places, stderr};
use crate::report::live::{State, Status, draw};

/// So long the view waits for a key before it looks at everything else.
const TICK: Duration = Duration::from_millis(200);
/// In ms.
const MINUTE: i64 = 60 * 1000;

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if env.height.is_none() {
        return Err(CliError::plain(
            "live needs a terminal that shows a full screen",
            "claude_sync::usage",
            exit::USAGE,
            "for a file or another program: claude-usage-tracker blocks --active, or blocks --active --json",
        ));
    }
    let places = places::find()?;
    let state = reader::read_first(args, env, &places)?;
    let mut view = View {
        selected: args.selected(),
        env,
        state,
        message: None,
        reader: Reader::start(args, env, &places),
        fetches: Fetches::new(&places),
    };
    let signals = Signals::watch().map_err(|error| failed(&error))?;
    let screen = Screen::enter().map_err(|error| failed(&error))?;
    let shown = view.show(screen, &signals);
    signals.end();
    shown.map(|()| exit::OK).map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> CliError {
    CliError::new(
        error,
        "claude_sync::terminal",
        exit::FAILURE,
        "the terminal failed; for one report: claude-usage-tracker blocks --active",
    )
}

struct View<'a> {
    selected: String,
    env: &'a Env,
    state: State,
    message: Option<String>,
    reader: Reader,
    fetches: Fetches,
}

impl View<'_> {
    /// Shows the view until a key or a signal ends it.
    fn show(&mut self, mut screen: Screen, signals: &Signals) -> io::Result<()> {
        let mut drawn = None;
        while !signals.came() {
            let is_new = self.take_news();
            let status = self.status();
            if is_new || drawn.as_ref() != Some(&status) {
                screen.terminal.draw(|frame| {
                    let area = frame.area();
                    draw(&self.state, &status, area, frame.buffer_mut());
                })?;
                drawn = Some(status);
            }
            if !event::poll(TICK)? {
                continue;
            }
            match action(&event::read()?) {
                Some(Action::Quit) => break,
                Some(Action::Fetch) => self.fetch(),
                Some(Action::Draw) => drawn = None,
                None => {}
            }
        }
        Ok(())
    }

    /// Takes what was read and fetched meanwhile. Returns whether usage was read.
    fn take_news(&mut self) -> bool {
        if let Some(ended) = self.fetches.ended() {
            self.message = ended.err();
            self.reader.again();
        }
        self.fetches.begin_if_due();
        let news = self.reader.news();
        let is_new = news.is_some();
        match news {
            Some(Ok(state)) => self.state = state,
            Some(Err(error)) => self.message = Some(error.to_string()),
            None => {}
        }
        if let Some(warning) = stderr::held() {
            self.message = Some(warning);
        }
        is_new
    }

    fn fetch(&mut self) {
        if self.fetches.has_remote {
            self.message = None;
            self.fetches.begin();
        } else {
            self.message = Some("there is no remote: claude-sync init ADDRESS".to_owned());
        }
    }

    fn status(&self) -> Status {
        let now = self.env.clock();
        let second = now.millis().rem_euclid(MINUTE);
        let minute = Timestamp::from_millis(now.millis().saturating_sub(second));
        Status {
            // The view is drawn again when this changes.
            now: minute.unwrap_or(now),
            selected: self.selected.clone(),
            message: self.message.clone(),
            has_remote: self.fetches.has_remote,
            is_fetching: self.fetches.is_running(),
            every: self.fetches.every.map(|every| every.as_secs() / 60),
            colors: self.env.look().styled,
        }
    }
}
