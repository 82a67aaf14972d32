//! What files contribute to the fleet, small enough to remember by object id: what did not change is not read again.
//!
//! There are two levels. A file's digest has everything that figures, comparisons and reports ask for. A *unit*, which is a page or one
//! machine's month, has the sum of its files' digests: of a history of ten years, only the month that changed is summed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::rows;
use crate::base::few::low;
use crate::base::ids::{Interner, MachineId, Name, RecordId, SessionId};
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::imported::{Origin, reach};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::prices::Counters;
use crate::records::{Record, Totals};
use crate::store::layout::Path;

/// Totals as they are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    requests: u64,
    counters: [u64; 6],
    pico: u128,
    known: bool,
}

impl From<Totals> for Sums {
    fn from(totals: Totals) -> Self {
        let c = &totals.counters;
        Self {
            requests: totals.requests,
            counters: [c.input, c.output, c.cache_creation, c.cache_read, c.cache_1h, c.web_search],
            pico: totals.cost.amount.pico(),
            known: totals.cost.known,
        }
    }
}

impl From<Sums> for Totals {
    fn from(sums: Sums) -> Self {
        let [input, output, cache_creation, cache_read, cache_1h, web_search] = sums.counters;
        Self {
            requests: sums.requests,
            counters: Counters { input, output, cache_creation, cache_read, cache_1h, web_search },
            cost: Cost { known: sums.known, amount: Money::from_pico(sums.pico) },
        }
    }
}

impl Default for Sums {
    fn default() -> Self {
        Totals::default().into()
    }
}

impl Sums {
    fn add(&mut self, other: Totals) {
        *self = Totals::from(*self).plus(other).into();
    }
}

/// What one session has in a file or a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSum {
    /// The session.
    pub id: String,
    sums: Sums,
    first: i64,
    project: String,
    last: i64,
    /// The highest index that was given in it.
    pub highest: u64,
    /// Its models, sorted.
    pub models: Vec<String>,
}

impl SessionSum {
    fn of(record: &Record) -> Self {
        let at = record.origin.timestamp.millis();
        let model = &record.body.model;
        Self {
            id: record.origin.session.to_string(),
            sums: Totals::of(record).into(),
            first: at,
            project: record.origin.project.to_string(),
            last: at,
            highest: record.index,
            models: if model.is_empty() { Vec::new() } else { vec![model.to_string()] },
        }
    }

    fn add_record(&mut self, record: &Record) {
        let at = record.origin.timestamp.millis();
        self.sums.add(Totals::of(record));
        if (at, &*record.origin.project) < (self.first, self.project.as_str()) {
            (self.first, self.project) = (at, record.origin.project.to_string());
        }
        self.last = self.last.max(at);
        self.highest = self.highest.max(record.index);
        self.add_model(&record.body.model);
    }

    fn add_model(&mut self, model: &str) {
        if let Err(at) = self.models.binary_search_by(|known| known.as_str().cmp(model))
            && !model.is_empty()
        {
            self.models.insert(at, model.to_owned());
        }
    }

    /// Adds what the same session has elsewhere.
    fn add(&mut self, other: &Self) {
        self.sums.add(other.totals());
        if (other.first, &other.project) < (self.first, &self.project) {
            (self.first, self.project) = (other.first, other.project.clone());
        }
        self.last = self.last.max(other.last);
        self.highest = self.highest.max(other.highest);
        other.models.iter().for_each(|model| self.add_model(model));
    }

    /// What counts for it here.
    pub fn totals(&self) -> Totals {
        self.sums.into()
    }

    /// Its first request's time and project.
    pub fn first(&self) -> (Timestamp, Name) {
        (Timestamp::from_millis(self.first).unwrap_or(Timestamp::EPOCH), self.project.as_str().into())
    }

    /// Its last request's time.
    pub fn last(&self) -> Timestamp {
        Timestamp::from_millis(self.last).unwrap_or(Timestamp::EPOCH)
    }
}

/// What a file or a unit says, as far as figures go, but for its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digest {
    /// Its records.
    pub records: u64,
    sums: Sums,
    span: Option<(i64, i64)>,
    /// Sessions of summary lines: with them it is read whole.
    pub summaries: Vec<String>,
    /// From when to when others' records may decide what its lines of history from elsewhere count.
    pub imports: Option<(i64, i64)>,
    /// It has records without an id.
    pub derived: bool,
    /// Lines that could not be read, by file.
    pub damaged: Vec<(String, u64)>,
    /// Sessions with a checksum that failed.
    pub suspects: Vec<String>,
    /// Of a page: all of it but the view of the last sync.
    pub page: Option<String>,
    /// Of a page: it claims more than records show, so that its machine's files are read whole.
    pub claims: bool,
    /// Of a unit: a file cannot be read, or two of them share a record. It is read whole.
    pub whole: bool,
    /// Of a unit: the sum of its records' ids, without what overflows.
    pub ids: u64,
}

