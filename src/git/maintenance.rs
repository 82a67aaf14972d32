//! What git tidies up in a repository.

use std::path::Path;

use super::messages::GitError;
use super::process::Git;

impl Git {
    /// Takes everything out of the repository that no branch needs any more.
    pub(crate) fn purge(&self, repo: &Path) -> Result<(), GitError> {
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

    /// Takes the commits out of the repository that a compacted history replaced: those that only
    /// the logs of these refs lead to. Logs of other refs, such as the stash, stay.
    pub(crate) fn drop_replaced(&self, repo: &Path, refs: &[String]) -> Result<(), GitError> {
        for name in refs {
            let args = [
                "reflog",
                "expire",
                "--expire=now",
                "--expire-unreachable=now",
                name.as_str(),
            ];
            // A ref without a log is no reason to keep the others.
            let _ = self.run(repo, &args);
        }
        let _ = std::fs::remove_file(repo.join(".git/FETCH_HEAD"));
        self.run(repo, &["gc", "--quiet", "--prune=now"]).map(drop)
    }

    /// Lets git tidy up where it thinks that it is time to.
    pub(crate) fn maintain(&self, repo: &Path) -> Result<(), GitError> {
        self.run(repo, &["maintenance", "run", "--auto", "--quiet"])
            .map(drop)
    }

    /// Drops entries of reflogs that lead to nothing, which are errors to `git fsck`. That some
    /// stay harms nobody else.
    pub(super) fn expire_stale_reflogs(&self, repo: &Path) {
        let command = [
            "reflog",
            "expire",
            "--stale-fix",
            "--expire=never",
            "--expire-unreachable=never",
            "--all",
        ];
        let _ = self.run(repo, &command);
    }
}
