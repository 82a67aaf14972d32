//! The figures of one machine that its machine file states.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::ids::{MachineId, SessionId};
use crate::base::time::Timestamp;
use crate::cache::overview::Overview;
#[cfg(test)]
use crate::fleet::read::MachineData;
use crate::fleet::{Fleet, Row, SessionView};
#[cfg(test)]
use crate::prices::PriceBook;
use crate::record::Totals;
use crate::sync::error::SyncError;
use crate::sync::view::View;

/// A machine's usage.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Sessions.
    pub(crate) sessions: u64,
    /// Records.
    pub(crate) records: u64,
    /// All that counts.
    pub(crate) totals: Totals,
    /// The first request.
    pub(crate) first: Option<Timestamp>,
    /// The last request.
    pub(crate) last: Option<Timestamp>,
    /// The sessions that the machine file lists, with their models.
    pub(crate) views: BTreeMap<SessionId, (SessionView, BTreeSet<String>)>,
}

impl Figures {
    /// Out of a fleet of this machine alone.
    fn of(
        fleet: &Fleet,
        wanted: BTreeSet<SessionId>,
        mut models: HashMap<SessionId, BTreeSet<String>>,
    ) -> Self {
        let view = |id: SessionId| {
            Some((
                id.clone(),
                (
                    fleet.sessions.get(&id)?.clone(),
                    models.remove(&id).unwrap_or_default(),
                ),
            ))
        };
        Self {
            views: wanted.into_iter().filter_map(view).collect(),
            sessions: (fleet.sessions.len() as u64).saturating_add(fleet.unlisted),
            records: fleet.records,
            totals: fleet.totals(),
            first: fleet.first_usage(),
            last: fleet.last_usage(),
        }
    }

    /// Takes note of a row's model.
    fn see(
        wanted: &BTreeSet<SessionId>,
        models: &mut HashMap<SessionId, BTreeSet<String>>,
        row: &Row,
    ) {
        if let Some(session) = row
            .session
            .filter(|session| !row.model.is_empty() && wanted.contains(*session))
        {
            let models = models.entry(session.clone()).or_default();
            if !models.contains(row.model) {
                models.insert(row.model.to_owned());
            }
        }
    }
}

impl Figures {
    /// Counts all of a machine's files. `wanted`: the sessions to list.
    #[cfg(test)]
    pub(super) fn count(data: MachineData, wanted: BTreeSet<SessionId>) -> Self {
        let mut models: HashMap<SessionId, BTreeSet<String>> = HashMap::new();
        let fleet = Fleet::count_by(vec![data], PriceBook::default(), &mut |row| {
            Self::see(&wanted, &mut models, row);
        });
        Self::of(&fleet, wanted, models)
    }

    /// Reads a machine's figures from a tree, by digests where the cache has them. `wanted`: the
    /// sessions to list.
    pub(crate) fn read(
        view: View<'_>,
        machine: &MachineId,
        wanted: BTreeSet<SessionId>,
    ) -> Result<Self, SyncError> {
        let mut models: HashMap<SessionId, BTreeSet<String>> = HashMap::new();
        let (inputs, cache) = (view.inputs()?, view.cache);
        let mut overview = Overview::read(view.repo, inputs, Some(machine), cache, &mut |row| {
            Self::see(&wanted, &mut models, row);
        })?;
        overview.add_sessions(&wanted, |sum| {
            models
                .entry(SessionId::new(sum.id.as_str().into()))
                .or_default()
                .extend(sum.models.iter().cloned());
        })?;
        overview.count_sessions();
        Ok(Self::of(&overview.fleet, wanted, models))
    }
}

/// The five totals that a machine file has; the format has no others.
pub(crate) fn stated(totals: &Totals) -> [u64; 5] {
    let c = &totals.counters;
    [
        totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
    ]
}
