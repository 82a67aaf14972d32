//! Errors of runs.

use std::path::Path;

use super::CliError;
use crate::base::text::printable;
use crate::cli::exit;
use crate::git::Cause;
use crate::git::setup::SetupError;
use crate::sync::{OwnerError, SyncError};

impl From<SyncError> for CliError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Lock(e) => e.into(),
            SyncError::Config(e) => e.into(),
            SyncError::Id(e) => e.into(),
            SyncError::Git(e) => e.into(),
            SyncError::Repo(e) | SyncError::Setup(SetupError::Repo(e)) => e.into(),
            SyncError::Write(e) | SyncError::Setup(SetupError::Write(e)) => e.into(),
            SyncError::Merge(e) => e.into(),
            SyncError::Index(e) => e.into(),
            SyncError::Key(e) => e.into(),
            SyncError::Settings(e) => (*e).into(),
            SyncError::Newer { .. } | SyncError::Scratch(_) | SyncError::Contended(_) => {
                of_run(&error)
            }
            SyncError::Unfinished { .. } | SyncError::Unmerged { .. } => of_operation(&error),
            SyncError::NotSync { .. }
            | SyncError::OtherRemote { .. }
            | SyncError::OtherFleet { .. }
            | SyncError::Sha256 { .. }
            | SyncError::PerMachine
            | SyncError::CloneGone => of_repository(&error),
            SyncError::Owner(_) | SyncError::HasId { .. } => of_machine(&error),
            SyncError::Incomplete { .. } | SyncError::Unreachable { .. } | SyncError::NoRemote => {
                of_remote(&error)
            }
            SyncError::NoKey { .. } | SyncError::NotRotated { .. } | SyncError::Sealed => {
                of_key(&error)
            }
        }
    }
}

/// What happened while a run wrote or pushed.
fn of_run(error: &SyncError) -> CliError {
    match error {
        SyncError::Newer { .. } => CliError::new(
            error,
            "claude_sync::newer",
            exit::NEWER,
            "update claude-sync; it does not write over files that it cannot understand",
        ),
        SyncError::Scratch(_) => CliError::new(
            error,
            "claude_sync::failure",
            exit::FAILURE,
            "check the temporary folder (TMPDIR) and its free space",
        ),
        SyncError::Contended(_) => CliError::new(
            error,
            "claude_sync::contended",
            exit::QUEUED,
            "everything is committed on this machine; the next run pushes it",
        ),
        other => unexpected(other),
    }
}

/// Git stopped in the middle of an operation, and the user has to finish it.
fn of_operation(error: &SyncError) -> CliError {
    match error {
        SyncError::Unfinished { path, .. } => CliError::new(
            error,
            "claude_sync::unfinished",
            exit::REPOSITORY,
            format!(
                "finish it or undo it (git -C {} status shows how), then run claude-sync again, which joins the rest",
                show(path)
            ),
        ),
        SyncError::Unmerged { path, .. } => CliError::new(
            error,
            "claude_sync::unmerged",
            exit::REPOSITORY,
            format!(
                "everything below sync is merged; merge your files, then: git -C {} add FILE, and claude-sync",
                show(path)
            ),
        ),
        other => unexpected(other),
    }
}

