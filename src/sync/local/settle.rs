//! Settles Claude Code's own accounts: computes by how much an increment exceeds the requests of
//! its stretch.
//!
//! This happens when an increment is written, because it needs the times and sessions of requests,
//! which summary-only and retention remove later. A request that is read later is subtracted from
//! the settled increment. Where two stretches cannot be distinguished, the smaller result is used,
//! so that no total is too high.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::accounts::{
    ByModel, Models, Others, Settled, Window, base, by_account, in_stretch, matched, next,
};
use super::parts::LocalFiles;
use super::request::SeenRequest;
use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::record::{Counters, Level, Record, RecordSet, State};

impl LocalFiles {
    /// The sessions whose files are needed to settle states: their own, and those that they were
    /// forked from.
    pub(crate) fn expect(&mut self, states: &[State]) {
        for state in states {
            let held = state
                .increments()
                .all(|record| self.place.contains_key(&record.id));
            if !held {
                let original = state.first.and_then(|id| self.session_of(id));
                self.near
                    .extend(original.into_iter().chain([state.session.clone()]));
            }
        }
        self.near
            .extend(self.grown.iter().map(|one| one.session.clone()));
    }

    /// The project of a session's requests, for a state that was read without any.
    fn project_of(&self, session: &SessionId) -> Name {
        let records = self
            .parts
            .values()
            .flat_map(|part| part.file.records.entries());
        let named = records.filter(|entry| entry.session == session && !entry.project.is_empty());
        named
            .map(|entry| entry.project.clone())
            .min()
            .unwrap_or_default()
    }

    fn session_of(&self, id: RecordId) -> Option<SessionId> {
        let found = self.parts.values().find_map(|part| {
            part.file
                .records
                .look(id)
                .map(|entry| entry.session.clone())
        });
        found.filter(|session| !session.as_str().is_empty())
    }

    /// Adds the increments of new states. `fresh`: the records that this run read, with their
    /// times. `others`: data of other machines that may concern the same accounts. All files of the
    /// expected sessions must have been read.
    pub(crate) fn settle(&mut self, states: &[State], fresh: &RecordSet, others: &Others) {
        let mut models = Models::default();
        self.take_late(fresh, &mut models);
        let mut new: Vec<&State> = states
            .iter()
            .filter(|state| {
                state
                    .increments()
                    .any(|record| !self.place.contains_key(&record.id))
            })
            .collect();
        if new.is_empty() {
            return;
        }
        new.sort_by_cached_key(|state| (state.until, state.id(), state.before.is_none()));
        let mut settled = self.settled(&others.increments);
        settled.retain(|one| !one.foreign || self.may_share(one, others));
        let kin = self.kin(&new, &settled);
        let shown = self.shown(kin.values().flatten(), fresh);
        let mut settled = by_account(settled);
        for state in new {
            let same = settled.entry(state.lineage).or_default();
            let rows = in_stretch(state, kin.get(&state.lineage), &shown, same);
            let base = base(state, same);
            let matched = matched(&rows, &mut models);
            self.add_state(state, matched, &base, &mut models);
            same.push(Settled {
                lineage: state.lineage,
                state: state.id(),
                session: state.session.clone(),
                from: state.from,
                until: state.until,
                after: state.after.clone(),
                foreign: false,
            });
        }
    }

    /// Whether a stretch of another machine may concern what is read here. One of which requests
    /// are known, and none was ever read here, does not.
    fn may_share(&self, stretch: &Settled, others: &Others) -> bool {
        let requests = others.requests.get(&stretch.session).into_iter().flatten();
        let mut ids = requests
            .filter(|(at, _)| (stretch.from..=stretch.until).contains(at))
            .map(|(_, id)| id)
            .peekable();
        let is_here = |id: &RecordId| {
            let mut parts = self.parts.values();
            parts.any(|part| part.file.records.contains(*id))
        };
        ids.peek().is_none() || ids.any(is_here)
    }

    fn add_state(
        &mut self,
        state: &State,
        mut matched: HashMap<String, Counters>,
        base: &ByModel,
        models: &mut Models,
    ) {
        let unknown = state.before.is_none() && self.rules.forgets(state.lineage);
        let project = if state.project.is_empty() {
            self.project_of(&state.session)
        } else {
            state.project.clone()
        };
        for mut record in state.increments() {
            record.origin.project.clone_from(&project);
            let model = record.body.model.clone();
            let before = base.get(&model).copied().unwrap_or_default();
            // The share of an original that was forgotten is not known.
            let own = if unknown {
                Counters::default()
            } else {
                record.body.counters.minus(before)
            };
            let slot = matched.entry(models.of(&model)).or_default();
            let left = own.minus(*slot);
            *slot = slot.minus(own);
            if !self.place.contains_key(&record.id) {
                let record = record.with_counters(left);
                let place = self.add_record(&record);
                self.place.extend(place.map(|place| (record.id, place)));
            }
        }
    }

