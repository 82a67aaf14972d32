//! One run, from the lock to the push, and the set-up before the first.

mod accounts;
pub mod clear;
pub mod delta;
pub mod doctor;
mod files;
pub mod history;
pub mod identity;
pub mod import;
pub mod left_out;
mod migrate;
mod outgoing;
pub mod own;
mod owner;
mod page;
mod preview;
mod resolve;
mod rotate;
mod run;
mod settings;
mod setup;
mod status;
mod tree;
pub mod undo;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::ids::MachineId;
use crate::base::progress::Watcher;
use crate::base::time::Timestamp;
use crate::cache::index::IndexError;
use crate::fleet::DataError;
use crate::fleet::decisions::Intent;
use crate::format::FormatError;
use crate::format::manifest::Conflict;
use crate::format::syncfile::Mode;
use crate::git::repo::RepoError;
use crate::git::setup::SetupError;
use crate::git::unfinished::Operation;
use crate::git::{GitError, Healed, Oid, Place};
use crate::store::config::ConfigError;
use crate::store::durable::WriteError;
use crate::store::key::KeyError;
use crate::store::lock::LockError;
use crate::store::machine_id::IdError;
use crate::transcripts::{BadLine, Reading};
pub use accounts::with_increments;
pub use delta::Delta;
pub use migrate::{Migrated, migrate};
pub use owner::OwnerError;
pub use page::{Host, Stamp};
pub use preview::{NewLines, Preview, preview};
pub use rotate::rotate;
pub use run::{repair_objects, run};
pub use settings::naming;
pub use setup::{Init, become_ephemeral, init, keep_ephemeral, leave_id};
pub use status::{Known, Status, Unsynced, status};
pub use tree::{Brought, Older, Starts, add, assemble_for, own_tree};
pub use verify::{Finding, Kind, clear_leftovers, verify};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Read, commit, exchange.
    Sync,
    /// Bring what others wrote; write nothing of this machine's, push nothing.
    Download,
    /// End what git left half-done and put derived files right; neither read, fetch nor push.
    Resolve,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Read everything, or what is new.
    pub mode: Mode,
    /// Decisions that a person takes with this run.
    pub intents: Vec<Intent>,
    /// Withhold records: sums only.
    pub summary_only: bool,
    /// Keep a copy of this version of the sync file.
    pub snapshot: bool,
    /// With a branch per machine: push the joined branch too.
    pub push_main: bool,
    /// Neither fetch nor push.
    pub offline: bool,
    /// Older records become stubs.
    pub retention_days: Option<u32>,
    /// Put the front page into README.md, or take it out; leave it as it is where nobody says.
    pub front_page: Option<bool>,
    /// Compute derived files anew, whatever they say.
    pub rederive: bool,
    /// Older commits whose records are brought back.
    pub restore: Vec<Oid>,
    /// History from elsewhere that this run takes in.
    pub import: Option<import::Import>,
    /// Begin a new history, and push it over the remote's: what is not kept is to leave the history too.
    pub reroot: bool,
    /// What for.
    pub task: Task,
    /// The clock.
    pub now: Timestamp,
    /// This machine.
    pub host: Host,
    /// The absolute path of `claude-sync`, for the merge driver.
    pub program: PathBuf,
    /// Whether somebody at a terminal can answer git's questions.
    pub attended: bool,
    /// Whether nobody waits for this run: after failures it leaves the remote alone for a while.
    pub unattended: bool,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// The longest that a transport may be silent, where that is shorter than what the settings say.
    pub patience: Option<Duration>,
    /// Several machines share this one's id on purpose, one after the other or at once: `init --ephemeral`.
    pub shared_id: bool,
    /// The rules that manifests are computed by: [`crate::format::manifest::RULES`], unless an older tool is played.
    pub rules: u64,
    /// What this run has forgotten is kept for a while on this machine, so that it can be taken back.
    pub keep_undo: bool,
    /// A person says that the fleet is not encrypted any more: what is in clear here may leave.
    pub in_clear: bool,
    /// Older commits that are brought back may be from before the fleet was encrypted, or its key changed.
    pub trust_restored: bool,
    /// Who is told what goes on.
    pub watcher: Watcher,
}

