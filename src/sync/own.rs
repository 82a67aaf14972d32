//! This machine's files: where new records go, and the page that tells of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::SyncError;
use super::page::{Stamp, Views, blank, fit, summarise};
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::join::{Join as _, absorb};
use crate::base::time::Day;
use crate::format::FormatError;
use crate::format::dayfile::DayFile;
use crate::format::syncfile::{Decision, DecisionKey, Mode, Session, SyncFile};
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, FOLDER, Repo};
use crate::merge::data::{self, Content, MachineData};
use crate::merge::fleet::Fleet;
use crate::records::{Record, RecordSet};
use crate::store::layout::{self, PART_BYTES, Path};

/// One part of one day, as it lies in the repository and as it is becoming.
struct Part {
    file: DayFile,
    size: usize,
    changed: bool,
}

/// All own files, read from a tree.
pub struct Own {
    machine: MachineId,
    parts: BTreeMap<(Day, u32), Part>,
    /// Parts that cannot be read: they are left alone, and their numbers are taken.
    broken: BTreeSet<(Day, u32)>,
    page: Option<SyncFile>,
    /// Which part holds a record.
    place: HashMap<RecordId, (Day, u32)>,
    /// The highest index given in each session.
    highest: HashMap<SessionId, u64>,
    /// Records that this run added or enlarged, and sessions that it touched.
    brought: Vec<RecordId>,
    touched: BTreeSet<SessionId>,
    names: Interner,
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
            names: Interner::default(),
        }
    }

    /// Reads the machine's files below a root tree.
    pub fn load(repo: &Repo, root: Option<Oid>, machine: &MachineId) -> Result<Self, SyncError> {
        let mut own = Self::new(machine);
        let path = layout::machine_path(machine);
        if let Some(entry) = repo.entry(root, &path)? {
            own.read(&path, data::content(repo, entry.oid)?)?;
        }
        for (blob, ..) in own_blobs(repo, root, machine)? {
            own.read(&blob.path, data::content(repo, blob.oid)?)?;
        }
        Ok(own)
    }

    /// Reads one of the machine's files; files of others are not looked at.
    pub fn read(&mut self, path: &str, content: Content) -> Result<(), SyncError> {
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge(_) | Content::Missing => Vec::new(),
        };
        let newer = |source| SyncError::Newer { path: path.to_owned(), source };
        match Path::parse(path) {
            Path::Machine(machine) if machine == self.machine => match SyncFile::read(&machine, &bytes, &mut self.names) {
                Ok(page) => self.page = Some(page),
                Err(source @ FormatError::Newer(_)) => return Err(newer(source)),
                // Broken: written anew from the day files. The broken version stays in git's history.
                Err(_) => {}
            },
            Path::Day(machine, day, number) if machine == self.machine => match DayFile::read(&machine, day, &bytes, &mut self.names) {
                Ok((mut file, damage)) => {
                    // If it is written anew, its new checksum must not hide that the old one failed.
                    damage.checksums.iter().for_each(|session| file.mark_suspect(session));
                    self.add_part(day, number, file, bytes.len());
                }
                Err(source @ FormatError::Newer(_)) => return Err(newer(source)),
                Err(_) => {
                    self.broken.insert((day, number));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn add_part(&mut self, day: Day, number: u32, file: DayFile, size: usize) {
        for record in file.records.iter() {
            self.place.entry(record.id).or_insert((day, number));
            let highest = self.highest.entry(record.origin.session.clone()).or_default();
            *highest = (*highest).max(record.index);
        }
        self.parts.insert((day, number), Part { file, size, changed: false });
    }

    /// Whether the machine has no page yet.
    pub fn is_new(&self) -> bool {
        self.page.is_none()
    }

    /// Takes over records from transcripts: new ones into the file of their day, known ones into the file that has them.
    pub fn add_records(&mut self, records: &RecordSet) {
        let copies: Vec<Record> = self.page.iter().flat_map(|p| p.sessions.values()).flat_map(|s| s.records.iter()).collect();
        // Copies on the page whose day file lost them, as after a revert by hand.
        for record in copies.into_iter().filter(|r| !r.derived) {
            if !self.place.contains_key(&record.id) {
                self.add_record(&record);
            }
        }
        for record in records.sorted() {
            self.add_record(&record);
        }
    }

    fn add_record(&mut self, record: &Record) {
        if let Some(place) = self.place.get(&record.id) {
            let Some(part) = self.parts.get_mut(place) else { return };
            let known = part.file.records.get(record.id);
            if known.is_some_and(|known| known.covers(record)) {
                return;
            }
            part.file.records.add(record.clone());
            part.changed = true;
        } else {
            let highest = self.highest.entry(record.origin.session.clone()).or_default();
            *highest = highest.saturating_add(1);
            let record = Record { index: *highest, ..record.clone() };
            let place = self.open_part(record.origin.timestamp.day());
            self.place.insert(record.id, place);
            if let Some(part) = self.parts.get_mut(&place) {
                part.size = part.size.saturating_add(record.line(Some(&record.origin.session), None).len() + 1);
                part.changed = true;
                part.file.records.add(record);
            }
        }
        self.brought.push(record.id);
        self.touched.insert(record.origin.session.clone());
    }

    /// The last part of a day, or the next one where that is full.
    fn open_part(&mut self, day: Day) -> (Day, u32) {
        let numbers = (day, 1)..=(day, u32::MAX);
        let last = self.parts.range(numbers.clone()).map(|(key, part)| (key.1, part.size < PART_BYTES)).next_back();
        let broken = self.broken.range(numbers).map(|key| (key.1, false)).next_back();
        let number = match last.max(broken) {
            None => 1,
            Some((number, true)) => number,
            Some((number, false)) => number.saturating_add(1),
        };
        let machine = self.machine.clone();
        self.parts.entry((day, number)).or_insert_with(|| Part { file: DayFile::new(machine, day), size: 0, changed: false });
        (day, number)
    }

    /// Takes over sums where records are withheld: per session, day and model the maximum of what was ever seen.
    pub fn add_summaries(&mut self, records: &RecordSet) {
        for (key, summary) in summarise(records) {
            let day = key.day;
            let holder =
                self.parts.iter().find(|(place, part)| place.0 == day && part.file.summaries.contains_key(&key)).map(|(place, _)| *place);
            let place = holder.unwrap_or_else(|| self.open_part(day));
            let Some(part) = self.parts.get_mut(&place) else { continue };
            let before = part.file.summaries.get(&key).cloned();
            part.file.add_summary(key.clone(), summary);
            if part.file.summaries.get(&key) != before.as_ref() {
                part.changed = true;
                self.touched.insert(key.session);
            }
        }
    }

    /// Adds a decision of this machine's.
    pub fn decide(&mut self, stamp: &Stamp, key: DecisionKey, decision: Decision) -> bool {
        let page = self.page.get_or_insert_with(|| blank(&self.machine, stamp));
        let new = !page.decisions.contains_key(&key);
        page.add_decision(key, decision);
        new
    }

    /// Whether anything is to be written.
    pub fn is_changed(&self) -> bool {
        self.parts.values().any(|part| part.changed)
    }

    /// The files to write, by path: changed parts and the page.
    pub fn write(self, stamp: &Stamp, snapshot: bool) -> BTreeMap<String, Vec<u8>> {
        let mut out = BTreeMap::new();
        let mut checksums: BTreeMap<SessionId, Sha256> = BTreeMap::new();
        let mut data = MachineData::new(self.machine.clone());
        for ((day, number), part) in &self.parts {
            let wanted = part.changed
                || part.file.records.iter().any(|r| self.touched.contains(&r.origin.session))
                || !part.file.summaries.is_empty();
            if wanted {
                let (text, sums) = part.file.write();
                for (session, sum) in sums {
                    checksums.entry(session).or_default().update(format!("{sum}\n"));
                }
                if part.changed {
                    out.insert(layout::day_path(&self.machine, *day, *number), text.into_bytes());
                }
            }
            data.records = std::mem::take(&mut data.records).join(part.file.records.clone());
            part.file.summaries.iter().for_each(|(key, summary)| absorb(&mut data.summaries, key.clone(), summary.clone()));
        }
        let machine = self.machine.clone();
        let text = self.page(data, checksums, stamp).write();
        if snapshot {
            out.insert(layout::snapshot_path(&machine, stamp.now), text.clone().into_bytes());
        }
        out.insert(layout::machine_path(&machine), text.into_bytes());
        out
    }

    fn page(self, mut data: MachineData, checksums: BTreeMap<SessionId, Sha256>, stamp: &Stamp) -> SyncFile {
        let mut page = self.page.unwrap_or_else(|| blank(&self.machine, stamp));
        let held: BTreeMap<SessionId, Session> =
            page.sessions.iter().filter(|(_, s)| s.claimed.is_some()).map(|(id, s)| (id.clone(), s.clone())).collect();
        held.values().flat_map(|s| s.records.iter()).for_each(|r| data.records.add(r));
        if !self.touched.is_empty() {
            // The page tells of the last sync that brought something.
            page.sessions.clone_from(&held);
        }
        let brought: RecordSet = self.brought.iter().filter_map(|id| data.records.get(*id)).collect();
        let total_usage_records = data.records.len() as u64;
        data.page = Some(Ok(page.clone()));
        let mut touched: BTreeSet<SessionId> = self.touched.clone();
        touched.extend(brought.iter().map(|r| r.origin.session.clone()));
        let mut models: HashMap<SessionId, BTreeSet<String>> = HashMap::new();
        let fleet = Fleet::join_rows(vec![data], &mut |row| {
            if let Some(session) = row.session.filter(|session| !row.model.is_empty() && touched.contains(*session)) {
                models.entry(session.clone()).or_default().insert(row.model.to_owned());
            }
        });
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
        page.metadata.total_sessions = fleet.sessions.len() as u64;
        page.metadata.total_usage_records = total_usage_records;
        page.totals = fleet.totals();
        page.first_usage = fleet.first_usage().into_iter().chain(page.claimed.and(page.first_usage)).min();
        page.last_usage = fleet.last_usage();
        let mut views = Views::new(&fleet, brought, models, &self.highest, checksums);
        for id in touched.into_iter().filter(|id| !held.contains_key(id)) {
            if let Some(view) = views.session(&id) {
                page.sessions.insert(id, view);
            }
        }
        fit(page)
    }
}

/// All own day files below a root tree.
pub fn own_blobs(repo: &Repo, root: Option<Oid>, machine: &MachineId) -> Result<Vec<(Blob, Day, u32)>, SyncError> {
    let mut out = Vec::new();
    let folders = |tree: Option<Oid>| -> Result<Vec<(String, Oid)>, SyncError> {
        Ok(repo.entries(tree)?.into_iter().filter(|(_, entry)| entry.mode == FOLDER).map(|(name, entry)| (name, entry.oid)).collect())
    };
    for (year, months) in folders(repo.folder(root, layout::ARCHIVE)?)? {
        for (month, machines) in folders(Some(months))? {
            let folder = repo.folder(Some(machines), machine.as_str())?;
            for (name, entry) in repo.entries(folder)?.into_iter().filter(|(_, entry)| entry.mode == FILE) {
                let path = format!("{}/{year}/{month}/{machine}/{name}", layout::ARCHIVE);
                if let Path::Day(_, day, number) = Path::parse(&path) {
                    out.push((Blob { path, mode: entry.mode, oid: entry.oid }, day, number));
                }
            }
        }
    }
    Ok(out)
}
