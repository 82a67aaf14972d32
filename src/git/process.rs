//! Every `git` process starts here.
//!
//! The user's own `git` is used for transport, so that credentials, proxies, ssh settings and helpers work as they do by hand.
//! Messages are read in English (`LC_ALL=C`); variables that a hook's caller sets must not redirect us to another repository
//! ([`super::environment`]); none of the user's hooks runs; and nothing asks for a password where nobody could answer.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::environment;
use super::settings::{Role, Settings};
use super::stale;
use super::watch::{self, Watched};
use crate::base::progress::{Event, Step, Watcher};
use crate::base::text::printable_lines;
use crate::store::private::user_command;

/// The oldest git that works, as Debian 12 and Apple have it. Before 2.42 a driver that gives up is an ordinary conflict to git, which the
/// next run finishes.
pub const MIN_VERSION: (u32, u32) = (2, 39);

/// Something went wrong with a `git` process.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("failed to run git")]
    Missing(#[source] io::Error),
    /// It is too old.
    #[error("git {found} is too old: {}.{} or later is needed", MIN_VERSION.0, MIN_VERSION.1)]
    TooOld {
        /// What it says it is.
        found: String,
    },
    /// What runs under the name of git does not say which version it is.
    #[error("the git in PATH is not git, or hides it: git version printed {}", if said.is_empty() { "nothing" } else { said.as_str() })]
    NotGit {
        /// What it printed, escaped.
        said: String,
    },
    /// It was silent for too long, and was ended.
    #[error("git {what} was cut off after it had said nothing for {seconds} s")]
    Silent {
        /// The subcommand.
        what: String,
        /// How long it was given.
        seconds: u64,
    },
    /// It failed.
    #[error("git {what} failed{}{message}", if message.is_empty() { "" } else { ":\n" })]
    Failed {
        /// The subcommand.
        what: String,
        /// What it said, escaped.
        message: String,
    },
}

impl GitError {
    /// Whether git met objects in this repository that are missing or damaged. What the remote says of its own is no such thing.
    pub fn is_damage_here(&self) -> bool {
        let Self::Failed { message, .. } = self else {
            return false;
        };
        let signs = [
            "bad object",
            "is corrupt",
            "corrupt loose object",
            "is empty",
            "unresolved deltas",
            "could not parse commit",
            "could not read",
            "unable to read",
            "did not send all necessary objects",
            "remote did not send",
            "broken link",
            "missing blob",
            "missing tree",
        ];
        let asks = [
            "could not read username",
            "could not read password",
            "could not read from remote",
        ];
        message.lines().map(str::to_ascii_lowercase).any(|line| {
            !line.starts_with("remote:")
                && !asks.iter().any(|ask| line.contains(ask))
                && signs.iter().any(|sign| line.contains(sign))
        })
    }
}

/// Branches of single machines begin with this, in a repository with a branch per machine.
pub const MACHINES: &str = "machines/";

/// What branches a remote has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The default branch; none where there is no branch that all machines share.
    pub branch: Option<String>,
    /// The remote's `HEAD` names that branch.
    pub named: bool,
    /// Its objects are named by SHA-256.
    pub sha256: bool,
    /// There are branches of single machines.
    pub per_machine: bool,
}

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Push {
    /// The remote has the commit.
    Done,
    /// Somebody else was faster: fetch, join, try again. With what git said.
    Rejected(String),
}

/// How long a stranger waits for an answer: the question is asked beside others, and has no answer without a network.
const STRANGERS_PATIENCE: Duration = Duration::from_secs(15);

/// What a stranger sets: no helper knows a password, no header carries one.
const STRANGER: [(&str, &str); 5] = [
    ("credential.helper", ""),
    ("http.extraHeader", ""),
    ("http.emptyAuth", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "10"),
];

