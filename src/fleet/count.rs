//! The pass of counting: each request once, with its owner, and each figure with its reason.
//!
//! 1. Map machines that were merged to the one that they count for.
//! 2. Join copies by id. The most detailed copy gives time, session, project and owner.
//! 3. Leave out forgotten records, and records without an id of their own that another one is.
//! 4. Add what sums exceed all that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::book;
use super::compared::HeldCopy;
use super::decisions::{self, Decisions};
use super::read::MachineData;
use super::rules::Rules;
use super::sums::Sums;
use super::view::{Fleet, MachineIndex, MachineView, Row, Rows, Tag, non_empty};
use crate::base::ids::{MachineId, RecordId, SessionId};
use crate::base::time::Timestamp;
use crate::format::manifest::{Code, Conflict};
use crate::prices::{PriceBook, Prices};
use crate::record::{Counters, Entry, Level, Record, RecordSet, Totals, derived_id};

/// Whom a request counts for: the machine with the most detailed copy, then the earliest, then the
/// machine that started first.
type Owner = (Reverse<Level>, Timestamp, Timestamp, MachineIndex);

/// A request that several machines hold, on its way through them.
struct Merged {
    record: Record,
    owner: Owner,
    copies: Vec<HeldCopy>,
    /// The counters of copies that are final.
    settled: Option<Counters>,
    /// Two of them have different counters.
    unequal: bool,
}

impl Merged {
    fn of(record: Record, machine: MachineIndex, start: Timestamp) -> Self {
        let origin = &record.origin;
        let (owner, copies) = (
            (Reverse(origin.level), origin.timestamp, start, machine),
            vec![(machine, origin.level)],
        );
        let is_final =
            !(record.body.provisional || record.body.sidechain || record.ledger.is_some());
        Self {
            settled: is_final.then_some(record.body.counters),
            unequal: false,
            record,
            owner,
            copies,
        }
    }

    fn join(self, other: Self) -> Self {
        Self {
            owner: self.owner.min(other.owner),
            copies: [self.copies, other.copies].concat(),
            unequal: self.unequal
                || other.unequal
                || self.settled.zip(other.settled).is_some_and(|(a, b)| a != b),
            settled: other.settled.or(self.settled),
            record: if self.record == other.record {
                self.record
            } else {
                self.record.join_machines(other.record)
            },
        }
    }
}

impl Fleet {
    /// Counts the machines, which must be sorted by id.
    pub(crate) fn count(machines: Vec<MachineData>) -> Self {
        Self::count_rows(machines, &mut |_| {})
    }

    /// Counts the machines, which must be sorted by id, and shows each row that counts.
    pub(crate) fn count_rows(machines: Vec<MachineData>, rows: Rows) -> Self {
        let book = book::gather(machines.iter().filter_map(MachineData::machine_file));
        Self::count_by(machines, book, rows)
    }

    /// As [`Self::count_rows`], by a price book that may not be the machines' own.
    pub(crate) fn count_by(machines: Vec<MachineData>, book: PriceBook, rows: Rows) -> Self {
        let (mut fleet, sums) = Self::compare(machines, book, rows);
        sums.count(&mut fleet, rows);
        fleet.conflicts.sort();
        fleet.conflicts.dedup();
        fleet
    }

    /// Counts all records, and compares sums with them.
    pub(super) fn compare(
        mut machines: Vec<MachineData>,
        book: PriceBook,
        rows: Rows,
    ) -> (Self, Sums) {
        let forged = drop_forged(&mut machines);
        let decisions = Decisions::gather(machines.iter().filter_map(MachineData::machine_file));
        adopt(&mut machines);
        let ids: Vec<MachineId> = machines.iter().map(|machine| machine.id.clone()).collect();
        let places = decisions::places(&ids, &decisions);
        let mut fleet = Self::default();
        fleet.conflicts = forged;
        fleet.own_prices = (!book.0.is_empty()).then(|| Arc::new(Prices::new(book)));
        let mut pass = Pass {
            fleet,
            sums: Sums::gather(&machines, &places),
            shared: shared(&machines),
            twins: twins(&machines),
            forgotten: forgotten(&machines),
            rows,
        };
        let mut held = Vec::with_capacity(machines.len());
        for (index, data) in machines.into_iter().enumerate() {
            let start = data
                .machine_file()
                .map_or(Timestamp::EPOCH, |file| file.machine.created_at);
            let records = pass
                .fleet
                .add_machine(data, &decisions, index, places[index]);
            held.push((records, start));
        }
        let merged = pass.count_single(held);
        pass.count_shared(merged);
        (pass.fleet, pass.sums)
    }

