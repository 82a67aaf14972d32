//! Why a run, a set-up or a query failed.

use std::path::PathBuf;

use super::owner::OwnerError;
use crate::cache::index::IndexError;
use crate::fleet::DataError;
use crate::format::FormatError;
use crate::git::GitError;
use crate::git::repo::RepoError;
use crate::git::setup::SetupError;
use crate::store::config::ConfigError;
use crate::store::durable::WriteError;
use crate::store::key::KeyError;
use crate::store::lock::LockError;
use crate::store::machine_id::IdError;
use crate::store::settings::SettingError;

/// A run or a set-up failed. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
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
    #[error(
        "the repository {} is in the middle of a {what}, and these files of yours have conflicts: {}",
        path.display(),
        list(files)
    )]
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
    /// An encrypted clone was given the address of another fleet.
    #[error(
        "{address} has the data of another fleet: it is not encrypted with this fleet's key, and this machine never synced with it"
    )]
    OtherFleet {
        /// The new address.
        address: String,
        /// The address before.
        noted: String,
    },
    /// The clone is not complete, and the remote that has the rest was not reached.
    #[error("objects are missing here, and {address} was not reached, which has them")]
    Incomplete {
        /// The remote's address.
        address: String,
        /// The error of git.
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
        /// The error of git.
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
    Settings(Box<SettingError>),
    /// The temporary folder.
    #[error("failed to make a temporary folder")]
    Scratch(#[source] std::io::Error),
    /// Each machine has a branch, which nobody else may write.
    #[error("with a branch per machine nothing can be taken out of the history by one of them")]
    PerMachine,
    /// There is no clone, although this machine synced with a remote.
    #[error("the clone with which this machine synced is gone")]
    CloneGone,
    /// Nothing to download from.
    #[error("there is no remote to download from")]
    NoRemote,
    /// The remote changed faster than we could follow.
    #[error("the remote changed during each of {0} tries to push")]
    Contended(u32),
}

impl SyncError {
    /// Whether objects are missing or damaged here, so that fetching them again may help.
    pub(crate) fn lacks_objects(&self) -> bool {
        match self {
            Self::Repo(error)
            | Self::Merge(DataError::Repo(error))
            | Self::Setup(SetupError::Repo(error)) => error.lacks_objects(),
            _ => false,
        }
    }
}

/// The first ten paths, as one line.
fn list(files: &[String]) -> String {
    files
        .iter()
        .take(10)
        .map(|file| crate::base::text::printable(file, 100))
        .collect::<Vec<_>>()
        .join(", ")
}
