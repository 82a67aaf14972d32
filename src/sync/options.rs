//! What a caller asks of a run.

use std::path::PathBuf;
use std::time::Duration;

use super::host::Host;
use super::import::Import;
use crate::base::progress::Watcher;
use crate::base::time::Timestamp;
use crate::fleet::decisions::Intent;
use crate::format::manifest::{BASIS, Basis};
use crate::format::syncfile::Mode;
use crate::git::Oid;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Read, commit, exchange.
    Sync,
    /// Bring what others wrote; write nothing of this machine's, push nothing.
    Download,
    /// End what git left half-done and put derived files right; neither read, fetch nor push.
    Resolve,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Read everything, or what is new.
    pub(crate) mode: Mode,
    /// Decisions that a person takes with this run.
    pub(crate) intents: Vec<Intent>,
    /// Summary-only: publish totals without times of day.
    pub(crate) summary_only: bool,
    /// Keep a copy of this version of the sync file.
    pub(crate) snapshot: bool,
    /// With a branch per machine: push the joined branch too.
    pub(crate) push_main: bool,
    /// Neither fetch nor push.
    pub(crate) offline: bool,
    /// Records older than this many days are pruned to bare records.
    pub(crate) retention_days: Option<u32>,
    /// Put the front page into README.md, or take it out; none leaves it as it is.
    pub(crate) front_page: Option<bool>,
    /// Compute derived files anew, even if they fit.
    pub(crate) rederive: bool,
    /// Older commits whose records are brought back.
    pub(crate) restore: Vec<Oid>,
    /// What this run imports.
    pub(crate) import: Option<Import>,
    /// Begin a new history, and push it over the remote's: what is not kept is to leave the history
    /// too.
    pub(crate) reroot: bool,
    /// Compact the history, and keep so many days of it as they are.
    pub(crate) compact: Option<u32>,
    /// Which stages it runs.
    pub(crate) task: Task,
    /// The clock.
    pub(crate) now: Timestamp,
    /// This machine.
    pub(crate) host: Host,
    /// The absolute path of `claude-sync`, for the merge driver.
    pub(crate) program: PathBuf,
    /// Whether somebody at a terminal can answer git's questions.
    pub(crate) attended: bool,
    /// Whether nobody waits for this run: after failures it leaves the remote alone for a while.
    pub(crate) unattended: bool,
    /// How long to wait for another run to end.
    pub(crate) wait: Duration,
    /// The longest that a transport may be silent, where that is shorter than in the settings.
    pub(crate) patience: Option<Duration>,
    /// Several machines share this one's id on purpose, one after the other or at once: `init
    /// --ephemeral`.
    pub(crate) shared_id: bool,
    /// What manifests are computed by: [`BASIS`], unless another version of the tool is played.
    pub(crate) basis: Basis,
    /// What this run has forgotten is kept for a while on this machine, so that it can be taken
    /// back.
    pub(crate) keep_undo: bool,
    /// The user decided that the fleet is not encrypted any more: data in clear may be pushed.
    pub(crate) in_clear: bool,
    /// Older commits that are brought back may be from before the fleet was encrypted, or its key
    /// changed.
    pub(crate) trust_restored: bool,
    /// Shows progress.
    pub(crate) watcher: Watcher,
}

impl Options {
    /// The options of an incremental run of a machine that is not described, with everything else
    /// switched off.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            mode: Mode::Incremental,
            intents: Vec::new(),
            summary_only: false,
            snapshot: false,
            push_main: false,
            offline: false,
            retention_days: None,
            front_page: None,
            rederive: false,
            restore: Vec::new(),
            import: None,
            reroot: false,
            compact: None,
            task: Task::Sync,
            now,
            host: Host::default(),
            program: PathBuf::new(),
            attended: false,
            unattended: false,
            wait: Duration::ZERO,
            patience: None,
            shared_id: false,
            basis: BASIS,
            keep_undo: false,
            in_clear: false,
            trust_restored: false,
            watcher: Watcher::default(),
        }
    }
}
