//! What a file contributes to the fleet, small enough to remember by its object id: a file that did not change is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use crate::base::ids::{Interner, MachineId, Name, SessionId};
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::prices::Counters;
use crate::records::{Record, Totals};
use crate::store::layout::Path;

/// What one session has in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSum {
    /// The session.
    pub id: String,
    requests: u64,
    counters: [u64; 6],
    pico: u128,
    known: bool,
    first: i64,
    /// The place of its first request's project in [`Digest::projects`].
    project: u32,
    last: i64,
}

/// What one file says, as far as figures go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digest {
    /// The projects that sessions name, sorted.
    pub projects: Vec<String>,
    /// Its sessions' sums, of a day file.
    pub sessions: Vec<SessionSum>,
    /// Sessions of summary lines: with them it is read whole.
    pub summaries: Vec<String>,
    /// It has records without an id.
    pub derived: bool,
    /// Lines that could not be read.
    pub damaged: u64,
    /// Sessions with a checksum that failed.
    pub suspects: Vec<String>,
    /// Of a page: all of it but the view of the last sync.
    pub page: Option<String>,
    /// Of a page: it claims more than records show, so that its machine's files are read whole.
    pub claims: bool,
}

/// The ids of a file's records, each with a hash of all that the record says.
pub type Ids = Vec<(u64, u64)>;

/// A file's digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digested {
    /// Sums.
    pub digest: Digest,
    /// The lower half of each record's id: enough to tell that two files share none.
    pub marks: Vec<u32>,
    /// The ids, where they are at hand; else [`Memory::ids`] has them.
    pub ids: Option<Ids>,
}

impl Digested {
    fn new(digest: Digest, ids: Ids) -> Self {
        Self { digest, marks: ids.iter().map(|(id, _)| mark(*id)).collect(), ids: Some(ids) }
    }
}

/// The lower half of an id.
pub fn mark(id: u64) -> u32 {
    u32::try_from(id & u64::from(u32::MAX)).unwrap_or(0)
}

/// Remembers digests. A memory that forgets costs time only; one that remembers wrongly would cost trust, so that digests are kept
/// under the id of the very bytes they were made from.
pub trait Memory {
    /// All that is remembered, by path, with the id of the blob.
    fn recall(&self) -> BTreeMap<String, (Oid, Digested)>;
    /// The ids of a file that is remembered under this path.
    fn ids(&self, path: &str) -> Option<Ids>;
    /// Remembers more.
    fn keep(&self, new: &[(String, Oid, Digested)]);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy)]
pub struct Forgetful;

impl Memory for Forgetful {
    fn recall(&self) -> BTreeMap<String, (Oid, Digested)> {
        BTreeMap::new()
    }

    fn ids(&self, _: &str) -> Option<Ids> {
        None
    }

    fn keep(&self, _: &[(String, Oid, Digested)]) {}
}

impl SessionSum {
    fn add(&mut self, record: &Record, project: u32) {
        let totals = self.totals().plus(Totals::of(record));
        let at = record.origin.timestamp.millis();
        // Projects are sorted, so that their places compare as they do.
        (self.first, self.project) = (self.first, self.project).min((at, project));
        self.last = self.last.max(at);
        self.set(&totals);
    }

    fn set(&mut self, totals: &Totals) {
        let c = &totals.counters;
        self.requests = totals.requests;
        self.counters = [c.input, c.output, c.cache_creation, c.cache_read, c.cache_1h, c.web_search];
        (self.pico, self.known) = (totals.cost.amount.pico(), totals.cost.known);
    }

    /// What counts for it here.
    pub fn totals(&self) -> Totals {
        let [input, output, cache_creation, cache_read, cache_1h, web_search] = self.counters;
        Totals {
            requests: self.requests,
            counters: Counters { input, output, cache_creation, cache_read, cache_1h, web_search },
            cost: Cost { known: self.known, amount: Money::from_pico(self.pico) },
        }
    }

    /// Its first request's time and project, of the digest's `projects`.
    pub fn first(&self, projects: &[Name]) -> (Timestamp, Name) {
        let project = usize::try_from(self.project).ok().and_then(|at| projects.get(at).cloned());
        (Timestamp::from_millis(self.first).unwrap_or(Timestamp::EPOCH), project.unwrap_or_default())
    }

    /// Its last request's time.
    pub fn last(&self) -> Timestamp {
        Timestamp::from_millis(self.last).unwrap_or(Timestamp::EPOCH)
    }
}

/// Digests a file; none for one that cannot be read, or is none of those that count.
pub fn digest(path: &Path, bytes: &[u8], names: &mut Interner) -> Option<Digested> {
    match path {
        Path::Day(machine, day, _) => digest_day(machine, *day, bytes, names),
        Path::Machine(machine) => digest_page(machine, bytes, names),
        _ => None,
    }
}

fn digest_day(machine: &MachineId, day: Day, bytes: &[u8], names: &mut Interner) -> Option<Digested> {
    let (file, damage) = DayFile::read(machine, day, bytes, names).ok()?;
    let mut sums: BTreeMap<&SessionId, SessionSum> = BTreeMap::new();
    let mut ids = Ids::with_capacity(file.records.len());
    let mut derived = false;
    let projects: BTreeSet<&Name> = file.records.iter().map(|record| &record.origin.project).collect();
    let projects: Vec<String> = projects.into_iter().map(ToString::to_string).collect();
    for record in file.records.iter() {
        let project = projects.binary_search_by(|name| (**name).cmp(&record.origin.project)).ok().and_then(|at| u32::try_from(at).ok());
        let project = project.unwrap_or_default();
        ids.push((record.id.number(), said(record)));
        derived |= record.derived;
        let start = || SessionSum {
            id: record.origin.session.to_string(),
            requests: 0,
            counters: [0; 6],
            pico: 0,
            known: true,
            first: record.origin.timestamp.millis(),
            project,
            last: record.origin.timestamp.millis(),
        };
        sums.entry(&record.origin.session).or_insert_with(start).add(record, project);
    }
    // In one order, whatever the hash map's was.
    ids.sort_unstable();
    let texts = |set: BTreeSet<&SessionId>| set.into_iter().map(ToString::to_string).collect();
    let digest = Digest {
        projects,
        sessions: sums.into_values().collect(),
        summaries: texts(file.summaries.keys().map(|key| &key.session).collect()),
        derived,
        damaged: damage.lines,
        suspects: texts(damage.checksums.iter().chain(file.suspects()).collect()),
        page: None,
        claims: false,
    };
    Some(Digested::new(digest, ids))
}

fn digest_page(machine: &MachineId, bytes: &[u8], names: &mut Interner) -> Option<Digested> {
    let mut page = SyncFile::read(machine, bytes, names).ok()?;
    let records: Vec<&Record> = page.sessions.values().flat_map(|session| session.records.iter()).collect();
    let ids = records.iter().map(|record| (record.id.number(), said(record))).collect();
    let derived = records.iter().any(|record| record.derived);
    let claims = page.claimed.is_some() || page.sessions.values().any(|session| session.claimed.is_some());
    page.sessions.retain(|_, session| session.claimed.is_some());
    Some(Digested::new(Digest { page: Some(page.write()), claims, derived, ..Digest::default() }, ids))
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
