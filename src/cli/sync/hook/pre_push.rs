//! `pre-push`: what a push from this machine would break.

use super::update::{Update, new_commits, tree};
use crate::fleet::DataError;
use crate::git::Oid;
use crate::git::repo::{KNOWN, Repo};
use crate::merge::old_roots::{is_shared, old_roots};
use crate::merge::push_check::{self, Breach};

/// The reasons to refuse the push of a ref.
pub(crate) fn check(repo: &Repo, update: &Update) -> Result<Vec<Breach>, DataError> {
    let old = match update.old {
        Some(old) if !repo.has(old) => {
            return Ok(vec![Breach::Unseen {
                name: update.name.clone(),
            }]);
        }
        old => tree(repo, old)?,
    };
    let new = tree(repo, update.new)?;
    let here = [repo.synced()?, repo.commit_at(KNOWN)?]
        .into_iter()
        .flatten();
    let roots = here
        .map(|commit| repo.tree_of(commit))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = push_check::rules(repo, roots.into_iter().chain(new))?;
    let mut out = push_check::breaches(repo, old, new, &rules)?;
    let there: Vec<Oid> = repo
        .tips_below("refs/remotes/")?
        .into_values()
        .chain(update.old)
        .collect();
    let commits = new_commits(repo, update, &there)?;
    out.extend(push_check::forgotten(repo, &rules, &commits)?);
    if update.old.is_some() && is_shared(&update.name) {
        out.extend(old_roots(repo, &rules, &commits)?);
    }
    if repo.sealed_mark()?.is_some() {
        out.extend(push_check::clear(repo, &commits)?);
    }
    Ok(out)
}
