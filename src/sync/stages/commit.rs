//! Stage 6: the commit with the assembled tree. One that is there already is used again.

use super::assemble::Assembled;
use super::context::Run;
use crate::fleet::rules::Rules;
use crate::format::syncfile::Mode;
use crate::git::Oid;
use crate::merge::push_check;
use crate::sync::delta::{Delta, delta};
use crate::sync::error::SyncError;
use crate::sync::import::Imported;
use crate::sync::message::{Message, is_ours, sealed};
use crate::sync::starts::Starts;

/// The next commit of the branch.
pub(crate) struct Committed {
    pub(crate) commit: Oid,
    /// What this machine's files gained, where the commit is new.
    pub(crate) made: Option<Delta>,
}

/// Finds or makes the commit with the assembled tree. `online`: the remote was fetched just now.
/// `imported`: what an import added.
pub(crate) fn commit(
    run: &mut Run<'_>,
    starts: &Starts,
    assembled: &Assembled,
    online: bool,
    imported: Option<&Imported>,
) -> Result<Committed, SyncError> {
    let parent = parent(run, starts, online)?;
    match existing(run, starts, assembled, parent)? {
        Some(commit) => Ok(Committed { commit, made: None }),
        None => make(run, starts, assembled, parent, imported),
    }
}

/// The parent of the next commit; none where a new history begins.
fn parent(run: &Run<'_>, starts: &Starts, online: bool) -> Result<Option<Oid>, SyncError> {
    Ok(match (starts.tip, starts.head) {
        _ if run.reroot => None,
        _ if run.onto.is_some() => run.onto.as_ref().map(|onto| onto.parent),
        // The joined branch is not pushed with every sync: it grows where it is, as long as the
        // remote's is part of it.
        (Some(tip), Some(head))
            if run.per_machine
                && run.repo.contains(head, tip)?
                && !run.repo.is_cut_off(head)? =>
        {
            Some(head)
        }
        // A remote that lost everything gets nothing that was committed in clear, before the fleet
        // was encrypted.
        (None, Some(head)) if online && run.repo.is_sealing() && has_clear_history(run, head)? => {
            None
        }
        // A remote that lost everything does not take the commits of a shallow clone.
        (None, Some(_)) if online && !run.repo.shallow().is_empty() => None,
        (tip, head) => tip.or(head),
    })
}

/// A commit that has the assembled tree already.
fn existing(
    run: &Run<'_>,
    starts: &Starts,
    assembled: &Assembled,
    parent: Option<Oid>,
) -> Result<Option<Oid>, SyncError> {
    let has_tree = |commit: Option<Oid>| -> Result<bool, SyncError> {
        let tree = commit.map(|commit| run.repo.tree_of(commit)).transpose()?;
        Ok(tree == Some(assembled.tree))
    };
    // The remote has everything already, or there is no remote and nothing is new.
    if has_tree(parent)? {
        return Ok(parent);
    }
    let Some(head) = starts.head else {
        return Ok(None);
    };
    if !has_tree(Some(head))? {
        return Ok(None);
    }
    let is_usable = match parent {
        // The commit of an earlier run still waits, and is complete.
        Some(_) => is_on_tip(run, starts, head, parent)?,
        // A new history that was made already.
        None => run.repo.parents_of(head)?.is_empty(),
    };
    Ok(is_usable.then_some(head))
}

/// Whether the local branch is one commit beyond the remote's, and signed where it must be.
fn is_on_tip(
    run: &Run<'_>,
    starts: &Starts,
    head: Oid,
    parent: Option<Oid>,
) -> Result<bool, SyncError> {
    if run.config.sign && !run.repo.is_signed(head)? {
        return Ok(false);
    }
    let is_next = |tip| run.repo.parents_of(head).is_ok_and(|p| p == [tip]);
    if let Some(onto) = &run.onto {
        return Ok(is_next(onto.parent));
    }
    Ok(parent == Some(head) || starts.tip.is_none_or(is_next))
}

