//! A report and its groups.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::choice::{Bounds, Breakdown, CostMode, ReportKind};
use super::lower::Lower;
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// What a machine is tagged with; empty where it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tags {
    /// The group of the machine.
    pub(crate) group: String,
    /// The person who uses it.
    pub(crate) user: String,
}

/// A group of a report, shown as a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Group {
    /// The day, week, month, session, machine, project, model, group of machines or user.
    pub(crate) key: String,
    /// The machine's name, in a report by machine.
    pub(crate) label: String,
    /// The machine's group and user, in a report by machine.
    pub(crate) tags: Option<Tags>,
    /// The project, in a report by session.
    pub(crate) project: String,
    /// Totals of the group.
    pub(crate) totals: Totals,
    /// Totals by model.
    pub(crate) models: BTreeMap<String, Totals>,
    /// Totals by the key of the split, sorted by cost, descending.
    pub(crate) parts: Vec<(String, Totals)>,
    /// Names of the machines that it counts for.
    pub(crate) machines: BTreeSet<String>,
    /// The first request.
    pub(crate) first: Option<Timestamp>,
    /// The last request.
    pub(crate) last: Option<Timestamp>,
    /// When the machine last synced, in a report by machine.
    pub(crate) last_sync: Option<Timestamp>,
    /// Requests whose final counts were not logged.
    pub(crate) lower: Lower,
    /// Requests without records, known from a sum.
    pub(crate) unrecorded: u64,
    /// The part that is in no request line, but in Claude Code's own account.
    pub(crate) ledger: Totals,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The grouping.
    pub(crate) kind: ReportKind,
    /// The split of each group.
    pub(crate) split: Option<Breakdown>,
    /// Only tokens are shown.
    pub(crate) without_cost: bool,
    /// Which cost is shown.
    pub(crate) mode: CostMode,
    /// Its days.
    pub(crate) bounds: Bounds,
    /// Its groups: days and months ascending, sessions by last use, machines by cost.
    pub(crate) groups: Vec<Group>,
    /// How many more groups there are, which cost less: they are in no figure of the report.
    pub(crate) omitted: u64,
    /// The cost below which groups are not listed, if there is one.
    pub(crate) min_cost: Option<Money>,
    /// Groups that cost less than that: they are in the totals.
    pub(crate) not_listed: Vec<Group>,
    /// The totals of its groups, with those that are not listed.
    pub(crate) totals: Totals,
    /// Models without a known price, with their requests.
    pub(crate) unpriced: BTreeMap<String, u64>,
    /// Files that were left out.
    pub(crate) left_out: u64,
    /// Sessions that need review.
    pub(crate) pending: u64,
    /// Machines that are not retired, with the time of their last sync, ascending.
    pub(crate) synced: Vec<(String, Timestamp)>,
}

impl Report {
    /// The groups of which it has the totals, listed or not.
    pub(super) fn all_groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().chain(&self.not_listed)
    }
}

/// Orders by cost, descending, then by name.
pub(super) fn by_cost(a: (&str, &Totals), b: (&str, &Totals)) -> Ordering {
    let cost = |totals: &Totals| totals.cost.amount;
    cost(b.1).cmp(&cost(a.1)).then_with(|| a.0.cmp(b.0))
}
