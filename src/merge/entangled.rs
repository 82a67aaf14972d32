//! Which units must be read whole.
//!
//! Most have nothing to do with each other: no record of one is in another, and their sums add up. Those that share a record, or whose
//! figures depend on others' (summary lines, claims, records without an id), are *entangled*.
//!
//! Units that were compared with each other before, as the memory says, are not compared again: of a long history only what is new is
//! held against the rest, and of a month that has more records than before, only those.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::digest::{Ids, Memory, name};
use super::marks::Sought;
use super::trees::MergeError;
use super::units::{Gone, Unit, file};
use crate::base::few::{Bits, Few, low};
use crate::base::ids::{Interner, MachineId};
use crate::git::repo::Repo;

/// For each unit whether it must be read whole.
pub fn entangled(repo: &Repo, units: &[Unit], gone: &Gone, memory: &dyn Memory) -> Result<Vec<bool>, MergeError> {
    if units.iter().any(|unit| unit.digest.derived) {
        // A record without an id is hidden by any record that says the same, wherever that is.
        return Ok(vec![true; units.len()]);
    }
    let shares = compare(repo, units, gone, memory)?;
    let claims: BTreeSet<&MachineId> = units.iter().filter(|unit| unit.digest.claims).map(|unit| &unit.machine).collect();
    let withheld = Few::of(units.iter().flat_map(|unit| &unit.digest.summaries).map(|id| name(id)));
    let sums = |unit: &Unit| unit.names.iter().any(|name| withheld.has(*name));
    let imports: Vec<(i64, i64)> = units.iter().filter_map(|unit| unit.digest.imports).collect();
    let told = |unit: &Unit| {
        let span = unit.digest.span().map(|(first, last)| (first.millis(), last.millis()));
        span.is_some_and(|(first, last)| imports.iter().any(|(from, to)| first < *to && *from <= last))
    };
    let withholds = |unit: &Unit| !unit.digest.summaries.is_empty() || sums(unit);
    let whole = |unit: &Unit| unit.digest.whole || withholds(unit) || claims.contains(&unit.machine) || told(unit);
    Ok(units.iter().zip(shares).map(|(unit, shares)| shares || whole(unit)).collect())
}

/// Which units share a record with another.
fn compare(repo: &Repo, units: &[Unit], gone: &Gone, memory: &dyn Memory) -> Result<Vec<bool>, MergeError> {
    // A page repeats what its machine's files say. Where any of them changed, it is compared again.
    let lost = gone.0.iter().map(String::as_str);
    let changed = units.iter().filter(|unit| !unit.compared).map(|unit| unit.path.as_str());
    let moved: BTreeSet<&str> = changed.chain(lost).filter_map(machine_of).collect();
    let is_new = |unit: &Unit| !unit.compared || unit.is_page && moved.contains(unit.machine.as_str());
    let mut new: Vec<bool> = units.iter().map(is_new).collect();
    let mut out = vec![false; units.len()];
    while new.contains(&true) {
        out = sharing(units, &ids(repo, units, &suspected(repo, units, &new, memory)?, memory)?);
        // A page that is read whole is read with all that it repeats.
        let more: Vec<usize> = (0..units.len()).filter(|at| out[*at] && units[*at].is_page && !new[*at]).collect();
        if more.is_empty() {
            break;
        }
        more.into_iter().for_each(|at| new[at] = true);
    }
    let of = |wanted: bool| units.iter().zip(&out).filter(move |(_, shares)| **shares != wanted);
    let clean: Vec<&str> = of(true).filter(|(unit, _)| !unit.compared).map(|(unit, _)| unit.path.as_str()).collect();
    let dirty = of(false).filter(|(unit, _)| unit.compared).map(|(unit, _)| unit.path.as_str());
    // What is not there now was not compared with what is new.
    let dirty: Vec<&str> = dirty.chain(gone.0.iter().map(String::as_str).filter(|_| !clean.is_empty())).collect();
    if !clean.is_empty() || !dirty.is_empty() {
        memory.keep_compared(&clean, &dirty);
    }
    Ok(out)
}