fn make(
    run: &mut Run<'_>,
    starts: &Starts,
    assembled: &Assembled,
    parent: Option<Oid>,
    imported: Option<&Imported>,
) -> Result<Committed, SyncError> {
    let compared = parent.or(starts.head.filter(|_| run.reroot));
    let before = compared
        .map(|commit| run.repo.tree_of(commit))
        .transpose()?;
    let after = Some(assembled.tree);
    let delta = delta(&run.repo, before, after, &run.machine, &run.index)?;
    let folded = foreign_subjects(run, starts)?;
    let own = assembled.own_changed || !delta.is_empty();
    let mode = if assembled.first {
        Mode::Full
    } else {
        run.options.mode
    };
    let message = Message {
        machine: &run.machine,
        hostname: &run.options.host.hostname,
        mode: own.then_some(mode),
        delta: &delta,
        intents: &run.options.intents,
        imported: run.options.import.as_ref().zip(imported),
        first: assembled.first,
        reroot: run.reroot,
        compacted: run
            .onto
            .as_ref()
            .and_then(|onto| onto.plan)
            .map(|plan| (plan.before, plan.after)),
        rotated: had_former_key(run, starts)?,
        folded: &folded,
    };
    let text = sealed(&run.repo, &message);
    let commit = run.make_commit(assembled.tree, parent.as_slice(), &text)?;
    run.options.watcher.did(|| format!("commit {commit}"));
    Ok(Committed {
        commit,
        made: Some(delta),
    })
}

/// Subjects of unpushed commits that are not this tool's: the new commit takes their place and
/// lists them.
fn foreign_subjects(run: &Run<'_>, starts: &Starts) -> Result<Vec<String>, SyncError> {
    let (Some(tip), Some(head)) = (starts.tip, starts.head) else {
        return Ok(Vec::new());
    };
    let is_apart = run.repo.merge_base(tip, head)?.is_none();
    // Of a history that was compacted meanwhile, what came after the last run.
    let base = starts.known.filter(|_| is_apart).unwrap_or(tip);
    let all = run.repo.messages(head, Some(base))?;
    Ok(all
        .iter()
        .filter(|text| !is_ours(text))
        .filter_map(|text| text.lines().next().map(str::to_owned))
        .take(20)
        .collect())
}

/// Whether this commit, or one before it that the remote lacks, has files in clear: those of before
/// the fleet was encrypted, or a pusher's. A push of it would be refused.
fn has_clear_history(run: &Run<'_>, head: Oid) -> Result<bool, SyncError> {
    let remote = run.repo.tips_below("refs/remotes/")?;
    let known: Vec<Oid> = remote.into_values().collect();
    let missing = run.repo.new_commits(head, &known)?;
    Ok(!push_check::clear(&run.repo, &missing)?.is_empty())
}

/// Why a run leaves an old history behind.
pub(crate) enum Left {
    /// It has what was forgotten, or files of a former key: nothing of it may stay.
    Forgotten,
    /// It was compacted.
    Compacted,
}

/// Whether this run leaves an old history behind: its own, or the one before that which another
/// machine began. A new one begins where data is forgotten, the key is replaced, or the history is
/// compacted.
pub(crate) fn leaves_history(run: &Run<'_>, starts: &Starts) -> Result<Option<Left>, SyncError> {
    if run.reroot {
        return Ok(Some(Left::Forgotten));
    }
    if run.onto.is_some() {
        return Ok(Some(Left::Compacted));
    }
    let (Some(tip), Some(head)) = (starts.tip, starts.head) else {
        return Ok(None);
    };
    if tip == head || run.repo.merge_base(tip, head)?.is_some() {
        return Ok(None);
    }
    let rules = Rules::read(&run.repo, run.repo.tree_of(tip)?, |_, _| None)?;
    if had_former_key(run, starts)? || rules.forget_something() {
        return Ok(Some(Left::Forgotten));
    }
    Ok(rules.epoch().map(|_| Left::Compacted))
}

/// Whether what this clone has had is sealed with a key that was replaced since.
fn had_former_key(run: &Run<'_>, starts: &Starts) -> Result<bool, SyncError> {
    let (Some(seal), Some(known)) = (run.repo.seal(), starts.known) else {
        return Ok(false);
    };
    Ok(run
        .repo
        .seal_of(run.repo.tree_of(known)?)?
        .is_some_and(|mark| seal.is_former(&mark)))
}
