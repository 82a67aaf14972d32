//! All machines together: each request once, with its owner, and each figure with its reason.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::data::MachineData;
use super::decisions::{self, Decisions};
use super::digest::SessionSum;
use super::imports::Imports;
use super::withheld::{OwnSums, move_pasts};
use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::base::join::Join as _;
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::format::line::SummaryKey;
use crate::format::manifest::{Conflict, ConflictStatus, UNEQUAL_RECORDS};
use crate::format::syncfile::SyncFile;
use crate::records::{Counters, Entry, Record, Totals, derived_id};

/// Why a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A record.
    Record,
    /// A summary line: the records are withheld.
    Withheld,
    /// A sum that another tool made tells of more than records show.
    Import,
    /// A 1.0 summary claims more than its records show.
    Claim,
}

/// Something that counts: one request, or the sum of several whose records are not here.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its id, where it is a record and not from the index.
    pub id: Option<RecordId>,
    /// The place of its machine in [`Fleet::machines`]: the one that it counts for.
    pub machine: usize,
    /// Its session; none where a machine claims more than its sessions, and for a record of which retention took it.
    pub session: Option<&'a SessionId>,
    /// Its project.
    pub project: &'a str,
    /// Its model; empty where nobody says.
    pub model: &'a str,
    /// Its time.
    pub at: Timestamp,
    /// What it adds, its cost by this version's prices.
    pub totals: Totals,
    /// What the transcript says that it cost, where it says so.
    pub recorded: Option<Money>,
    /// Why it counts.
    pub source: Source,
    /// The last row of the request was not seen yet.
    pub provisional: bool,
}

impl<'a> Row<'a> {
    /// A record that counts for the machine at this place.
    pub fn of(entry: &Entry<'a>, machine: usize) -> Self {
        Self {
            id: Some(entry.id),
            machine,
            session: some(entry.session),
            project: entry.project,
            model: entry.model,
            at: entry.at,
            totals: Totals { requests: 1, counters: entry.counters, cost: entry.cost },
            recorded: entry.recorded,
            source: Source::Record,
            provisional: entry.provisional,
        }
    }

    /// Whether it is a record that retention shortened: of its time only the UTC day is known.
    pub fn is_shortened(&self) -> bool {
        self.session.is_none() && self.source == Source::Record
    }
}

/// Takes all that counts, row by row, in no order. A fleet may have millions of them, so that nobody keeps them all.
pub type Rows<'r> = &'r mut dyn FnMut(&Row<'_>);

/// A machine of the fleet.
#[derive(Debug, Clone)]
pub struct MachineView {
    /// Its id.
    pub id: MachineId,
    /// What people call it, or else its host's name; empty where nobody says.
    pub label: String,
    /// It will not sync again.
    pub retired: bool,
    /// The place of the machine that it is the past of, and for which its requests count.
    pub merged_into: Option<usize>,
    /// Its sync file, where it can be read.
    pub page: Option<SyncFile>,
    /// Why its sync file cannot be read.
    pub error: Option<String>,
    /// What counts for it.
    pub totals: Totals,
    /// Its last request that counts for it.
    pub last_usage: Option<Timestamp>,
}

/// A session of the fleet.
#[derive(Debug, Clone, Default)]
pub struct SessionView {
    /// The machines that hold some of it.
    pub machines: BTreeSet<usize>,
    /// Its first row's time, and the project there.
    pub first: Option<(Timestamp, Name)>,
    /// Its last row's time.
    pub last: Option<Timestamp>,
    /// What counts for it.
    pub totals: Totals,
    /// Records of it that several machines hold.
    pub shared: u64,
    /// A person must look.
    pub pending: bool,
}

impl SessionView {
    /// How its copies were brought together.
    pub fn status(&self) -> ConflictStatus {
        match (self.pending, self.machines.len()) {
            (true, _) => ConflictStatus::Pending,
            (false, 0 | 1) => ConflictStatus::None,
            (false, _) => ConflictStatus::Resolved,
        }
    }
}

/// All machines' data, each request once.
#[derive(Debug, Default)]
pub struct Fleet {
    /// All machines, by id.
    pub machines: Vec<MachineView>,
    /// All sessions; or some of them, where the fleet was made from digests.
    pub sessions: BTreeMap<SessionId, SessionView>,
    /// How many sessions there are beside them.
    pub unlisted: u64,
    /// How many records there are.
    pub records: u64,
    /// The sum of all that counts.
    sum: Totals,
    /// The first and the last request.
    span: Option<(Timestamp, Timestamp)>,
    /// What was left out and what needs a person, sorted.
    pub conflicts: Vec<Conflict>,
}

/// A request that several machines hold, on its way through them.
struct Merged {
    record: Record,
    /// The smallest (time of the copy, start of the machine, machine): whom it counts for.
    owner: (Timestamp, Timestamp, usize),
    machines: Vec<usize>,
    /// What the copies say that are final.
    settled: Option<Counters>,
    /// Two of them say different things.
    unequal: bool,
}

impl Merged {
    fn settle(&mut self, record: &Record) {
        if record.body.provisional || record.body.sidechain {
            return;
        }
        self.unequal |= self.settled.is_some_and(|settled| settled != record.body.counters);
        self.settled = Some(record.body.counters);
    }
}

/// The ids that several machines hold. Most fleets have few: each machine has its own transcripts.
fn shared(machines: &[MachineData]) -> HashSet<RecordId> {
    if machines.iter().filter(|data| !data.records.is_empty()).count() < 2 {
        return HashSet::new();
    }
    let mut ids: Vec<RecordId> = machines.iter().flat_map(|data| data.records.entries().map(|entry| entry.id)).collect();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).map(|same| same[0]).collect()
}

