//! All machines together: each request once, with its owner, and each figure with its reason.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::data::MachineData;
use super::decisions::{self, Decisions};
use super::digest::SessionSum;
use super::withheld::{OwnSums, move_pasts};
use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::base::join::Join as _;
use crate::base::time::Timestamp;
use crate::format::line::SummaryKey;
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

    pub(super) fn push(&mut self, row: Row) {
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

    /// The sum of all that counts.
    pub fn totals(&self) -> Totals {
        self.sum
    }
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
