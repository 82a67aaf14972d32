//! Opens this machine's files as far as a run changes them, and puts what it brings into them.

use std::borrow::Cow;

use super::rules::Enforced;
use crate::base::ids::MachineId;
use crate::base::join::Join as _;
use crate::fleet::read::MachineData;
use crate::fleet::settle;
use crate::record::{Level, Record, RecordSet};
use crate::sync::brought::Brought;
use crate::sync::error::SyncError;
use crate::sync::import::Imported;
use crate::sync::local::{LocalFiles, StoredFiles};
use crate::sync::view::View;

/// This machine's files with what the run brings in them, and what an import added.
pub(super) fn open(
    view: View<'_>,
    machine: &MachineId,
    kept: &Enforced,
    summary_only: bool,
) -> Result<(LocalFiles, Imported), SyncError> {
    let (rules, brought) = (&kept.rules, &kept.brought);
    let files = StoredFiles::of(view, machine)?;
    // What depends on a time, a session or a project is decided before these are removed.
    let prunes = summary_only || rules.pruned_before(machine).is_some();
    let fleet = if prunes && (files.has_sums || !brought.sums.is_empty()) {
        view.load()?
    } else {
        Vec::new()
    };
    // Sums are compared with all that is here.
    let whole = !fleet.is_empty() || !brought.sums.is_empty();
    let level = most_detail(summary_only);
    let mut own = files
        .open(whole)?
        .with(level, rules, settle::derived_ids(&fleet));
    let records = if brought.imported.is_empty() {
        Cow::Borrowed(&brought.records)
    } else {
        Cow::Owned(brought.records.clone().join(brought.imported.clone()))
    };
    let imported = add(&files, &mut own, brought, &records)?;
    if let Some(bound) = rules.pruned_before(machine).filter(|_| kept.prunes) {
        files.read_detailed(&mut own, bound)?;
        own.prune();
    }
    if !fleet.is_empty() {
        settle_sums(&mut own, fleet, machine, &records);
    }
    note_forgotten(&files, &mut own, kept)?;
    Ok((own, imported))
}

/// The most detail that new records are written with.
fn most_detail(summary_only: bool) -> Level {
    if summary_only {
        Level::Daily
    } else {
        Level::Full
    }
}

/// Notes which ids are forgotten from here on, and which are not any more.
fn note_forgotten(
    files: &StoredFiles<'_>,
    own: &mut LocalFiles,
    kept: &Enforced,
) -> Result<(), SyncError> {
    if !kept.forgotten.is_empty() {
        files.read_forgotten(own)?;
        own.forget(&kept.forgotten);
    }
    if !kept.brought_back.is_empty() {
        files.read_forgotten(own)?;
        own.keep(&kept.brought_back);
    }
    Ok(())
}

/// Adds requests, increments of accounts, and imported totals. `records`: of both kinds of
/// transcripts. Returns what an import added.
fn add(
    files: &StoredFiles<'_>,
    own: &mut LocalFiles,
    brought: &Brought,
    records: &RecordSet,
) -> Result<Imported, SyncError> {
    let mut added = Imported::default();
    let increments = brought.increments();
    if increments.is_empty() {
        files.read_for(own, records)?;
    } else {
        files.read_for(own, &records.clone().join(increments))?;
    }
    let is_new = |record: &Record| {
        let known = brought.records.get(record.id);
        !known.is_some_and(|known| known.covers(record)) && !own.covers(record)
    };
    added.new_records = brought.imported.iter().filter(is_new).count() as u64;
    own.add_records(records);
    own.expect(&brought.states);
    files.read_touched(own)?;
    own.settle(&brought.states, records, &files.others(&brought.states)?);
    (added.new_days, added.shown_days) = own.add_imports(&brought.sums);
    Ok(added)
}

/// Records as `deducted` what sums lose by the pruning of records in this run, so that no total
/// changes. `fleet`: the data before the run.
fn settle_sums(
    own: &mut LocalFiles,
    fleet: Vec<MachineData>,
    machine: &MachineId,
    records: &RecordSet,
) {
    let before = with(fleet.clone(), machine, |data| {
        unshortened(data, own, records);
    });
    let after = with(fleet, machine, |data| *data = own.data());
    for (key, sum) in settle::settle(machine, before, after) {
        own.add_sum(key, sum);
    }
}

/// The fleet with another state of one machine's data.
fn with(
    mut fleet: Vec<MachineData>,
    machine: &MachineId,
    change: impl FnOnce(&mut MachineData),
) -> Vec<MachineData> {
    let at = fleet
        .binary_search_by(|data| data.id.cmp(machine))
        .unwrap_or_else(|at| {
            fleet.insert(at, MachineData::new(machine.clone()));
            at
        });
    change(&mut fleet[at]);
    fleet
}

/// The machine's data if this run pruned nothing: its files as they are, and the records that are
/// new in full.
fn unshortened(data: &mut MachineData, own: &LocalFiles, records: &RecordSet) {
    let now = own.data();
    for record in records.iter() {
        // A record that stands there at a lower level keeps it.
        let known = data
            .records
            .get(record.id)
            .map_or(Level::Full, |known| known.origin.level);
        data.records.add(record.pruned(known));
    }
    data.machine_file = now.machine_file;
    data.sums = now.sums;
}
