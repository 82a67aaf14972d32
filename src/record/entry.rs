//! The figures of one record.

use super::client::Client;
use super::request::{Level, Record};
use super::totals::Totals;
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::base::window::Span;
use crate::prices::{Counters, Prices};

/// The figures of one record, borrowed from where it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The record's id.
    pub(crate) id: RecordId,
    /// The id was derived.
    pub(crate) derived: bool,
    /// Its level of detail.
    pub(crate) level: Level,
    /// Its time; below [`Level::Full`] the start of its UTC day.
    pub(crate) at: Timestamp,
    /// Its session; empty where the record is bare.
    pub(crate) session: &'a SessionId,
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: &'a Name,
    /// The program and the agent that made it.
    pub(crate) client: &'a Client,
    /// The name of its model.
    pub(crate) model: &'a Name,
    /// Tokens and searches.
    pub(crate) counters: Counters,
    /// The price by this version's table.
    pub(crate) cost: Cost,
    /// The cost that the transcript states.
    pub(crate) recorded: Option<Money>,
    /// The last row of the request was not seen yet.
    pub(crate) provisional: bool,
    /// A subagent made it.
    pub(crate) sidechain: bool,
    /// It is an increment of Claude Code's account, and no request.
    pub(crate) ledger: bool,
    /// It was in Claude Code's fast mode.
    pub(crate) fast: bool,
    /// The region that inference was bound to.
    pub(crate) geo: Option<&'a Name>,
}

impl<'a> Entry<'a> {
    /// Its price by a table.
    pub(crate) fn cost_by(&self, prices: &Prices) -> Cost {
        if self.ledger {
            return prices.cost_of_many(self.model, self.at, &self.counters);
        }
        prices.cost(
            self.model,
            self.at,
            &self.counters,
            self.fast,
            self.geo.map(|geo| &**geo),
        )
    }

    /// What it adds to a total.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            requests: u64::from(!self.ledger),
            counters: self.counters,
            cost: self.cost,
        }
    }

    /// Its millisecond; its UTC day where its time of day is not known.
    pub(crate) fn span(&self) -> Span {
        let from = self.at.millis();
        let length = match self.level {
            Level::Full => 1,
            _ => 24 * 60 * 60 * 1000,
        };
        Span {
            from,
            to: from.saturating_add(length),
        }
    }

    /// The figures of a record.
    pub(crate) fn of(record: &'a Record) -> Self {
        Self {
            id: record.id,
            derived: record.derived,
            level: record.origin.level,
            at: record.origin.timestamp,
            session: &record.origin.session,
            project: &record.origin.project,
            client: &record.origin.client,
            model: &record.body.model,
            counters: record.body.counters,
            cost: record.cost(),
            recorded: record.body.recorded_cost,
            provisional: record.body.provisional,
            sidechain: record.body.sidechain,
            ledger: record.ledger.is_some(),
            fast: record.fast,
            geo: record.body.inference_geo.as_ref(),
        }
    }
}
