//! Decides how a run's work may leave, by what the remote shows and what the clone remembers.

use super::context::Run;
use crate::format::sealed::Seal;
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::KNOWN;
use crate::git::{Oid, setup};
use crate::sync::clear::{Facts, Leave, REPLACED, decide, mark, replaced_in, rival_in, text};
use crate::sync::error::SyncError;
use crate::sync::repository::has_data;

/// How this run's work may leave, now that the remote was fetched. What the fleet is encrypted with
/// is remembered.
pub(super) fn leave(run: &Run<'_>) -> Result<Leave, SyncError> {
    let tip = run.tip(&run.target.branch)?;
    let shown = shown(run, tip)?;
    let marked = run.repo.sealed_mark()?;
    let seal = run.repo.seal();
    let is_former = |mark: &Option<String>| {
        mark.as_deref()
            .is_some_and(|mark| seal.is_some_and(|seal| seal.is_former(mark)))
    };
    let replaced = replaced(run, tip)?;
    if marked.is_some() && replaced.is_none() {
        check_fleet(run, tip, shown.as_deref())?;
    }
    let leave = decide(Facts {
        key: seal.map(Seal::mark),
        replaced: replaced.as_deref(),
        marked: marked.as_deref(),
        marked_former: is_former(&marked),
        asked: run.config.encrypt,
        shown: shown.as_deref(),
        shown_former: is_former(&shown),
    });
    match (&leave, marked, seal) {
        // What is being encrypted is marked once the remote has it.
        (Leave::Sealed, None, Some(seal)) if shown.as_deref() == Some(seal.mark()) => {
            mark(&run.repo, run.places, &run.config, seal.mark())?;
        }
        (Leave::Sealed, Some(there), Some(seal)) if there != seal.mark() => {
            mark(&run.repo, run.places, &run.config, seal.mark())?;
        }
        (Leave::Locked(with), None, _) => mark(&run.repo, run.places, &run.config, with)?,
        _ => {}
    }
    if leave == Leave::Sealed {
        run.repo.start_sealing();
    }
    Ok(leave)
}

/// Fails where the user gave this machine of an encrypted fleet the address of another fleet. A
/// remote that shows something else at the same address is an attacker's, and stops nobody.
/// `shown`: the mark of the key of what it shows.
fn check_fleet(run: &Run<'_>, tip: Option<Oid>, shown: Option<&str>) -> Result<(), SyncError> {
    let seal = run.repo.seal();
    let is_ours = |mark| seal.is_some_and(|seal| seal.mark() == mark || seal.is_former(mark));
    let address = run.address().map(|address| hide_secrets(&address));
    let noted = setup::noted_address(&run.repo)?;
    let (Some(address), Some(noted)) = (address, noted) else {
        return Ok(());
    };
    if seal.is_none() || shown.is_some_and(is_ours) {
        return Ok(());
    }
    let known = run.repo.commit_at(KNOWN)?;
    let branches = run.repo.tips_below(&run.target.tracking(MACHINES))?;
    for commit in branches.into_values().chain(tip) {
        let is_related = known.is_some_and(|known| run.repo.are_related(commit, known));
        let is_other = address != noted && !is_related;
        if is_other && has_data(&run.repo, run.repo.tree_of(commit)?)? {
            return Err(SyncError::OtherFleet { address, noted });
        }
    }
    Ok(())
}

/// The mark of the key that what the remote shows is sealed with. Where each machine has a branch,
/// that of most of them.
fn shown(run: &Run<'_>, tip: Option<Oid>) -> Result<Option<String>, SyncError> {
    if let Some(tip) = tip.filter(|_| !run.per_machine) {
        return Ok(run.repo.seal_of(run.repo.tree_of(tip)?)?);
    }
    let mut seals = Vec::new();
    for commit in run
        .repo
        .tips_below(&run.target.tracking(MACHINES))?
        .into_values()
        .chain(tip)
    {
        seals.push(run.repo.seal_of(run.repo.tree_of(commit)?)?);
    }
    let sealed: Vec<String> = seals.iter().flatten().cloned().collect();
    Ok(if sealed.len() * 2 >= seals.len() {
        sealed.into_iter().next()
    } else {
        None
    })
}

/// The mark of the key that replaced the one that is here. One statement by a machine that has this
/// key is enough, for good.
fn replaced(run: &Run<'_>, tip: Option<Oid>) -> Result<Option<String>, SyncError> {
    let Some(seal) = run.repo.seal() else {
        return Ok(None);
    };
    let noted = text(&run.repo, REPLACED)?;
    if let Some((old, new)) = noted.as_deref().and_then(|noted| noted.split_once(' ')) {
        if old == seal.mark() {
            return Ok(Some(new.to_owned()));
        }
        run.repo.set_setting(REPLACED, None)?;
    }
    let mut new = replaced_in(&run.repo, tip)?;
    // This machine's own key has not reached the remote, and another one has: that one holds.
    if new.is_none() && run.reroot {
        new = rival_in(&run.repo, tip)?;
    }
    let Some(new) = new else {
        return Ok(None);
    };
    run.repo
        .set_setting(REPLACED, Some(&format!("{} {new}", seal.mark())))?;
    Ok(Some(new))
}
