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
use super::decisions::{self, Decisions};
use super::read::MachineData;
use super::rules::Rules;
use super::sums::Sums;
use super::view::{Fleet, MachineView, Row, Rows, non_empty};
use crate::base::ids::{MachineId, RecordId, SessionId};
use crate::base::time::Timestamp;
use crate::format::manifest::{Conflict, UNEQUAL_RECORDS};
use crate::prices::{PriceBook, Prices};
use crate::record::{Counters, Entry, Level, Record, Sum, SumKey, Totals, derived_id};

/// Whom a request counts for: the machine with the most detailed copy, then the earliest, then the machine that started first.
type Owner = (Reverse<Level>, Timestamp, Timestamp, usize);

/// A request that several machines hold, on its way through them.
struct Merged {
    record: Record,
    owner: Owner,
    copies: Vec<(usize, Level)>,
    /// What the copies say that are final.
    settled: Option<Counters>,
    /// Two of them say different things.
    unequal: bool,
}

impl Merged {
    fn of(record: Record, at: usize, start: Timestamp) -> Self {
        let origin = &record.origin;
        let (owner, copies) = (
            (Reverse(origin.level), origin.timestamp, start, at),
            vec![(at, origin.level)],
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
    pub fn count(machines: Vec<MachineData>) -> Self {
        Self::count_rows(machines, &mut |_| {})
    }

    /// Counts the machines, which must be sorted by id, and shows each row that counts.
    pub fn count_rows(machines: Vec<MachineData>, rows: Rows) -> Self {
        let book = book::gather(machines.iter().filter_map(MachineData::page));
        Self::count_by(machines, book, rows)
    }

    /// As [`Self::count_rows`], by a price book that may not be the machines' own.
    pub fn count_by(machines: Vec<MachineData>, book: PriceBook, rows: Rows) -> Self {
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
        let mut forged = Vec::new();
        machines.retain_mut(|data| {
            let is_forged = data.is_forged();
            if is_forged {
                forged.append(&mut data.problems);
            }
            !is_forged
        });
        let decisions = Decisions::gather(machines.iter().filter_map(MachineData::page));
        adopt(&mut machines);
        let ids: Vec<MachineId> = machines.iter().map(|machine| machine.id.clone()).collect();
        let places = decisions::places(&ids, &decisions);
        let mut sums = Sums::gather(&machines, &places);
        let (shared, twins) = (shared(&machines), twins(&machines));
        let mut rules = Rules::gather(machines.iter().filter_map(MachineData::page));
        rules.forget_ids(machines.iter().flat_map(|data| &data.forgotten).copied());
        rules.keep_ids(machines.iter().flat_map(|data| &data.kept).copied());
        let forgotten: HashSet<RecordId> = rules.forgotten_ids().into_iter().collect();
        let own = (!book.0.is_empty()).then(|| Arc::new(Prices::new(book)));
        let mut fleet = Self::default();
        fleet.conflicts = forged;
        fleet.own_prices.clone_from(&own);
        let priced = |entry: Entry<'_>| {
            own.as_ref()
                .map_or(entry.cost, |prices| entry.cost_by(prices))
        };
        let mut records = Vec::with_capacity(machines.len());
        for (at, data) in machines.into_iter().enumerate() {
            let start = data
                .page()
                .map_or(Timestamp::EPOCH, |page| page.machine.created_at);
            records.push((fleet.add_machine(data, &decisions, at, places[at]), start));
        }
        // A record without an id of its own is the same request as one with an id that has its time, model and counters.
        let hidden = |entry: &Entry| {
            forgotten.contains(&entry.id) || (entry.derived && twins.contains(&entry.id))
        };
        let mut merged: HashMap<RecordId, Merged> = HashMap::new();
        for (at, (records, start)) in records.into_iter().enumerate() {
            for entry in records.entries() {
                if shared.contains(&entry.id) {
                    let Some(record) = records.get(entry.id) else {
                        continue;
                    };
                    let new = Merged::of(record, at, start);
                    let joined = match merged.remove(&entry.id) {
                        Some(known) => known.join(new),
                        None => new,
                    };
                    merged.insert(entry.id, joined);
                    continue;
                }
                fleet.records += 1;
                if !hidden(&entry) {
                    sums.add(&entry, &[(at, entry.level)]);
                    fleet.push(
                        Row::of(
                            &Entry {
                                cost: priced(entry),
                                ..entry
                            },
                            at,
                        ),
                        rows,
                    );
                }
            }
        }
        fleet.records += merged.len() as u64;
        fleet.name_unequal(&merged);
        for m in merged.into_values() {
            let entry = Entry::of(&m.record);
            if !hidden(&entry) {
                sums.add(&entry, &m.copies);
                fleet.add_shared(&entry, &m.copies);
                fleet.push(
                    Row::of(
                        &Entry {
                            cost: priced(entry),
                            ..entry
                        },
                        m.owner.3,
                    ),
                    rows,
                );
            }
        }
        (fleet, sums)
    }

    /// Adds a machine, and gives back its records.
    fn add_machine(
        &mut self,
        data: MachineData,
        decisions: &Decisions,
        at: usize,
        place: usize,
    ) -> crate::record::RecordSet {
        self.conflicts.extend(data.problems);
        for session in data
            .suspect
            .into_iter()
            .filter(|session| decisions.accepted(session).as_ref() != Some(&data.id))
        {
            self.conflicts
                .push(Conflict::about("checksum", session.as_str(), &data.id, 0));
            let view = self.sessions.entry(session).or_default();
            view.pending = true;
            view.machines.insert(place);
        }
        let (page, error) = match data.page {
            Some(Ok(page)) => (Some(page), None),
            Some(Err(error)) => (None, Some(format!("its sync file cannot be read: {error}"))),
            None if data.adopted.is_some() => (None, None),
            None => (None, Some("it has no sync file".to_owned())),
        };
        let hostname = page.as_ref().map(|page| page.machine.hostname.as_str());
        let hostname = hostname.or(data
            .adopted
            .as_ref()
            .map(|entry| entry.label.as_deref().unwrap_or(&entry.hostname)));
        self.machines.push(MachineView {
            label: decisions
                .label(&data.id)
                .or(hostname)
                .unwrap_or_default()
                .to_owned(),
            retired: decisions.is_retired(&data.id),
            merged_into: (place != at).then_some(place),
            id: data.id,
            page,
            adopted: data.adopted,
            error,
            totals: Totals::default(),
            last_usage: None,
        });
        data.records
    }

    /// Takes note of the machines that hold copies of a request.
    fn add_shared(&mut self, entry: &Entry, copies: &[(usize, Level)]) {
        let places: BTreeSet<usize> = copies.iter().map(|(at, _)| self.alias(*at)).collect();
        if let Some(session) = non_empty(entry.session).filter(|_| places.len() > 1) {
            let view = self.session(session);
            view.shared += 1;
            view.machines.extend(places);
        }
    }

    /// Names sessions of whose requests machines state different figures, though each states that they are final. The larger row counts,
    /// so that a wrong one would raise the totals.
    fn name_unequal(&mut self, merged: &HashMap<RecordId, Merged>) {
        let mut sessions: BTreeMap<&SessionId, (BTreeSet<usize>, u64)> = BTreeMap::new();
        for m in merged.values().filter(|m| m.unequal) {
            let (machines, count) = sessions.entry(&m.record.origin.session).or_default();
            machines.extend(m.copies.iter().map(|(at, _)| *at));
            *count += 1;
        }
        for (session, (machines, count)) in sessions {
            let machines = machines
                .into_iter()
                .map(|at| self.machines[at].id.to_string())
                .collect();
            self.conflicts.push(Conflict {
                code: UNEQUAL_RECORDS.to_owned(),
                subject: session.to_string(),
                machines,
                count,
            });
        }
    }
}

/// Adds the machines that only a manifest of version 1.0 names.
fn adopt(machines: &mut Vec<MachineData>) {
    let manifests = decisions::adopted(machines.iter().filter_map(MachineData::page));
    if manifests.is_empty() {
        return;
    }
    let rules = Rules::gather(machines.iter().filter_map(MachineData::page));
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

/// For each of some sums whether what a machine has shows all of it already, so that it need not be written.
pub fn shown(machine: &MachineData, lines: &[(SumKey, Sum)]) -> Vec<bool> {
    // What one of them says of another is no reason to leave it out, and neither is what was imported before.
    let alone = |line: &(SumKey, Sum)| MachineData {
        sums: [line.clone()].into(),
        page: None,
        ..machine.clone()
    };
    let all = MachineData {
        sums: lines.iter().cloned().collect(),
        page: None,
        ..machine.clone()
    };
    let (_, sums) = Fleet::compare(vec![all], PriceBook::default(), &mut |_| {});
    let is_shown: HashMap<&SumKey, bool> = sums
        .all
        .iter()
        .map(|one| (&one.key, one.is_shown()))
        .collect();
    // An older computation of a day is looked at by itself.
    let single = |line: &(SumKey, Sum)| {
        Fleet::compare(vec![alone(line)], PriceBook::default(), &mut |_| {})
            .1
            .all
            .iter()
            .all(super::sums::Compared::is_shown)
    };
    lines
        .iter()
        .map(|line| {
            is_shown
                .get(&line.0)
                .copied()
                .unwrap_or_else(|| single(line))
        })
        .collect()
}
