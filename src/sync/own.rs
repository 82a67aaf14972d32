//! This machine's files: where new records go, and the page that tells of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::SyncError;
use super::page::{Figures, Stamp, Views, blank, fit};
use crate::base::ids::{Interner, MachineId, Name, RecordId, SessionId};
use crate::base::time::{Day, Timestamp};
use crate::cache::digest::{FileDigest, digest_day};
use crate::fleet::Fleet;
use crate::fleet::read::{Content, MachineData};
use crate::fleet::rules::{Rules, forgotten_day};
use crate::fleet::settle::note_twin;
use crate::fleet::settle::shown;
use crate::format::FormatError;
use crate::format::dayfile::{Damage, DayFile, Forgotten};
use crate::format::syncfile::{Decision, DecisionKey, Mode, Session, SyncFile};
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, FOLDER, Repo};
use crate::prices::PriceBook;
use crate::record::{Counters, Level, Record, RecordSet, Source, Sum, SumKey, Totals};
use crate::store::layout::{self, PART_BYTES, Path};

/// What a record's line takes, more or less. How long a part is is known exactly when it is read the next time.
const LINE: usize = 360;

/// So many sessions never fit a page: each takes 280 bytes and more.
const MOST_VIEWS: usize = 1000;

/// So many copies of records never fit a page: each takes 180 bytes and more.
const MOST_COPIES: usize = 1500;

/// What the line of a forgotten id takes.
const FORGOTTEN_LINE: usize = 59;

/// A day file to write.
pub struct Written {
    /// Where.
    pub path: String,
    /// What.
    pub text: String,
    /// Its digest.
    pub digest: FileDigest,
}

/// The checksums of sessions, over those of their days in order.
#[derive(Default)]
pub struct Checksums(pub(super) BTreeMap<SessionId, Sha256>);

/// One part of one day, as it lies in the repository and as it is becoming.
pub(super) struct Part {
    pub(super) file: DayFile,
    size: usize,
    changed: bool,
}

/// A request that is held against increments.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub session: SessionId,
    pub model: Name,
    /// When; the start of its day where no more is known.
    pub at: Timestamp,
    pub level: Level,
    pub sidechain: bool,
    pub counters: Counters,
}

/// Own files, read from a tree: all of them, or those that a run may change.
pub struct Own {
    machine: MachineId,
    pub(super) parts: BTreeMap<(Day, u32), Part>,
    /// Parts that cannot be read: they are left alone, and their numbers are taken.
    broken: BTreeSet<(Day, u32)>,
    page: Option<SyncFile>,
    /// Which part holds a record.
    pub(super) place: HashMap<RecordId, (Day, u32)>,
    /// The highest index given in each session.
    highest: HashMap<SessionId, u64>,
    /// Records that this run added or enlarged, and sessions that it touched.
    brought: Vec<RecordId>,
    touched: BTreeSet<SessionId>,
    /// Sessions whose files are needed beside those.
    pub(super) near: BTreeSet<SessionId>,
    /// There are older files: requests may come late.
    pub(super) continues: bool,
    /// Requests that came late or grew, by what they are more than before.
    pub(super) grown: Vec<Shown>,
    names: Interner,
    pub(super) rules: Rules,
    /// New records are written with no more detail than this.
    level: Level,
    /// Ids of the fleet's records that have none of their own: a record that is one of them says so before it is shortened.
    derived: BTreeSet<RecordId>,
}

impl Own {
    /// A machine of which nothing is known yet.
    pub fn new(machine: &MachineId) -> Self {
        Self {
            machine: machine.clone(),
            parts: BTreeMap::new(),
            broken: BTreeSet::new(),
            page: None,
            place: HashMap::new(),
            highest: HashMap::new(),
            brought: Vec::new(),
            touched: BTreeSet::new(),
            near: BTreeSet::new(),
            continues: false,
            grown: Vec::new(),
            names: Interner::default(),
            rules: Rules::default(),
            level: Level::Full,
            derived: BTreeSet::new(),
        }
    }

    /// Writes new records with no more detail than `level`, and none that the rules do not keep.
    #[must_use]
    pub fn with(self, level: Level, rules: &Rules, derived: BTreeSet<RecordId>) -> Self {
        Self {
            level,
            rules: rules.clone(),
            derived,
            ..self
        }
    }

