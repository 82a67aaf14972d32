//! Every `git` process starts here.
//!
//! The user's own `git` is used for transport, so that credentials, proxies, ssh settings and helpers work as they do by hand.
//! Messages are read in English (`LC_ALL=C`); variables that a hook's caller sets must not redirect us to another repository; and
//! nothing asks for a password where nobody could answer.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use super::watch::{self, Watched};
use crate::base::progress::{Event, Step, Watcher};
use crate::base::text::printable_lines;

/// The oldest git that works: before 2.41 machine-readable fetch output and parts of the driver's contract differ.
pub const MIN_VERSION: (u32, u32) = (2, 41);

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

/// Branches of single machines begin with this, in a repository with a branch per machine.
pub const MACHINES: &str = "machines/";

/// Set while `claude-sync` itself pushes, for the hook that git runs then.
pub const PUSHING: &str = "CLAUDE_SYNC_PUSHING";

/// What branches a remote has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The default branch; none where there is no branch that all machines share.
    pub branch: Option<String>,
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
}

/// How long a transport may be silent, unless the user says otherwise.
pub const SILENCE: Duration = Duration::from_mins(2);

impl Git {
    /// Finds out whether `git` is there and recent enough.
    pub fn find(attended: bool) -> Result<Self, GitError> {
        let mut git =
            Self { program: PathBuf::from("git"), version: String::new(), attended, silence: SILENCE, watcher: Watcher::default() };
        let out = git.command(None).arg("version").output().map_err(GitError::Missing)?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let found = text.trim().trim_start_matches("git version ").to_owned();
        let mut numbers = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < MIN_VERSION {
            return Err(GitError::TooOld { found: printable_lines(&found, 1) });
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
    fn told<S: AsRef<OsStr>>(&self, args: &[S], run: impl FnOnce() -> io::Result<Watched>) -> Result<Watched, GitError> {
        let words = || args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.watcher.see_text(|| hide_secrets(&words()), |text| Event::Git(text));
        let ended = run();
        let well = matches!(&ended, Ok(Watched::Ended(out)) if out.status.success());
        self.watcher.see(Event::GitEnded(well));
        ended.map_err(GitError::Missing)
    }

    /// Runs a command that talks to a remote.
    fn transport<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S], variables: &[(&str, &str)]) -> Result<Output, GitError> {
        let mut command = self.command(Some(repo));
        command.args(args).envs(variables.iter().copied());
        let mut said = |bytes: &[u8]| {
            let last = |bytes| String::from_utf8_lossy(bytes).split(['\n', '\r']).rfind(|line| !line.trim().is_empty()).map(hide_secrets);
            self.watcher.see_text(|| last(bytes).unwrap_or_default(), |text| Event::Said(text));
        };
        match self.told(args, || watch::output(command, self.silence, !self.attended, &mut said))? {
            Watched::Ended(out) => Ok(out),
            Watched::CutOff => Err(GitError::Silent { what: subcommand(args), seconds: self.silence.as_secs() }),
        }
    }