/// Whether the remote has what this run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// There is none: history stays on this machine.
    None,
    /// It has everything; nothing was to be pushed.
    UpToDate,
    /// It was pushed, after this many rejections.
    Pushed(u32),
    /// It was not reached; the commit stays here, and the next run pushes it.
    Queued(String),
    /// It was reached, and did not take what was pushed; the commit stays here, and the next run pushes it.
    Refused(String),
    /// It was not asked.
    Skipped,
    /// It is encrypted with the key of this mark, which is not here; the commit stays here.
    Locked(String),
    /// Commits are to be signed, and that failed: it waits here, unsigned, and the next run that can sign makes it anew and pushes it.
    Unsigned(String),
    /// It failed lately, and is left alone for a while; what is committed waits here.
    Waiting,
    /// This fleet is encrypted, the key is not here, and the remote shows nothing encrypted; the commit stays here.
    Held,
}

/// Why it seems that two computers use one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// The id was made on another computer.
    Copied,
    /// Somebody else wrote as this machine.
    Wrote,
}

/// What reading the transcripts was like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadReport {
    /// Transcripts found.
    pub files: usize,
    /// Transcripts opened.
    pub opened: usize,
    /// Lines skipped, the first hundred.
    pub bad: Vec<BadLine>,
    /// Lines skipped.
    pub bad_total: u64,
    /// What could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Entries of `transcripts.folders` that find nothing.
    pub unmatched: Vec<String>,
}

