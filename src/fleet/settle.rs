//! Settles what needs a time, a session or a project to be decided, before these are taken away.
//!
//! Pruning changes no total: what sums exceed records is computed with the records as they are,
//! and again with the pruned ones; the difference is noted as deducted.

use std::collections::{BTreeSet, HashMap};

use super::compared::Compared;
use super::read::MachineData;
use super::sums::Sums;
use super::view::{Fleet, MachineIndex};
use crate::base::ids::{MachineId, RecordId};
use crate::prices::PriceBook;
use crate::record::{Record, Sum, SumKey};

/// The sums that the machine `me` has to write down before its records become those that it has in
/// `after`.
pub(crate) fn settle(
    me: &MachineId,
    before: Vec<MachineData>,
    after: Vec<MachineData>,
) -> Vec<(SumKey, Sum)> {
    let Some(at) = after.iter().position(|data| data.id == *me) else {
        return Vec::new();
    };
    if before
        .iter()
        .all(|data| data.sums.is_empty() && !claims(data))
    {
        return Vec::new();
    }
    let compared =
        |machines: Vec<MachineData>| Fleet::compare(machines, PriceBook::default(), &mut |_| {}).1;
    let (was, is) = (compared(before), compared(after.clone()));
    // Sums are the same on both sides, and so is their order.
    let pairs = was.all.iter().zip(&is.all);
    let changed = pairs.filter(|(was, is)| was.shown() != is.shown());
    let wanted: Vec<&Compared> = changed.map(|(was, _)| was).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut settled = after;
    let mut out = settle_at_nothing(&wanted, &mut settled[at]);
    let now = compared(settled);
    for (key, sum) in &mut out {
        let (Some(was), Some(now)) = (find(&was, key, at), find(&now, key, at)) else {
            continue;
        };
        let more = was.shown().minus(now.shown());
        sum.deducted = Some(sum.deducted.unwrap_or_default().plus(more));
    }
    out
}

/// Gives a machine its own version of each sum, from which nothing more is deducted than before.
fn settle_at_nothing(wanted: &[&Compared], data: &mut MachineData) -> Vec<(SumKey, Sum)> {
    let mut out = Vec::new();
    for one in wanted {
        let own = data.sums.get(&one.key).and_then(|sum| sum.deducted);
        let sum = Sum {
            deducted: Some(own.unwrap_or_default()),
            ..one.sum.clone()
        };
        data.sums.insert(one.key.clone(), sum.clone());
        out.push((one.key.clone(), sum));
    }
    out
}

fn claims(data: &MachineData) -> bool {
    let of_file = |file: &crate::format::syncfile::SyncFile| {
        file.claimed.is_some()
            || file
                .sessions
                .values()
                .any(|session| session.claimed.is_some())
            || file
                .decisions
                .keys()
                .any(|(kind, ..)| kind == super::decisions::ADOPTED)
    };
    data.machine_file().is_some_and(of_file)
}

/// The sum with this key that the machine at this index is concerned with: its own, else any.
fn find<'s>(sums: &'s Sums, key: &SumKey, machine: MachineIndex) -> Option<&'s Compared> {
    let same = || sums.all.iter().filter(|one| one.key == *key);
    same()
        .find(|one| one.is_settled(machine))
        .or_else(|| same().next())
}

/// Notes in a record that is to be pruned which records without an id of their own are the same
/// request.
pub(crate) fn note_twin(record: &mut Record, derived: &BTreeSet<RecordId>) {
    if !record.derived && derived.contains(&record.twin()) {
        record.twins.insert(record.twin());
    }
}

/// The ids of all records of a fleet that have none of their own.
pub(crate) fn derived_ids(machines: &[MachineData]) -> BTreeSet<RecordId> {
    machines
        .iter()
        .flat_map(|data| data.records.entries())
        .filter(|entry| entry.derived)
        .map(|entry| entry.id)
        .collect()
}

/// For each of some sums whether what a machine has shows all of it already, so that it need not be
/// written.
pub(crate) fn shown(machine: &MachineData, lines: &[(SumKey, Sum)]) -> Vec<bool> {
    // That one of them shows another is no reason to leave it out, and neither is what was imported
    // before.
    let alone = |line: &(SumKey, Sum)| MachineData {
        sums: [line.clone()].into(),
        machine_file: None,
        ..machine.clone()
    };
    let all = MachineData {
        sums: lines.iter().cloned().collect(),
        machine_file: None,
        ..machine.clone()
    };
    let (_, sums) = Fleet::compare(vec![all], PriceBook::default(), &mut |_| {});
    let is_shown: HashMap<&SumKey, bool> = sums
        .all
        .iter()
        .map(|one| (&one.key, one.is_shown()))
        .collect();
    // An older computation of a day is looked at by itself.
    let single = |line: &(SumKey, Sum)| {
        Fleet::compare(vec![alone(line)], PriceBook::default(), &mut |_| {})
            .1
            .all
            .iter()
            .all(Compared::is_shown)
    };
    lines
        .iter()
        .map(|line| {
            is_shown
                .get(&line.0)
                .copied()
                .unwrap_or_else(|| single(line))
        })
        .collect()
}
