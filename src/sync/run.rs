//! One run, from the lock to what it remembers: the stages in order, and again from `start` where a
//! push is rejected.

use std::time::Duration;

use super::error::SyncError;
use super::left_out;
use super::options::Options;
use super::outcome::{Outcome, Remote, Twin};
use super::owner;
use super::repair::repair;
use super::settings::lock;
use super::stages::assemble::{Assembled, Assembly, assemble};
use super::stages::commit::{Left, commit, leaves_history};
use super::stages::context::Run;
use super::stages::fetch::fetch;
use super::stages::prepare::{Prepared, prepare};
use super::stages::push::{Pushed, Rejections, push};
use super::stages::read::{Read, read};
use super::stages::remember::{Leftover, remember};
use super::stages::show::show;
use super::stages::start::start;
use crate::base::time::Timestamp;
use crate::git::keep::Kept;
use crate::git::repo::RepoError;
use crate::git::{Git, Healed, Oid, setup as clone};
use crate::store::Places;
use crate::store::config::{self, Config};

/// Syncs once. Where objects are missing or damaged here, they are fetched again first, and only
/// then it goes on.
pub(crate) fn run(places: &Places, options: &Options) -> Result<Outcome, SyncError> {
    owner::check(places)?;
    let (_lock, cleared) = lock(places, options)?;
    let config = config::read(&places.config)?;
    let silence = Duration::from_secs(config.failures.silence);
    let silence = options
        .patience
        .map_or(silence, |patience| silence.min(patience));
    let git = Git::find(options.attended)?
        .with_silence(silence)
        .with_watcher(options.watcher.clone());
    let mut repaired = None;
    loop {
        match once(places, options, &config, &git, repaired.is_some()) {
            Err(error) if repaired.is_none() && error.lacks_objects() => {
                let in_fetch = matches!(error, SyncError::Repo(RepoError::Process(_)));
                repaired = Some(match repair(places, options, &git, error) {
                    // The damage may be the remote's: then what is here is committed, and waits.
                    Err(SyncError::Incomplete { .. }) if in_fetch => Healed::default(),
                    other => other?,
                });
            }
            ended => {
                let mut outcome = Outcome { cleared, ..ended? };
                outcome.healed = repaired.unwrap_or(outcome.healed);
                return Ok(outcome);
            }
        }
    }
}

/// One run through all stages. `healed`: damaged objects were repaired already.
fn once(
    places: &Places,
    options: &Options,
    config: &Config,
    git: &Git,
    healed: bool,
) -> Result<Outcome, SyncError> {
    let Prepared {
        mut run,
        set_up,
        copied,
        finished,
    } = prepare(places, options, config, git, healed)?;
    let (mut read, before) = read(&run)?;
    let report = std::mem::take(&mut read.report);
    let mut out = Outcome::new(run.machine.clone(), run.target.branch.clone(), report);
    (out.set_up, out.finished) = (set_up, finished);
    out.unknown.clone_from(&run.config.unknown);
    out.imported = read.imported.take();
    let fetched = fetch(&mut run)?;
    (out.moved, out.followed) = (fetched.moved, fetched.followed);
    out.branch.clone_from(&run.target.branch);
    let kept = Kept::begin(&run.repo);
    let taken = exchange(&mut run, &read, fetched.instead, &mut out)?;
    drop(kept);
    if out.remote.has_all() {
        run.note_sealed()?;
    }
    let twin = if copied { Some(Twin::Copied) } else { out.twin };
    // Machines that share an id on purpose write as each other.
    out.twin = twin.filter(|_| !run.options.shared_id);
    let left = Leftover {
        before: &before,
        cursors: &read.cursors,
        taken,
    };
    out.next_try = remember(run, &left, &out)?;
    Ok(out)
}

/// Commits, and pushes until the remote has it; rejected: joins what was fetched, and commits
/// again. Returns what the run had forgotten, as it was before.
fn exchange(
    run: &mut Run<'_>,
    read: &Read,
    mut instead: Option<Remote>,
    out: &mut Outcome,
) -> Result<Option<Oid>, SyncError> {
    let mut taken = None;
    let mut rejections = Rejections::default();
    loop {
        let (head, taken_now) = next_commit(run, read, instead.is_none(), out)?;
        taken = taken_now.or(taken);
        match push(run, head, instead.take(), &mut rejections)? {
            Pushed::Ended(remote) => {
                out.remote = remote;
                return Ok(taken);
            }
            Pushed::Rejected(next) => instead = next,
        }
    }
}

/// Brings the local branch to what it should be. Returns its commit, and what the run had
/// forgotten. `online`: the remote was fetched just now.
fn next_commit(
    run: &mut Run<'_>,
    read: &Read,
    online: bool,
    out: &mut Outcome,
) -> Result<(Oid, Option<Oid>), SyncError> {
    let from = start(run, online)?;
    if from.another_wrote {
        out.twin = Some(Twin::Wrote);
    }
    let starts = &from.starts;
    let job = Assembly {
        repo: &run.repo,
        machine: &run.machine,
        options: &run.options,
        cache: &run.index,
    };
    let assembled = assemble(job, starts, &read.brought)?;
    note(out, &assembled, run.options.now);
    let committed = commit(run, starts, &assembled, online, out.imported.as_ref())?;
    let new = committed.commit;
    if let Some(delta) = committed.made {
        (out.commit, out.delta) = (Some(new), delta);
    }
    let others_came = starts.tip.is_some() && starts.tip != starts.head
        || !starts.others.is_empty() && out.delta.is_empty();
    out.received |= starts.head.is_some_and(|head| head != new) && others_came;
    if run.options.compact.is_some() && run.onto.is_some() {
        // From here on an interrupted run is completed by the next one.
        clone::want_compact(&run.repo, run.options.compact)?;
    }
    out.late = show(run, new, assembled.tree)?;
    match leaves_history(run, starts)? {
        Some(Left::Forgotten) => out.purged = true,
        Some(Left::Compacted) => out.compacted = true,
        None => {}
    }
    let plan = run.onto.as_ref().and_then(|onto| onto.plan);
    out.folded = plan.map(|plan| (plan.before, plan.after));
    Ok((new, assembled.taken))
}

/// Notes in the outcome what assembling the tree brought to light.
fn note(out: &mut Outcome, assembled: &Assembled, now: Timestamp) {
    if let Some(imported) = &mut out.imported {
        // After a rejected push all of it is here already.
        imported.see(&assembled.imported);
    }
    out.problems.clone_from(&assembled.problems);
    for (path, code) in &assembled.left_out {
        left_out::add(&mut out.left_out, code, path, now);
    }
    out.held_back = assembled.held_back;
    out.ahead.clone_from(&assembled.ahead);
    out.mended.extend(assembled.mended.iter().cloned());
    out.newer = assembled.newer;
    out.unknown_names = assembled.unknown_names;
    out.machines = assembled.machines;
}
