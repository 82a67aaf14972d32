//! A request as one row states it.

use std::collections::BTreeSet;

use super::client::Client;
use super::request::{Body, Level, Origin, Record};
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::json::Extra;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::prices::Counters;

/// A request as one row of a transcript states it. Its names are those of the rows around it and
/// are borrowed: most rows change nothing about a request that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) id: RecordId,
    pub(crate) at: Timestamp,
    pub(crate) session: &'a SessionId,
    pub(crate) project: &'a Name,
    pub(crate) client: &'a Client,
    pub(crate) model: &'a Name,
    pub(crate) counters: Counters,
    pub(crate) service_tier: Option<&'a Name>,
    pub(crate) inference_geo: Option<&'a Name>,
    pub(crate) fast: bool,
    pub(crate) provisional: bool,
    pub(crate) sidechain: bool,
    pub(crate) recorded_cost: Option<Money>,
}

impl Draft<'_> {
    /// The record that the row makes.
    pub(crate) fn record(&self) -> Record {
        let mut record = Record {
            id: self.id,
            derived: false,
            origin: Origin {
                level: Level::Full,
                timestamp: self.at,
                session: self.session.clone(),
                project: self.project.clone(),
                client: self.client.clone(),
            },
            index: 0,
            fast: self.fast,
            body: Body {
                model: self.model.clone(),
                counters: self.counters,
                service_tier: self.service_tier.cloned(),
                inference_geo: self.inference_geo.cloned(),
                provisional: self.provisional,
                sidechain: self.sidechain,
                cost: Cost::default(),
                recorded_cost: self.recorded_cost,
            },
            twins: BTreeSet::new(),
            ledger: None,
            extra: Extra::new(),
        };
        record.body.cost = record.cost();
        record
    }
}