/// The units that share an id, out of all ids with their units and what is said there. A page may repeat what its machine's files say.
fn sharing(units: &[Unit], ids: &[(u64, usize, u64)]) -> Vec<bool> {
    let mut out = vec![false; units.len()];
    let groups = || ids.chunk_by(|a, b| a.0 == b.0);
    for group in groups() {
        let days = || group.iter().filter(|(_, at, _)| !units[*at].is_page);
        let mut shared = days().any(|(_, at, _)| days().any(|(_, other, _)| at != other));
        for (_, at, said) in group.iter().filter(|(_, at, _)| units[*at].is_page) {
            shared |= !days().any(|(_, day, there)| units[*day].machine == units[*at].machine && there == said);
        }
        if shared {
            group.iter().for_each(|(_, at, _)| out[*at] = true);
        }
    }
    // A page that is read whole is read with all that it repeats, and so is what that is repeated in.
    loop {
        let before = out.clone();
        for group in groups().filter(|group| group.iter().any(|(_, at, _)| units[*at].is_page && before[*at])) {
            group.iter().for_each(|(_, at, _)| out[*at] = true);
        }
        if out == before {
            break;
        }
    }
    out
}

fn machine_of(path: &str) -> Option<&str> {
    path.rsplit('/').next().map(|name| name.strip_suffix(".json").unwrap_or(name))
}

/// The units that may share an id with a new one, by the lower halves of ids; and all new pages with what they may repeat.
fn suspected(repo: &Repo, units: &[Unit], new: &[bool], memory: &dyn Memory) -> Result<BTreeSet<usize>, MergeError> {
    let mut fresh: Vec<(usize, Cow<[u32]>)> = Vec::new();
    for (at, unit) in units.iter().enumerate().filter(|(at, _)| new[*at]) {
        fresh.push((at, unit.fresh_marks(repo, memory)?));
    }
    // Two small sets of bits say which marks stand in one place only, as most do. What is left is sorted.
    let count = fresh.iter().map(|(_, marks)| marks.len()).sum();
    let (mut once, mut again) = (Bits::for_count(count), Bits::for_count(count));
    for (at, marks) in &fresh {
        for mark in marks.iter() {
            if once.put(*mark) || units[*at].is_page {
                again.put(*mark);
            }
        }
    }
    let sought = Sought::with(once, count, fresh.iter().flat_map(|(_, marks)| marks.iter().copied()));
    let mut left: Vec<(u32, usize)> = Vec::new();
    let mut of = fresh.iter().peekable();
    for (at, unit) in units.iter().enumerate() {
        let own = of.next_if(|(fresh, _)| *fresh == at).map_or(0, |(_, marks)| marks.len());
        if own < unit.marks.count() {
            left.extend(unit.marks_among(&sought, repo, memory)?.into_iter().map(|mark| (mark, at)));
        }
    }
    for (mark, _) in &left {
        again.put(*mark);
    }
    for (at, marks) in &fresh {
        left.extend(marks.iter().filter(|mark| again.has(**mark)).map(|mark| (*mark, *at)));
    }
    left.sort_unstable();
    left.dedup();
    let is_new_page = |at: usize| new[at] && units[at].is_page;
    let groups = left.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1 || group.iter().any(|(_, at)| is_new_page(*at)));
    Ok(groups.flatten().map(|(_, at)| *at).collect())
}

/// The ids that stand in those units, sorted, with the unit and what is said there.
fn ids(repo: &Repo, units: &[Unit], some: &BTreeSet<usize>, memory: &dyn Memory) -> Result<Vec<(u64, usize, u64)>, MergeError> {
    // Only ids whose lower half stands in several of them can be shared.
    let mut all: Vec<u32> = Vec::new();
    for at in some.iter().filter(|_| some.len() > 1) {
        all.extend(units[*at].marks(repo, memory)?.iter());
    }
    all.sort_unstable();
    let marks = Sought::of(all.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).map(|same| same[0]));
    let mut out = Vec::new();
    let mut names = Interner::default();
    for at in some {
        let unit = &units[*at];
        let wanted = |id: u64| unit.is_page || marks.may_have(low(id));
        if !unit.is_page && unit.marks_among(&marks, repo, memory)?.is_empty() {
            continue;
        }
        for (blob, kind) in unit.files(repo)? {
            let ids: Ids = file(repo, memory, &blob, &kind, &mut names)?.map(|file| file.ids).unwrap_or_default();
            out.extend(ids.into_iter().filter(|(id, _)| wanted(*id)).map(|(id, said)| (id, *at, said)));
        }
    }
    out.sort_unstable();
    Ok(out)
}
