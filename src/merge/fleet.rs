//! All machines together: each request once, with its owner, and each figure with its reason.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::data::MachineData;
use super::decisions::{self, Decisions};
use super::digest::SessionSum;
use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::base::join::Join as _;
use crate::base::time::Timestamp;
use crate::format::line::{Summary, SummaryKey};
use crate::format::manifest::{Conflict, ConflictStatus};
use crate::format::syncfile::SyncFile;
use crate::records::{Record, Totals};

/// Why a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A record.
    Record,
    /// A summary line: the records are withheld.
    Withheld,
    /// A 1.0 summary claims more than its records show.
    Claim,
}

/// Something that counts: one request, or the sum of several whose records are not here.
#[derive(Debug, Clone)]
pub struct Row {
    /// The place of its machine in [`Fleet::machines`]: the one that it counts for.
    pub machine: usize,
    /// Its session; none where a machine claims more than its sessions.
    pub session: Option<SessionId>,
    /// Its project.
    pub project: Name,
    /// Its model; empty where nobody says.
    pub model: Name,
    /// Its time.
    pub at: Timestamp,
    /// What it adds.
    pub totals: Totals,
    /// Why it counts.
    pub source: Source,
    /// The last row of the request was not seen yet.
    pub provisional: bool,
}

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
    /// All sessions.
    pub sessions: BTreeMap<SessionId, SessionView>,
    /// All that counts.
    pub rows: Vec<Row>,
    /// The sum of all that counts.
    sum: Totals,
    /// The first and the last request.
    span: Option<(Timestamp, Timestamp)>,
    /// What was left out and what needs a person, sorted.
    pub conflicts: Vec<Conflict>,
}

/// A request on its way through the machines.
struct Merged {
    record: Record,
    /// The smallest (time of the copy, start of the machine, machine): whom it counts for.
    owner: (Timestamp, Timestamp, usize),
    machines: Vec<usize>,
}

impl Fleet {
    /// Joins the machines, which must be sorted by id.
    pub fn join(mut machines: Vec<MachineData>) -> Self {
        let mut fleet = Self::default();
        let mut merged: HashMap<RecordId, Merged> = HashMap::new();
        let mut twins: HashSet<RecordId> = HashSet::new();
        let mut own: Vec<OwnSums> = Vec::new();
        let mut summaries = Vec::new();
        let decisions = Decisions::gather(machines.iter().filter_map(MachineData::page));
        let ids: Vec<MachineId> = machines.iter().map(|machine| machine.id.clone()).collect();
        let places = decisions::places(&ids, &decisions);
        let pasts = move_pasts(&mut machines, &places);
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
            for record in data.records {
                own[at].add(&record);
                if !record.derived {
                    twins.insert(record.twin());
                }
                take(&mut merged, record, at, start);
            }
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
        // A record without an id is the same request as one with an id that has its time, model and counters.
        merged.retain(|id, m| !(m.record.derived && twins.contains(id)));
        let mut cells: HashMap<SummaryKey, Totals> = HashMap::new();
        let wanted: HashSet<SummaryKey> = summaries.iter().map(|(key, ..)| key.clone()).collect();
        for m in merged.into_values() {
            fleet.add_record(m, &wanted, &mut cells);
        }
        fleet.add_summaries(summaries, &own, &cells, &decisions);
        fleet.add_claims(&own);
        fleet
            .rows
            .sort_by(|a, b| (a.at, &a.session, &a.model, a.machine, a.source).cmp(&(b.at, &b.session, &b.model, b.machine, b.source)));
        fleet.conflicts.sort();
        fleet.conflicts.dedup();
        fleet
    }

