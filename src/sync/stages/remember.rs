//! Stage 9: notes how far the run came, and tidies up.

use super::context::Run;
use super::fetch::next_attempt;
use crate::base::time::Timestamp;
use crate::cache::index::{Binding, Index};
use crate::git::process::hide_secrets;
use crate::git::{Oid, setup as clone};
use crate::sync::error::SyncError;
use crate::sync::options::Task;
use crate::sync::outcome::{Outcome, Remote};
use crate::sync::{left_out, undo};
use crate::transcripts::{Cursor, Mark};

/// What a run leaves for later ones.
pub(crate) struct Leftover<'a> {
    /// What the index was bound to before the run.
    pub(crate) before: &'a Binding,
    /// How far transcripts were read.
    pub(crate) cursors: &'a [(Mark, Cursor)],
    /// What the run had forgotten, as it was before: files below a root tree.
    pub(crate) taken: Option<Oid>,
}

/// Ends a run. Returns when runs that nobody attends try the remote again.
pub(crate) fn remember(
    mut run: Run<'_>,
    left: &Leftover<'_>,
    out: &Outcome,
) -> Result<Option<Timestamp>, SyncError> {
    let state = &run.places.state;
    left_out::note(&run.repo, &out.left_out)?;
    if let Some(tree) = left.taken.filter(|_| run.options.keep_undo) {
        undo::keep(&run.repo, &run.git, state, tree, &run.options)?;
    }
    count_failure(&mut run, &out.remote)?;
    let next_try = next_attempt(&run)?;
    if run.options.front_page.is_some() {
        clone::want_front_page(&run.repo, None)?;
    }
    undo::drop_undone(&run.repo, state)?;
    undo::expire(state, run.options.now);
    // Only now: the index must never know more than the repository has.
    let after = run.binding()?;
    run.index.store(left.before, &after, left.cursors)?;
    if run.reroot && out.remote.has_all() {
        clone::want_reroot(&run.repo, false)?;
    }
    // What the remote did not take waits for the next run.
    let waits = run.options.compact.filter(|_| !out.remote.has_all());
    if run.compact.is_some() || waits.is_some() {
        clone::want_compact(&run.repo, waits)?;
    }
    if run.options.task == Task::Sync {
        clone::want_name(&run.repo, None)?;
    }
    if out.remote.has_all() {
        note_address(&run)?;
    }
    if out.purged {
        // The index holds names of what was forgotten. Without it the next run reads everything
        // once.
        drop(run.index);
        Index::remove(state);
        run.git.purge(run.repo.path())?;
    } else if out.compacted {
        // As below. Old commits that stay take space until git tidies up by itself.
        let _ = run.git.drop_replaced(run.repo.path(), &run.refs());
    } else if out.commit.is_some() {
        // Tidying up is a convenience; a failure there takes nothing back.
        let _ = run.git.maintain(run.repo.path());
    }
    Ok(next_try)
}

/// Notes the address of the remote that has what was made here: another one may be of another
/// fleet.
fn note_address(run: &Run<'_>) -> Result<(), SyncError> {
    let address = run.address().map(|address| hide_secrets(&address));
    if clone::noted_address(&run.repo)? != address {
        clone::note_address(&run.repo, address.as_deref())?;
    }
    Ok(())
}

fn count_failure(run: &mut Run<'_>, remote: &Remote) -> Result<(), SyncError> {
    match remote {
        Remote::Queued(reason) | Remote::Refused(reason) | Remote::Unsigned(reason) => {
            run.index
                .count_failure(Some((run.options.now, reason.as_str())))?;
        }
        Remote::UpToDate | Remote::Pushed(_) => {
            run.index.count_failure(None)?;
            run.index.note_exchange(run.options.now)?;
        }
        Remote::None | Remote::Skipped | Remote::Waiting | Remote::Locked(_) | Remote::Held => {}
    }
    Ok(())
}
