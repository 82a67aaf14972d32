//! What a version of a file lacks of an earlier one.

use std::collections::BTreeMap;

use super::breach::Breach;
use crate::base::ids::SessionId;
use crate::base::join::Join as _;
use crate::fleet::rules::Rules;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::syncfile::SyncFile;
use crate::record::{Record, Sum, Totals};

/// What the rules leave of a day file.
fn under(rules: &Rules, file: &DayFile) -> DayFile {
    let mut left = file.clone();
    let _ = rules.apply_day(&mut left);
    left
}

/// How much a version of a day file lacks of an earlier one that the rules leave. It lacks nothing
/// that it has as the rules leave it, nor what it has as it stood: a record that was pruned here
/// keeps its own time when it is joined with one that was not.
pub(crate) fn lost(old: &DayFile, rules: &Rules, new: &DayFile) -> u64 {
    let left = under(rules, old);
    let has = |record: &Record| {
        new.records
            .get(record.id)
            .is_some_and(|now| now.covers(record))
    };
    let gone = left
        .records
        .iter()
        .filter(|record| !has(record) && !old.records.get(record.id).is_some_and(|old| has(&old)))
        .count();
    let covered = |now: &Sum, old: &Sum| now.clone().join(old.clone()) == *now;
    let lowered = left
        .sums
        .iter()
        .filter(|(key, sum)| !new.sums.get(*key).is_some_and(|now| covered(now, sum)))
        .count();
    let forgotten = left.forgotten.difference(&new.forgotten).count();
    (gone + lowered + forgotten + left.unknown.difference(&new.unknown).count()) as u64
}

/// How much a day file has that may be lost.
fn held(file: &DayFile) -> u64 {
    (file.records.len() + file.sums.len() + file.forgotten.len()) as u64
}

/// Names what a day file lacks or breaks of an earlier version. `there`: the file is in the new
/// tree, readable or not.
pub(super) fn compare_days(
    path: &str,
    was: Option<(DayFile, Damage)>,
    rules: &Rules,
    there: bool,
    is: Option<(DayFile, Damage)>,
    out: &mut Vec<Breach>,
) {
    let path = path.to_owned();
    let Some((new, damage)) = is else {
        let left = was.map(|(old, _)| under(rules, &old));
        match (left.map_or(0, |left| held(&left)), there) {
            (0, _) => {}
            (_, true) => out.push(Breach::Unreadable { path }),
            (what, false) => out.push(Breach::Lost { path, what }),
        }
        return;
    };
    // Where there was nothing, any damage is new.
    let (what, harm) = was.map_or((0, Damage::default()), |(old, harm)| {
        (lost(&old, rules, &new), harm)
    });
    if what > 0 {
        out.push(Breach::Lost {
            path: path.clone(),
            what,
        });
    }
    if damage.lines > harm.lines {
        out.push(Breach::Damaged {
            path: path.clone(),
            lines: damage.lines,
        });
    }
    let sessions = damage.checksums.difference(&harm.checksums).count() as u64;
    if sessions > 0 {
        out.push(Breach::Checksum { path, sessions });
    }
}

/// What a machine file claims: of sessions, and of all that its machine used.
fn claims(file: &SyncFile) -> BTreeMap<Option<&SessionId>, Totals> {
    let sessions = file
        .sessions
        .iter()
        .filter_map(|(id, s)| Some((Some(id), s.claimed?)));
    sessions
        .chain(file.claimed.map(|claim| (None, claim.totals)))
        .collect()
}

/// Names what a machine file lacks or breaks of an earlier version. `there`: the file is in the new
/// tree, readable or not.
pub(super) fn compare_machine_files(
    path: &str,
    was: Option<SyncFile>,
    there: bool,
    is: Option<SyncFile>,
    out: &mut Vec<Breach>,
) {
    let path = path.to_owned();
    match (was, is) {
        (Some(old), Some(new)) => {
            let kept = claims(&new);
            let lost = claims(&old)
                .into_iter()
                .filter(|(id, claim)| kept.get(id).is_none_or(|now| now.join(*claim) != *now))
                .count();
            let undone = old
                .decisions
                .keys()
                .filter(|key| !new.decisions.contains_key(*key))
                .count();
            let what = (lost + undone) as u64;
            if what > 0 {
                out.push(Breach::Lost { path, what });
            }
        }
        (Some(_), None) if there => out.push(Breach::Unreadable { path }),
        (Some(_), None) => out.push(Breach::Lost { path, what: 1 }),
        // One that was broken before, or is new and broken: a newer format perhaps. Its day files
        // are what counts.
        (None, _) => {}
    }
}
