//! What settling an account compares: settled states, requests of other machines, and stretches of
//! time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::request::SeenRequest;
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::time::Timestamp;
use crate::format::dayfile::DayFile;
use crate::record::{Counters, Level, Record, State, same_model};

/// A state whose increments are settled.
pub(super) struct Settled {
    pub(crate) lineage: RecordId,
    pub(crate) state: RecordId,
    pub(crate) session: SessionId,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) after: BTreeMap<Name, Counters>,
    /// Another machine settled it.
    pub(crate) foreign: bool,
}

/// Counters of each model.
pub(super) type ByModel = BTreeMap<Name, Counters>;

/// What other machines have that may have to do with states.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// Increments of the same accounts.
    pub(crate) increments: Vec<Record>,
    /// The requests beside them, by session.
    pub(crate) requests: HashMap<SessionId, Vec<(Timestamp, RecordId)>>,
}

impl Others {
    /// Takes from another machine's day file the increments of these accounts, and all requests.
    pub(super) fn add(&mut self, file: &DayFile, lineages: &HashSet<RecordId>) {
        let is_kin = |record: &&Record| {
            record
                .ledger
                .as_ref()
                .is_some_and(|ledger| lineages.contains(&ledger.lineage))
        };
        self.increments
            .extend(file.records.increments().filter(is_kin).cloned());
        for entry in file.records.entries().filter(|entry| !entry.ledger) {
            self.requests
                .entry(entry.session.clone())
                .or_default()
                .push((entry.at, entry.id));
        }
    }
}

/// The price table's names of models, each looked up once.
#[derive(Default)]
pub(super) struct Models(HashMap<Name, String>);

impl Models {
    pub(super) fn of(&mut self, name: &Name) -> String {
        self.0
            .entry(name.clone())
            .or_insert_with(|| same_model(name))
            .clone()
    }
}

/// The time from the first to the last request of a stretch. What subagents log after it, before
/// anything else happens, is in it.
pub(super) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) level: Level,
    /// When the session went on.
    pub(crate) next: Option<Timestamp>,
}

impl Window {
    pub(super) fn has(&self, one: &SeenRequest) -> bool {
        if self.level < Level::Full || one.level < Level::Full {
            return (self.from.day()..=self.until.day()).contains(&one.at.day());
        }
        let late =
            one.sidechain && one.at > self.until && self.next.is_none_or(|next| one.at < next);
        (self.from..=self.until).contains(&one.at) || late
    }
}

/// The millisecond after a time.
pub(super) fn after(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(1)).unwrap_or(time)
}

/// Settled states by account: a first sync has one for each session, and compares only those of one
/// account.
pub(super) fn by_account(all: Vec<Settled>) -> HashMap<RecordId, Vec<Settled>> {
    let mut out: HashMap<RecordId, Vec<Settled>> = HashMap::new();
    for one in all {
        out.entry(one.lineage).or_default().push(one);
    }
    out
}

/// The counters of an account before a state's stretch: those of the previous state, and those that
/// other sessions of the account contain. `settled`: the settled states of this account.
pub(super) fn base(state: &State, settled: &[Settled]) -> ByModel {
    let mut out = ByModel::new();
    let mut raise = |model: &Name, counters: Counters| {
        let slot = out.entry(model.clone()).or_default();
        *slot = Counters::max(*slot, counters);
    };
    // An account that went back began anew.
    let before = state.before.as_ref().filter(|before| state.covers(before));
    before
        .into_iter()
        .flatten()
        .for_each(|(model, counters)| raise(model, *counters));
    let id = state.id();
    // A machine that settled this state too has subtracted it from its forks.
    let is_known = settled.iter().any(|other| other.state == id);
    for other in settled.iter().filter(|other| other.state != id) {
        let covered = other.until <= state.until && state.covers(&other.after);
        let overlaps = other.session != state.session
            && other.from <= state.until
            && state.from <= other.until;
        if covered && before.is_none() {
            other
                .after
                .iter()
                .for_each(|(model, counters)| raise(model, *counters));
        } else if overlaps && !covered && !(other.foreign && is_known) {
            // Both may have begun with figures that neither of them has alone.
            for (model, counters) in &other.after {
                if let Some(own) = state.after.get(model) {
                    raise(model, Counters::min(*own, *counters));
                }
            }
        }
    }
    out
}

/// When a session went on after a time.
pub(super) fn next(shown: Option<&Vec<SeenRequest>>, until: Timestamp) -> Option<Timestamp> {
    let main = shown
        .into_iter()
        .flatten()
        .filter(|one| !one.sidechain && one.level == Level::Full);
    main.map(|one| one.at).filter(|at| *at > until).min()
}

/// The requests of a state's stretch.
pub(super) fn in_stretch<'s>(
    state: &State,
    kin: Option<&BTreeSet<SessionId>>,
    shown: &'s HashMap<SessionId, Vec<SeenRequest>>,
    settled: &[Settled],
) -> Vec<&'s SeenRequest> {
    let next = next(shown.get(&state.session), state.until);
    // A fork's rows begin with those of its original; its own come after the state that it goes on
    // from.
    let covered = settled.iter().filter(|other| {
        state.before.is_none() && other.until < state.until && state.covers(&other.after)
    });
    let from = covered
        .map(|other| after(other.until))
        .fold(state.from, Timestamp::max);
    let window = Window {
        from,
        until: state.until,
        level: Level::Full,
        next,
    };
    let nobody = SessionId::new(Name::default());
    let sessions = kin.into_iter().flatten().chain([&nobody]);
    sessions
        .filter_map(|session| shown.get(session))
        .flatten()
        .filter(|one| window.has(one))
        .collect()
}

/// What requests show, by model of the price table.
pub(super) fn matched(rows: &[&SeenRequest], models: &mut Models) -> HashMap<String, Counters> {
    let mut out: HashMap<String, Counters> = HashMap::new();
    for one in rows {
        let slot = out.entry(models.of(&one.model)).or_default();
        *slot = slot.plus(one.counters);
    }
    out
}
