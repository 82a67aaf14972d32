//! Every `git` process starts here.
//!
//! The user's own `git` is used for transport, so that credentials, proxies, ssh settings and
//! helpers work as they do by hand. Messages are read in English (`LC_ALL=C`); variables that a
//! hook's caller sets must not redirect us to another repository ([`super::environment`]); none of
//! the user's hooks runs; and nothing asks for a password where nobody could answer.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::environment;
use super::messages::{failed, subcommand};
use super::settings::Settings;
#[cfg(unix)]
use super::stale;
use super::watch::{self, Watched};
use crate::base::progress::{Event, Watcher};
use crate::base::text::printable_lines;
use crate::store::private::user_command;

pub(crate) use super::messages::{GitError, MIN_VERSION, hide_secrets};
pub(crate) use super::refuser::{Refuser, refuser};

/// Branches of single machines begin with this, in a repository with a branch per machine.
pub(crate) const MACHINES: &str = "machines/";

/// Runs the user's `git`.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    /// The version that it prints, escaped.
    version: String,
    /// Whether somebody sits at the terminal who can answer questions.
    attended: bool,
    /// How long a transport may be silent.
    silence: Duration,
    /// Takes the events of each command.
    watcher: Watcher,
    /// The configuration that was read last, and of which repository.
    settings: Arc<Mutex<Option<(PathBuf, Settings)>>>,
    /// Where the server sent the last fetch to.
    moved: Arc<Mutex<Option<String>>>,
}

/// How long a transport may be silent, unless the user sets another limit.
pub(crate) const SILENCE: Duration = Duration::from_mins(2);