    /// Reads one of the machine's files; files of others are not looked at.
    pub fn read(&mut self, path: &str, content: Content) -> Result<(), SyncError> {
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge(_) | Content::Refused(_) => Vec::new(),
        };
        let newer = |source| SyncError::Newer {
            path: path.to_owned(),
            source,
        };
        match Path::parse(path) {
            Path::Machine(machine) if machine == self.machine => {
                match SyncFile::read(&machine, &bytes, &mut self.names) {
                    Ok(page) => self.page = Some(page),
                    Err(source @ FormatError::Newer(_)) => return Err(newer(source)),
                    // Broken: written anew from the day files. The broken version stays in git's history.
                    Err(_) => {}
                }
            }
            Path::Day(machine, day, number) if machine == self.machine => {
                match DayFile::read(&machine, day, &bytes, &mut self.names) {
                    Ok((mut file, damage)) => {
                        // If it is written anew, its new checksum must not hide that the old one failed.
                        damage
                            .checksums
                            .iter()
                            .for_each(|session| file.mark_suspect(session));
                        self.add_part(day, number, file, bytes.len());
                    }
                    Err(source @ FormatError::Newer(_)) => return Err(newer(source)),
                    Err(_) => {
                        self.broken.insert((day, number));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_part(&mut self, day: Day, number: u32, file: DayFile, size: usize) {
        for record in file.records.iter() {
            self.place.entry(record.id).or_insert((day, number));
            let highest = self
                .highest
                .entry(record.origin.session.clone())
                .or_default();
            *highest = (*highest).max(record.index);
        }
        self.parts.insert(
            (day, number),
            Part {
                file,
                size,
                changed: false,
            },
        );
    }

    /// Whose files they are.
    pub fn machine(&self) -> &MachineId {
        &self.machine
    }

    /// Whether the machine has no page yet.
    pub fn is_new(&self) -> bool {
        self.page.is_none()
    }

    /// Takes over records from transcripts: new ones into the file of their day, known ones into the file that has them.
    pub fn add_records(&mut self, records: &RecordSet) {
        let copies = self.copies();
        // Copies on the page whose day file lost them, as after a revert by hand.
        for record in copies.into_iter().filter(|r| !r.derived) {
            if !self.place.contains_key(&record.id) {
                let place = self.add_record(&record);
                self.place.extend(place.map(|place| (record.id, place)));
            }
        }
        // Each of these has an id of its own, so that their places are not asked for again.
        for record in records.sorted() {
            self.add_record(&record);
        }
    }

    /// Adds a record, and returns where a new one went.
    pub(super) fn add_record(&mut self, record: &Record) -> Option<(Day, u32)> {
        let mut new = None;
        if let Some(place) = self.place.get(&record.id) {
            let known = self.parts.get(place)?.file.records.get(record.id);
            let level = known
                .as_ref()
                .map_or(Level::Full, |known| known.origin.level);
            let read = record;
            let record = &self.shortened(record.clone(), level);
            if known.as_ref().is_some_and(|known| known.covers(record)) {
                return None;
            }
            let part = self.parts.get_mut(place)?;
            part.file.records.add(record.clone());
            part.changed = true;
            // A copy from another session may be the original.
            if let Some(joined) = part.file.records.get(record.id) {
                let more = joined
                    .body
                    .counters
                    .minus(known.map(|known| known.body.counters).unwrap_or_default());
                self.grown.extend(
                    Self::late(read, more)
                        .filter(|_| self.continues)
                        .map(|one| Shown {
                            session: joined.origin.session.clone(),
                            ..one
                        }),
                );
                self.touched.insert(joined.origin.session);
            }
        } else {
            // Which of a day's stretches a shortened one belongs to is not known later.
            self.grown.extend(
                Self::late(record, record.body.counters)
                    .filter(|_| self.continues && self.level == Level::Full),
            );
            let record = self.shortened(record.clone(), self.level);
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
            new = Some(place);
            if let Some(part) = self.parts.get_mut(&place) {
                part.size = part.size.saturating_add(LINE);
                part.changed = true;
                part.file.records.add(record);
            }
        }
        self.brought.push(record.id);
        self.touched.insert(record.origin.session.clone());
        new
    }

    /// A request as what is held against increments that were settled before it came.
    fn late(record: &Record, more: Counters) -> Option<Shown> {
        let Record { origin, body, .. } = record;
        let is_more = record.ledger.is_none() && more != Counters::default();
        is_more.then(|| Shown {
            session: origin.session.clone(),
            model: body.model.clone(),
            at: origin.timestamp,
            level: origin.level,
            sidechain: body.sidechain,
            counters: more,
        })
    }

    /// A record with no more detail than a level and retention allow.
    fn shortened(&self, record: Record, level: Level) -> Record {
        let short = self
            .rules
            .shortened(&self.machine, record.clone().shortened(level));
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
    fn open_part(&mut self, day: Day) -> (Day, u32) {
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

    /// Adds a sum, and says whether that changed anything.
    pub fn add_sum(&mut self, key: SumKey, sum: Sum) -> bool {
        let holder = self
            .parts
            .iter()
            .find(|(_, part)| part.file.sums.contains_key(&key))
            .map(|(place, _)| *place);
        let day = sum.window.map_or(key.day, |window| {
            if key.source == Source::Claim {
                window.first.day()
            } else {
                key.day
            }
        });
        let place = holder.unwrap_or_else(|| self.open_part(day));
        let Some(part) = self.parts.get_mut(&place) else {
            return false;
        };
        let before = part.file.sums.get(&key).cloned();
        part.file.add_sum(key.clone(), sum);
        let is_new = part.file.sums.get(&key) != before.as_ref();
        if is_new {
            part.changed = true;
            self.touched.insert(key.session);
        }
        is_new
    }

    /// Takes over sums that other tools made, except those that records show already. Returns of how many days something is new, and of
    /// how many all is shown. All files must have been read.
    pub fn add_imports(&mut self, lines: &[(SumKey, Sum)]) -> (u64, u64) {
        if lines.is_empty() {
            return (0, 0);
        }
        let mut days: BTreeMap<Day, (bool, bool)> = BTreeMap::new();
        for ((key, sum), is_shown) in lines.iter().zip(shown(&self.data(), lines)) {
            let is_new = !is_shown && self.add_sum(key.clone(), sum.clone());
            let day = days.entry(key.day).or_insert((false, true));
            *day = (day.0 || is_new, day.1 && is_shown);
        }
        let count = |wanted: fn(&(bool, bool)) -> bool| {
            days.values().filter(|day| wanted(day)).count() as u64
        };
        (count(|day| day.0), count(|day| day.1))
    }

    /// Notes ids of forgotten records. The files of the day that holds them must have been read.
    pub fn forget(&mut self, ids: &BTreeSet<Forgotten>) {
        let known: BTreeSet<Forgotten> = self
            .parts
            .values()
            .flat_map(|part| part.file.forgotten.iter().copied())
            .collect();
        let new: Vec<Forgotten> = ids.difference(&known).copied().collect();
        if !new.is_empty() {
            let place = self.open_part(forgotten_day());
            if let Some(part) = self.parts.get_mut(&place) {
                part.size = part
                    .size
                    .saturating_add(new.len().saturating_mul(FORGOTTEN_LINE));
                part.file.forgotten.extend(new);
                part.changed = true;
            }
        }
    }

    /// Brings back forgotten ids. The files of the day that holds them must have been read.
    pub fn keep(&mut self, ids: &BTreeSet<RecordId>) {
        let known: BTreeSet<RecordId> = self
            .parts
            .values()
            .flat_map(|part| part.file.kept())
            .collect();
        let new: Vec<RecordId> = ids.difference(&known).copied().collect();
        if !new.is_empty() {
            let place = self.open_part(forgotten_day());
            if let Some(part) = self.parts.get_mut(&place) {
                part.size = part
                    .size
                    .saturating_add(new.len().saturating_mul(FORGOTTEN_LINE));
                new.into_iter().for_each(|id| part.file.keep(id));
                part.changed = true;
            }
        }
    }

    /// Shortens what retention no longer allows in the files that were read.
    pub fn prune(&mut self) {
        let Some(bound) = self.rules.pruned_before(&self.machine) else {
            return;
        };
        for at in self.parts.keys().copied().collect::<Vec<_>>() {
            let records = self
                .parts
                .get(&at)
                .map(|part| part.file.records.clone())
                .unwrap_or_default();
            if !records
                .entries()
                .any(|entry| entry.level > Level::Bare && entry.at.day() < bound)
            {
                continue;
            }
            let records = records
                .iter()
                .map(|record| self.shortened(record, Level::Full))
                .collect();
            if let Some(part) = self.parts.get_mut(&at) {
                part.file.records = records;
                part.file.drop_empty_sessions();
                part.changed = true;
            }
        }
    }

    /// Whether a file that was read says all that a record says.
    pub(super) fn covers(&self, record: &Record) -> bool {
        let part = self
            .place
            .get(&record.id)
            .and_then(|place| self.parts.get(place));
        part.and_then(|part| part.file.records.get(record.id))
            .is_some_and(|known| known.covers(&record.clone().shortened(known.origin.level)))
    }

    /// Adds a decision of this machine's.
    pub fn decide(&mut self, stamp: &Stamp, key: DecisionKey, decision: Decision) -> bool {
        let page = self.page.get_or_insert_with(|| blank(&self.machine, stamp));
        let new = !page.decisions.contains_key(&key);
        page.add_decision(key, decision);
        new
    }

    /// Applies the fleet's rules to what this run made.
    pub fn apply(&mut self, rules: &Rules) {
        if rules.is_empty() {
            return;
        }
        for part in self.parts.values_mut() {
            part.changed |= rules.apply_day(&mut part.file).changed;
        }
        if let Some(page) = &mut self.page {
            page.pruned_before = page.pruned_before.max(rules.pruned_before(&self.machine));
            rules.apply_machine_file(page);
        }
        self.rules = rules.clone();
    }

    /// Of days before this one the records in the repository are bare.
    pub fn pruned_before(&self) -> Option<Day> {
        self.page.as_ref().and_then(|page| page.pruned_before)
    }

    /// Whether anything is to be written.
    pub fn is_changed(&self) -> bool {
        self.parts.values().any(|part| part.changed)
    }

    /// Whether the page's totals are those of the records. There may be no page yet.
    pub fn is_counted(&self, figures: &Figures) -> bool {
        let told = |totals: &Totals| {
            let c = &totals.counters;
            [
                totals.requests,
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
            ]
        };
        self.page.as_ref().is_none_or(|page| {
            page.claimed.is_some() || told(&page.totals) == told(&figures.totals)
        })
    }

    /// How many files are to be written.
    pub fn changed_parts(&self) -> u64 {
        self.parts.values().filter(|part| part.changed).count() as u64
    }

    /// Whether a file was read.
    pub(super) fn has(&self, place: (Day, u32)) -> bool {
        self.parts.contains_key(&place) || self.broken.contains(&place)
    }

    /// Whether a record stands in a file that was read.
    pub(super) fn holds(&self, id: RecordId) -> bool {
        self.place.contains_key(&id)
    }

    /// Ids of records on the page: copies of what stands in day files.
    pub(super) fn copies(&self) -> Vec<Record> {
        self.page
            .iter()
            .flat_map(|page| page.sessions.values())
            .flat_map(|session| session.records.iter())
            .collect()
    }

    /// Takes note of an index that was given in a file that was not read.
    pub(super) fn given(&mut self, session: &str, index: u64) {
        let id = SessionId::new(self.names.name(session));
        let highest = self.highest.entry(id).or_default();
        *highest = (*highest).max(index);
    }

    /// The sessions whose files are needed: those that were touched, and those that accounts are settled with.
    pub(super) fn needed(&self) -> BTreeSet<SessionId> {
        self.touched.union(&self.near).cloned().collect()
    }

    /// Gives out the files that changed, some at a time.
    pub fn write_parts<E>(
        &self,
        mut put: impl FnMut(Vec<Written>) -> Result<(), E>,
    ) -> Result<Checksums, E> {
        let wanted = |part: &&Part| {
            part.changed
                || part
                    .file
                    .records
                    .entries()
                    .any(|entry| self.touched.contains(entry.session))
                || part
                    .file
                    .sums
                    .keys()
                    .any(|key| self.touched.contains(&key.session))
        };
        let parts: Vec<_> = self.parts.iter().filter(|(_, part)| wanted(part)).collect();
        let mut checksums = Checksums::default();
        // Some at a time, so that not all their texts are held at once.
        for some in parts.chunks(rayon::current_num_threads()) {
            let write = |((day, number), part): &(&(Day, u32), &Part)| {
                let (text, sums) = part.file.write();
                let path = layout::day_path(&self.machine, *day, *number);
                let digest = part
                    .changed
                    .then(|| digest_day(&path, &part.file, &Damage::default()));
                (path, text, sums, digest)
            };
            let made: Vec<_> = some.par_iter().map(write).collect();
            let mut written = Vec::new();
            for (path, text, sums, digest) in made {
                for (session, sum) in sums
                    .into_iter()
                    .filter(|(session, _)| self.touched.contains(session))
                {
                    checksums
                        .0
                        .entry(session)
                        .or_default()
                        .update(format!("{sum}\n"));
                }
                written.extend(digest.map(|digest| Written { path, text, digest }));
            }
            if !written.is_empty() {
                put(written)?;
            }
        }
        Ok(checksums)
    }

    /// All files to write, by path, where all of the machine's files were read.
    pub fn write(self, stamp: &Stamp, snapshot: bool) -> BTreeMap<String, Vec<u8>> {
        let mut out = BTreeMap::new();
        let put = |written: Vec<Written>| -> Result<(), std::convert::Infallible> {
            out.extend(
                written
                    .into_iter()
                    .map(|file| (file.path, file.text.into_bytes())),
            );
            Ok(())
        };
        let Ok(checksums) = self.write_parts(put);
        let figures = self.figures();
        let (machine, now) = (self.machine.clone(), stamp.now);
        let text = self.write_page(&figures, checksums, stamp);
        if snapshot {
            out.insert(
                layout::snapshot_path(&machine, now),
                text.clone().into_bytes(),
            );
        }
        out.insert(layout::machine_path(&machine), text.into_bytes());
        out
    }

    /// What all of the machine's files say.
    pub(super) fn data(&self) -> MachineData {
        let mut data = MachineData::new(self.machine.clone());
        self.parts
            .values()
            .for_each(|part| data.add_file(part.file.clone()));
        self.copies()
            .into_iter()
            .for_each(|record| data.records.add(record));
        data.machine_file = self.page.clone().map(Ok);
        data
    }

    /// The machine's figures from all of its files.
    fn figures(&self) -> Figures {
        let data = self.data();
        let wanted = self.views();
        let mut models: HashMap<SessionId, BTreeSet<String>> = HashMap::new();
        let fleet = Fleet::count_by(vec![data], PriceBook::default(), &mut |row| {
            Figures::see(&wanted, &mut models, row);
        });
        Figures::of(&fleet, wanted, models)
    }

    /// The sessions that the page will show: those that were touched, or the last used of them where the page has no room for all.
    pub(super) fn views(&self) -> BTreeSet<SessionId> {
        let wanted = self.touched.clone();
        if wanted.len() <= MOST_VIEWS {
            return wanted;
        }
        let mut last: HashMap<&SessionId, Timestamp> = HashMap::new();
        for entry in self
            .parts
            .values()
            .flat_map(|part| part.file.records.entries())
            .filter(|entry| wanted.contains(entry.session))
        {
            let slot = last.entry(entry.session).or_insert(entry.at);
            *slot = (*slot).max(entry.at);
        }
        let mut order: Vec<_> = last
            .into_iter()
            .map(|(session, last)| (std::cmp::Reverse(last), session.clone()))
            .collect();
        order.sort();
        order
            .into_iter()
            .take(MOST_VIEWS)
            .map(|(_, session)| session)
            .collect()
    }

    /// The records that this run brought, as far as a page has room for them: it has for all or for none.
    fn brought(&self) -> RecordSet {
        if self.brought.len() > MOST_COPIES {
            return RecordSet::default();
        }
        let copies = |id: &RecordId| {
            self.parts
                .values()
                .filter_map(|part| part.file.records.get(*id))
                .collect::<Vec<_>>()
        };
        self.brought
            .iter()
            .flat_map(copies)
            .filter(|record| record.origin.level == Level::Full)
            .collect()
    }

    /// The page with these figures.
    pub fn write_page(self, figures: &Figures, checksums: Checksums, stamp: &Stamp) -> String {
        let brought = self.brought();
        let mut page = self.page.unwrap_or_else(|| blank(&self.machine, stamp));
        let held: BTreeMap<SessionId, Session> = page
            .sessions
            .iter()
            .filter(|(_, s)| s.claimed.is_some())
            .map(|(id, s)| (id.clone(), s.clone()))
            .collect();
        if !self.touched.is_empty() {
            // The page tells of the last sync that brought something.
            page.sessions.clone_from(&held);
        }
        page.machine.hostname.clone_from(&stamp.host.hostname);
        page.machine.platform.clone_from(&stamp.host.platform);
        page.machine.os_version.clone_from(&stamp.host.os_version);
        env!("CARGO_PKG_VERSION").clone_into(&mut page.machine.tracker_version);
        page.machine.updated_at = stamp.now;
        page.machine.revision = page.machine.revision.saturating_add(1);
        match stamp.mode {
            Mode::Full => page.metadata.last_full_sync = Some(stamp.now),
            Mode::Incremental => page.metadata.last_incremental_sync = Some(stamp.now),
        }
        page.metadata.sync_mode = stamp.mode;
        page.metadata.total_sessions = figures.sessions;
        page.metadata.total_usage_records = figures.records;
        page.totals = figures.totals;
        page.first_usage = figures
            .first
            .into_iter()
            .chain(page.claimed.and_then(|claim| claim.first))
            .min();
        page.last_usage = figures.last;
        let mut views = Views::new(figures, &brought, &self.highest, checksums);
        for id in figures.views.keys().filter(|id| !held.contains_key(id)) {
            if let Some(view) = views.session(id) {
                page.sessions.insert(id.clone(), view);
            }
        }
        self.rules.apply_machine_file(&mut page);
        fit(page).write()
    }

    /// The page as it is, with what was decided since it was read.
    pub fn draft(&self) -> Option<String> {
        self.page.as_ref().map(SyncFile::write)
    }
}

/// The folders of this machine's months below a root tree.
pub fn own_months(
    repo: &Repo,
    root: Option<Oid>,
    machine: &MachineId,
) -> Result<BTreeMap<String, Oid>, SyncError> {
    let mut out = BTreeMap::new();
    let folders = |tree: Option<Oid>| -> Result<Vec<(String, Oid)>, SyncError> {
        Ok(repo
            .entries(tree)?
            .into_iter()
            .filter(|(_, entry)| entry.mode == FOLDER)
            .map(|(name, entry)| (name, entry.oid))
            .collect())
    };
    for (year, months) in folders(repo.folder(root, layout::ARCHIVE)?)? {
        for (month, machines) in folders(Some(months))? {
            if let Some(oid) = repo.folder(Some(machines), machine.as_str())? {
                out.insert(format!("{}/{year}/{month}/{machine}", layout::ARCHIVE), oid);
            }
        }
    }
    Ok(out)
}

/// The day files in the folder of a month.
pub fn month_blobs(
    repo: &Repo,
    path: &str,
    folder: Oid,
) -> Result<Vec<(Blob, Day, u32)>, SyncError> {
    let mut out = Vec::new();
    for (name, entry) in repo
        .entries(Some(folder))?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE)
    {
        let path = format!("{path}/{name}");
        if let Path::Day(_, day, number) = Path::parse(&path) {
            out.push((
                Blob {
                    path,
                    mode: entry.mode,
                    oid: entry.oid,
                },
                day,
                number,
            ));
        }
    }
    Ok(out)
}

/// All own day files below a root tree.
pub fn own_blobs(
    repo: &Repo,
    root: Option<Oid>,
    machine: &MachineId,
) -> Result<Vec<(Blob, Day, u32)>, SyncError> {
    let months = own_months(repo, root, machine)?;
    months
        .into_iter()
        .try_fold(Vec::new(), |mut all, (path, folder)| {
            all.extend(month_blobs(repo, &path, folder)?);
            Ok(all)
        })
}