/// What records without an id are compared with: time, model and counters of all that have one. Empty where none needs that.
fn twins(machines: &[MachineData]) -> HashSet<RecordId> {
    let all = || machines.iter().flat_map(|data| data.records.entries());
    if !all().any(|entry| entry.derived) {
        return HashSet::new();
    }
    all().filter(|entry| !entry.derived).map(|entry| derived_id(entry.at, entry.model, &entry.counters)).collect()
}

impl Fleet {
    /// Joins the machines, which must be sorted by id.
    pub fn join(machines: Vec<MachineData>) -> Self {
        Self::join_rows(machines, &mut |_| {})
    }

    /// Joins the machines, which must be sorted by id, and shows each row that counts.
    pub fn join_rows(mut machines: Vec<MachineData>, rows: Rows) -> Self {
        let mut fleet = Self::default();
        let mut merged: HashMap<RecordId, Merged> = HashMap::new();
        let mut own: Vec<OwnSums> = Vec::new();
        let mut summaries = Vec::new();
        let decisions = Decisions::gather(machines.iter().filter_map(MachineData::page));
        let ids: Vec<MachineId> = machines.iter().map(|machine| machine.id.clone()).collect();
        let places = decisions::places(&ids, &decisions);
        let pasts = move_pasts(&mut machines, &places);
        let mut imports = Imports::take(&mut machines);
        let shared = shared(&machines);
        let twins = twins(&machines);
        let mut records = Vec::with_capacity(machines.len());
        for (at, data) in machines.into_iter().enumerate() {
            fleet.conflicts.extend(data.problems);
            for session in data.suspect.into_iter().filter(|session| decisions.accepted(session).as_ref() != Some(&data.id)) {
                fleet.conflicts.push(Conflict::about("checksum", session.as_str(), &data.id, 0));
                let view = fleet.sessions.entry(session).or_default();
                view.pending = true;
                view.machines.insert(places[at]);
            }
            let (page, error) = match data.page {
                Some(Ok(page)) => (Some(page), None),
                Some(Err(error)) => (None, Some(format!("its sync file cannot be read: {error}"))),
                None => (None, Some("it has no sync file".to_owned())),
            };
            let start = page.as_ref().map_or(Timestamp::EPOCH, |page| page.machine.created_at);
            own.push(pasts.get(&at).cloned().unwrap_or_else(|| OwnSums::new(page.as_ref(), &data.summaries)));
            records.push((data.records, start));
            summaries.extend(data.summaries.into_iter().map(|(key, summary)| (key, at, start, summary)));
            let name = page.as_ref().map(|page| page.machine.hostname.as_str());
            let label = decisions.label(&data.id).or(name).unwrap_or_default().to_owned();
            let retired = decisions.is_retired(&data.id);
            let merged_into = (places[at] != at).then_some(places[at]);
            fleet.machines.push(MachineView {
                id: data.id,
                label,
                retired,
                merged_into,
                page,
                error,
                totals: Totals::default(),
                last_usage: None,
            });
        }
        let mut cells = Cells { wanted: summaries.iter().map(|(key, ..)| key.clone()).collect(), sums: HashMap::new() };
        // A record without an id is the same request as one with an id that has its time, model and counters.
        let hidden = |entry: &Entry| entry.derived && twins.contains(&entry.id);
        for (at, (records, start)) in records.into_iter().enumerate() {
            for entry in records.entries() {
                own[at].add(&entry);
                imports.add(at, &entry);
                if shared.contains(&entry.id) {
                    take(&mut merged, records.get(entry.id), at, start);
                    continue;
                }
                fleet.records += 1;
                if !hidden(&entry) {
                    fleet.add_record(&entry, at, &[at], &mut cells, rows);
                }
            }
        }
        fleet.records += merged.len() as u64;
        fleet.name_unequal(&merged);
        for m in merged.into_values() {
            let entry = Entry::of(&m.record);
            if !hidden(&entry) {
                fleet.add_record(&entry, m.owner.2, &m.machines, &mut cells, rows);
            }
        }
        own.iter_mut().for_each(OwnSums::settle);
        for (key, at, _, summary) in &summaries {
            imports.add_withheld(*at, key, own[*at].withholds(key, summary));
        }
        let claiming = (0..own.len()).filter(|at| own[*at].has_claims()).map(|at| places[at]).collect();
        fleet.add_summaries(summaries, &own, &cells.sums, &decisions, rows);
        fleet.add_imports(&imports, &claiming, rows);
        fleet.add_claims(&own, rows);
        fleet.conflicts.sort();
        fleet.conflicts.dedup();
        fleet
    }

