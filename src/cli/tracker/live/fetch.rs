//! Fetching what other machines pushed, while the view is shown: `claude-sync --download-all`, as a
//! process of its own. It has no terminal to ask at or to write to.

use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::host;
use crate::cli::sync::auto::AutoState;
use crate::git::Repo;
use crate::store::{Places, config};

/// Fetches, one after the other.
#[derive(Debug)]
pub(super) struct Fetches {
    /// There is a remote.
    pub(super) has_remote: bool,
    /// How far apart fetches begin by themselves. Only where the user enabled automatic syncs: who
    /// did not may want no connection without being asked.
    pub(super) every: Option<Duration>,
    last: Instant,
    running: Option<Receiver<Result<(), String>>>,
}

impl Fetches {
    /// None has begun.
    pub(super) fn new(places: &Places) -> Self {
        let has_remote = has_remote(places);
        let is_automatic =
            || has_remote && AutoState::read(places).is_ok_and(|state| state.is_enabled());
        let every = is_automatic().then(|| {
            let config = config::read(&places.config).unwrap_or_default();
            Duration::from_secs(config.auto.interval.max(60))
        });
        Self {
            has_remote,
            every,
            last: Instant::now(),
            running: None,
        }
    }

    /// Whether one goes on.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins one where it is time. Returns whether it did.
    pub(super) fn begin_if_due(&mut self) -> bool {
        let is_due = self.every.is_some_and(|every| self.last.elapsed() >= every);
        if is_due {
            self.begin();
        }
        is_due
    }

    /// Begins one, unless one goes on.
    pub(super) fn begin(&mut self) {
        if self.is_running() {
            return;
        }
        self.last = Instant::now();
        let (sender, receiver) = channel();
        self.running = Some(receiver);
        thread::spawn(move || {
            // Nobody may be there any more: the view has ended.
            let _ = sender.send(fetch());
        });
    }

    /// The result of one that has ended meanwhile.
    pub(super) fn ended(&mut self) -> Option<Result<(), String>> {
        let result = match self.running.as_ref()?.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("the fetch was cut off".to_owned()),
        };
        self.running = None;
        Some(result)
    }
}

fn has_remote(places: &Places) -> bool {
    let addresses = || {
        let repo = Repo::open(&places.repo).ok()??;
        let config = repo.config().ok()?;
        let mut entries = config.entries(Some("^remote\\..*\\.url$")).ok()?;
        Some(entries.next().is_some_and(|entry| entry.is_ok()))
    };
    addresses().unwrap_or(false)
}

/// Fetches. The error is a line for people.
fn fetch() -> Result<(), String> {
    let ran = Command::new(host::program())
        .args(["--download-all", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let ran = ran.map_err(|error| format!("claude-sync cannot be run: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&ran.stderr);
    let line = text.lines().map(|line| line.trim_start_matches(['×', ' ']));
    let line = line.map(str::trim).find(|line| !line.is_empty());
    Err(line.unwrap_or("claude-sync failed").to_owned())
}