impl Digest {
    /// What counts in it.
    pub fn totals(&self) -> Totals {
        self.sums.into()
    }

    /// Its first and its last request.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let time = |millis| Timestamp::from_millis(millis).unwrap_or(Timestamp::EPOCH);
        self.span.map(|(first, last)| (time(first), time(last)))
    }

    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.sums.add(other.totals());
        self.span = both(self.span, other.span);
        self.imports = both(self.imports, other.imports);
        self.summaries.extend(other.summaries);
        self.derived |= other.derived;
        self.damaged.extend(other.damaged);
        self.suspects.extend(other.suspects);
        self.page = self.page.take().or(other.page);
        self.claims |= other.claims;
    }
}

/// The time that two times are within.
fn both(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (only, None) | (None, only) => only,
    }
}

/// The ids of a file's records, each with a hash of all that the record says.
pub type Ids = Vec<(u64, u64)>;

/// A file's digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileDigest {
    /// Figures.
    pub digest: Digest,
    /// By session, sorted.
    pub sessions: Vec<SessionSum>,
    /// Its records' ids, sorted.
    pub ids: Ids,
    /// Its records for reports, packed as the cursor over rows reads them.
    pub rows: Vec<u8>,
}

/// A unit's digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitDigest {
    /// Figures.
    pub digest: Digest,
    /// Its records' ids, sorted by their lower halves.
    pub ids: Vec<u64>,
    /// A hash of each session's id, sorted.
    pub names: Vec<u64>,
    /// By session, sorted.
    pub sessions: Vec<SessionSum>,
}

impl UnitDigest {
    /// The lower half of each record's id, sorted.
    pub fn marks(&self) -> impl ExactSizeIterator<Item = u32> {
        self.ids.iter().map(|id| low(*id))
    }

    /// Sums files up. None stands for a file that cannot be read.
    pub fn of(files: impl IntoIterator<Item = Option<FileDigest>>) -> Self {
        let mut out = Self::default();
        let mut sessions: BTreeMap<String, SessionSum> = BTreeMap::new();
        let mut ids: Vec<u64> = Vec::new();
        for file in files {
            let Some(file) = file else {
                out.digest.whole = true;
                continue;
            };
            out.digest.add(file.digest);
            ids.extend(file.ids.iter().map(|(id, _)| *id));
            for sum in file.sessions {
                match sessions.get_mut(&sum.id) {
                    Some(known) => known.add(&sum),
                    None => drop(sessions.insert(sum.id.clone(), sum)),
                }
            }
        }
        ids.sort_unstable();
        out.digest.whole |= ids.windows(2).any(|pair| pair[0] == pair[1]);
        out.digest.ids = ids.iter().fold(0, |sum, id| sum.wrapping_add(*id));
        ids.sort_unstable_by_key(|id| (low(*id), *id));
        out.ids = ids;
        out.names = sessions.keys().map(|id| name(id)).collect();
        out.names.sort_unstable();
        out.sessions = sessions.into_values().collect();
        out
    }
}

/// A hash of a session's id.
pub fn name(session: &str) -> u64 {
    RecordId::of("session", &[session.as_bytes()]).number()
}

/// A unit as it is remembered; its sessions are asked for when they are needed.
#[derive(Debug, Clone)]
pub struct Known {
    /// The blob or tree that it was made from.
    pub oid: Oid,
    /// It was compared with all other units that are remembered as compared, and shares no record with any.
    pub compared: bool,
    /// Figures.
    pub digest: Digest,
    /// How many marks it has: see [`UnitDigest::marks()`].
    pub marks: usize,
    /// See [`UnitDigest::names`].
    pub names: Rc<[u64]>,
}

/// A file to remember: its path, its blob and its digest.
pub type FileEntry = (String, Oid, FileDigest);

/// Remembers digests. A memory that forgets costs time only; one that remembers wrongly would cost trust, so that digests are kept
/// under the id of the very objects they were made from.
pub trait Memory {
    /// All units that are remembered, by path.
    fn units(&self) -> BTreeMap<String, Known>;
    /// The sessions of a unit, if they were made from this blob or tree.
    fn sessions(&self, unit: &str, oid: Oid) -> Option<Vec<SessionSum>>;
    /// Shows the marks of a unit, as little-endian numbers, if they were made from this blob or tree.
    fn marks(&self, unit: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]]));
    /// A file's digest without its rows, if it was made from this blob.
    fn file(&self, path: &str, blob: Oid) -> Option<FileDigest>;
    /// Shows a file's rows, if they were made from this blob.
    fn rows(&self, path: &str, blob: Oid, show: &mut dyn FnMut(&[u8]));
    /// Remembers files.
    fn keep_files(&self, files: &[FileEntry]);
    /// Remembers a unit, not compared yet.
    fn keep_unit(&self, path: &str, oid: Oid, unit: &UnitDigest);
    /// Remembers which units were compared, and which are to be compared again.
    fn keep_compared(&self, compared: &[&str], others: &[&str]);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy)]