    /// Names sessions of whose requests machines tell different figures, though each says that they are final. The larger row counts, so
    /// that whoever wrote it wrongly would raise the sums.
    fn name_unequal(&mut self, merged: &HashMap<RecordId, Merged>) {
        let mut sessions: BTreeMap<&SessionId, (BTreeSet<usize>, u64)> = BTreeMap::new();
        for m in merged.values().filter(|m| m.unequal) {
            let (machines, count) = sessions.entry(&m.record.origin.session).or_default();
            machines.extend(&m.machines);
            *count += 1;
        }
        for (session, (machines, count)) in sessions {
            let machines = machines.into_iter().map(|at| self.machines[at].id.to_string()).collect();
            self.conflicts.push(Conflict { code: UNEQUAL_RECORDS.to_owned(), subject: session.to_string(), machines, count });
        }
    }

    pub(super) fn push(&mut self, row: Row, rows: Rows) {
        let at = self.machines[row.machine].merged_into.unwrap_or(row.machine);
        let row = Row { machine: at, ..row };
        self.count(at, row.totals, row.at, row.at);
        if let Some(session) = row.session {
            let view = view(&mut self.sessions, session);
            view.totals = view.totals.plus(row.totals);
            view.machines.insert(row.machine);
            view.last = view.last.max(Some(row.at));
            let is_first = |(at, project): &(Timestamp, Name)| (row.at, row.project) < (*at, &**project);
            if view.first.as_ref().is_none_or(is_first) {
                view.first = Some((row.at, row.project.into()));
            }
        }
        rows(&row);
    }

    /// Adds to the sums of the fleet and of a machine.
    fn count(&mut self, at: usize, totals: Totals, first: Timestamp, last: Timestamp) {
        let machine = &mut self.machines[at];
        machine.totals = machine.totals.plus(totals);
        machine.last_usage = machine.last_usage.max(Some(last));
        self.sum = self.sum.plus(totals);
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }

    /// The place of a machine, or of the one that it is the past of.
    pub(super) fn place(&self, machine: &MachineId) -> Option<usize> {
        let at = self.machines.binary_search_by(|view| view.id.cmp(machine)).ok()?;
        Some(self.machines[at].merged_into.unwrap_or(at))
    }