    /// The states whose increments stand in the files that were read, or on other machines.
    fn settled(&self, others: &[Record]) -> Vec<Settled> {
        let mut out: BTreeMap<RecordId, Settled> = BTreeMap::new();
        let own = self
            .parts
            .values()
            .flat_map(|part| part.file.records.increments())
            .map(|record| (record, false));
        for (record, foreign) in own.chain(others.iter().map(|record| (record, true))) {
            let Some(ledger) = &record.ledger else {
                continue;
            };
            let slot = out.entry(ledger.state).or_insert_with(|| Settled {
                lineage: ledger.lineage,
                state: ledger.state,
                session: record.origin.session.clone(),
                from: ledger.from,
                until: record.origin.timestamp,
                after: BTreeMap::new(),
                foreign,
            });
            slot.after.insert(record.body.model.clone(), ledger.after);
        }
        out.into_values().collect()
    }

    /// By account the sessions that have to do with it: forks copy rows, and a row is kept under
    /// one of the sessions that it stands in.
    fn kin(&self, new: &[&State], settled: &[Settled]) -> HashMap<RecordId, BTreeSet<SessionId>> {
        let mut out: HashMap<RecordId, BTreeSet<SessionId>> = HashMap::new();
        for state in new {
            let original = state.first.and_then(|id| self.session_of(id));
            out.entry(state.lineage)
                .or_default()
                .extend(original.into_iter().chain([state.session.clone()]));
        }
        for one in settled
            .iter()
            .filter(|one| !one.session.as_str().is_empty())
        {
            if let Some(sessions) = out.get_mut(&one.lineage) {
                sessions.insert(one.session.clone());
            }
        }
        out
    }

    /// The requests of some sessions, as this run read them where the stored ones are pruned. Those
    /// without a known session are listed under the empty one.
    fn shown<'s>(
        &self,
        sessions: impl Iterator<Item = &'s SessionId>,
        fresh: &RecordSet,
    ) -> HashMap<SessionId, Vec<SeenRequest>> {
        let mut out: HashMap<SessionId, Vec<SeenRequest>> = sessions
            .map(|session| (session.clone(), Vec::new()))
            .collect();
        out.insert(SessionId::new(Name::default()), Vec::new());
        for entry in self
            .parts
            .values()
            .flat_map(|part| part.file.records.entries())
            .filter(|entry| !entry.ledger)
        {
            let read = if entry.level < Level::Full {
                fresh.look(entry.id)
            } else {
                None
            };
            let (session, at, level) = read
                .map_or((entry.session, entry.at, entry.level), |read| {
                    (read.session, read.at, read.level)
                });
            if let Some(all) = out.get_mut(session) {
                let (model, session) = (entry.model.clone(), session.clone());
                all.push(SeenRequest {
                    session,
                    model,
                    at,
                    level,
                    sidechain: entry.sidechain,
                    counters: entry.counters,
                });
            }
        }
        out
    }

    /// Takes requests that came late, or grew, from increments that were settled before.
    fn take_late(&mut self, fresh: &RecordSet, models: &mut Models) {
        let grown = std::mem::take(&mut self.grown);
        if grown.is_empty() {
            return;
        }
        let shown = self.shown(grown.iter().map(|one| &one.session), fresh);
        let held: Vec<Record> = self
            .parts
            .values()
            .flat_map(|part| part.file.records.increments())
            .cloned()
            .collect();
        for record in held {
            let Some(ledger) = &record.ledger else {
                continue;
            };
            let until = record.origin.timestamp;
            let next = next(shown.get(&record.origin.session), until);
            let window = Window {
                from: ledger.from,
                until,
                level: record.origin.level,
                next,
            };
            let is_in =
                |one: &&SeenRequest| one.session == record.origin.session && window.has(one);
            let model = models.of(&record.body.model);
            let more = grown
                .iter()
                .filter(is_in)
                .filter(|one| models.of(&one.model) == model);
            let more = more.fold(Counters::default(), |sum, one| sum.plus(one.counters));
            let left = record.body.counters.minus(more);
            if left != record.body.counters {
                self.add_record(&record.with_counters(left));
            }
        }
    }
}

/// Records of transcripts with the increments of their accounts, as a machine that has nothing else
/// would write them.
pub(crate) fn with_increments(
    machine: &MachineId,
    mut records: RecordSet,
    states: &[State],
) -> RecordSet {
    if states.is_empty() {
        return records;
    }
    let original = |state: &State| {
        state
            .first
            .and_then(|id| records.look(id))
            .map(|entry| entry.session.clone())
    };
    let sessions: HashSet<SessionId> = states
        .iter()
        .flat_map(|state| original(state).into_iter().chain([state.session.clone()]))
        .collect();
    let mut own = LocalFiles::new(machine);
    own.add_records(
        &records
            .iter()
            .filter(|record| sessions.contains(&record.origin.session))
            .collect(),
    );
    own.settle(states, &RecordSet::default(), &Others::default());
    for record in own.data().records.increments() {
        records.add(record.clone());
    }
    records
}
