//! Finds the commit that the next one goes on where the remote's history is replaced.

use super::fold::{Folded, KEEP, Plan, fold, rewrite};
use crate::cache::Cache;
use crate::fleet::decisions::Intent;
use crate::fleet::epoch::{COMPACTED, ROOT, SUBJECT};
use crate::fleet::rules::Rules;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::merge::old_roots::has_old_root;
use crate::merge::push_check;
use crate::sync::error::SyncError;
use crate::sync::starts::Starts;
use crate::sync::view::View;

/// A history that takes the place of the remote's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Onto {
    /// The commit that the next one goes on.
    pub(crate) parent: Oid,
    /// The decision that names the new history; none where it is named already.
    pub(crate) epoch: Option<Intent>,
    /// How many commits were folded.
    pub(crate) plan: Option<Plan>,
}

impl Onto {
    /// The new history, with the decision that names it.
    pub(crate) fn of(folded: Folded) -> Self {
        Self {
            parent: folded.tip,
            epoch: Some(epoch(folded.root)),
            plan: Some(folded.plan),
        }
    }
}

/// The decision for the history that begins with this commit.
fn epoch(root: Oid) -> Intent {
    Intent {
        kind: COMPACTED,
        subject: SUBJECT.to_owned(),
        key: ROOT,
        value: root.to_string().into(),
    }
}

/// The history that takes the place of the remote's: the remote's own, folded, where `keep` days of
/// it are to stay as they are; the one that this clone has, where an older one came back. None
/// where the remote's stays.
///
/// `starts.tip` is the remote's branch; none where there is no remote.
pub(crate) fn onto(
    repo: &Repo,
    starts: &Starts,
    keep: Option<u32>,
    cache: &dyn Cache,
) -> Result<Option<Onto>, SyncError> {
    match (keep, starts.tip.or(starts.head)) {
        (Some(keep), Some(base)) => match fold(repo, base, keep)? {
            Some(folded) => Ok(Some(Onto::of(folded))),
            None => adopt(repo, starts, base, cache),
        },
        _ => take_back(repo, starts, cache),
    }
}

/// Names the remote's history as the one that holds, where this clone has a decision for another:
/// a run was killed before it pushed that one, or another machine was faster.
fn adopt(
    repo: &Repo,
    starts: &Starts,
    base: Oid,
    cache: &dyn Cache,
) -> Result<Option<Onto>, SyncError> {
    let all = repo.new_commits(base, &[])?;
    if !has_old_root(repo, &rules(repo, starts, cache)?, &all)? {
        return Ok(None);
    }
    let mut roots = Vec::new();
    for commit in all {
        if repo.is_root(commit)? {
            roots.push(commit);
        }
    }
    Ok(match roots[..] {
        [root] => Some(Onto {
            parent: base,
            epoch: Some(epoch(root)),
            plan: None,
        }),
        _ => rewrite(repo, base, KEEP)?.map(Onto::of),
    })
}

/// The history that holds, where the remote shows an older one: somebody pushed it around the
/// hooks.
fn take_back(repo: &Repo, starts: &Starts, cache: &dyn Cache) -> Result<Option<Onto>, SyncError> {
    let Some(tip) = starts.tip.filter(|tip| Some(*tip) != starts.known) else {
        return Ok(None);
    };
    let rules = rules(repo, starts, cache)?;
    let is_old = |commits: &[Oid]| has_old_root(repo, &rules, commits);
    if rules.epoch().is_none() || !is_old(&repo.new_commits(tip, starts.known.as_slice())?)? {
        return Ok(None);
    }
    // Somebody may have had something forgotten, in the history that came back.
    let is_clean = |known: Oid| -> Result<bool, SyncError> {
        let lost = repo.new_commits(known, &[tip])?;
        Ok(push_check::forgotten(repo, &rules, &lost)?.is_empty())
    };
    if let Some(known) = starts.known
        && !is_old(&repo.new_commits(known, &[])?)?
        && is_clean(known)?
    {
        return Ok(Some(Onto {
            parent: known,
            epoch: None,
            plan: None,
        }));
    }
    // A shallow clone has not all that would be folded, and leaves it to others.
    if !repo.shallow().is_empty() {
        return Ok(None);
    }
    Ok(rewrite(repo, tip, KEEP)?.map(Onto::of))
}

/// The rules of all that the next tree is joined from.
fn rules(repo: &Repo, starts: &Starts, cache: &dyn Cache) -> Result<Rules, SyncError> {
    let mut all = Rules::default();
    let commits = [starts.tip, starts.head, starts.known];
    for commit in commits.into_iter().flatten() {
        all = all.and(&View::of_commit(repo, commit, cache)?.rules()?);
    }
    Ok(all)
}