    /// Adds the sums of a unit that shares no record with any other.
    pub(super) fn add_sums(&mut self, machine: &MachineId, records: u64, totals: Totals, span: Option<(Timestamp, Timestamp)>) {
        self.records = self.records.saturating_add(records);
        if let Some((at, (first, last))) = self.place(machine).zip(span) {
            self.count(at, totals, first, last);
        }
    }

    /// Adds what such a unit has of a session; its sums are counted already.
    pub(super) fn add_session(&mut self, machine: &MachineId, sum: &SessionSum) {
        let Some(at) = self.place(machine) else { return };
        let view = self.sessions.entry(SessionId::new(sum.id.as_str().into())).or_default();
        view.totals = view.totals.plus(sum.totals());
        view.machines.insert(at);
        view.last = view.last.max(Some(sum.last()));
        let first = sum.first();
        if view.first.as_ref().is_none_or(|known| first < *known) {
            view.first = Some(first);
        }
    }

    /// The machines' names for people: the host's, with the id's beginning where two share one.
    pub fn labels(&self) -> Vec<String> {
        let name = |at: usize| self.machines[at].label.clone();
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for at in 0..self.machines.len() {
            *seen.entry(name(at)).or_default() += 1;
        }
        let label = |at: usize| match name(at) {
            name if name.is_empty() => self.machines[at].id.short().to_owned(),
            name if seen[&name] > 1 => format!("{name} ({})", self.machines[at].id.short()),
            name => name,
        };
        (0..self.machines.len()).map(label).collect()
    }

    /// The first request of all.
    pub fn first_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.0)
    }

    /// The last request of all.
    pub fn last_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.1)
    }

    fn add_record(&mut self, entry: &Entry, owner: usize, machines: &[usize], cells: &mut Cells, rows: Rows) {
        let row = Row::of(entry, owner);
        cells.add(entry, row.totals);
        if let Some(session) = some(entry.session).filter(|_| machines.len() > 1) {
            let view = view(&mut self.sessions, session);
            view.shared += 1;
            view.machines.extend(machines);
        }
        self.push(row, rows);
    }

    /// The sum of all that counts.
    pub fn totals(&self) -> Totals {
        self.sum
    }
}

/// A record's session; none for a stub, of which retention took it.
pub(super) fn some(session: &SessionId) -> Option<&SessionId> {
    Some(session).filter(|session| !session.as_str().is_empty())
}

/// The view of a session. Its id is copied only where it is new.
fn view<'s>(sessions: &'s mut BTreeMap<SessionId, SessionView>, id: &SessionId) -> &'s mut SessionView {
    if !sessions.contains_key(id) {
        sessions.insert(id.clone(), SessionView::default());
    }
    sessions.get_mut(id).expect("it was just put there")
}

/// Sums of records for which there are summary lines too.
struct Cells {
    wanted: HashSet<SummaryKey>,
    sums: HashMap<SummaryKey, Totals>,
}

impl Cells {
    fn add(&mut self, entry: &Entry, totals: Totals) {
        if self.wanted.is_empty() {
            return;
        }
        let key = SummaryKey { session: entry.session.clone(), day: entry.at.day(), model: entry.model.clone() };
        if self.wanted.contains(&key) {
            let cell = self.sums.entry(key).or_default();
            *cell = cell.plus(totals);
        }
    }
}

fn take(merged: &mut HashMap<RecordId, Merged>, record: Option<Record>, at: usize, start: Timestamp) {
    use std::collections::hash_map::Entry;
    let Some(record) = record else { return };
    let owner = (record.origin.timestamp, start, at);
    match merged.entry(record.id) {
        Entry::Vacant(slot) => {
            let mut new = Merged { record: record.clone(), owner, machines: vec![at], settled: None, unequal: false };
            new.settle(&record);
            slot.insert(new);
        }
        Entry::Occupied(mut slot) => {
            let m = slot.get_mut();
            m.owner = m.owner.min(owner);
            m.machines.push(at);
            m.settle(&record);
            if m.record != record {
                m.record = m.record.clone().join(record);
            }
        }
    }
}
