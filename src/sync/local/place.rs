//! Where records go: new ones into the last part of their day, known ones into the part that has
//! them.

use std::collections::BTreeSet;

use super::parts::{LocalFiles, Part};
use super::request::SeenRequest;
use crate::base::ids::RecordId;
use crate::base::time::Day;
use crate::fleet::settle::note_twin;
use crate::format::dayfile::DayFile;
use crate::record::{Level, Record, RecordSet};
use crate::store::layout::PART_BYTES;

/// About how many bytes a record's line takes. The exact length of a part is known when it is read
/// the next time.
const LINE: usize = 360;

impl LocalFiles {
    /// Takes over records from transcripts: new ones into the file of their day, known ones into
    /// the file that has them.
    pub(crate) fn add_records(&mut self, records: &RecordSet) {
        let copies = self.copies();
        let noted = self.grown.len();
        // Copies in the machine file whose day file lost them, as after a revert by hand.
        for record in copies.into_iter().filter(|r| !r.derived) {
            if !self.place.contains_key(&record.id) {
                let place = self.add_record(&record);
                self.place.extend(place.map(|place| (record.id, place)));
            }
        }
        // Accounts were settled with these: they do not come late.
        self.grown.truncate(noted);
        // Each of these has an id of its own, so that their places are not asked for again.
        for record in records.sorted() {
            self.add_record(&record);
        }
    }

    /// Adds a record, and returns where a new one went.
    pub(super) fn add_record(&mut self, record: &Record) -> Option<(Day, u32)> {
        let new = match self.place.get(&record.id).copied() {
            Some(place) if self.enlarge(place, record) => None,
            Some(_) => return None,
            None => Some(self.add_new(record)),
        };
        self.brought.push(record.id);
        self.touched.insert(record.origin.session.clone());
        new
    }

    /// Joins a record with the version that a part has, and returns whether that changed it.
    fn enlarge(&mut self, place: (Day, u32), read: &Record) -> bool {
        let Some(part) = self.parts.get(&place) else {
            return false;
        };
        let known = part.file.records.get(read.id);
        let level = known
            .as_ref()
            .map_or(Level::Full, |known| known.origin.level);
        let record = self.pruned(read.clone(), level);
        if known.as_ref().is_some_and(|known| known.covers(&record)) {
            return false;
        }
        let Some(part) = self.parts.get_mut(&place) else {
            return false;
        };
        part.file.records.add(record);
        part.changed = true;
        if let Some(joined) = part.file.records.get(read.id) {
            let before = known.map(|known| known.body.counters).unwrap_or_default();
            let late = SeenRequest::late(read, joined.body.counters.minus(before));
            self.grown
                .extend(late.filter(|_| self.continues).map(|one| SeenRequest {
                    session: joined.origin.session.clone(),
                    ..one
                }));
            // A copy from another session may be the original.
            self.touched.insert(joined.origin.session);
        }
        true
    }

    /// Adds a record that no part has, and returns where it went.
    fn add_new(&mut self, record: &Record) -> (Day, u32) {
        // A record without its time cannot be assigned to one of its day's stretches later.
        self.grown.extend(
            SeenRequest::late(record, record.body.counters)
                .filter(|_| self.continues && self.level == Level::Full),
        );
        let record = self.pruned(record.clone(), self.level);
        let index = if record.origin.level == Level::Full && record.ledger.is_none() {
            let highest = self
                .highest
                .entry(record.origin.session.clone())
                .or_default();
            *highest = highest.saturating_add(1);
            *highest
        } else {
            0
        };
        let record = Record { index, ..record };
        let place = self.open_part(record.day());
        if let Some(part) = self.parts.get_mut(&place) {
            part.size = part.size.saturating_add(LINE);
            part.changed = true;
            part.file.records.add(record);
        }
        place
    }

    /// A record with no more detail than a level and retention allow.
    pub(super) fn pruned(&self, record: Record, level: Level) -> Record {
        let short = self
            .rules
            .pruned(&self.machine, record.clone().pruned(level));
        if short.origin.level < record.origin.level {
            Record {
                twins: self.noted(&record),
                ..short
            }
        } else {
            record
        }
    }

    fn noted(&self, record: &Record) -> BTreeSet<RecordId> {
        let mut record = record.clone();
        note_twin(&mut record, &self.derived);
        record.twins
    }

    /// The last part of a day, or the next one where that is full.
    pub(super) fn open_part(&mut self, day: Day) -> (Day, u32) {
        let numbers = (day, 1)..=(day, u32::MAX);
        let last = self
            .parts
            .range(numbers.clone())
            .map(|(key, part)| (key.1, part.size < PART_BYTES))
            .next_back();
        let broken = self
            .broken
            .range(numbers)
            .map(|key| (key.1, false))
            .next_back();
        let number = match last.max(broken) {
            None => 1,
            Some((number, true)) => number,
            Some((number, false)) => number.saturating_add(1),
        };
        let machine = self.machine.clone();
        self.parts.entry((day, number)).or_insert_with(|| Part {
            file: DayFile::new(machine, day),
            size: 0,
            changed: false,
        });
        (day, number)
    }
}
