//! Histories from before the shared branch was compacted: they do not come back.

use super::breach::Breach;
use crate::fleet::DataError;
use crate::fleet::rules::Rules;
use crate::git::Oid;
use crate::git::process::MACHINES;
use crate::git::repo::{Repo, RepoError};

/// The commits among these that begin a history which was replaced by a compacted one.
pub(crate) fn old_roots(
    repo: &Repo,
    rules: &Rules,
    commits: &[Oid],
) -> Result<Vec<Breach>, DataError> {
    let ends = repo.shallow();
    let mut out = Vec::new();
    for commit in commits {
        if is_old_root(repo, rules, *commit, &ends)? {
            out.push(Breach::Replaced { commit: *commit });
        }
    }
    Ok(out)
}

/// Whether one of these commits begins such a history.
pub(crate) fn has_old_root(repo: &Repo, rules: &Rules, commits: &[Oid]) -> Result<bool, DataError> {
    Ok(!old_roots(repo, rules, commits)?.is_empty())
}

/// A history may begin with the commit that the epoch names, or with one that has the epoch in its
/// tree: `forget` and `key rotate` begin such histories. Where a shallow clone `ends` is as good as
/// a beginning: what the remote has goes further back, and is none of the commits that are asked
/// for.
fn is_old_root(repo: &Repo, rules: &Rules, commit: Oid, ends: &[Oid]) -> Result<bool, DataError> {
    let Some(epoch) = rules.epoch() else {
        return Ok(false);
    };
    let begins = ends.contains(&commit) || repo.parents_of(commit)?.is_empty();
    if epoch.begins_with(&commit.to_string()) || !begins {
        return Ok(false);
    }
    match Rules::read(repo, repo.tree_of(commit)?, |_, _| None) {
        Ok(there) => Ok(there.epoch() < Some(epoch)),
        // Encrypted with a key that is not here: nobody here can know.
        Err(DataError::Repo(RepoError::Sealed(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether all machines push to a ref: a machine's own branch is its own to compact.
pub(crate) fn is_shared(branch: &str) -> bool {
    let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    !name.starts_with(MACHINES)
}