/// Settings that say how the network is reached, and not by whom.
const ROADS: [&str; 8] = [
    "http.proxy",
    "http.proxyauthmethod",
    "http.sslbackend",
    "http.sslcainfo",
    "http.sslcapath",
    "http.sslverify",
    "http.schannelcheckrevoke",
    "http.schannelusesslcainfo",
];

/// Runs the user's `git`.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    /// What it says it is, escaped.
    version: String,
    /// Whether somebody sits at the terminal who can answer questions.
    attended: bool,
    /// How long a transport may be silent.
    silence: Duration,
    /// Who is told of each command.
    watcher: Watcher,
    /// The configuration that was read last, and of which repository.
    settings: Arc<Mutex<Option<(PathBuf, Settings)>>>,
    /// Where the server sent the last fetch to.
    moved: Arc<Mutex<Option<String>>>,
}

/// How long a transport may be silent, unless the user says otherwise.
pub const SILENCE: Duration = Duration::from_mins(2);

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
                said: printable_lines(text.trim(), 2),
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

    /// The version that it says it is.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// With another limit for silent transports.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// With somebody who is told of each command.
    #[must_use]
    pub fn with_watcher(self, watcher: Watcher) -> Self {
        Self { watcher, ..self }
    }

    /// Tells of a command, runs it, and tells how it ended.
    fn told<S: AsRef<OsStr>>(
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
    fn transport<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<Output, GitError> {
        self.transport_by(Command::new(&self.program), repo, args)
    }

    /// As [`Self::transport`], by this command of git.
    fn transport_by<S: AsRef<OsStr>>(
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
        let mut said = |bytes: &[u8]| {
            let last = |bytes| {
                String::from_utf8_lossy(bytes)
                    .split(['\n', '\r'])
                    .rfind(|line| !line.trim().is_empty())
                    .map(hide_secrets)
            };
            self.watcher
                .see_text(|| last(bytes).unwrap_or_default(), |text| Event::Said(text));
        };
        let began = SystemTime::now();
        match self.told(args, || {
            watch::output(command, self.silence, !self.attended, &mut said)
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

    /// Hands terminal, language and editor over to git, and waits for its end. What it writes elsewhere is the user's.
    ///
    /// `pager` makes a pager of the one that git would use.
    pub fn hand_over<S: AsRef<OsStr>>(
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

    /// A command of our own: it runs none of the user's hooks, and asks nobody anything where nobody is.
    fn command(&self, repo: Option<&Path>) -> Command {
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
    pub fn settings(&self, repo: &Path) -> Result<Settings, GitError> {
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

    /// The address to which the server redirected the last fetch, its secrets hidden; none where it did not.
    pub fn moved(&self) -> Option<String> {
        self.moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets the configuration that was read: it was changed.
    pub fn forget_settings(&self) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs a command in the repository and returns its output; a failure carries what git said.
    pub fn run<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<String, GitError> {
        let out = self.output(repo, args)?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(failed(args, &out))
    }

    /// As [`Self::run`], with a file as standard input.
    pub fn run_with_input<S: AsRef<OsStr>>(
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

    /// As [`Self::run`], cut off where it is silent for too long: for commands that may call helpers of the user's, as for signing.
    pub fn ask<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<String, GitError> {
        let mut command = self.command(Some(repo));
        command.args(args);
        match self.told(args, || {
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
        match self.told(args, || {
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

    /// What branches a remote has.
    pub fn survey(&self, repo: &Path, remote: &str) -> Result<Survey, GitError> {
        let args = ["ls-remote", "--symref", "--", remote];
        let out = self.transport(repo, &args)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        let text = String::from_utf8_lossy(&out.stdout);
        let sha256 = text
            .lines()
            .any(|line| line.split_once('\t').is_some_and(|(id, _)| id.len() == 64));
        let head = text.lines().find_map(|line| {
            line.strip_prefix("ref: refs/heads/")?
                .strip_suffix("\tHEAD")
        });
        let all: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once('\t')?.1.strip_prefix("refs/heads/"))
            .collect();
        let (machines, branches): (Vec<&str>, Vec<&str>) =
            all.into_iter().partition(|name| name.starts_with(MACHINES));
        // A bare repository's HEAD may name a branch that does not exist.
        let named = head.filter(|head| branches.contains(head));
        let branch = named
            .or_else(|| {
                branches
                    .iter()
                    .copied()
                    .find(|b| ["main", "master"].contains(b))
            })
            .or(branches.first().copied());
        Ok(Survey {
            branch: branch.map(str::to_owned),
            named: named.is_some(),
            sha256,
            per_machine: !machines.is_empty(),
        })
    }

    /// What an empty remote is like: which branch its `HEAD` names, where it says so. It is cloned into the folder `at`, which must be empty.
    pub fn survey_empty(&self, at: &Path, address: &str) -> Result<Survey, GitError> {
        let args = [
            "-c",
            "init.defaultBranch=main",
            "clone",
            "--quiet",
            "--bare",
            "--template=",
            "--",
            address,
            "probe.git",
        ];
        let out = self.transport(at, &args)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        let read = |name: &str| {
            std::fs::read_to_string(at.join("probe.git").join(name)).unwrap_or_default()
        };
        let branch = read("HEAD")
            .trim()
            .strip_prefix("ref: refs/heads/")
            .map(str::to_owned);
        let sha256 = read("config")
            .to_ascii_lowercase()
            .contains("objectformat = sha256");
        Ok(Survey {
            branch,
            named: true,
            sha256,
            per_machine: false,
        })
    }

    /// The address that git would use for `address`, by the user's `url.*.insteadOf`; nothing is connected to.
    pub fn rewritten(&self, at: &Path, address: &str) -> Result<String, GitError> {
        self.run(at, &["ls-remote", "--get-url", "--", address])
            .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Lists a remote's branches as a stranger would: without the user's configuration, credentials, certificates, cookies and `.netrc`.
    ///
    /// Of the configuration only that is taken over which says how the network is reached at all.
    pub fn list_as_stranger(&self, at: &Path, address: &str) -> Result<(), GitError> {
        // git and curl look into the home folder and around the current one. These are empty.
        let nowhere = tempfile::tempdir().map_err(GitError::Missing)?;
        let args = ["ls-remote", "--", address];
        let mut command = self.command(Some(nowhere.path()));
        for name in ["GIT_CONFIG_SYSTEM", "GIT_SSL_CERT", "GIT_SSL_KEY", "NETRC"] {
            command.env_remove(name);
        }
        command
            .env("HOME", nowhere.path())
            .env("XDG_CONFIG_HOME", nowhere.path());
        command.env(
            "GIT_CEILING_DIRECTORIES",
            nowhere.path().parent().unwrap_or(nowhere.path()),
        );
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ALLOW_PROTOCOL", "http:https");
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GCM_INTERACTIVE", "never");
        let mut settings: Vec<(String, String)> = STRANGER
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        // By variables: a proxy's password is nothing for the list of processes.
        let usual = self
            .run(at, &["config", "-z", "--get-urlmatch", "http", address])
            .unwrap_or_default();
        let usual = usual
            .split('\0')
            .filter_map(|entry| entry.split_once('\n'))
            .filter(|(key, _)| ROADS.contains(key));
        settings.extend(usual.map(|(key, value)| (key.to_owned(), value.to_owned())));
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (at, (key, value)) in settings.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.args(args);
        let silence = self.silence.min(STRANGERS_PATIENCE);
        match watch::output(command, silence, true, &mut |_| {}).map_err(GitError::Missing)? {
            Watched::Ended(out) if out.status.success() => Ok(()),
            Watched::Ended(out) => Err(failed(&args, &out)),
            Watched::CutOff => Err(GitError::Silent {
                what: subcommand(&args),
                seconds: silence.as_secs(),
            }),
        }
    }

    /// Fetches all branches, forgetting those that are gone, whatever the remote's `fetch` setting leaves out.
    pub fn fetch(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        self.fetch_with(repo, remote, &[])
    }

    /// As [`Self::fetch`], as if nothing was here: objects that are missing or were damaged come again, also in a partial clone.
    pub fn fetch_again(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        self.fetch_with(repo, remote, &["--refetch", "--no-filter"])
    }

    fn fetch_with(&self, repo: &Path, remote: &str, more: &[&str]) -> Result<(), GitError> {
        let _doing = self.watcher.begin(Step::Fetch, 0);
        // Progress is a sign of life.
        let mut args = vec![
            "fetch",
            "--progress",
            "--prune",
            "--no-tags",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
        ];
        args.extend(more);
        let branches = format!("+refs/heads/*:refs/remotes/{remote}/*");
        args.extend([remote, branches.as_str()]);
        let mut tries = 0;
        loop {
            let out = self.transport(repo, &args)?;
            if out.status.success() {
                *self.moved.lock().unwrap_or_else(PoisonError::into_inner) =
                    redirected(&String::from_utf8_lossy(&out.stderr));
                return Ok(());
            }
            // A git that outlived a killed run, or one of the user's, moved the same ref in the same moment.
            let text = String::from_utf8_lossy(&out.stderr);
            tries += 1;
            if tries > 5
                || !(text.contains("cannot lock ref")
                    || text.contains("unable to update local ref"))
            {
                return Err(failed(&args, &out));
            }
            std::thread::sleep(Duration::from_millis(50 * tries));
        }
    }

    /// Pushes one commit to one branch: never by force, unless in the place of the commit `over`, which must be the remote's.
    pub fn push(
        &self,
        repo: &Path,
        remote: &str,
        commit: &str,
        branch: &str,
        over: Option<&str>,
    ) -> Result<Push, GitError> {
        let _doing = self.watcher.begin(Step::Push, 0);
        let lease = over.map(|old| format!("--force-with-lease=refs/heads/{branch}:{old}"));
        let update = format!("{commit}:refs/heads/{branch}");
        let (args, out) = self.push_with(repo, remote, lease.as_deref(), &update)?;
        if out.status.success() {
            return Ok(Push::Done);
        }
        let text = String::from_utf8_lossy(&out.stdout);
        let reason = text
            .lines()
            .find(|line| line.starts_with('!'))
            .unwrap_or_default();
        // The last four are what a server says to the slower of two that pushed in the same instant.
        let races = [
            "(fetch first)",
            "(non-fast-forward)",
            "(stale info)",
            "cannot lock ref",
            "failed to update ref",
            "incorrect old value",
            "failed to lock",
        ];
        let slower = races.iter().any(|race| reason.contains(race));
        let error = refused(&args, &out);
        if slower {
            Ok(Push::Rejected(error.to_string()))
        } else {
            Err(error)
        }
    }

    /// Asks whether the remote would take a push to a branch, as far as it says so before anything is sent. Nothing is pushed.
    pub fn may_push(
        &self,
        repo: &Path,
        remote: &str,
        commit: &str,
        branch: &str,
    ) -> Result<(), GitError> {
        let (args, out) = self.push_with(
            repo,
            remote,
            Some("--dry-run"),
            &format!("{commit}:refs/heads/{branch}"),
        )?;
        let text = String::from_utf8_lossy(&out.stdout);
        // Somebody else was faster: that says nothing of what we may.
        let slower = ["(fetch first)", "(non-fast-forward)"]
            .iter()
            .any(|race| text.contains(race));
        if out.status.success() || slower {
            Ok(())
        } else {
            Err(refused(&args, &out))
        }
    }

    fn push_with(
        &self,
        repo: &Path,
        remote: &str,
        more: Option<&str>,
        update: &str,
    ) -> Result<(Vec<String>, Output), GitError> {
        let mirror = format!("remote.{remote}.mirror=false");
        // It runs with the user's umask.
        let mut args = vec![
            "-c",
            mirror.as_str(),
            "-c",
            "core.sharedRepository=0600",
            "push",
            "--porcelain",
            "--progress",
            "--no-verify",
            "--no-signed",
        ];
        args.extend(["--no-follow-tags", "--recurse-submodules=no"]);
        args.extend(more);
        args.extend([remote, update]);
        // A remote on this machine is written by the same process, and others may read it.
        let out = self.transport_by(user_command(&self.program), repo, &args)?;
        Ok((args.into_iter().map(str::to_owned).collect(), out))
    }

    /// Takes everything out of the repository that no branch needs any more.
    pub fn purge(&self, repo: &Path) -> Result<(), GitError> {
        for name in ["FETCH_HEAD", "ORIG_HEAD"] {
            let _ = std::fs::remove_file(repo.join(".git").join(name));
        }
        self.run(
            repo,
            &[
                "reflog",
                "expire",
                "--expire=now",
                "--expire-unreachable=now",
                "--all",
            ],
        )?;
        self.run(repo, &["gc", "--quiet", "--prune=now"]).map(drop)
    }

    /// Lets git tidy up where it thinks that it is time to.
    pub fn maintain(&self, repo: &Path) -> Result<(), GitError> {
        self.run(repo, &["maintenance", "run", "--auto", "--quiet"])
            .map(drop)
    }

    /// Makes a signed commit by the user's signing set-up, which libgit2 knows nothing of.
    pub fn commit_signed(
        &self,
        repo: &Path,
        tree: &str,
        parents: &[String],
        message: &str,
    ) -> Result<String, GitError> {
        let mut file = tempfile::NamedTempFile::new().map_err(GitError::Missing)?;
        file.write_all(message.as_bytes())
            .map_err(GitError::Missing)?;
        let path = file.path().display().to_string();
        let mut args = vec!["-c", "i18n.commitEncoding=UTF-8"];
        if self.settings(repo)?.person(Role::Committer).is_none() {
            args.extend([
                "-c",
                "user.name=claude-sync",
                "-c",
                "user.email=claude-sync@localhost",
            ]);
        }
        args.extend(["commit-tree", "-S", "-F", &path]);
        for parent in parents {
            args.extend(["-p", parent]);
        }
        args.push(tree);
        self.ask(repo, &args).map(|id| id.trim().to_owned())
    }
}

/// Settings of every command of our own. Hooks of the user's, and what asks a program what changed, may fail, hang or refuse. What it
/// writes is private by its umask.
const OWN: [&str; 4] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.sharedRepository=umask",
];

/// How much a file's time may lag behind the clock.
const TICK: Duration = Duration::from_millis(20);

/// Clears away the locks of a git that somebody killed: this run goes on, so that the next one would not know.
fn clear_after(out: &Output, repo: &Path, began: SystemTime) {
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&out.status).is_some() {
        stale::clear(&repo.join(".git"), began.checked_sub(TICK).unwrap_or(began));
    }
    #[cfg(not(unix))]
    let _ = (out, repo, began);
}

/// The name of the command, past the settings before it.
fn subcommand<S: AsRef<OsStr>>(args: &[S]) -> String {
    let mut words = args.iter().map(|arg| arg.as_ref().to_string_lossy());
    let mut what = words.next().unwrap_or_default();
    while what == "-c" {
        what = words.nth(1).unwrap_or_default();
    }
    what.into_owned()
}

/// How lines begin by which git shows that it is working.
const PROGRESS: [&str; 11] = [
    "Enumerating ",
    "Counting ",
    "Compressing ",
    "Delta compression ",
    "Receiving ",
    "Resolving ",
    "Unpacking ",
    "Writing ",
    "Total ",
    "From ",
    "POST git-",
];

/// Who refused a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuser {
    /// A hook in the remote repository.
    Hook,
    /// The host: by its rules, or because these credentials may not write.
    Host,
}

impl Refuser {
    /// What to do next.
    pub fn next(self) -> &'static str {
        match self {
            Self::Hook => "see what the hook says; its rules are the remote repository's",
            Self::Host => {
                "check at the host that this machine's key or token may write, that the branch is not protected, and that the repository is neither archived nor full"
            }
        }
    }
}

/// Who refused a push, as far as git's message says so.
pub fn refuser(message: &str) -> Option<Refuser> {
    if message.starts_with("git fetch") {
        return None;
    }
    let text = message.to_ascii_lowercase();
    let host = [
        "protected branch",
        "error: 403",
        "error: 401",
        "permission to ",
        "denied to",
        "read-only",
        "read only",
        "archived",
        "quota",
        "not allowed to push",
        "write access",
        "gh00",
        "gh01",
    ];
    if host.iter().any(|word| text.contains(word)) {
        return Some(Refuser::Host);
    }
    if text.contains("hook declined") {
        return Some(Refuser::Hook);
    }
    text.contains("[remote rejected]").then_some(Refuser::Host)
}

/// The address that git says it was redirected to.
fn redirected(stderr: &str) -> Option<String> {
    let address = stderr
        .lines()
        .find_map(|line| line.strip_prefix("warning: redirecting to "))?;
    Some(hide_secrets(&printable_lines(
        address.trim_end_matches('/'),
        1,
    )))
}

/// A failed push: the line that says what became of the branch stands on standard output.
fn refused<S: AsRef<OsStr>>(args: &[S], out: &Output) -> GitError {
    let text = String::from_utf8_lossy(&out.stdout);
    let reason = text.lines().find(|line| line.starts_with('!'));
    // Of `!	FROM:TO	[remote rejected] (reason)` the last part.
    let reason = reason
        .and_then(|line| line.rsplit('\t').next())
        .map(str::to_owned);
    match (failed(args, out), reason) {
        (GitError::Failed { what, message }, Some(reason)) if !message.contains(&reason) => {
            let reason = hide_secrets(&printable_lines(&reason, 1));
            GitError::Failed {
                what,
                message: if message.is_empty() {
                    reason
                } else {
                    format!("{message}\n{reason}")
                },
            }
        }
        (error, _) => error,
    }
}

fn failed<S: AsRef<OsStr>>(args: &[S], out: &Output) -> GitError {
    let stderr = String::from_utf8_lossy(&out.stderr);
    let told = |text: &str| {
        // Advice for people who type git commands would mislead here.
        let tells = |line: &&str| {
            let said = line.strip_prefix("remote: ").unwrap_or(line);
            // ssh draws a frame of `@`, which would push the reason out of what is kept.
            let frame = line.len() > 3 && line.chars().all(|c| c == '@');
            !line.starts_with("hint:")
                && !frame
                && !line.trim().is_empty()
                && !PROGRESS.iter().any(|start| said.starts_with(start))
        };
        text.split(['\n', '\r'])
            .filter(tells)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut message = told(&stderr);
    if message.is_empty() {
        message = told(&String::from_utf8_lossy(&out.stdout));
    }
    GitError::Failed {
        what: subcommand(args),
        message: hide_secrets(&printable_lines(&message, 12)),
    }
}

/// Cuts passwords and tokens out of addresses: `https://user:secret@host` becomes `https://***@host`.
pub fn hide_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"'))
            .unwrap_or(after.len());
        let host = after[..end].rfind('@').filter(|user| {
            after[..*user].contains(':')
                || before.ends_with("http://")
                || before.ends_with("https://")
        });
        rest = match host {
            Some(user) => {
                out.push_str("***");
                &after[user..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::hide_secrets;

    #[test]
    fn secrets_in_addresses_are_hidden() {
        assert_eq!(
            hide_secrets("to 'https://me:ghp_x@host/r' and https://tok@h/"),
            "to 'https://***@host/r' and https://***@h/"
        );
        assert_eq!(
            hide_secrets("ssh://git@host/r file:///tmp/a@b"),
            "ssh://git@host/r file:///tmp/a@b"
        );
    }
}
