//! Every error as a person reads it: what happened, why, what to do next, a code to search for, and an exit code.

use std::error::Error;
use std::fmt;
use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::env::Env;
use super::exit;
use crate::base::text::{printable, printable_lines};
use crate::fleet::DataError;
use crate::git::repo::RepoError;
use crate::git::setup::SetupError;
use crate::git::{GitError, process::MIN_VERSION};
use crate::merge::driver::DriverError;
use crate::store::config::ConfigError;
use crate::store::key::KeyError;
use crate::store::lock::LockError;
use crate::store::machine_id::IdError;
use crate::sync::{OwnerError, SyncError};

/// An error on its way to the terminal. All its texts are escaped.
#[derive(Debug)]
pub struct CliError {
    message: String,
    cause: Option<Box<Cause>>,
    code: &'static str,
    help: String,
    /// The exit code.
    pub exit: u8,
}

#[derive(Debug)]
struct Cause {
    message: String,
    cause: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn Error)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn Error)
    }
}

impl Diagnostic for CliError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}

fn causes(error: Option<&(dyn Error + 'static)>) -> Option<Box<Cause>> {
    error.map(|error| {
        Box::new(Cause {
            message: printable_lines(&error.to_string(), 20),
            cause: causes(error.source()),
        })
    })
}

impl CliError {
    /// An error of the library, with what to do about it.
    pub fn new(
        error: &(dyn Error + 'static),
        code: &'static str,
        exit: u8,
        help: impl Into<String>,
    ) -> Self {
        Self {
            message: printable_lines(&error.to_string(), 20),
            cause: causes(error.source()),
            code,
            help: help.into(),
            exit,
        }
    }

    /// A message of the command line's own.
    pub fn plain(message: &str, code: &'static str, exit: u8, help: impl Into<String>) -> Self {
        Self {
            message: printable_lines(message, 20),
            cause: None,
            code,
            help: help.into(),
            exit,
        }
    }

    /// There is no home folder.
    pub fn no_home() -> Self {
        Self::plain(
            "failed to find the home folder",
            "claude_sync::home",
            exit::CONFIG,
            "set HOME, or the XDG_* variables",
        )
    }

    /// The folders, the id or the remote are such that nothing can be synced here.
    fn of_place(error: &SyncError) -> Self {
        match error {
            SyncError::Incomplete { .. } => Self::new(
                error,
                "claude_sync::incomplete",
                exit::REMOTE,
                "run claude-sync again where the remote is reached; nothing was changed",
            ),
            SyncError::Owner(OwnerError::Root { .. }) => Self::new(
                error,
                "claude_sync::owner",
                exit::REPOSITORY,
                "run claude-sync as that user, without sudo; nothing was changed",
            ),
            SyncError::Owner(OwnerError::Other { .. }) => Self::new(
                error,
                "claude_sync::owner",
                exit::REPOSITORY,
                "give the folder back to yourself with chown -R: claude-sync doctor shows the command; nothing was changed",
            ),
            SyncError::HasId { .. } => Self::new(
                error,
                "claude_sync::machine_id",
                exit::CONFIG,
                "--ephemeral is for machines that begin anew each time; leave it out, or set CLAUDE_CONFIG_DIR to a folder of the container's own",
            ),
            SyncError::Sha256 { .. } => Self::new(
                error,
                "claude_sync::object_format",
                exit::REPOSITORY,
                "make the remote repository with SHA-1: git init --bare --object-format=sha1",
            ),
            other => Self::new(
                other,
                "claude_sync::failure",
                exit::FAILURE,
                "see what claude-sync doctor says",
            ),
        }
    }

    /// The text for standard error.
    pub fn render(&self, env: &Env) -> String {
        let theme = if env.colours {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(usize::from(env.width))
            .with_links(false);
        let mut out = String::new();
        match handler.render_report(&mut out, self) {
            Ok(()) => out,
            Err(fmt::Error) => format!("{self}\n"),
        }
    }
}

/// A path inside a help line.
fn path(path: &Path) -> String {
    printable(&path.display().to_string(), 400)
}

impl CliError {
    /// An error about the repository or the remote that a set-up names.
    fn of_repository(error: &SyncError) -> Self {
        match error {
            SyncError::NotSync { .. } => Self::new(
                error,
                "claude_sync::not_a_sync_repository",
                exit::REPOSITORY,
                "give claude-sync a repository of its own: an empty one, or one that claude-sync made",
            ),
            SyncError::OtherRemote { repo, .. } => Self::new(
                error,
                "claude_sync::other_remote",
                exit::REPOSITORY,
                format!("to move to another remote: git -C {} remote set-url origin ADDRESS", path(repo)),
            ),
            SyncError::Incomplete { .. } | SyncError::Owner(_) | SyncError::HasId { .. } | SyncError::Sha256 { .. } => {
                Self::of_place(error)
            }
            SyncError::Unreachable { source, .. } => Self::new(
                error,
                "claude_sync::remote",
                exit::REMOTE,
                crate::git::Cause::of(&source.to_string()).map_or_else(
                    || "check the address, the network, and that git can log in there: git ls-remote ADDRESS".to_owned(),
                    |cause| format!("{}; {}", cause.what(), cause.next(false)),
                ),
            ),
            SyncError::PerMachine => Self::new(
                error,
                "claude_sync::per_machine",
                exit::REPOSITORY,
                "use a repository whose branch all machines share: claude-sync init ADDRESS, without --branch-per-machine",
            ),
            _ => Self::of_place(error),
        }
    }

    /// An error about the fleet's key.
    fn of_key(error: &SyncError) -> Self {
        match error {
            SyncError::NoKey { .. } => Self::new(
                error,
                "claude_sync::no_key",
                exit::CONFIG,
                "on the machine that has it: claude-sync key show; then here: claude-sync key import. For a fleet that has none: claude-sync key init",
            ),
            SyncError::NotRotated { .. } => Self::new(
                error,
                "claude_sync::key_rotate",
                exit::REMOTE,
                "the key is as it was; run claude-sync until the remote takes everything, then claude-sync key rotate again",
            ),
            SyncError::Sealed => Self::new(
                error,
                "claude_sync::in_clear",
                exit::CLEAR,
                "nothing was changed; to go on in clear, begin with another repository: move this one away, take privacy_settings.encryption out of the settings, and claude-sync init ADDRESS",
            ),
            _ => Self::of_place(error),
        }
    }
}

impl From<SyncError> for CliError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Lock(e) => e.into(),
            SyncError::Config(e) => e.into(),
            SyncError::Id(e) => e.into(),
            SyncError::Git(e) => e.into(),
            SyncError::Repo(e) | SyncError::Setup(SetupError::Repo(e)) => e.into(),
            SyncError::Write(e) | SyncError::Setup(SetupError::Write(e)) => Self::new(
                &e,
                "claude_sync::write",
                exit::FAILURE,
                "check the folder's permissions and the free space on its disk; nothing was changed",
            ),
            SyncError::Merge(e) => e.into(),
            SyncError::Index(e) if e.is_disk_full() => Self::new(
                &e,
                "claude_sync::disk_full",
                exit::FAILURE,
                "make room on the disk and run claude-sync again: nothing is lost",
            ),
            SyncError::Index(e) => Self::new(
                &e,
                "claude_sync::index",
                exit::FAILURE,
                "the index can be deleted at any time: the next run makes it anew",
            ),
            SyncError::Newer { .. } => Self::new(
                &error,
                "claude_sync::newer",
                exit::NEWER,
                "update claude-sync; it does not write over files that it cannot understand",
            ),
            SyncError::Unfinished { path: ref repo, .. } => Self::new(
                &error,
                "claude_sync::unfinished",
                exit::REPOSITORY,
                format!(
                    "finish it or take it back (git -C {} status says how), then run claude-sync again; it joins what is missing",
                    path(repo)
                ),
            ),
            SyncError::Unmerged { path: ref repo, .. } => Self::new(
                &error,
                "claude_sync::unmerged",
                exit::REPOSITORY,
                format!(
                    "everything below sync is merged; merge your files, then: git -C {} add FILE, and claude-sync",
                    path(repo)
                ),
            ),
            SyncError::NotSync { .. }
            | SyncError::OtherRemote { .. }
            | SyncError::Incomplete { .. }
            | SyncError::Owner(_)
            | SyncError::HasId { .. }
            | SyncError::Sha256 { .. }
            | SyncError::PerMachine
            | SyncError::Unreachable { .. } => Self::of_repository(&error),
            SyncError::Scratch(_) => Self::new(
                &error,
                "claude_sync::failure",
                exit::FAILURE,
                "check the temporary folder (TMPDIR) and its free space",
            ),
            SyncError::Key(e) => e.into(),
            SyncError::NoKey { .. } | SyncError::NotRotated { .. } | SyncError::Sealed => {
                Self::of_key(&error)
            }
            SyncError::Settings(e) => (*e).into(),
            SyncError::NoRemote => Self::new(
                &error,
                "claude_sync::no_remote",
                exit::REMOTE,
                "join a repository first: claude-sync init ADDRESS",
            ),
            SyncError::Contended(_) => Self::new(
                &error,
                "claude_sync::contended",
                exit::QUEUED,
                "everything is committed on this machine; the next run pushes it",
            ),
        }
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        match &error {
            LockError::Held { .. } => Self::new(
                &error,
                "claude_sync::running",
                exit::RUNNING,
                "wait for it to end; what you used meanwhile is synced by the next run",
            ),
            LockError::Io { path, source } if source.kind() == std::io::ErrorKind::InvalidInput => {
                let help = format!("rm '{}'", path.display());
                Self::new(&error, "claude_sync::lock", exit::FAILURE, help)
            }
            LockError::Io { .. } => Self::new(
                &error,
                "claude_sync::lock",
                exit::FAILURE,
                "check the folder's permissions and the free space on its disk",
            ),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let help = match &error {
            ConfigError::Read { .. } => "check the file's permissions",
            ConfigError::Syntax { .. } => "correct the file, or delete it to have the defaults",
            ConfigError::Setting { .. } => "correct the setting, or delete it to have its default",
        };
        Self::new(&error, "claude_sync::config", exit::CONFIG, help)
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        let help = match &error {
            KeyError::Read { .. } | KeyError::Write(_) => {
                "check the permissions of the file and its folder"
            }
            KeyError::Invalid { .. } => {
                "put the key back, as claude-sync key show prints it on another machine; nothing was changed"
            }
            KeyError::Other { .. } => {
                "this machine may belong to another fleet; if the new key is to take its place: claude-sync key import --replace, which keeps this one for what was encrypted with it"
            }
        };
        Self::new(&error, "claude_sync::key", exit::CONFIG, help)
    }
}

impl From<IdError> for CliError {
    fn from(error: IdError) -> Self {
        let help = match &error {
            IdError::Invalid { .. } => {
                "put this machine's id back into the file; or, if it never synced, delete the file and a new id is made"
            }
            _ => "check the permissions of the file and its folder",
        };
        Self::new(&error, "claude_sync::machine_id", exit::CONFIG, help)
    }
}

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
            GitError::TooOld { .. } => (exit::GIT, "update git".to_owned()),
            GitError::NotGit { .. } => (exit::GIT, "have git itself come first in PATH".to_owned()),
            GitError::Failed { .. } | GitError::Silent { .. } => (
                exit::FAILURE,
                "see what git says above; claude-sync goes on where it stopped".to_owned(),
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
            RepoError::Open { .. } => Self::new(
                &error,
                "claude_sync::repository",
                exit::REPOSITORY,
                "claude-sync needs a plain repository (SHA-1, refs as files); move this one away and run claude-sync init again",
            ),
            RepoError::Locked { .. } => Self::new(
                &error,
                "claude_sync::locked",
                exit::RUNNING,
                "wait for the git command that works there; if none does, one was killed: delete the .lock files in the repository's .git folder",
            ),
            RepoError::Damaged { .. } => Self::new(
                &error,
                "claude_sync::damaged",
                exit::REPOSITORY,
                "claude-sync init ADDRESS makes it anew, with the remote's address if there is one; commits and records are kept",
            ),
            RepoError::WhichRemote { ref branch, .. } => Self::new(
                &error,
                "claude_sync::which_remote",
                exit::REPOSITORY,
                format!(
                    "choose one: claude-sync git config branch.{}.remote NAME",
                    printable(branch, 100)
                ),
            ),
            ref lacking if lacking.lacks_objects() => Self::new(
                lacking,
                "claude_sync::objects",
                exit::FAILURE,
                "claude-sync fetches what is missing from the remote; what is damaged: claude-sync verify --repair",
            ),
            _ => Self::new(
                &error,
                "claude_sync::repository",
                exit::FAILURE,
                "see what git fsck says of the repository; another clone, or the remote, has the same data",
            ),
        }
    }
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Repo(e) => e.into(),
            DataError::Front(_) => Self::new(
                &error,
                "claude_sync::chart",
                exit::FAILURE,
                "claude-sync init --no-front-page takes it out",
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