    /// Adds a machine, and gives back its records.
    fn add_machine(
        &mut self,
        data: MachineData,
        decisions: &Decisions,
        index: MachineIndex,
        place: MachineIndex,
    ) -> RecordSet {
        self.conflicts.extend(data.problems);
        self.name_suspect(&data.id, data.suspect, decisions, place);
        let (file, error) = match data.machine_file {
            Some(Ok(file)) => (Some(file), None),
            Some(Err(error)) => (None, Some(format!("its sync file cannot be read: {error}"))),
            None if data.adopted.is_some() => (None, None),
            None => (None, Some("it has no sync file".to_owned())),
        };
        let hostname = file.as_ref().map(|file| file.machine.hostname.as_str());
        let hostname = hostname.or(data
            .adopted
            .as_ref()
            .map(|entry| entry.label.as_deref().unwrap_or(&entry.hostname)));
        let label = decisions.label(&data.id).or(hostname);
        self.machines.push(MachineView {
            label: label.unwrap_or_default().to_owned(),
            group: decisions.tag(Tag::Group, &data.id).to_owned(),
            user: decisions.tag(Tag::User, &data.id).to_owned(),
            retired: decisions.is_retired(&data.id),
            merged_into: (place != index).then_some(place),
            id: data.id,
            machine_file: file,
            adopted: data.adopted,
            error,
            totals: Totals::default(),
            last_usage: None,
        });
        data.records
    }

    /// Names sessions of a machine whose checksum does not fit, unless somebody accepted that.
    fn name_suspect(
        &mut self,
        machine: &MachineId,
        suspect: BTreeSet<SessionId>,
        decisions: &Decisions,
        place: MachineIndex,
    ) {
        for session in suspect {
            if decisions.accepted(&session).as_ref() == Some(machine) {
                continue;
            }
            self.conflicts.push(Conflict::about(
                Code::Checksum,
                session.as_str(),
                machine,
                0,
            ));
            let view = self.sessions.entry(session).or_default();
            view.pending = true;
            view.machines.insert(place);
        }
    }

    /// Takes note of the machines that hold copies of a request.
    fn add_shared(&mut self, entry: &Entry, copies: &[HeldCopy]) {
        let places: BTreeSet<MachineIndex> = copies
            .iter()
            .map(|(machine, _)| self.alias(*machine))
            .collect();
        if let Some(session) = non_empty(entry.session).filter(|_| places.len() > 1) {
            let view = self.session(session);
            view.shared += 1;
            view.machines.extend(places);
        }
    }

    /// Names sessions of whose requests machines state different figures, though each states that
    /// they are final. The larger row counts, so that a wrong one would raise the totals.
    fn name_unequal(&mut self, merged: &HashMap<RecordId, Merged>) {
        let mut sessions: BTreeMap<&SessionId, (BTreeSet<MachineIndex>, u64)> = BTreeMap::new();
        for m in merged.values().filter(|m| m.unequal) {
            let (machines, count) = sessions.entry(&m.record.origin.session).or_default();
            machines.extend(m.copies.iter().map(|(machine, _)| *machine));
            *count += 1;
        }
        for (session, (machines, count)) in sessions {
            let machines = machines
                .into_iter()
                .map(|machine| self.machines[machine].id.to_string())
                .collect();
            self.conflicts.push(Conflict {
                code: Code::UnequalRecords,
                subject: session.to_string(),
                machines,
                count,
            });
        }
    }
}

/// The pass over all records, once it is known which of them are special.
struct Pass<'r> {
    fleet: Fleet,
    sums: Sums,
    /// Ids that several machines hold.
    shared: HashSet<RecordId>,
    /// What records without an id of their own are compared with.
    twins: HashSet<RecordId>,
    forgotten: HashSet<RecordId>,
    rows: Rows<'r>,
}

