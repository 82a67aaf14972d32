//! The lines of the repository that hold what is explained.

use std::collections::{BTreeSet, HashMap};

use super::evidence::{Copy, Evidence, Explanation};
use crate::base::ids::{Interner, MachineId, RecordId};
use crate::base::time::Day;
use crate::fleet::DataError;
use crate::fleet::read::{self, Content};
use crate::format::line::{Line, read_line};
use crate::format::syncfile::SyncFile;
use crate::git::repo::{FILE, Repo};
use crate::record::{Record, derived_id};
use crate::store::layout::{Path, ROOT};

impl Explanation {
    /// Finds the lines of the repository's current commit that hold what was found.
    pub(crate) fn find_copies(&mut self, repo: &Repo) -> Result<(), DataError> {
        let Some(head) = repo.synced()? else {
            return Ok(());
        };
        let twin = |one: &Evidence| derived_id(one.at, &one.model, &one.totals.counters);
        let places = RecordLocations {
            ids: self.places(|one| one.id),
            twins: self.places(|one| one.id.map(|_| twin(one))),
        };
        let mut names = Interner::default();
        let blobs = repo.blobs(Some(repo.tree_of(head)?), ROOT)?;
        for blob in blobs.into_iter().filter(|blob| blob.mode == FILE) {
            let kind = Path::parse(&blob.path);
            if !matches!(kind, Path::Machine(_) | Path::Day(..)) {
                continue;
            }
            let Content::Bytes(bytes) = read::content(repo, &blob.path, blob.oid)? else {
                continue;
            };
            copies(&kind, &blob.path, &bytes, &mut names, |copy| {
                places.put(&mut self.found, copy);
            });
        }
        self.found.iter_mut().for_each(drop_repeated);
        Ok(())
    }
}

/// Indexes of what was found, by id.
struct RecordLocations {
    ids: HashMap<RecordId, usize>,
    /// By the id that a record without an id of its own has.
    twins: HashMap<RecordId, usize>,
}

impl RecordLocations {
    fn put(&self, found: &mut [Evidence], copy: Copy) {
        if let Some(at) = self.ids.get(&copy.record.id) {
            found[*at].copies.push(copy);
        } else if let Some(at) = self.twins.get(&copy.record.id)
            && copy.record.derived
        {
            found[*at].twins.push(copy);
        }
    }
}

/// Gives the records of a file.
fn copies(kind: &Path, path: &str, bytes: &[u8], names: &mut Interner, mut give: impl FnMut(Copy)) {
    let (Path::Machine(machine) | Path::Day(machine, ..)) = kind else {
        return;
    };
    let copy = |line, record| Copy {
        machine: machine.clone(),
        path: path.to_owned(),
        line,
        record,
        added: None,
    };
    if let Path::Day(_, day, _) = kind {
        records(bytes, *day, names, |line, record| give(copy(line, record)));
    } else if let Ok(file) = SyncFile::read(machine, bytes, names) {
        let records = file.sessions.values().flat_map(|one| one.records.iter());
        records.for_each(|record| give(copy(0, record)));
    }
}

/// Drops copies of a machine file that the machine's day files have too.
fn drop_repeated(one: &mut Evidence) {
    let in_day_file = |copy: &&Copy| copy.line > 0;
    let days: BTreeSet<MachineId> = one
        .copies
        .iter()
        .filter(in_day_file)
        .map(|copy| copy.machine.clone())
        .collect();
    one.copies
        .retain(|copy| copy.line > 0 || !days.contains(&copy.machine));
}

/// Gives the records of a day file with their lines' numbers.
pub(super) fn records(
    bytes: &[u8],
    day: Day,
    names: &mut Interner,
    mut give: impl FnMut(u64, Record),
) {
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if let Ok(text) = std::str::from_utf8(line)
            && let Some(Line::Record(record, _)) = read_line(text, day, names)
        {
            give(number, record);
        }
    }
}
