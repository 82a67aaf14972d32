//! The states of an account as transcripts state them, and the increments that they make.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Client;
use super::ledger::Ledger;
use super::request::{Body, Level, Origin, Record};
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::json::Extra;
use crate::base::money::Cost;
use crate::base::time::Timestamp;
use crate::prices::Counters;

/// A state of an account, as a transcript states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// The id of the account.
    pub(crate) lineage: RecordId,
    /// The session whose transcript states it.
    pub(crate) session: SessionId,
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: Name,
    /// The first request after the state before, or the first one of the transcript.
    pub(crate) from: Timestamp,
    /// The last request before it.
    pub(crate) until: Timestamp,
    /// The transcript's first request. A fork begins with that of its original.
    pub(crate) first: Option<RecordId>,
    /// The state before it in the same transcript.
    pub(crate) before: Option<BTreeMap<Name, Counters>>,
    /// Its counters, by model.
    pub(crate) after: BTreeMap<Name, Counters>,
}

impl State {
    /// Its id, from the account and all of its counters.
    pub(crate) fn id(&self) -> RecordId {
        let mut parts = vec![self.lineage.number().to_be_bytes().to_vec()];
        for (model, c) in &self.after {
            parts.push(model.as_bytes().to_vec());
            let figures = [
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
                c.web_search,
            ];
            parts.extend(figures.map(|figure| figure.to_be_bytes().to_vec()));
        }
        RecordId::of(
            "state",
            &parts.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        )
    }

    /// Whether its counters are at least those of another state.
    pub(crate) fn covers(&self, other: &BTreeMap<Name, Counters>) -> bool {
        other.iter().all(|(model, counters)| {
            self.after
                .get(model)
                .is_some_and(|own| Counters::max(*own, *counters) == *own)
        })
    }

    /// The increments, one for each model, as if no request showed any of it.
    pub(crate) fn increments(&self) -> impl Iterator<Item = Record> {
        let state = self.id();
        self.after.iter().map(move |(model, after)| {
            let ledger = Ledger {
                lineage: self.lineage,
                state,
                after: *after,
                from: self.from.min(self.until),
            };
            Record::increment(
                RecordId::of("ledger", &[&state.number().to_be_bytes(), model.as_bytes()]),
                self,
                model,
                ledger,
            )
        })
    }
}

impl Record {
    fn increment(id: RecordId, state: &State, model: &Name, ledger: Ledger) -> Self {
        let body = Body {
            model: model.clone(),
            counters: ledger.after,
            service_tier: None,
            inference_geo: None,
            provisional: false,
            sidechain: false,
            cost: Cost::default(),
            recorded_cost: None,
        };
        let origin = Origin {
            level: Level::Full,
            timestamp: state.until,
            session: state.session.clone(),
            project: state.project.clone(),
            client: Client::default(),
        };
        let twins = BTreeSet::new();
        let mut out = Self {
            id,
            derived: false,
            origin,
            index: 0,
            fast: false,
            body,
            twins,
            ledger: Some(Box::new(ledger)),
            extra: Extra::new(),
        };
        out.body.cost = out.cost();
        out
    }

    /// With other figures.
    #[must_use]
    pub(crate) fn with_counters(mut self, counters: Counters) -> Self {
        self.body.counters = counters;
        self.body.cost = self.cost();
        self
    }
}
