//! Stage 4: finds the commits that the next tree is joined from, and checks that they are sync
//! data.

use super::context::Run;
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::epoch::COMPACTED;
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::{KNOWN, Repo};
use crate::git::{Oid, setup as clone};
use crate::store::key;
use crate::sync::compact::{Onto, fold, onto, plan};
use crate::sync::error::SyncError;
use crate::sync::identity::another_wrote;
use crate::sync::options::Task;
use crate::sync::repository::is_sync;
use crate::sync::starts::{Older, Starts};
use crate::sync::view::View;
use crate::sync::{clear, undo};

/// Where the next tree starts.
pub(crate) struct Start {
    pub(crate) starts: Starts,
    /// Somebody else wrote as this machine.
    pub(crate) another_wrote: bool,
}

/// Finds where the next tree starts. `online`: the remote was fetched just now.
pub(crate) fn start(run: &mut Run<'_>, online: bool) -> Result<Start, SyncError> {
    let tip = if online {
        run.tip(&run.target.branch)?
    } else {
        None
    };
    let others = other_branches(run)?;
    let head = run.repo.position(&run.target)?;
    let starts = Starts {
        tip,
        head,
        known: run.repo.commit_at(KNOWN)?,
        others,
        restored: restored(run, tip.or(head))?,
        unscreened: clear::is_unscreened(&run.repo)?,
    };
    check_data(run, &starts)?;
    let another_wrote = another_wrote(&run.repo, &starts, &run.machine)?;
    if is_tainted(run, &starts)? {
        // Somebody pushed what was forgotten, around the hooks: the history that has it is replaced
        // once more.
        run.reroot = true;
        clone::want_reroot(&run.repo, true)?;
    }
    replace_history(run, &starts, online)?;
    Ok(Start {
        starts,
        another_wrote,
    })
}

/// Finds out whether another history takes the place of the branch's: it is compacted, or an older
/// one came back.
fn replace_history(run: &mut Run<'_>, starts: &Starts, online: bool) -> Result<(), SyncError> {
    run.onto = None;
    run.replaced.clear();
    run.options
        .intents
        .retain(|intent| intent.kind != COMPACTED);
    // What the remote has must be known, and nobody else's branch is replaced.
    let is_known = online || run.address().is_none();
    if run.reroot || run.options.task != Task::Sync || !is_known {
        return Ok(());
    }
    if run.compact.is_some() {
        deepen(run)?;
    } else if is_due(run, starts)? && deepen(run).is_ok() {
        run.compact = run.config.keep_history;
    }
    if run.per_machine {
        // The joined branch stays here, unless somebody pushed it.
        if let (Some(keep), Some(head), None) = (run.compact, starts.head, starts.tip) {
            let folded = fold(&run.repo, head, keep)?;
            run.onto = folded.map(|folded| Onto {
                epoch: None,
                ..Onto::of(folded)
            });
        }
        return Ok(());
    }
    run.onto = onto(&run.repo, starts, run.compact, &run.index)?;
    if let Some(onto) = &run.onto {
        run.options.intents.extend(onto.epoch.clone());
        run.replaced.insert(run.target.branch.clone());
    }
    Ok(())
}

/// Fetches the commits that a shallow clone lacks: what is not here is not folded.
fn deepen(run: &mut Run<'_>) -> Result<(), SyncError> {
    let Some(remote) = run.target.remote.as_deref() else {
        return Ok(());
    };
    if run.repo.shallow().is_empty() {
        return Ok(());
    }
    let fetched = run.git.fetch_history(run.repo.path(), remote);
    fetched.map_err(|source| SyncError::Unreachable {
        address: hide_secrets(&run.address().unwrap_or_default()),
        source,
    })?;
    // The open repository goes on with where it ended.
    if let Some(whole) = Repo::open(run.repo.path())? {
        let whole = whole.with_key(key::read(&run.places.key)?.as_ref());
        if run.repo.is_sealing() {
            whole.start_sealing();
        }
        run.repo = whole;
    }
    Ok(())
}