    /// A command that sees this repository and no other.
    fn bare_command(&self, repo: Option<&Path>) -> Command {
        let mut command = Command::new(&self.program);
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_COMMON_DIR",
            "GIT_PREFIX",
        ] {
            command.env_remove(name);
        }
        if let Some(repo) = repo {
            command.arg("-C").arg(repo);
        }
        command
    }

    /// Hands terminal, language and editor over to git, and waits for its end.
    pub fn hand_over<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<ExitStatus, GitError> {
        self.bare_command(Some(repo)).args(args).status().map_err(GitError::Missing)
    }

    fn command(&self, repo: Option<&Path>) -> Command {
        let mut command = self.bare_command(repo);
        command.env("LC_ALL", "C").env("LANGUAGE", "C").env("GIT_EDITOR", "true");
        if !self.attended {
            command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS_REQUIRE", "never");
            if std::env::var_os("GIT_SSH_COMMAND").is_none() && std::env::var_os("GIT_SSH").is_none() {
                // Only where the user configured no ssh command of their own: the variable would win over it.
                command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=30");
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command in the repository and returns its output; a failure carries what git said.
    pub fn run<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<String, GitError> {
        let out = self.output(repo, args)?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(failed(args, &out))
    }

    fn output<S: AsRef<OsStr>>(&self, repo: &Path, args: &[S]) -> Result<Output, GitError> {
        match self.told(args, || self.command(Some(repo)).args(args).output().map(Watched::Ended))? {
            Watched::Ended(out) => Ok(out),
            // Nobody cuts these off.
            Watched::CutOff => Err(GitError::Silent { what: subcommand(args), seconds: 0 }),
        }
    }

    /// What branches a remote has.
    pub fn survey(&self, repo: &Path, remote: &str) -> Result<Survey, GitError> {
        let args = ["ls-remote", "--symref", "--", remote];
        let out = self.transport(repo, &args, &[])?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        let text = String::from_utf8_lossy(&out.stdout);
        let head = text.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        let all: Vec<_> = text.lines().filter_map(|line| line.split_once('\t')?.1.strip_prefix("refs/heads/")).collect();
        let (machines, branches): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|name| name.starts_with(MACHINES));
        // A bare repository's HEAD may name a branch that does not exist.
        let named = head.filter(|head| branches.contains(head));
        let branch = named.or_else(|| branches.iter().copied().find(|b| ["main", "master"].contains(b))).or(branches.first().copied());
        Ok(Survey { branch: branch.map(str::to_owned), per_machine: !machines.is_empty() })
    }

    /// The address that git would use for `address`, by the user's `url.*.insteadOf`; nothing is connected to.
    pub fn rewritten(&self, at: &Path, address: &str) -> Result<String, GitError> {
        self.run(at, &["ls-remote", "--get-url", "--", address]).map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Lists a remote's branches as a stranger would: without the user's configuration, credentials, certificates, cookies and `.netrc`.
    ///
    /// Of the configuration only that is taken over which says how the network is reached at all.
    pub fn list_as_stranger(&self, at: &Path, address: &str) -> Result<(), GitError> {
        // git and curl look into the home folder and around the current one. These are empty.
        let nowhere = tempfile::tempdir().map_err(GitError::Missing)?;
        let args = ["ls-remote", "--", address];
        let mut command = self.command(Some(nowhere.path()));
        for name in ["GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_SYSTEM", "GIT_SSL_CERT", "GIT_SSL_KEY", "NETRC"] {
            command.env_remove(name);
        }
        command.env("HOME", nowhere.path()).env("XDG_CONFIG_HOME", nowhere.path());
        command.env("GIT_CEILING_DIRECTORIES", nowhere.path().parent().unwrap_or(nowhere.path()));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_ALLOW_PROTOCOL", "http:https");
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS_REQUIRE", "never").env("GCM_INTERACTIVE", "never");
        let mut settings: Vec<(String, String)> = STRANGER.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        // By variables: a proxy's password is nothing for the list of processes.
        let usual = self.run(at, &["config", "-z", "--get-urlmatch", "http", address]).unwrap_or_default();
        let usual = usual.split('\0').filter_map(|entry| entry.split_once('\n')).filter(|(key, _)| ROADS.contains(key));
        settings.extend(usual.map(|(key, value)| (key.to_owned(), value.to_owned())));
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (at, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{at}"), key).env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.args(args);
        let silence = self.silence.min(STRANGERS_PATIENCE);
        match watch::output(command, silence, true, &mut |_| {}).map_err(GitError::Missing)? {
            Watched::Ended(out) if out.status.success() => Ok(()),
            Watched::Ended(out) => Err(failed(&args, &out)),
            Watched::CutOff => Err(GitError::Silent { what: subcommand(&args), seconds: silence.as_secs() }),
        }
    }

    /// Fetches all branches, forgetting those that are gone.
    pub fn fetch(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        let _doing = self.watcher.begin(Step::Fetch, 0);
        // Progress is a sign of life.
        let args = ["fetch", "--progress", "--prune", "--no-tags", "--no-auto-maintenance", "--no-recurse-submodules", remote];
        let mut tries = 0;
        loop {
            let out = self.transport(repo, &args, &[])?;
            if out.status.success() {
                return Ok(());
            }
            // A git that outlived a killed run, or one of the user's, moved the same ref in the same moment.
            let text = String::from_utf8_lossy(&out.stderr);
            tries += 1;
            if tries > 5 || !(text.contains("cannot lock ref") || text.contains("unable to update local ref")) {
                return Err(failed(&args, &out));
            }
            std::thread::sleep(Duration::from_millis(50 * tries));
        }
    }

    /// Pushes one commit to one branch: never by force, unless in the place of the commit `over`, which must be the remote's.
    pub fn push(&self, repo: &Path, remote: &str, commit: &str, branch: &str, over: Option<&str>) -> Result<Push, GitError> {
        let _doing = self.watcher.begin(Step::Push, 0);
        let mut args = vec!["push", "--porcelain", "--progress", "--no-follow-tags", "--recurse-submodules=no"];
        let lease = over.map(|old| format!("--force-with-lease=refs/heads/{branch}:{old}"));
        args.extend(lease.as_deref());
        let update = format!("{commit}:refs/heads/{branch}");
        args.extend([remote, update.as_str()]);
        let out = self.transport(repo, &args, &[(PUSHING, "1")])?;
        if out.status.success() {
            return Ok(Push::Done);
        }
        let text = String::from_utf8_lossy(&out.stdout);
        let reason = text.lines().find(|line| line.starts_with('!')).unwrap_or_default();
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
        if slower { Ok(Push::Rejected(failed(&args, &out).to_string())) } else { Err(failed(&args, &out)) }
    }

    /// Takes everything out of the repository that no branch needs any more.
    pub fn purge(&self, repo: &Path) -> Result<(), GitError> {
        for name in ["FETCH_HEAD", "ORIG_HEAD"] {
            let _ = std::fs::remove_file(repo.join(".git").join(name));
        }
        self.run(repo, &["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"])?;
        self.run(repo, &["gc", "--quiet", "--prune=now"]).map(drop)
    }

    /// Lets git tidy up where it thinks that it is time to.
    pub fn maintain(&self, repo: &Path) -> Result<(), GitError> {
        self.run(repo, &["maintenance", "run", "--auto", "--quiet"]).map(drop)
    }

    /// Makes a signed commit by the user's signing set-up, which libgit2 knows nothing of.
    pub fn commit_signed(&self, repo: &Path, tree: &str, parents: &[String], message: &str) -> Result<String, GitError> {
        let mut args = vec!["commit-tree", "-S", "-F", "-"];
        for parent in parents {
            args.extend(["-p", parent]);
        }
        args.push(tree);
        let mut child = self
            .command(Some(repo))
            .args(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(GitError::Missing)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(message.as_bytes()).map_err(GitError::Missing)?;
        }
        let out = child.wait_with_output().map_err(GitError::Missing)?;
        if out.status.success() { Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned()) } else { Err(failed(&args, &out)) }
    }
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

fn failed<S: AsRef<OsStr>>(args: &[S], out: &Output) -> GitError {
    let stderr = String::from_utf8_lossy(&out.stderr);
    let told = |text: &str| {
        // Advice for people who type git commands would mislead here.
        let tells = |line: &&str| {
            let said = line.strip_prefix("remote: ").unwrap_or(line);
            !line.starts_with("hint:") && !line.trim().is_empty() && !PROGRESS.iter().any(|start| said.starts_with(start))
        };
        text.split(['\n', '\r']).filter(tells).collect::<Vec<_>>().join("\n")
    };
    let mut message = told(&stderr);
    if message.is_empty() {
        message = told(&String::from_utf8_lossy(&out.stdout));
    }
    GitError::Failed { what: subcommand(args), message: hide_secrets(&printable_lines(&message, 12)) }
}

/// Cuts passwords and tokens out of addresses: `https://user:secret@host` becomes `https://***@host`.
pub fn hide_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"')).unwrap_or(after.len());
        let host = after[..end]
            .rfind('@')
            .filter(|user| after[..*user].contains(':') || before.ends_with("http://") || before.ends_with("https://"));
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
        assert_eq!(hide_secrets("to 'https://me:ghp_x@host/r' and https://tok@h/"), "to 'https://***@host/r' and https://***@h/");
        assert_eq!(hide_secrets("ssh://git@host/r file:///tmp/a@b"), "ssh://git@host/r file:///tmp/a@b");
    }
}