impl Pass<'_> {
    /// Counts the records that one machine holds alone, and joins the copies of all others. `held`:
    /// each machine's records, and its start.
    fn count_single(&mut self, held: Vec<(RecordSet, Timestamp)>) -> HashMap<RecordId, Merged> {
        let mut merged: HashMap<RecordId, Merged> = HashMap::new();
        for (machine, (records, start)) in held.into_iter().enumerate() {
            for entry in records.entries() {
                if !self.shared.contains(&entry.id) {
                    self.fleet.records += 1;
                    self.count(&entry, machine, &[(machine, entry.level)]);
                } else if let Some(record) = records.get(entry.id) {
                    let new = Merged::of(record, machine, start);
                    let joined = match merged.remove(&entry.id) {
                        Some(known) => known.join(new),
                        None => new,
                    };
                    merged.insert(entry.id, joined);
                }
            }
        }
        merged
    }

    /// Counts the records that several machines hold, each once.
    fn count_shared(&mut self, merged: HashMap<RecordId, Merged>) {
        self.fleet.records += merged.len() as u64;
        self.fleet.name_unequal(&merged);
        for one in merged.into_values() {
            let entry = Entry::of(&one.record);
            if self.count(&entry, one.owner.3, &one.copies) {
                self.fleet.add_shared(&entry, &one.copies);
            }
        }
    }

    /// Counts a record for a machine, and returns whether it counts.
    fn count(&mut self, entry: &Entry, machine: MachineIndex, copies: &[HeldCopy]) -> bool {
        // A record without an id of its own is the same request as one with an id that has its
        // time, model and counters.
        if self.forgotten.contains(&entry.id) || (entry.derived && self.twins.contains(&entry.id)) {
            return false;
        }
        self.sums.add(entry, copies);
        let cost = match &self.fleet.own_prices {
            Some(prices) => entry.cost_by(prices),
            None => entry.cost,
        };
        let row = Row::of(&Entry { cost, ..*entry }, machine);
        self.fleet.push(row, self.rows);
        true
    }
}

/// Drops the machines of which no file may be read, and returns what was wrong with their files.
fn drop_forged(machines: &mut Vec<MachineData>) -> Vec<Conflict> {
    let mut problems = Vec::new();
    machines.retain_mut(|data| {
        let is_forged = data.is_forged();
        if is_forged {
            problems.append(&mut data.problems);
        }
        !is_forged
    });
    problems
}

/// The ids of all forgotten records.
fn forgotten(machines: &[MachineData]) -> HashSet<RecordId> {
    let mut rules = Rules::gather(machines.iter().filter_map(MachineData::machine_file));
    rules.forget_ids(machines.iter().flat_map(|data| &data.forgotten).copied());
    rules.keep_ids(machines.iter().flat_map(|data| &data.kept).copied());
    rules.forgotten_ids().into_iter().collect()
}

/// Adds the machines that only a manifest of version 1.0 names.
fn adopt(machines: &mut Vec<MachineData>) {
    let manifests = decisions::adopted(machines.iter().filter_map(MachineData::machine_file));
    if manifests.is_empty() {
        return;
    }
    let rules = Rules::gather(machines.iter().filter_map(MachineData::machine_file));
    for (id, entry) in manifests.into_iter().flat_map(|manifest| manifest.machines) {
        let Some(id) = MachineId::canonical(&id).filter(|id| !rules.forgets_machine(id)) else {
            continue;
        };
        match machines.binary_search_by(|data| data.id.cmp(&id)) {
            Ok(at) => {
                // Of two manifests the one that states more.
                let known = &mut machines[at].adopted;
                if known.as_ref().is_some_and(|known| {
                    (known.requests, known.cost) < (entry.requests, entry.cost)
                }) {
                    *known = Some(entry);
                }
            }
            Err(at) => machines.insert(
                at,
                MachineData {
                    adopted: Some(entry),
                    ..MachineData::new(id)
                },
            ),
        }
    }
}

/// The ids that several machines hold. Most fleets have few: each machine has its own transcripts.
fn shared(machines: &[MachineData]) -> HashSet<RecordId> {
    if machines
        .iter()
        .filter(|data| !data.records.is_empty())
        .count()
        < 2
    {
        return HashSet::new();
    }
    let mut ids: Vec<RecordId> = machines
        .iter()
        .flat_map(|data| data.records.entries().map(|entry| entry.id))
        .collect();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b)
        .filter(|same| same.len() > 1)
        .map(|same| same[0])
        .collect()
}

/// What records without an id of their own are compared with. Empty where no record needs that.
pub(super) fn twins(machines: &[MachineData]) -> HashSet<RecordId> {
    let all = || machines.iter().flat_map(|data| data.records.entries());
    if !all().any(|entry| entry.derived) {
        return HashSet::new();
    }
    let full = all().filter(|entry| !entry.derived && entry.level == Level::Full);
    let noted = machines.iter().flat_map(|data| data.records.noted_twins());
    full.map(|entry| derived_id(entry.at, entry.model, &entry.counters))
        .chain(noted)
        .collect()
}