/// Whether the history is to be compacted by itself: it is looked at once a day. A shallow clone
/// looks at the part that it has.
fn is_due(run: &Run<'_>, starts: &Starts) -> Result<bool, SyncError> {
    let own = format!("{MACHINES}{}", run.machine);
    let tip = if run.per_machine {
        run.tip(&own)?
    } else {
        starts.tip
    };
    let (Some(keep), Some(tip)) = (run.config.keep_history, tip) else {
        return Ok(false);
    };
    let today = run.options.now.day().to_string();
    // Others' signatures cannot be made anew.
    if run.config.sign || clone::looked_on(&run.repo, &today)? {
        return Ok(false);
    }
    Ok(plan(&run.repo, tip, keep)?.pays())
}

/// Commits of other branches with sync data: of machines that have one of their own, and of the
/// branch's former names.
pub(super) fn other_branches(run: &Run<'_>) -> Result<Vec<Oid>, SyncError> {
    let machines = run.target.tracking(MACHINES);
    let mut all: Vec<Oid> = run.repo.tips_below(&machines)?.into_values().collect();
    // Machines of an older version may go on with the branch as it was called before.
    for name in run.repo.former_branches()? {
        all.extend(run.tip(&name)?);
    }
    let mut out = Vec::new();
    for commit in all {
        if is_sync(&run.repo, run.repo.tree_of(commit)?)? {
            out.push(commit);
        }
    }
    Ok(out)
}

/// Versions that are brought back: those that were asked for, and those from before something was
/// forgotten that was taken back.
fn restored(run: &Run<'_>, from: Option<Oid>) -> Result<Vec<Older>, SyncError> {
    let (options, state) = (&run.options, &run.places.state);
    let asked = options.restore.iter().map(|commit| Older {
        commit: *commit,
        is_trusted: options.trust_restored,
    });
    let undone = undo::undone(&run.repo, &run.git, state, from, options, &run.index)?;
    let undone = undone.into_iter().map(|commit| Older {
        commit,
        is_trusted: true,
    });
    Ok(asked.chain(undone).collect())
}

/// Fails where a commit is no sync data. In an encrypted fleet a pusher who replaced everything
/// stops no machine of it.
fn check_data(run: &Run<'_>, starts: &Starts) -> Result<(), SyncError> {
    if starts.known.is_some() && run.repo.is_sealing() {
        return Ok(());
    }
    for commit in [starts.tip, starts.head].into_iter().flatten() {
        if is_sync(&run.repo, run.repo.tree_of(commit)?)? {
            continue;
        }
        let remote = run.address().filter(|_| Some(commit) == starts.tip);
        let place = remote.map_or_else(
            || run.repo.path().display().to_string(),
            |url| hide_secrets(&url),
        );
        return Err(SyncError::NotSync { place });
    }
    Ok(())
}

/// Whether commits that came from the remote have data that is forgotten. Where each machine has a
/// branch, nobody replaces history.
fn is_tainted(run: &Run<'_>, starts: &Starts) -> Result<bool, SyncError> {
    let may_replace = !run.per_machine && run.options.task == Task::Sync;
    let Some(tip) = starts
        .tip
        .filter(|tip| may_replace && Some(*tip) != starts.known)
    else {
        return Ok(false);
    };
    let rules_of = |commit| -> Result<_, SyncError> {
        let view = View::of_commit(&run.repo, commit, &run.index)?;
        Ok(view.rules()?.without_retention())
    };
    let mut rules = rules_of(tip)?;
    for start in [starts.head, starts.known].into_iter().flatten() {
        rules = rules.and(&rules_of(start)?);
    }
    if !rules.forget_something() {
        return Ok(false);
    }
    let checked = CheckedNow::default();
    for commit in run.repo.new_commits(tip, starts.known.as_slice())? {
        if !breaking(&run.repo, run.repo.tree_of(commit)?, &rules, &checked)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
