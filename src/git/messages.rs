//! The messages of git, and what they mean: errors, their reasons without secrets, and signs of
//! damage, of races and of redirection.
//!
//! Git has no exit codes for these. [`super::cause`] reads from the same words why a remote was not
//! reached, and [`super::refuser`] who refused a push.

use std::ffi::OsStr;
use std::io;
use std::process::Output;

use crate::base::text::printable_lines;

/// The oldest git that works, as Debian 12 and Apple have it. Before 2.42 a driver that gives up is
/// an ordinary conflict to git, which the next run finishes.
pub(crate) const MIN_VERSION: (u32, u32) = (2, 39);

/// Something went wrong with a `git` process.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("failed to run git")]
    Missing(#[source] io::Error),
    /// It is too old.
    #[error("git {found} is too old: {}.{} or later is needed", MIN_VERSION.0, MIN_VERSION.1)]
    TooOld {
        /// The version that it prints.
        found: String,
    },
    /// The program `git` does not print its version.
    #[error("the git in PATH is not git, or hides it: git version printed {}", if output.is_empty() { "nothing" } else { output.as_str() })]
    NotGit {
        /// What it printed, escaped.
        output: String,
    },
    /// It was silent for too long, and was ended.
    #[error("git {what} was cut off after it had printed nothing for {seconds} s")]
    Silent {
        /// The subcommand of git, such as `fetch`.
        what: String,
        /// How long it was given.
        seconds: u64,
    },
    /// It failed.
    #[error("git {what} failed{}{message}", if message.is_empty() { "" } else { ":\n" })]
    Failed {
        /// The subcommand of git, such as `fetch`.
        what: String,
        /// Its message, escaped.
        message: String,
    },
}

/// Parts of git's messages about objects that are missing or damaged, in lower case.
const DAMAGE: [&str; 13] = [
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

/// What begins like damage, and is a question or an answer of the remote's.
const NO_DAMAGE: [&str; 3] = [
    "could not read username",
    "could not read password",
    "could not read from remote",
];

impl GitError {
    /// Whether git met objects in this repository that are missing or damaged. Messages about the
    /// remote's objects are none.
    ///
    /// Git has no exit code for it.
    pub(crate) fn is_damage_here(&self) -> bool {
        let Self::Failed { message, .. } = self else {
            return false;
        };
        message.lines().map(str::to_ascii_lowercase).any(|line| {
            !line.starts_with("remote:")
                && !NO_DAMAGE.iter().any(|other| line.contains(other))
                && DAMAGE.iter().any(|sign| line.contains(sign))
        })
    }
}

/// The name of the command, past the settings before it.
pub(super) fn subcommand<S: AsRef<OsStr>>(args: &[S]) -> String {
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

/// The address that git prints that it was redirected to.
pub(super) fn redirected(stderr: &str) -> Option<String> {
    let address = stderr
        .lines()
        .find_map(|line| line.strip_prefix("warning: redirecting to "))?;
    Some(hide_secrets(&printable_lines(
        address.trim_end_matches('/'),
        1,
    )))
}

/// A failed push: the line about the branch stands on standard output.
pub(super) fn refused<S: AsRef<OsStr>>(args: &[S], out: &Output) -> GitError {
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

/// The error of a command that failed, with git's message.
pub(super) fn failed<S: AsRef<OsStr>>(args: &[S], out: &Output) -> GitError {
    let mut message = reasons(&String::from_utf8_lossy(&out.stderr));
    if message.is_empty() {
        message = reasons(&String::from_utf8_lossy(&out.stdout));
    }
    GitError::Failed {
        what: subcommand(args),
        message: hide_secrets(&printable_lines(&message, 12)),
    }
}

/// The lines of git's message with the reason. Advice for people who type git commands would
/// mislead here.
fn reasons(text: &str) -> String {
    let is_reason = |line: &&str| {
        let text = line.strip_prefix("remote: ").unwrap_or(line);
        // ssh draws a frame of `@`, which would push the reason out of what is kept.
        let frame = line.len() > 3 && line.chars().all(|c| c == '@');
        !line.starts_with("hint:")
            && !frame
            && !line.trim().is_empty()
            && !PROGRESS.iter().any(|start| text.starts_with(start))
    };
    let lines: Vec<_> = text.split(['\n', '\r']).filter(is_reason).collect();
    lines.join("\n")
}

/// Cuts passwords and tokens out of addresses: `https://user:secret@host` becomes
/// `https://***@host`.
pub(crate) fn hide_secrets(text: &str) -> String {
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

/// What a server answers to the slower of two pushes: to one that comes later, and to one of the
/// same instant.
const RACES: [&str; 7] = [
    "(fetch first)",
    "(non-fast-forward)",
    "(stale info)",
    "cannot lock ref",
    "failed to update ref",
    "incorrect old value",
    "failed to lock",
];

/// Whether `git push --porcelain` was refused because somebody else was faster.
pub(super) fn is_race(out: &Output) -> bool {
    let text = String::from_utf8_lossy(&out.stdout);
    let reason = text
        .lines()
        .find(|line| line.starts_with('!'))
        .unwrap_or_default();
    RACES.iter().any(|race| reason.contains(race))
}

/// Whether a push that was only tried found that somebody else was faster.
pub(super) fn is_behind(out: &Output) -> bool {
    let text = String::from_utf8_lossy(&out.stdout);
    RACES[..2].iter().any(|race| text.contains(race))
}

/// Whether a fetch failed because another git moved the same ref in the same moment: one that
/// outlived a killed run, or one of the user's.
pub(super) fn is_locked_ref(out: &Output) -> bool {
    let text = String::from_utf8_lossy(&out.stderr);
    ["cannot lock ref", "unable to update local ref"]
        .iter()
        .any(|sign| text.contains(sign))
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
