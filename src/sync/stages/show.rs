//! Stage 7: moves the branch and `refs/claude-sync/known` to the next commit, and brings the work
//! tree along.

use super::context::Run;
use crate::base::progress::Step;
use crate::git::repo::{KNOWN, RepoError};
use crate::git::{Oid, Place};
use crate::sync::clear::note_screened;
use crate::sync::error::SyncError;

/// Moves the refs of this clone to a commit, and brings the work tree along where nothing is in the
/// way. Returns what is in the way.
pub(crate) fn show(run: &Run<'_>, new: Oid, tree: Oid) -> Result<Option<Place>, SyncError> {
    let (repo, local) = (&run.repo, run.target.local());
    let (at, known) = (repo.commit_at(&local)?, repo.commit_at(KNOWN)?);
    let mut late = repo.obstacle(&run.target.branch)?;
    if Some(new) == at && Some(new) == known {
        repo.trust_own_work(false);
        note_screened(repo)?;
        if late.is_none() && !repo.is_shown(&run.git, tree)? {
            // An earlier run was cut off, or somebody edited what is only a projection.
            late = repo.project(&run.git, None, tree)?;
        }
        return Ok(late);
    }
    let _doing = run.options.watcher.begin(Step::WorkTree, 0);
    repo.flush()?;
    if late.is_none() && Some(new) != at {
        let shown = at.map(|at| repo.tree_of(at)).transpose()?;
        late = repo.project(&run.git, shown, tree)?;
    }
    move_branch(run, new, at, &mut late)?;
    if Some(new) != known {
        repo.move_ref(KNOWN, known, new, "claude-sync")?;
        repo.flush()?;
    }
    note_screened(repo)?;
    // What this run made is what the clone has now.
    repo.trust_own_work(false);
    // What was pruned in between, before a ref led to it, is made once more.
    if !repo.has_fresh(new, tree) {
        return Err(RepoError::Missing(new).into());
    }
    Ok(late)
}

/// Moves the branch where nothing keeps it, and notes where it stays behind. `at`: where it is.
fn move_branch(
    run: &Run<'_>,
    new: Oid,
    at: Option<Oid>,
    late: &mut Option<Place>,
) -> Result<(), SyncError> {
    let (repo, local) = (&run.repo, run.target.local());
    if late.as_ref().is_none_or(Place::lets_branch_move) {
        match repo.move_ref(&local, at, new, "claude-sync") {
            Err(RepoError::Locked { .. }) => {
                let lock = repo.common_folder().join(format!("{local}.lock"));
                *late = Some(Place::Locked(lock));
            }
            moved => moved?,
        }
    }
    let at = repo.commit_at(&local)?;
    Ok(repo.set_late((at != Some(new)).then_some((new, at)))?)
}
