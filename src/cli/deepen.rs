//! Fetches the history that a shallow clone lacks, for commands that show it.

use super::env::Env;
use crate::git::{Git, GitError, Repo};

/// Fetches older commits where the clone has only the newest. A failure is a warning: what is here
/// is shown.
pub(crate) fn deepen(repo: &Repo, env: &Env) {
    if repo.shallow().is_empty() {
        return;
    }
    if let Err(error) = fetch(repo, env) {
        eprintln!("warning: older commits are not on this machine, and were not fetched: {error}");
    }
}

fn fetch(repo: &Repo, env: &Env) -> Result<(), GitError> {
    let target = repo.target().ok();
    let Some(remote) = target.and_then(|target| target.remote) else {
        return Ok(());
    };
    let git = Git::find(env.attended)?.with_watcher(env.watcher());
    git.fetch_history(repo.path(), &remote)
}