    fn push(&mut self, row: Row) {
        let at = self.machines[row.machine].merged_into.unwrap_or(row.machine);
        let row = Row { machine: at, ..row };
        self.count(at, row.totals, row.at, row.at);
        if let Some(session) = &row.session {
            let view = self.sessions.entry(session.clone()).or_default();
            view.totals = view.totals.plus(row.totals);
            view.machines.insert(row.machine);
            view.last = view.last.max(Some(row.at));
            let first = (row.at, row.project.clone());
            if view.first.as_ref().is_none_or(|known| first < *known) {
                view.first = Some(first);
            }
        }
        self.rows.push(row);
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

    /// Adds the sums of a file that shares no record with any other. Its requests have no rows: what is asked of the fleet after
    /// this may be its sums, not its rows.
    pub(super) fn add_clean(&mut self, machine: &MachineId, sessions: &[SessionSum], projects: &[Name]) {
        let Ok(at) = self.machines.binary_search_by(|view| view.id.cmp(machine)) else { return };
        let at = self.machines[at].merged_into.unwrap_or(at);
        for sum in sessions {
            let (totals, first, last) = (sum.totals(), sum.first(projects), sum.last());
            self.count(at, totals, first.0, last);
            let view = self.sessions.entry(SessionId::new(sum.id.as_str().into())).or_default();
            view.totals = view.totals.plus(totals);
            view.machines.insert(at);
            view.last = view.last.max(Some(last));
            if view.first.as_ref().is_none_or(|known| first < *known) {
                view.first = Some(first);
            }
        }
    }

    /// The first request of all.
    pub fn first_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.0)
    }

    /// The last request of all.
    pub fn last_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.1)
    }

    fn add_record(&mut self, merged: Merged, wanted: &HashSet<SummaryKey>, cells: &mut HashMap<SummaryKey, Totals>) {
        let Merged { record, owner, machines } = merged;
        let totals = Totals::of(&record);
        let origin = record.origin;
        if !wanted.is_empty() {
            let key = SummaryKey { session: origin.session.clone(), day: origin.timestamp.day(), model: record.body.model.clone() };
            if wanted.contains(&key) {
                let cell = cells.entry(key).or_default();
                *cell = cell.plus(totals);
            }
        }
        let view = self.sessions.entry(origin.session.clone()).or_default();
        view.shared += u64::from(machines.len() > 1);
        view.machines.extend(machines);
        self.push(Row {
            machine: owner.2,
            session: Some(origin.session),
            project: origin.project,
            model: record.body.model,
            at: origin.timestamp,
            totals,
            source: Source::Record,
            provisional: record.body.provisional,
        });
    }

    /// Withheld records: equal lines of two machines count once; unequal ones all count, and a person must look.
    ///
    /// Where a person decided whose word holds for a session, that machine's lines and records count, and no other's lines.
    fn add_summaries(
        &mut self,
        lines: Vec<(SummaryKey, usize, Timestamp, Summary)>,
        own: &[OwnSums],
        cells: &HashMap<SummaryKey, Totals>,
        decisions: &Decisions,
    ) {
        let mut by_key: BTreeMap<SummaryKey, Vec<(Timestamp, Timestamp, usize, Summary)>> = BTreeMap::new();
        for (key, at, start, summary) in lines {
            by_key.entry(key).or_default().push((summary.first, start, at, summary));
        }
        for (key, mut lines) in by_key {
            lines.sort_by_key(|(first, start, at, _)| (*first, *start, *at));
            let all = lines.clone();
            let word = decisions.accepted(&key.session).and_then(|id| self.machines.iter().position(|m| m.id == id));
            let word = word.map(|at| self.machines[at].merged_into.unwrap_or(at));
            let has_records = |at| cells.contains_key(&key) && self.sessions.get(&key.session).is_some_and(|s| s.machines.contains(&at));
            let word = word.filter(|word| has_records(*word) || lines.iter().any(|(_, _, at, _)| at == word));
            lines.retain(|(_, _, at, _)| word.is_none_or(|word| *at == word));
            for (_, _, at, _) in &all {
                self.sessions.entry(key.session.clone()).or_default().machines.insert(*at);
            }
            let figures = |totals: &Totals| (totals.requests, totals.counters);
            let shown = cells.get(&key).copied();
            let mut seen: Vec<Totals> = Vec::new();
            for (_, _, at, summary) in &lines {
                let mine = own[*at].cells.get(&key).copied();
                let told = mine
                    .filter(|_| word.is_none())
                    .or(shown.filter(|_| word.is_some()))
                    .or_else(|| shown.filter(|shown| figures(shown) == figures(&summary.totals)))
                    .unwrap_or_default();
                let counted = seen.iter().any(|known| figures(known) == figures(&summary.totals));
                let added = summary.totals.join(told).minus(told);
                if !counted && !added.is_zero() {
                    let names = (Name::from(summary.project.as_str()), key.model.clone());
                    let row = Row {
                        machine: *at,
                        session: Some(key.session.clone()),
                        project: names.0,
                        model: names.1,
                        at: summary.first,
                        totals: added,
                        source: Source::Withheld,
                        provisional: false,
                    };
                    self.push(row);
                }
                if !counted {
                    seen.push(summary.totals);
                }
            }
            let strangers = shown.is_some_and(|shown| {
                lines.iter().any(|(_, _, at, s)| !own[*at].cells.contains_key(&key) && figures(&shown) != figures(&s.totals))
            });
            if word.is_none() && (seen.len() > 1 || strangers) {
                self.sessions.entry(key.session.clone()).or_default().pending = true;
                let machines = lines.iter().map(|(_, _, at, _)| self.machines[*at].id.to_string()).collect();
                let subject = key.session.to_string();
                self.conflicts.push(Conflict { code: "unequal-summaries".to_owned(), subject, machines, count: 0 });
            }
        }
    }

    /// What 1.0 summaries claim beyond the records that are here.
    fn add_claims(&mut self, own: &[OwnSums]) {
        for (at, sums) in own.iter().enumerate() {
            let Some(page) = self.machines[at].page.take() else { continue };
            self.add_page_claims(at, &page, sums);
            self.machines[at].page = Some(page);
        }
    }

    fn add_page_claims(&mut self, at: usize, page: &SyncFile, sums: &OwnSums) {
        let mut counted = sums.all;
        for (id, session) in &page.sessions {
            let Some(claimed) = session.claimed else { continue };
            let told = sums.sessions.get(id).copied().unwrap_or_default();
            let more = claimed.join(told).minus(told);
            counted = counted.plus(more);
            let place = self.machines[at].merged_into.unwrap_or(at);
            self.sessions.entry(id.clone()).or_default().machines.insert(place);
            if !more.is_zero() {
                let model = if session.models.len() == 1 { session.models.first().map_or("", String::as_str) } else { "" };
                let when = session.last_updated.or(page.last_usage).unwrap_or(page.machine.updated_at);
                self.push(claim(at, Some(id.clone()), &session.project, model, when, more));
            }
            let view = self.sessions.entry(id.clone()).or_default();
            if let Some(first) = session.first_seen {
                let first = (first, Name::from(session.project.as_str()));
                if view.first.as_ref().is_none_or(|known| first < *known) {
                    view.first = Some(first);
                }
            }
        }
        let Some(claimed) = page.claimed else { return };
        let more = claimed.join(counted).minus(counted);
        if !more.is_zero() {
            self.push(claim(at, None, "", "", page.last_usage.unwrap_or(page.machine.updated_at), more));
        }
    }

    /// The sum of all that counts.
    pub fn totals(&self) -> Totals {
        self.sum
    }
}

