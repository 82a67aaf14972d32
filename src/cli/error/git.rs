//! Errors of git and of the repository.

use super::CliError;
use crate::base::text::printable;
use crate::cli::exit;
use crate::fleet::DataError;
use crate::git::GitError;
use crate::git::process::MIN_VERSION;
use crate::git::repo::RepoError;
use crate::merge::driver::DriverError;

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        let (exit, help) = match &error {
            GitError::Missing(_) => (
                exit::GIT,
                format!(
                    "install git {}.{} or later, and have it in PATH",
                    MIN_VERSION.0, MIN_VERSION.1
                ),
            ),
            GitError::TooOld { .. } => (exit::GIT, update_git()),
            GitError::NotGit { .. } => (exit::GIT, "have git itself come first in PATH".to_owned()),
            GitError::Failed { .. } | GitError::Silent { .. } => (
                exit::FAILURE,
                "see the message of git above; the next claude-sync continues where this one stopped".to_owned(),
            ),
        };
        Self::new(&error, "claude_sync::git", exit, help)
    }
}

impl From<RepoError> for CliError {
    fn from(error: RepoError) -> Self {
        match error {
            RepoError::Process(e) => e.into(),
            RepoError::Sealed(_) => Self::new(
                &error,
                "claude_sync::no_key",
                exit::CONFIG,
                "on a machine that has the key: claude-sync key show; then here: claude-sync key import",
            ),
            ref lacking if lacking.lacks_objects() => Self::new(
                lacking,
                "claude_sync::objects",
                exit::FAILURE,
                "claude-sync fetches what is missing from the remote; what is damaged: claude-sync verify --repair",
            ),
            RepoError::Open { .. }
            | RepoError::Locked { .. }
            | RepoError::Damaged { .. }
            | RepoError::WhichRemote { .. } => of_clone(&error),
            _ => unexpected(&error),
        }
    }
}

/// The clone cannot be used as it is.
fn of_clone(error: &RepoError) -> CliError {
    match error {
        RepoError::Open { .. } => CliError::new(
            error,
            "claude_sync::repository",
            exit::REPOSITORY,
            "claude-sync needs a plain repository (SHA-1, refs as files); move this one away and run claude-sync init again",
        ),
        RepoError::Locked { .. } => CliError::new(
            error,
            "claude_sync::locked",
            exit::RUNNING,
            "wait for the git command that works there; if none does, one was killed: delete the .lock files in the repository's .git folder",
        ),
        RepoError::Damaged { .. } => CliError::new(
            error,
            "claude_sync::damaged",
            exit::REPOSITORY,
            "claude-sync init ADDRESS makes it anew, with the remote's address if there is one; commits and records are kept",
        ),
        RepoError::WhichRemote { branch, .. } => CliError::new(
            error,
            "claude_sync::which_remote",
            exit::REPOSITORY,
            format!(
                "choose one: claude-sync git config branch.{}.remote NAME",
                printable(branch, 100)
            ),
        ),
        other => unexpected(other),
    }
}

/// An error that has no advice of its own.
fn unexpected(error: &RepoError) -> CliError {
    CliError::new(
        error,
        "claude_sync::repository",
        exit::FAILURE,
        "check the repository with git fsck; another clone, or the remote, has the same data",
    )
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Repo(e) => e.into(),
            DataError::Front(_) => Self::new(
                &error,
                "claude_sync::chart",
                exit::FAILURE,
                "to remove the front page: claude-sync init --no-front-page",
            ),
            DataError::Format { .. } => Self::new(
                &error,
                "claude_sync::newer",
                exit::NEWER,
                "update claude-sync; it does not write over files that it cannot understand",
            ),
        }
    }
}

impl From<DriverError> for CliError {
    fn from(error: DriverError) -> Self {
        Self::new(
            &error,
            "claude_sync::merge_driver",
            exit::DRIVER,
            "git changed nothing; run claude-sync, which joins without git's merge",
        )
    }
}

/// How git is updated on this system.
fn update_git() -> String {
    let how = match std::env::consts::OS {
        "macos" => "brew install git",
        "windows" => "winget upgrade Git.Git, or https://git-scm.com/downloads",
        _ => {
            "with the system's package manager, such as apt install git or dnf install git; where that has no newer one: https://git-scm.com/downloads"
        }
    };
    format!("update git: {how}")
}
