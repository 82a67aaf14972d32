//! A report and its lines.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::choice::{Breakdown, CostMode, ReportKind};
use super::lower::Lower;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The day, week, month, session, machine, project or model.
    pub key: String,
    /// The machine's name, in a report by machine.
    pub label: String,
    /// The project, in a report by session.
    pub project: String,
    /// Sums.
    pub totals: Totals,
    /// Sums by model.
    pub models: BTreeMap<String, Totals>,
    /// Sums by what the report is split by, sorted by cost, descending.
    pub parts: Vec<(String, Totals)>,
    /// Names of the machines that it counts for.
    pub machines: BTreeSet<String>,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
    /// When the machine last synced, in a report by machine.
    pub last_sync: Option<Timestamp>,
    /// Requests whose final counts were not logged.
    pub lower: Lower,
    /// Requests without records, known from a sum.
    pub unrecorded: u64,
    /// The part that is in no request line, but in Claude Code's own account.
    pub ledger: Totals,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it groups by.
    pub kind: ReportKind,
    /// What each line is split by.
    pub split: Option<Breakdown>,
    /// Only tokens are shown.
    pub without_cost: bool,
    /// Which cost is shown.
    pub mode: CostMode,
    /// Its lines: days and months ascending, sessions by last use, machines by cost.
    pub groups: Vec<Group>,
    /// The sum of all lines.
    pub totals: Totals,
    /// Models without a known price, with their requests.
    pub unpriced: BTreeMap<String, u64>,
    /// Files that were left out.
    pub left_out: u64,
    /// Sessions that need review.
    pub pending: u64,
    /// Machines that are not retired, with the time of their last sync, ascending.
    pub synced: Vec<(String, Timestamp)>,
}

/// Orders by cost, descending, then by name.
pub(super) fn by_cost(a: (&str, &Totals), b: (&str, &Totals)) -> Ordering {
    let cost = |totals: &Totals| totals.cost.amount;
    cost(b.1).cmp(&cost(a.1)).then_with(|| a.0.cmp(b.0))
}