impl Git {
    /// Finds out whether `git` is there and recent enough.
    pub fn find(attended: bool) -> Result<Self, GitError> {
        let mut git = Self {
            program: PathBuf::from("git"),
            version: String::new(),
            attended,
            silence: SILENCE,
            watcher: Watcher::default(),
            settings: Arc::default(),
            moved: Arc::default(),
        };
        let out = git
            .command(None)
            .arg("version")
            .output()
            .map_err(GitError::Missing)?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        // A wrapper may print lines of its own before.
        let Some(found) = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("git version "))
            .map(str::to_owned)
        else {
            return Err(GitError::NotGit {
                output: printable_lines(text.trim(), 2),
            });
        };
        let mut numbers = found
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < MIN_VERSION {
            return Err(GitError::TooOld {
                found: printable_lines(&found, 1),
            });
        }
        git.version = printable_lines(&found, 1);
        Ok(git)
    }

    /// The version that it prints.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// With another limit for silent transports.
    #[must_use]
    pub(crate) fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// With a watcher of each command.
    #[must_use]
    pub(crate) fn with_watcher(self, watcher: Watcher) -> Self {
        Self { watcher, ..self }
    }

    /// Reports a command, runs it, and reports how it ended.
    fn reported<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        run: impl FnOnce() -> io::Result<Watched>,
    ) -> Result<Watched, GitError> {
        let words = || {
            args.iter()
                .map(|arg| arg.as_ref().to_string_lossy())
                .collect::<Vec<_>>()
                .join(" ")
        };
        self.watcher
            .see_text(|| hide_secrets(&words()), |text| Event::Git(text));
        let ended = run();
        let well = matches!(&ended, Ok(Watched::Ended(out)) if out.status.success());
        self.watcher.see(Event::GitEnded(well));
        ended.map_err(GitError::Missing)
    }

    /// Runs a command that talks to a remote.
    pub(super) fn transport<S: AsRef<OsStr>>(
        &self,
        repo: &Path,
        args: &[S],
    ) -> Result<Output, GitError> {
        self.transport_by(Command::new(&self.program), repo, args)
    }

    /// As [`Self::transport`], by this command of git.
    pub(super) fn transport_by<S: AsRef<OsStr>>(
        &self,
        git: Command,
        repo: &Path,
        args: &[S],
    ) -> Result<Output, GitError> {
        let mut command = self.own(git, Some(repo));
        command.args(args);
        if !self.attended
            && let Some(ssh) =
                environment::unattended_ssh(&self.settings(repo)?, super::settings::var)
        {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let mut printed = |bytes: &[u8]| {
            let last = |bytes| {
                String::from_utf8_lossy(bytes)
                    .split(['\n', '\r'])
                    .rfind(|line| !line.trim().is_empty())
                    .map(hide_secrets)
            };
            self.watcher.see_text(
                || last(bytes).unwrap_or_default(),
                |text| Event::Output(text),
            );
        };
        let began = SystemTime::now();
        match self.reported(args, || {
            watch::output(command, self.silence, !self.attended, &mut printed)
        })? {
            Watched::Ended(out) => {
                clear_after(&out, repo, began);
                Ok(out)
            }
            Watched::CutOff => Err(GitError::Silent {
                what: subcommand(args),
                seconds: self.silence.as_secs(),
            }),
        }
    }

    /// A command that sees this repository and no other.
    fn bare_command(&self, repo: Option<&Path>) -> Command {
        Self::confined(Command::new(&self.program), repo)
    }

    fn confined(mut command: Command, repo: Option<&Path>) -> Command {
        environment::confine(&mut command, repo);
        if let Some(repo) = repo {
            command.arg("-C").arg(repo);
        }
        command
    }

    /// Hands terminal, language and editor over to git, and waits for its end. What it writes
    /// elsewhere is the user's.
    ///
    /// `pager` makes a pager of the one that git would use.
    pub(crate) fn hand_over<S: AsRef<OsStr>>(
        &self,
        repo: &Path,
        args: &[S],
        pager: impl Fn(&str) -> String,
    ) -> Result<ExitStatus, GitError> {
        let users = self
            .bare_command(Some(repo))
            .args(["var", "GIT_PAGER"])
            .stdin(Stdio::null())
            .output()
            .map_err(GitError::Missing)?;
        let pager = pager(String::from_utf8_lossy(&users.stdout).trim());
        let mut command = Self::confined(user_command(&self.program), Some(repo));
        command
            .env("GIT_PAGER", pager)
            .args(args)
            .status()
            .map_err(GitError::Missing)
    }

    /// A command of our own: it runs none of the user's hooks, and asks nobody anything where
    /// nobody is.
    pub(super) fn command(&self, repo: Option<&Path>) -> Command {
        self.own(Command::new(&self.program), repo)
    }

    fn own(&self, git: Command, repo: Option<&Path>) -> Command {
        let mut command = Self::confined(git, repo);
        command.args(OWN.iter().flat_map(|setting| ["-c", setting]));
        command
            .env("LC_ALL", "C")
            .env("LANGUAGE", "C")
            .env("GIT_EDITOR", "true")
            .env("GIT_SEQUENCE_EDITOR", "true");
        if !self.attended {
            command
                .env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_ASKPASS", "")
                .env("SSH_ASKPASS_REQUIRE", "never");
            command.env("GCM_INTERACTIVE", "never");
        }
        command.stdin(Stdio::null());
        command
    }

    /// The user's git configuration as it holds in a repository.
    pub(crate) fn settings(&self, repo: &Path) -> Result<Settings, GitError> {
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((place, settings)) = known.as_ref()
            && place == repo
        {
            return Ok(settings.clone());
        }
        let args = ["config", "--list", "--show-scope", "-z"];
        let out = self
            .bare_command(Some(repo))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .map_err(GitError::Missing)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        let settings = Settings::parse(&out.stdout);
        *known = Some((repo.to_owned(), settings.clone()));
        Ok(settings)
    }

    /// The address to which the server redirected the last fetch, its secrets hidden; none where it
    /// did not.
    pub(crate) fn moved(&self) -> Option<String> {
        self.moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note_moved(&self, address: Option<String>) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    pub(super) fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// A command of git that runs with the user's umask.
    pub(super) fn user_command(&self) -> Command {
        user_command(&self.program)
    }

    /// Forgets the configuration that was read: it was changed.
    pub(crate) fn forget_settings(&self) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs a command in the repository and returns its output; a failure has git's message.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<String, GitError> {
        let out = self.output(repo, args)?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(failed(args, &out))
    }

    /// As [`Self::run`], with a file as standard input.
    pub(crate) fn run_with_input<S: AsRef<OsStr>>(
        &self,
        repo: &Path,
        args: &[S],
        input: &Path,
    ) -> Result<(), GitError> {
        let file = std::fs::File::open(input).map_err(GitError::Missing)?;
        let out = self
            .command(Some(repo))
            .args(args)
            .stdin(file)
            .output()
            .map_err(GitError::Missing)?;
        if out.status.success() {
            Ok(())
        } else {
            Err(failed(args, &out))
        }
    }

    /// As [`Self::run`], cut off where it is silent for too long: for commands that may call
    /// helpers of the user's, as for signing.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<String, GitError> {
        let mut command = self.command(Some(repo));
        command.args(args);
        match self.reported(args, || {
            watch::output(command, self.silence, !self.attended, &mut |_| {})
        })? {
            Watched::Ended(out) if out.status.success() => {
                Ok(String::from_utf8_lossy(&out.stdout).into_owned())
            }
            Watched::Ended(out) => Err(failed(args, &out)),
            Watched::CutOff => Err(GitError::Silent {
                what: subcommand(args),
                seconds: self.silence.as_secs(),
            }),
        }
    }

    fn output<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<Output, GitError> {
        let began = SystemTime::now();
        match self.reported(args, || {
            self.command(Some(repo))
                .args(args)
                .output()
                .map(Watched::Ended)
        })? {
            Watched::Ended(out) => {
                clear_after(&out, repo, began);
                Ok(out)
            }
            // Nobody cuts these off.
            Watched::CutOff => Err(GitError::Silent {
                what: subcommand(args),
                seconds: 0,
            }),
        }
    }
}

/// Settings of every command of our own. Hooks of the user's, and what asks a program what changed,
/// may fail, hang or refuse. What it writes is private by its umask.
const OWN: [&str; 4] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.sharedRepository=umask",
];

/// How much a file's time may lag behind the clock.
#[cfg(unix)]
const TICK: Duration = Duration::from_millis(20);

/// Clears away the locks of a git that somebody killed: this run goes on, so that the next one
/// would not know.
fn clear_after(out: &Output, repo: &Path, began: SystemTime) {
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&out.status).is_some() {
        stale::clear(&repo.join(".git"), began.checked_sub(TICK).unwrap_or(began));
    }
    #[cfg(not(unix))]
    let _ = (out, repo, began);
}
