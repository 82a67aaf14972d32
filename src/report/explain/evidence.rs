//! What is explained, and what is known of it.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::base::ids::{MachineId, RecordId, SessionId};
use crate::base::time::{Day, Timestamp};
use crate::fleet::{Row, RowSource};
use crate::git::Oid;
use crate::prices::{Bill, Prices};
use crate::record::{Record, Totals};
use crate::report::{Bounds, Zone};
use crate::transcripts;

/// What is to be explained, beside the machines and projects that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExplainedFigure {
    /// All that there is.
    All,
    /// What happened on the days from one to another.
    Days(NaiveDate, NaiveDate),
    /// A session whose id begins so.
    Session(String),
    /// One record.
    Record(RecordId),
}

impl ExplainedFigure {
    /// Reads a day, a month, a record's id, or a session's id or its beginning.
    pub(crate) fn parse(text: &str) -> Self {
        let day = |text: &str| Day::parse(text).map(Day::date);
        let compact = |text: &str| {
            let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
            plain
                .then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())
                .flatten()
        };
        if let Some(day) = day(text).or_else(|| compact(text)) {
            return Self::Days(day, day);
        }
        if let Some(first) = day(&format!("{text}-01")) {
            let last = first
                .checked_add_months(chrono::Months::new(1))
                .and_then(|next| next.pred_opt());
            return Self::Days(first, last.unwrap_or(first));
        }
        RecordId::parse(text).map_or_else(|| Self::Session(text.to_owned()), Self::Record)
    }

    /// The days that it is within.
    pub(crate) fn bounds(&self) -> Bounds {
        match self {
            Self::Days(first, last) => Bounds {
                since: Some(*first),
                until: Some(*last),
            },
            _ => Bounds::default(),
        }
    }
}

/// A line of the repository that holds a record.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    /// The machine that wrote it.
    pub(crate) machine: MachineId,
    /// The file.
    pub(crate) path: String,
    /// The line's number, from 1; 0 in a machine file, which is one document.
    pub(crate) line: u64,
    /// The record.
    pub(crate) record: Record,
    /// The commit that brought it, and when.
    pub(crate) added: Option<(Oid, Timestamp)>,
}

/// Something that counts, with all that is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The record's id; none of what is no record.
    pub(crate) id: Option<RecordId>,
    /// The place of the machine that it counts for.
    pub(crate) machine: usize,
    /// Its session, where it is known.
    pub(crate) session: Option<SessionId>,
    /// Its project.
    pub(crate) project: String,
    /// Its model.
    pub(crate) model: String,
    /// Its time.
    pub(crate) at: Timestamp,
    /// What it adds.
    pub(crate) totals: Totals,
    /// Why it counts.
    pub(crate) source: RowSource,
    /// The last row of the request was not seen yet.
    pub(crate) provisional: bool,
    /// All copies joined.
    pub(crate) record: Option<Record>,
    /// Lines of the repository that hold it, by path.
    pub(crate) copies: Vec<Copy>,
    /// Lines that hold the same request without its id. They do not count.
    pub(crate) twins: Vec<Copy>,
    /// Rows of this machine's transcripts that record it.
    pub(crate) rows: Vec<transcripts::Row>,
}

impl Evidence {
    fn of(row: &Row) -> Self {
        Self {
            id: row.id,
            machine: row.machine,
            session: row.session.cloned(),
            project: row.project.to_owned(),
            model: row.model.to_owned(),
            at: row.at,
            totals: row.totals,
            source: row.source,
            provisional: row.provisional,
            record: None,
            copies: Vec::new(),
            twins: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// How its price came about; none without a record or a known price.
    pub(crate) fn bill(&self, prices: &Prices) -> Option<Bill> {
        let record = self.record.as_ref()?;
        let (model, at) = (&record.body.model, record.origin.timestamp);
        prices.bill(
            model,
            at,
            &record.body.counters,
            record.fast,
            record.body.inference_geo.as_deref(),
        )
    }
}

/// What is behind a figure, in the making.
#[derive(Debug)]
pub(crate) struct Explanation {
    subject: ExplainedFigure,
    bounds: Bounds,
    zone: Zone,
    models: Vec<String>,
    /// Sorted by cost, descending, once it is finished.
    pub(crate) found: Vec<Evidence>,
}

impl Explanation {
    /// Of rows within `bounds`, of models whose names contain one of `models`, or of all where
    /// there is none.
    pub(crate) fn new(
        subject: ExplainedFigure,
        bounds: Bounds,
        zone: Zone,
        models: Vec<String>,
    ) -> Self {
        Self {
            subject,
            bounds,
            zone,
            models,
            found: Vec::new(),
        }
    }

    /// Adds a row, if it is part of the figure.
    pub(crate) fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.zone.date(row.at)
        };
        let meant = match &self.subject {
            ExplainedFigure::All | ExplainedFigure::Days(..) => true,
            ExplainedFigure::Session(begin) => row
                .session
                .is_some_and(|session| session.as_str().starts_with(begin.as_str())),
            ExplainedFigure::Record(id) => row.id == Some(*id),
        };
        let wanted = self.models.is_empty()
            || self
                .models
                .iter()
                .any(|part| row.model.contains(part.as_str()));
        if meant && wanted && self.bounds.contain(date) && self.subject.bounds().contain(date) {
            self.found.push(Evidence::of(row));
        }
    }

    /// Keeps what counts for the selected machines, sorted by cost, descending.
    pub(crate) fn keep(&mut self, wanted: impl Fn(usize) -> bool) {
        self.found.retain(|one| wanted(one.machine));
        self.found.sort_by(|a, b| {
            let key = |one: &Evidence| (one.at, one.id, one.machine);
            b.totals
                .cost
                .amount
                .cmp(&a.totals.cost.amount)
                .then_with(|| key(a).cmp(&key(b)))
        });
    }

    /// Finds the rows of this machine's transcripts that record what was found.
    pub(crate) fn find_rows(
        &mut self,
        folders: &transcripts::Folders,
        naming: &transcripts::Naming,
    ) {
        let ids: HashMap<RecordId, usize> = self.places(|one| one.id);
        for row in transcripts::rows(folders, naming, |record| ids.contains_key(&record.id)) {
            if let Some(at) = ids.get(&row.record.id) {
                self.found[*at].rows.push(row);
            }
        }
    }

    /// Joins the copies: the record that counts.
    pub(crate) fn join(&mut self) {
        for one in &mut self.found {
            let mut all: Vec<Record> = one.copies.iter().map(|copy| copy.record.clone()).collect();
            if all.is_empty() {
                all = one.rows.iter().map(|row| row.record.clone()).collect();
            }
            one.record = all.into_iter().reduce(Record::join_machines);
        }
    }

    pub(super) fn places(
        &self,
        id: impl Fn(&Evidence) -> Option<RecordId>,
    ) -> HashMap<RecordId, usize> {
        self.found
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some((id(one)?, at)))
            .collect()
    }
}