pub struct Forgetful;

impl Memory for Forgetful {
    fn units(&self) -> BTreeMap<String, Known> {
        BTreeMap::new()
    }

    fn sessions(&self, _: &str, _: Oid) -> Option<Vec<SessionSum>> {
        None
    }

    fn marks(&self, _: &str, _: Oid, _: &mut dyn FnMut(&[[u8; 4]])) {}

    fn file(&self, _: &str, _: Oid) -> Option<FileDigest> {
        None
    }

    fn rows(&self, _: &str, _: Oid, _: &mut dyn FnMut(&[u8])) {}

    fn keep_files(&self, _: &[FileEntry]) {}

    fn keep_unit(&self, _: &str, _: Oid, _: &UnitDigest) {}

    fn keep_compared(&self, _: &[&str], _: &[&str]) {}
}

/// Digests a file; none for one that cannot be read, or is none of those that count.
pub fn digest(path: &str, kind: &Path, bytes: &[u8], names: &mut Interner) -> Option<FileDigest> {
    match kind {
        Path::Day(machine, day, _) => {
            let (file, damage) = DayFile::read(machine, *day, bytes, names).ok()?;
            Some(digest_day(path, &file, &damage))
        }
        Path::Machine(machine) => digest_page(machine, bytes, names),
        _ => None,
    }
}

/// Digests a day file.
pub fn digest_day(path: &str, file: &DayFile, damage: &Damage) -> FileDigest {
    let mut sums: BTreeMap<SessionId, SessionSum> = BTreeMap::new();
    let mut out = FileDigest::default();
    for record in file.records.iter() {
        let at = record.origin.timestamp.millis();
        out.digest.records += 1;
        out.digest.sums.add(Totals::of(&record));
        out.digest.span = Some(out.digest.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        out.digest.derived |= record.derived;
        out.ids.push((record.id.number(), said(&record)));
        if record.is_stub() {
            continue;
        }
        match sums.get_mut(&record.origin.session) {
            Some(sum) => sum.add_record(&record),
            None => drop(sums.insert(record.origin.session.clone(), SessionSum::of(&record))),
        }
    }
    // In one order, whatever the hash map's was.
    out.ids.sort_unstable();
    let texts = |set: BTreeSet<&SessionId>| set.into_iter().map(ToString::to_string).collect();
    out.digest.summaries = texts(file.summaries.keys().map(|key| &key.session).collect());
    let imports = file.summaries.iter().filter(|(key, summary)| Origin::of_line(key, summary).is_some());
    out.digest.imports = imports.map(|(key, _)| Some(reach(key.day))).fold(None, both);
    if damage.lines > 0 {
        out.digest.damaged.push((path.to_owned(), damage.lines));
    }
    out.digest.suspects = texts(damage.checksums.iter().chain(file.suspects()).collect());
    out.sessions = sums.into_values().collect();
    out.rows = rows::pack(&file.records);
    out
}

fn digest_page(machine: &MachineId, bytes: &[u8], names: &mut Interner) -> Option<FileDigest> {
    let mut page = SyncFile::read(machine, bytes, names).ok()?;
    let mut out = FileDigest::default();
    for record in page.sessions.values().flat_map(|session| session.records.iter()) {
        out.ids.push((record.id.number(), said(&record)));
        out.digest.derived |= record.derived;
    }
    // Sessions on one page may repeat a record; together they say it once.
    out.ids.sort_unstable();
    out.ids.dedup();
    out.digest.claims = page.claimed.is_some() || page.sessions.values().any(|session| session.claimed.is_some());
    page.sessions.retain(|_, session| session.claimed.is_some());
    out.digest.page = Some(page.write());
    Some(out)
}

/// A hash of all that a record says. Two copies with equal hashes need not be joined.
fn said(record: &Record) -> u64 {
    let mut hash = DefaultHasher::new();
    let body = &record.body;
    (record.id, record.derived, record.fast, record.index, &record.origin).hash(&mut hash);
    (&body.model, body.counters, &body.service_tier, &body.inference_geo, body.provisional, body.sidechain).hash(&mut hash);
    (body.cost, body.recorded_cost).hash(&mut hash);
    if !body.extra.is_empty() {
        format!("{:?}", body.extra).hash(&mut hash);
    }
    hash.finish()
}