impl From<&Reading> for ReadReport {
    fn from(reading: &Reading) -> Self {
        Self {
            files: reading.files,
            opened: reading.opened,
            bad: reading.bad.clone(),
            bad_total: reading.bad_total,
            unreadable: reading.unreadable.clone(),
            unmatched: Vec::new(),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// This machine.
    pub machine: MachineId,
    /// The repository was set up by this run, for this machine only.
    pub set_up: bool,
    /// Another computer seems to use this machine's id.
    pub twin: Option<Twin>,
    /// What git had left half-done, and this run ended.
    pub finished: Option<Operation>,
    /// The branch that is synced.
    pub branch: String,
    /// Why the work tree does not show what was synced.
    pub late: Option<Place>,
    /// The sync's branch that was and the one that is, where the remote's default branch was renamed.
    pub followed: Option<(String, String)>,
    /// The address that the server redirects to, its secrets hidden: the repository moved.
    pub moved: Option<String>,
    /// What was done about objects that were missing or damaged.
    pub healed: Healed,
    /// Settings of `config.json` that this version does not know, each with the one that may be meant.
    pub unknown: Vec<(String, Option<&'static str>)>,
    /// Files in which git's conflict markers stood, and stand no more.
    pub mended: Vec<String>,
    /// What came of an import.
    pub imported: Option<import::Imported>,
    /// What this machine's files gained against the commit before.
    pub delta: Delta,
    /// The new commit; none where nothing changed.
    pub commit: Option<Oid>,
    /// Something of other machines came in.
    pub received: bool,
    /// Whether the remote has it.
    pub remote: Remote,
    /// When runs that nobody attends try the remote again, where it was not reached.
    pub next_try: Option<Timestamp>,
    /// What a run that was killed had left in `.git`, and is gone.
    pub cleared: Vec<PathBuf>,
    /// What reading was like.
    pub read: ReadReport,
    /// Files of the fleet that were left out, and sessions that need a person.
    pub problems: Vec<Conflict>,
    /// How many names were forgotten that only the fleet's key tells, which is not here.
    pub unknown_names: usize,
    /// Files that may not be read, because a pusher without the fleet's key may have made them.
    pub left_out: Vec<left_out::LeftOut>,
    /// Higher rules that the manifest was computed by: this tool should be updated.
    pub newer_rules: Option<u64>,
    /// Requests of this machine's transcripts that were kept out, because they are forgotten.
    pub held_back: u64,
    /// Tombstones that do nothing: the days that they name come after the one on which they were made.
    pub ahead: Vec<String>,
    /// How many machines the fleet has.
    pub machines: usize,
    /// The old history left this clone, because somebody had something forgotten.
    pub purged: bool,
}

fn list(files: &[String]) -> String {
    files
        .iter()
        .take(10)
        .map(|file| crate::base::text::printable(file, 100))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A run or a set-up failed. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Another run is going on.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// `config.json`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `machine_id`.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A file of this machine's own.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The `git` program.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The repository.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The clone's configuration.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Joining.
    #[error(transparent)]
    Merge(#[from] DataError),
    /// The local index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file of a later major version that this run would have to write over.
    #[error("failed to write {path}")]
    Newer {
        /// The file in the repository.
        path: String,
        /// Its version.
        source: FormatError,
    },
    /// Git stopped half-way on purpose, and a person goes on.
    #[error("the repository {} is in the middle of a {what}", path.display())]
    Unfinished {
        /// The repository.
        path: PathBuf,
        /// Which operation.
        what: &'static str,
    },
    /// Files of the user's own have conflicts.
    #[error("the repository {} is in the middle of a {what}, and these files of yours have conflicts: {}", path.display(), list(files))]
    Unmerged {
        /// The repository.
        path: PathBuf,
        /// Which operation.
        what: &'static str,
        /// The files.
        files: Vec<String>,
    },
    /// There is something else in the repository.
    #[error("{place} is not a sync repository, and not empty")]
    NotSync {
        /// The remote's address or the folder.
        place: String,
    },
    /// There is a remote already.
    #[error("the repository already has the remote {there}")]
    OtherRemote {
        /// Its address.
        there: String,
        /// The repository.
        repo: PathBuf,
    },
    /// The clone is not complete, and the remote that has the rest was not reached.
    #[error("objects are missing here, and {address} was not reached, which has them")]
    Incomplete {
        /// The remote's address.
        address: String,
        /// What git said.
        source: GitError,
    },
    /// A short-lived machine was asked for where another one is set up.
    #[error("{} has the id of another machine", path.display())]
    HasId {
        /// The file.
        path: PathBuf,
    },
    /// The folder is somebody else's.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The remote's repository is of a kind that does not work.
    #[error("{address} is a SHA-256 repository, which claude-sync does not support")]
    Sha256 {
        /// Its address.
        address: String,
    },
    /// The remote did not answer while it was needed.
    #[error("failed to reach {address}")]
    Unreachable {
        /// Its address.
        address: String,
        /// What git said.
        source: GitError,
    },
    /// A setting, or the repository, asks for the fleet's key.
    #[error("the fleet's key is needed: {why}")]
    NoKey {
        /// What asks for it.
        why: String,
    },
    /// The file of the key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key was not replaced.
    #[error("the fleet's key was not replaced: {why}")]
    NotRotated {
        /// Why.
        why: String,
    },
    /// A person wants what is here to leave in clear, and it is encrypted.
    #[error("this fleet is encrypted, and so is what this machine has of it")]
    Sealed,
    /// A setting cannot be changed.
    #[error(transparent)]
    Settings(Box<crate::store::settings::SettingError>),
    /// The temporary folder.
    #[error("failed to make a temporary folder")]
    Scratch(#[source] std::io::Error),
    /// Each machine has a branch, which nobody else may write.
    #[error("with a branch per machine nothing can be taken out of the history by one of them")]
    PerMachine,
    /// Nothing to download from.
    #[error("there is no remote to download from")]
    NoRemote,
    /// The remote changed faster than we could follow.
    #[error("the remote changed during each of {0} tries to push")]
    Contended(u32),
}

impl SyncError {
    /// Whether objects are missing or damaged here, so that fetching them again may help.
    pub fn lacks_objects(&self) -> bool {
        match self {
            Self::Repo(error)
            | Self::Merge(DataError::Repo(error))
            | Self::Setup(SetupError::Repo(error)) => error.lacks_objects(),
            _ => false,
        }
    }
}