fn claim(machine: usize, session: Option<SessionId>, project: &str, model: &str, at: Timestamp, totals: Totals) -> Row {
    Row { machine, session, project: project.into(), model: model.into(), at, totals, source: Source::Claim, provisional: false }
}

fn take(merged: &mut HashMap<RecordId, Merged>, record: Record, at: usize, start: Timestamp) {
    use std::collections::hash_map::Entry;
    let owner = (record.origin.timestamp, start, at);
    match merged.entry(record.id) {
        Entry::Vacant(slot) => {
            slot.insert(Merged { record, owner, machines: vec![at] });
        }
        Entry::Occupied(mut slot) => {
            let m = slot.get_mut();
            m.owner = m.owner.min(owner);
            m.machines.push(at);
            if m.record != record {
                m.record = m.record.clone().join(record);
            }
        }
    }
}

/// Gives the records and summary lines of machines that were merged into others to those others, as if they had written them. What a
/// past machine's own records told is still needed where its page carries claims.
fn move_pasts(machines: &mut [MachineData], places: &[usize]) -> HashMap<usize, OwnSums> {
    let mut out = HashMap::new();
    for (at, place) in places.iter().copied().enumerate().filter(|(at, place)| at != place) {
        let past = &mut machines[at];
        let mut sums = OwnSums::new(past.page(), &BTreeMap::new());
        past.records.iter().for_each(|record| sums.add(record));
        out.insert(at, sums);
        let (records, summaries) = (std::mem::take(&mut past.records), std::mem::take(&mut past.summaries));
        let heir = &mut machines[place];
        heir.records = std::mem::take(&mut heir.records).join(records);
        heir.summaries = std::mem::take(&mut heir.summaries).join(summaries);
    }
    out
}

/// Sums over one machine's own records, where a claim or a summary line asks for them.
#[derive(Clone)]
struct OwnSums {
    all: Totals,
    sessions: HashMap<SessionId, Totals>,
    cells: HashMap<SummaryKey, Totals>,
    wanted_sessions: HashSet<SessionId>,
    wanted_cells: HashSet<SummaryKey>,
    claims: bool,
}

impl OwnSums {
    fn new(page: Option<&SyncFile>, summaries: &BTreeMap<SummaryKey, Summary>) -> Self {
        let held = page.into_iter().flat_map(|page| &page.sessions).filter(|(_, session)| session.claimed.is_some());
        let wanted_sessions: HashSet<_> = held.map(|(id, _)| id.clone()).collect();
        let claims = !wanted_sessions.is_empty() || page.is_some_and(|page| page.claimed.is_some());
        let withheld = summaries.values().map(|summary| summary.totals).sum();
        let wanted_cells = summaries.keys().cloned().collect();
        Self { all: withheld, sessions: HashMap::new(), cells: HashMap::new(), wanted_sessions, wanted_cells, claims }
    }

    fn add(&mut self, record: &Record) {
        if !self.claims && self.wanted_cells.is_empty() {
            return;
        }
        let totals = Totals::of(record);
        self.all = self.all.plus(totals);
        if self.wanted_sessions.contains(&record.origin.session) {
            let sum = self.sessions.entry(record.origin.session.clone()).or_default();
            *sum = sum.plus(totals);
        }
        if !self.wanted_cells.is_empty() {
            let key =
                SummaryKey { session: record.origin.session.clone(), day: record.origin.timestamp.day(), model: record.body.model.clone() };
            if self.wanted_cells.contains(&key) {
                let sum = self.cells.entry(key).or_default();
                *sum = sum.plus(totals);
            }
        }
    }
}
