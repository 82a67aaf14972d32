//! The data of the HTML page: usage in cells of one day, hour, machine, project, model, agent and
//! session.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, Timelike as _};

use super::super::slot::{agent, model};
use super::super::{Bounds, Machines, Zone};
use super::names::Names;
use crate::base::ids::SessionId;
use crate::fleet::{Fleet, Row};
use crate::record::Totals;

/// The hour of a cell of which only the day is known.
pub(super) const NO_HOUR: u8 = 24;
/// The session of a cell without one.
pub(super) const NO_SESSION: u32 = 0;
/// The session of cells whose session is left out.
pub(super) const LEFT_OUT: u32 = 1;
/// The first number of a session.
pub(super) const FIRST: u32 = 2;

/// What a cell is about. Machines, projects, models, agents and sessions are indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CellKey {
    /// Days since 1970-01-01.
    pub(super) day: i32,
    pub(super) session: u32,
    /// 0 to 23, or [`NO_HOUR`].
    pub(super) hour: u8,
    pub(super) machine: u32,
    pub(super) project: u32,
    pub(super) model: u32,
    pub(super) agent: u32,
}

/// A session: its id and its last use, in minutes since 1970; negative if only the day is known.
#[derive(Debug, Clone)]
pub(super) struct CellSession {
    pub(super) id: String,
    pub(super) last: i64,
}

/// Usage in cells, sorted, with the names that they refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells {
    pub(super) used: Vec<(CellKey, Totals)>,
    pub(super) machines: Vec<String>,
    pub(super) projects: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) agents: Vec<String>,
    /// Sorted by last use; the first one has the number [`FIRST`].
    pub(super) sessions: Vec<CellSession>,
}

/// Collects rows for [`Cells`].
#[derive(Debug)]
pub(super) struct CellsFold {
    bounds: Bounds,
    zone: Zone,
    cells: HashMap<CellKey, Totals>,
    projects: Names,
    models: Names,
    agents: Names,
    sessions: HashMap<SessionId, u32>,
    known: Vec<CellSession>,
}

/// A date as the number of days since 1970-01-01.
pub(super) fn day_number(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// An index as a number.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl CellsFold {
    /// Collects rows within `bounds`, with days of `zone`.
    pub(super) fn new(bounds: Bounds, zone: Zone) -> Self {
        Self {
            bounds,
            zone,
            cells: HashMap::new(),
            projects: Names::default(),
            models: Names::default(),
            agents: Names::default(),
            sessions: HashMap::new(),
            known: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &Row) {
        let clock = self.zone.clock(row.at);
        // The time of an imported total is not the time of a request.
        let (date, hour) = if row.is_day() {
            (row.at.day().date(), None)
        } else {
            (clock.date(), Some(clock.hour()).filter(|_| !row.is_sum()))
        };
        if !self.bounds.contain(date) {
            return;
        }
        let day = day_number(date);
        let minutes =
            i64::from(day) * 1440 + i64::from(hour.map_or(0, |hour| hour * 60 + clock.minute()));
        let last = if hour.is_some() { minutes } else { -minutes };
        let key = CellKey {
            day,
            session: row.session.map_or(NO_SESSION, |id| self.session(id, last)),
            hour: hour
                .and_then(|hour| u8::try_from(hour).ok())
                .unwrap_or(NO_HOUR),
            machine: number(row.machine),
            project: self.projects.number(row.project),
            model: self.models.number(&model(row)),
            agent: self.agents.number(agent(row)),
        };
        let sum = self.cells.entry(key).or_default();
        *sum = sum.plus(row.totals);
    }

    /// The number of a session, which was used at `last`.
    fn session(&mut self, id: &SessionId, last: i64) -> u32 {
        if let Some(at) = self.sessions.get(id) {
            let known = &mut self.known[*at as usize];
            if last.abs() > known.last.abs() {
                known.last = last;
            }
            return at.saturating_add(FIRST);
        }
        let at = number(self.known.len());
        self.sessions.insert(id.clone(), at);
        self.known.push(CellSession {
            id: id.to_string(),
            last,
        });
        at.saturating_add(FIRST)
    }

    /// The cells of these machines or, if there are none, of all.
    pub(super) fn finish(self, fleet: &Fleet, machines: Machines<'_>) -> Cells {
        let wanted = |at: u32| {
            let machine = fleet.machines.get(at as usize);
            machines.is_empty() || machine.is_some_and(|machine| machines.contains(&machine.id))
        };
        let mut out = Cells {
            used: self
                .cells
                .into_iter()
                .filter(|(key, _)| wanted(key.machine))
                .collect(),
            machines: fleet.labels(),
            projects: self.projects.texts,
            models: self.models.texts,
            agents: self.agents.texts,
            sessions: self.known,
        };
        out.sort_sessions();
        out.sort_names();
        out.join();
        out
    }
}

impl Cells {
    /// Numbers sessions by last use. Those without a cell go.
    fn sort_sessions(&mut self) {
        let mut used = vec![false; self.sessions.len()];
        let at = |session: u32| session.checked_sub(FIRST).map(|at| at as usize);
        for index in self.used.iter().filter_map(|(key, _)| at(key.session)) {
            used[index] = true;
        }
        let mut order: Vec<usize> = (0..used.len()).filter(|index| used[*index]).collect();
        order.sort_by_key(|index| (self.sessions[*index].last.abs(), &self.sessions[*index].id));
        let mut places = vec![NO_SESSION; used.len()];
        for (place, index) in order.iter().enumerate() {
            places[*index] = number(place).saturating_add(FIRST);
        }
        for (key, _) in &mut self.used {
            key.session = at(key.session).map_or(key.session, |index| places[index]);
        }
        self.sessions = order
            .iter()
            .map(|index| self.sessions[*index].clone())
            .collect();
    }

    /// Numbers names by cost, descending. Those without a cell go.
    fn sort_names(&mut self) {
        let cells = &mut self.used;
        sort_by_cost(cells, &mut self.machines, |key| &mut key.machine);
        sort_by_cost(cells, &mut self.projects, |key| &mut key.project);
        sort_by_cost(cells, &mut self.models, |key| &mut key.model);
        sort_by_cost(cells, &mut self.agents, |key| &mut key.agent);
    }

    /// Sorts the cells, and joins those about the same.
    pub(super) fn join(&mut self) {
        self.used.sort_unstable_by_key(|(key, _)| *key);
        self.used.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.plus(next.1);
            }
            same
        });
    }
}

fn sort_by_cost(
    cells: &mut [(CellKey, Totals)],
    names: &mut Vec<String>,
    part: impl Fn(&mut CellKey) -> &mut u32,
) {
    let mut sums: BTreeMap<u32, Totals> = BTreeMap::new();
    for (key, totals) in cells.iter_mut() {
        let sum = sums.entry(*part(key)).or_default();
        *sum = sum.plus(*totals);
    }
    let name = |index: u32| names.get(index as usize).cloned().unwrap_or_default();
    let mut order: Vec<_> = sums
        .into_iter()
        .map(|(index, totals)| (totals, name(index), index))
        .collect();
    order.sort_by(|a, b| {
        b.0.cost
            .amount
            .cmp(&a.0.cost.amount)
            .then_with(|| a.1.cmp(&b.1))
    });
    let places: HashMap<u32, u32> = order
        .iter()
        .enumerate()
        .map(|(place, one)| (one.2, number(place)))
        .collect();
    for (key, _) in cells {
        let index = part(key);
        *index = places.get(index).copied().unwrap_or(*index);
    }
    *names = order.into_iter().map(|(_, name, _)| name).collect();
}