/// The repository is not one that claude-sync can use for this.
fn of_repository(error: &SyncError) -> CliError {
    match error {
        SyncError::NotSync { .. } => CliError::new(
            error,
            "claude_sync::not_a_sync_repository",
            exit::REPOSITORY,
            "give claude-sync a repository of its own: an empty one, or one that claude-sync made",
        ),
        SyncError::OtherRemote { repo, .. } => CliError::new(
            error,
            "claude_sync::other_remote",
            exit::REPOSITORY,
            format!(
                "to move to another remote: git -C {} remote set-url origin ADDRESS",
                show(repo)
            ),
        ),
        SyncError::OtherFleet { noted, .. } => CliError::new(
            error,
            "claude_sync::other_fleet",
            exit::REPOSITORY,
            format!(
                "nothing was changed. To go back: claude-sync git remote set-url origin {}; to move this fleet, name an empty repository; to leave it for the other one, move the clone and the key away, then: claude-sync init ADDRESS",
                printable(noted, 200)
            ),
        ),
        SyncError::Sha256 { .. } => CliError::new(
            error,
            "claude_sync::object_format",
            exit::REPOSITORY,
            "make the remote repository with SHA-1: git init --bare --object-format=sha1",
        ),
        SyncError::PerMachine => CliError::new(
            error,
            "claude_sync::per_machine",
            exit::REPOSITORY,
            "use a repository whose branch all machines share: claude-sync init ADDRESS, without --branch-per-machine",
        ),
        SyncError::CloneGone => CliError::new(
            error,
            "claude_sync::clone_gone",
            exit::REPOSITORY,
            "join the other machines again: claude-sync init ADDRESS; or keep history on this machine alone: claude-sync init",
        ),
        other => unexpected(other),
    }
}

/// A folder belongs to another user, or the machine id to another machine.
fn of_machine(error: &SyncError) -> CliError {
    match error {
        SyncError::Owner(OwnerError::Root { .. }) => CliError::new(
            error,
            "claude_sync::owner",
            exit::REPOSITORY,
            "run claude-sync as that user, without sudo; nothing was changed",
        ),
        SyncError::Owner(OwnerError::Other { .. }) => CliError::new(
            error,
            "claude_sync::owner",
            exit::REPOSITORY,
            "give the folder back to yourself with chown -R: claude-sync doctor shows the command; nothing was changed",
        ),
        SyncError::HasId { .. } => CliError::new(
            error,
            "claude_sync::machine_id",
            exit::CONFIG,
            "--ephemeral is for machines that begin anew each time; leave it out, or set CLAUDE_CONFIG_DIR to a folder of the container's own",
        ),
        other => unexpected(other),
    }
}

/// The remote was needed, and there is none or it was not reached.
fn of_remote(error: &SyncError) -> CliError {
    match error {
        SyncError::Incomplete { .. } => CliError::new(
            error,
            "claude_sync::incomplete",
            exit::REMOTE,
            "run claude-sync again where the remote is reached; nothing was changed",
        ),
        SyncError::Unreachable { source, .. } => CliError::new(
            error,
            "claude_sync::remote",
            exit::REMOTE,
            Cause::of(&source.to_string()).map_or_else(
                || "check the address, the network, and that git can log in there: git ls-remote ADDRESS".to_owned(),
                |cause| format!("{}; {}", cause.what(), cause.next(false)),
            ),
        ),
        SyncError::NoRemote => CliError::new(
            error,
            "claude_sync::no_remote",
            exit::REMOTE,
            "join a repository first: claude-sync init ADDRESS",
        ),
        other => unexpected(other),
    }
}

/// The fleet's key is needed, or was not replaced.
fn of_key(error: &SyncError) -> CliError {
    match error {
        SyncError::NoKey { .. } => CliError::new(
            error,
            "claude_sync::no_key",
            exit::CONFIG,
            "on the machine that has it: claude-sync key show; then here: claude-sync key import. For a fleet that has none: claude-sync key init",
        ),
        SyncError::NotRotated { .. } => CliError::new(
            error,
            "claude_sync::key_rotate",
            exit::REMOTE,
            "the key is as it was; run claude-sync until the remote takes everything, then claude-sync key rotate again",
        ),
        SyncError::Sealed => CliError::new(
            error,
            "claude_sync::in_clear",
            exit::CLEAR,
            "nothing was changed; to go on in clear, begin with another repository: move this one away, take privacy_settings.encryption out of the settings, and claude-sync init ADDRESS",
        ),
        other => unexpected(other),
    }
}

/// An error that has no advice of its own.
fn unexpected(error: &SyncError) -> CliError {
    CliError::new(
        error,
        "claude_sync::failure",
        exit::FAILURE,
        "run claude-sync doctor to find the cause",
    )
}

fn show(path: &Path) -> String {
    printable(&path.display().to_string(), 400)
}
