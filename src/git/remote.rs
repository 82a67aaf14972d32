//! Fetching from a remote, and pushing to it.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use super::messages::{GitError, failed, is_behind, is_locked_ref, is_race, redirected, refused};
use super::process::Git;
use crate::base::progress::Step;

/// What is pushed to a branch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update<'a> {
    /// The commit.
    pub(crate) commit: &'a str,
    /// The branch's name.
    pub(crate) branch: &'a str,
    /// The commit that may be replaced; none where the branch must only grow.
    pub(crate) over: Option<&'a str>,
    /// The remote has no earlier version of the files that are new.
    pub(crate) is_first: bool,
}

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Push {
    /// The remote has the commit.
    Done,
    /// Somebody else was faster: fetch, join, try again. With git's message.
    Rejected(String),
}

impl Git {
    /// Fetches all branches, forgetting those that are gone, even where the remote's `fetch`
    /// setting leaves some out.
    pub(crate) fn fetch(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        self.fetch_with(repo, remote, &[])
    }

    /// As [`Self::fetch`], as if nothing was here: objects that are missing or were damaged come
    /// again, also in a partial clone.
    pub(crate) fn fetch_again(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        // git would wait without end for objects of a remote that has no branches (seen with 2.47).
        let args = ["ls-remote", "--heads", "--", remote];
        let out = self.transport(repo, &args)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        if out.stdout.is_empty() {
            return self.fetch(repo, remote);
        }
        self.fetch_with(repo, remote, &["--refetch", "--no-filter"])
    }

    /// As [`Self::fetch`], for a new clone: the newest commit of each branch, and all files. Where
    /// the remote cannot do that, all commits.
    pub(crate) fn fetch_newest(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        self.fetch_with(repo, remote, &["--depth=1"])
            .or_else(|_| self.fetch(repo, remote))
    }

    /// Fetches the commits that a shallow clone lacks.
    pub(crate) fn fetch_history(&self, repo: &Path, remote: &str) -> Result<(), GitError> {
        self.fetch_with(repo, remote, &["--unshallow"])
    }

    fn fetch_with(&self, repo: &Path, remote: &str, more: &[&str]) -> Result<(), GitError> {
        let _doing = self.watcher().begin(Step::Fetch, 0);
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
                self.note_moved(redirected(&String::from_utf8_lossy(&out.stderr)));
                return Ok(());
            }
            tries += 1;
            if tries > 5 || !is_locked_ref(&out) {
                return Err(failed(&args, &out));
            }
            std::thread::sleep(Duration::from_millis(50 * tries));
        }
    }

    /// Pushes one commit to one branch: never by force, unless in the place of the commit `over`,
    /// which must be the remote's.
    pub(crate) fn push(
        &self,
        repo: &Path,
        remote: &str,
        update: &Update<'_>,
    ) -> Result<Push, GitError> {
        let Update {
            commit,
            branch,
            over,
            is_first,
        } = *update;
        let _doing = self.watcher().begin(Step::Push, 0);
        let lease = over.map(|old| format!("--force-with-lease=refs/heads/{branch}:{old}"));
        let update = format!("{commit}:refs/heads/{branch}");
        // Day files of many days have little in common, and to find that out takes most of the
        // time.
        let whole: &[&str] = if is_first {
            &["-c", "pack.window=0"]
        } else {
            &[]
        };
        let (args, out) = self.push_with(repo, remote, (whole, lease.as_deref()), &update)?;
        if out.status.success() {
            return Ok(Push::Done);
        }
        let error = refused(&args, &out);
        if is_race(&out) {
            Ok(Push::Rejected(error.to_string()))
        } else {
            Err(error)
        }
    }

    /// Asks whether the remote would take a push to a branch, as far as it answers before anything
    /// is sent. Nothing is pushed.
    pub(crate) fn may_push(
        &self,
        repo: &Path,
        remote: &str,
        commit: &str,
        branch: &str,
    ) -> Result<(), GitError> {
        let (args, out) = self.push_with(
            repo,
            remote,
            (&[], Some("--dry-run")),
            &format!("{commit}:refs/heads/{branch}"),
        )?;
        // Somebody else was faster: that is no answer to whether we may.
        if out.status.success() || is_behind(&out) {
            Ok(())
        } else {
            Err(refused(&args, &out))
        }
    }

    fn push_with(
        &self,
        repo: &Path,
        remote: &str,
        (settings, more): (&[&str], Option<&str>),
        update: &str,
    ) -> Result<(Vec<String>, Output), GitError> {
        let mirror = format!("remote.{remote}.mirror=false");
        // It runs with the user's umask.
        let mut args = vec!["-c", mirror.as_str(), "-c", "core.sharedRepository=0600"];
        args.extend(settings);
        args.extend([
            "push",
            "--porcelain",
            "--progress",
            "--no-verify",
            "--no-signed",
        ]);
        args.extend(["--no-follow-tags", "--recurse-submodules=no"]);
        args.extend(more);
        args.extend([remote, update]);
        // A remote on this machine is written by the same process, and others may read it.
        let out = self.transport_by(self.user_command(), repo, &args)?;
        Ok((args.into_iter().map(str::to_owned).collect(), out))
    }
}
