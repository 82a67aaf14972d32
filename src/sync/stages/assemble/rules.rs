//! Applies the fleet's rules (forgotten data, retention) to the joined tree and to what the run
//! brings.

use std::collections::{BTreeMap, BTreeSet};

use super::job::Assembly;
use crate::base::ids::RecordId;
use crate::base::json::Extra;
use crate::base::time::{Day, Timestamp};
use crate::fleet;
use crate::fleet::authority::MADE;
use crate::fleet::decisions::Intent;
use crate::fleet::rules::{FORGOTTEN, Rules};
use crate::format::dayfile::Forgotten;
use crate::format::syncfile::{Decision, SyncFile};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE};
use crate::sync::brought::Brought;
use crate::sync::error::SyncError;
use crate::sync::options::{Options, Task};
use crate::sync::view::View;

/// Retention moves at most so many days in a run, so that a wrong clock takes little.
const STEP: i64 = 31;

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The joined tree with the rules applied, and what they keep of what this run brings.
pub(super) struct Enforced {
    pub(crate) root: Oid,
    pub(crate) rules: Rules,
    /// Applying them changed something.
    pub(crate) swept: bool,
    /// This machine's retention moves on: some of its records are to be pruned.
    pub(crate) prunes: bool,
    pub(crate) brought: Brought,
    /// Ids of records that went with their session or project, and were not known as forgotten.
    pub(crate) forgotten: BTreeSet<Forgotten>,
    /// Ids of records that are not forgotten any more, though no tombstone was taken back.
    pub(crate) brought_back: BTreeSet<RecordId>,
    /// Records of transcripts that the rules keep out.
    pub(crate) held_back: u64,
    /// Files that changed because of what this run had forgotten, as they were before.
    pub(crate) taken: Option<Oid>,
}

impl Enforced {
    /// A tree without rules, to which nothing is brought.
    pub(crate) fn all(root: Oid) -> Self {
        Self {
            root,
            rules: Rules::default(),
            swept: false,
            prunes: false,
            brought: Brought::default(),
            forgotten: BTreeSet::new(),
            brought_back: BTreeSet::new(),
            held_back: 0,
            taken: None,
        }
    }

    /// Whether the run brings something for this machine's files.
    pub(crate) fn brings(&self) -> bool {
        !(self.brought.is_empty() && self.forgotten.is_empty() && self.brought_back.is_empty())
    }
}

/// Applies the fleet's rules, those that this run adds among them. `restored`: older versions that
/// were joined.
pub(super) fn enforce(
    job: Assembly<'_>,
    root: Oid,
    brought: &Brought,
    restored: &[Oid],
) -> Result<Enforced, SyncError> {
    let mut rules = rules_with_intents(job, root)?;
    // Of what a person brings back, nothing is forgotten that no tombstone explains.
    let mut brought_back = BTreeSet::new();
    for older in restored {
        brought_back.extend(fleet::enforce::unexplained(job.repo, *older, &rules)?);
    }
    rules.keep_ids(brought_back.iter().copied());
    let before = rules.clone();
    for records in [&brought.records, &brought.imported, &brought.increments()] {
        let (_, gone) = rules.keep(job.machine, records);
        rules.forget_ids(gone.forgotten);
        rules.pass(gone.passed);
    }
    let enforced = fleet::enforce::enforce(job.repo, root, &mut rules, job.cache)?;
    let mut forgotten = rules.new_ids(&before);
    forgotten.extend(enforced.forgotten);
    let bound = retention_bound(job, enforced.root)?;
    if let Some(day) = bound {
        rules.prune(job.machine, day);
    }
    let kept = brought.kept(&rules, job.machine);
    let read = brought.records.len() as u64;
    Ok(Enforced {
        root: enforced.root,
        swept: enforced.root != root,
        rules,
        prunes: bound.is_some(),
        held_back: read.saturating_sub(kept.records.len() as u64),
        brought: kept,
        forgotten,
        brought_back,
        taken: taken(job, root, enforced.root)?,
    })
}

/// The tombstones that a person adds with this run.
fn tombstones(options: &Options) -> impl Iterator<Item = &Intent> {
    let intents = options.intents.iter();
    intents.filter(|intent| intent.kind == FORGOTTEN)
}

fn rules_with_intents(job: Assembly<'_>, root: Oid) -> Result<Rules, SyncError> {
    let now = job.options.now;
    let mut rules = job.view(root).rules()?;
    for intent in tombstones(job.options) {
        rules.decide(&intent.subject, &decision(intent, now).0, now);
    }
    Ok(rules)
}

/// What a person decided. A tombstone has its time: after a while it can no longer be taken back.
pub(super) fn decision(intent: &Intent, now: Timestamp) -> Decision {
    let mut fields = Extra::from([(intent.key.to_owned(), intent.value.clone())]);
    if intent.kind == FORGOTTEN {
        fields.insert(MADE.to_owned(), now.to_string().into());
    }
    Decision(fields)
}

/// What this run had forgotten: the files that changed for it as they were `before`, below a root
/// tree.
fn taken(job: Assembly<'_>, before: Oid, after: Oid) -> Result<Option<Oid>, SyncError> {
    if tombstones(job.options).next().is_none() {
        return Ok(None);
    }
    let files: BTreeMap<String, Entry> = job
        .repo
        .differing(Some(after), before)?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE)
        .collect();
    Ok(if files.is_empty() {
        None
    } else {
        Some(job.repo.replace(None, &files)?)
    })
}

/// The day before which this machine's records become bare with this run; none where retention
/// prunes nothing.
fn retention_bound(job: Assembly<'_>, root: Oid) -> Result<Option<Day>, SyncError> {
    let days = job.options.retention_days;
    let Some(days) = days.filter(|_| job.options.task == Task::Sync) else {
        return Ok(None);
    };
    let view = job.view(root);
    let Some(file) = view.machine_file(job.machine)? else {
        return Ok(None);
    };
    let first = first_detailed(view, job)?;
    Ok(first.and_then(|first| bound(&file, first, days, job.options.now)))
}

/// The first day of which this machine's files hold more than the day.
fn first_detailed(view: View<'_>, job: Assembly<'_>) -> Result<Option<Day>, SyncError> {
    let all = view.digested(job.machine)?;
    Ok(all
        .iter()
        .filter(|one| !one.portion.is_machine_file && one.portion.machine == *job.machine)
        .filter_map(|one| one.digest.days().1)
        .min())
}

/// The day before which records become bare. It is counted from the first day that has details, so
/// that a gap without usage does not hold it up.
fn bound(file: &SyncFile, first: Day, days: u32, now: Timestamp) -> Option<Day> {
    let newest = file.last_usage?.min(now);
    let back = |from: Timestamp, days: i64| {
        Timestamp::from_millis(from.millis().saturating_sub(days.saturating_mul(DAY)))
    };
    let target = back(newest, days.into())?.day();
    let day = target.min(back(first.start(), -STEP)?.day());
    (day > first && file.pruned_before.is_none_or(|known| day > known)).then_some(day)
}
