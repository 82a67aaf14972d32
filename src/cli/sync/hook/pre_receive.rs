//! `pre-receive`: what a push to this repository, on a server, would break.

use super::update::{Update, new_commits, tree};
use crate::base::ids::MachineId;
use crate::fleet::DataError;
use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};
use crate::merge::old_roots::{is_shared, old_roots};
use crate::merge::push_check::{self, Breach};

/// The reasons to refuse the push of a ref.
pub(crate) fn check(repo: &Repo, update: &Update) -> Result<Vec<Breach>, DataError> {
    if update.new.is_some_and(|new| repo.tree_of(new).is_err()) {
        return Ok(vec![Breach::Foreign {
            path: update.name.clone(),
        }]);
    }
    let (old, new) = (tree(repo, update.old)?, tree(repo, update.new)?);
    let tips = repo.tips()?;
    let known: Vec<Oid> = tips
        .iter()
        .map(|tip| repo.tree_of(*tip))
        .collect::<Result<_, _>>()?;
    let rules = push_check::rules(repo, known.iter().copied().chain(new))?;
    let mut out = push_check::breaches(repo, old, new, &rules)?;
    // Every commit: what one adds and another removes would stay in the history.
    let commits = new_commits(repo, update, &tips)?;
    out.extend(push_check::forgotten(repo, &rules, &commits)?);
    if update.old.is_some() && is_shared(&update.name) {
        out.extend(old_roots(repo, &rules, &commits)?);
    }
    for commit in commits {
        let parent = repo.parents_of(commit)?.first().copied();
        let (before, after) = (tree(repo, parent)?, tree(repo, Some(commit))?);
        out.extend(push_check::foreign(repo, before, after)?);
    }
    out.extend(forged(repo, (old, new), &known)?);
    out.sort();
    out.dedup();
    Ok(out)
}

/// The files of machines that belong to other users than the one who pushes: the repository's
/// configuration names owners, as `claude-sync.MACHINE.user`.
fn forged(
    repo: &Repo,
    (old, new): (Option<Oid>, Option<Oid>),
    known: &[Oid],
) -> Result<Vec<Breach>, DataError> {
    let config = repo.config()?.snapshot().map_err(|source| RepoError::Git {
        what: "read git's configuration".to_owned(),
        source,
    })?;
    let user = user();
    let owner = |machine: &MachineId| {
        let owner = config
            .get_str(&format!("claude-sync.{machine}.user"))
            .ok()?
            .to_owned();
        (user.as_deref() != Some(&owner)).then_some(owner)
    };
    push_check::forged(repo, old, new, known, &owner)
}

/// The user who pushes, by the variables of the server's login.
fn user() -> Option<String> {
    [
        "CLAUDE_SYNC_USER",
        "REMOTE_USER",
        "GL_USER",
        "GL_USERNAME",
        "GITEA_PUSHER_NAME",
        "LOGNAME",
        "USER",
    ]
    .into_iter()
    .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}
