//! What one session has in a file or a portion.

use serde::{Deserialize, Serialize};

use super::stored::Sums;
use crate::base::ids::{Name, RecordId};
use crate::base::time::Timestamp;
use crate::record::{Record, Totals};

/// What one session has in a file or a portion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionSum {
    /// The id of the session.
    pub(crate) id: String,
    sums: Sums,
    first: i64,
    project: String,
    last: i64,
    /// The highest index that was given in it.
    pub(crate) highest: u64,
    /// Its models, sorted.
    pub(crate) models: Vec<String>,
}

impl SessionSum {
    pub(super) fn of(record: &Record) -> Self {
        let at = record.origin.timestamp.millis();
        let model = &record.body.model;
        Self {
            id: record.origin.session.to_string(),
            sums: Totals::of(record).into(),
            first: at,
            project: record.origin.project.to_string(),
            last: at,
            highest: record.index,
            models: if model.is_empty() {
                Vec::new()
            } else {
                vec![model.to_string()]
            },
        }
    }

    pub(super) fn add_record(&mut self, record: &Record) {
        let at = record.origin.timestamp.millis();
        self.sums.add(Totals::of(record));
        if (at, &*record.origin.project) < (self.first, self.project.as_str()) {
            (self.first, self.project) = (at, record.origin.project.to_string());
        }
        self.last = self.last.max(at);
        self.highest = self.highest.max(record.index);
        self.add_model(&record.body.model);
    }

    fn add_model(&mut self, model: &str) {
        if let Err(at) = self
            .models
            .binary_search_by(|known| known.as_str().cmp(model))
            && !model.is_empty()
        {
            self.models.insert(at, model.to_owned());
        }
    }

    /// Adds what the same session has elsewhere.
    pub(super) fn add(&mut self, other: &Self) {
        self.sums.add(other.totals());
        if (other.first, &other.project) < (self.first, &self.project) {
            (self.first, self.project) = (other.first, other.project.clone());
        }
        self.last = self.last.max(other.last);
        self.highest = self.highest.max(other.highest);
        other.models.iter().for_each(|model| self.add_model(model));
    }

    /// What counts for it here.
    pub(crate) fn totals(&self) -> Totals {
        self.sums.into()
    }

    /// Its first request's time and project.
    pub(crate) fn first(&self) -> (Timestamp, Name) {
        (
            Timestamp::from_millis(self.first).unwrap_or(Timestamp::EPOCH),
            self.project.as_str().into(),
        )
    }

    /// Its last request's time.
    pub(crate) fn last(&self) -> Timestamp {
        Timestamp::from_millis(self.last).unwrap_or(Timestamp::EPOCH)
    }
}

/// A hash of a session's id.
pub(crate) fn name(session: &str) -> u64 {
    RecordId::of("session", &[session.as_bytes()]).number()
}
