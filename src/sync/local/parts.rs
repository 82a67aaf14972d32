//! This machine's files as they are read: day files in parts, and the machine file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::figures::{Figures, stated};
use super::request::SeenRequest;
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::time::Day;
use crate::fleet::read::{Content, MachineData};
use crate::fleet::rules::Rules;
use crate::format::FormatError;
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::record::{Level, Record};
use crate::store::layout::Path;
use crate::sync::error::SyncError;

/// One part of one day, as it lies in the repository and as it is becoming.
pub(super) struct Part {
    pub(super) file: DayFile,
    pub(super) size: usize,
    pub(super) changed: bool,
}

/// This machine's files, read from a tree: all of them, or those that a run may change.
pub(crate) struct LocalFiles {
    pub(super) machine: MachineId,
    pub(super) parts: BTreeMap<(Day, u32), Part>,
    /// Parts that cannot be read: they are left alone, and their numbers are taken.
    pub(super) broken: BTreeSet<(Day, u32)>,
    pub(super) machine_file: Option<SyncFile>,
    /// Which part holds a record.
    pub(super) place: HashMap<RecordId, (Day, u32)>,
    /// The highest index given in each session.
    pub(super) highest: HashMap<SessionId, u64>,
    /// Records that this run added or enlarged, and sessions that it touched.
    pub(super) brought: Vec<RecordId>,
    pub(super) touched: BTreeSet<SessionId>,
    /// Sessions whose files are needed beside those.
    pub(super) near: BTreeSet<SessionId>,
    /// There are older files: requests may come late.
    pub(super) continues: bool,
    /// Requests that came late or grew, by what they are more than before.
    pub(super) grown: Vec<SeenRequest>,
    pub(super) names: Interner,
    pub(super) rules: Rules,
    /// New records are written with no more detail than this.
    pub(super) level: Level,
    /// Ids of the fleet's records that have none of their own: a record that is one of them names
    /// it before it is pruned.
    pub(super) derived: BTreeSet<RecordId>,
}

impl LocalFiles {
    /// A machine of which nothing is known yet.
    pub(crate) fn new(machine: &MachineId) -> Self {
        Self {
            machine: machine.clone(),
            parts: BTreeMap::new(),
            broken: BTreeSet::new(),
            machine_file: None,
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
    pub(crate) fn with(self, level: Level, rules: &Rules, derived: BTreeSet<RecordId>) -> Self {
        Self {
            level,
            rules: rules.clone(),
            derived,
            ..self
        }
    }

    /// Reads one of the machine's files; files of others are not looked at.
    pub(crate) fn read(&mut self, path: &str, content: Content) -> Result<(), SyncError> {
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
                    Ok(file) => self.machine_file = Some(file),
                    Err(source @ FormatError::Newer(_)) => return Err(newer(source)),
                    // Broken: written anew from the day files. The broken version stays in git's
                    // history.
                    Err(_) => {}
                }
            }
            Path::Day(machine, day, number) if machine == self.machine => {
                match DayFile::read(&machine, day, &bytes, &mut self.names) {
                    Ok((mut file, damage)) => {
                        // If it is written anew, its new checksum must not hide that the old one
                        // failed.
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

    /// The machine that they belong to.
    pub(crate) fn machine(&self) -> &MachineId {
        &self.machine
    }

    /// Whether the machine has no machine file yet.
    pub(crate) fn is_new(&self) -> bool {
        self.machine_file.is_none()
    }

    /// Whether the totals of the machine file are those of the records. There may be no machine
    /// file yet.
    pub(crate) fn is_counted(&self, figures: &Figures) -> bool {
        self.machine_file.as_ref().is_none_or(|file| {
            file.claimed.is_some() || stated(&file.totals) == stated(&figures.totals)
        })
    }

    /// Whether a file that was read has all of a record.
    pub(crate) fn covers(&self, record: &Record) -> bool {
        let part = self
            .place
            .get(&record.id)
            .and_then(|place| self.parts.get(place));
        part.and_then(|part| part.file.records.get(record.id))
            .is_some_and(|known| known.covers(&record.clone().pruned(known.origin.level)))
    }

    /// Whether anything is to be written.
    pub(crate) fn is_changed(&self) -> bool {
        self.parts.values().any(|part| part.changed)
    }

    /// How many files are to be written.
    pub(crate) fn changed_parts(&self) -> u64 {
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

    /// Records that the machine file lists: copies of lines of day files.
    pub(super) fn copies(&self) -> Vec<Record> {
        self.machine_file
            .iter()
            .flat_map(|file| file.sessions.values())
            .flat_map(|session| session.records.iter())
            .collect()
    }

    /// Takes note of an index that was given in a file that was not read.
    pub(super) fn given(&mut self, session: &str, index: u64) {
        let id = SessionId::new(self.names.name(session));
        let highest = self.highest.entry(id).or_default();
        *highest = (*highest).max(index);
    }

    /// The sessions whose files are needed: those that were touched, and those that accounts are
    /// settled with.
    pub(super) fn needed(&self) -> BTreeSet<SessionId> {
        self.touched.union(&self.near).cloned().collect()
    }

    /// The data of all of the machine's files.
    pub(crate) fn data(&self) -> MachineData {
        let mut data = MachineData::new(self.machine.clone());
        self.parts
            .values()
            .for_each(|part| data.add_file(part.file.clone()));
        self.copies()
            .into_iter()
            .for_each(|record| data.records.add(record));
        data.machine_file = self.machine_file.clone().map(Ok);
        data
    }
}
