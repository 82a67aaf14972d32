//! Rows to groups.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Zone;
use crate::base::time::Timestamp;
use crate::merge::fleet::{Fleet, Row, Source};
use crate::records::Totals;

/// What a report groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A day.
    Daily,
    /// A month.
    Monthly,
    /// A session.
    Session,
    /// A machine.
    Machines,
}

/// Which days count, both inclusive, in the report's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The first day.
    pub since: Option<NaiveDate>,
    /// The last day.
    pub until: Option<NaiveDate>,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The day, month, session or machine.
    pub key: String,
    /// The machine's name, in a report by machine.
    pub label: String,
    /// The project, in a report by session.
    pub project: String,
    /// Sums.
    pub totals: Totals,
    /// Sums by model.
    pub models: BTreeMap<String, Totals>,
    /// The machines that it counts for, by name.
    pub machines: BTreeSet<String>,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
    /// When the machine last synced, in a report by machine.
    pub last_sync: Option<Timestamp>,
    /// Requests whose last row was not seen yet.
    pub provisional: u64,
    /// Requests that are known from a summary only.
    pub withheld: u64,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it groups by.
    pub kind: Kind,
    /// Its lines: days and months ascending, sessions by last use, machines by cost.
    pub groups: Vec<Group>,
    /// The sum of all lines.
    pub totals: Totals,
    /// Models without a known price, with their requests.
    pub unpriced: BTreeMap<String, u64>,
    /// Files that were left out.
    pub left_out: u64,
    /// Sessions that a person must look at.
    pub pending: u64,
}

/// What stands for a model that nobody names.
const NO_MODEL: &str = "unknown";

/// Folds the rows within `bounds` into a report.
pub fn fold(fleet: &Fleet, kind: Kind, bounds: Bounds, zone: Zone) -> Report {
    let labels = labels(fleet);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut unpriced: BTreeMap<String, u64> = BTreeMap::new();
    if kind == Kind::Machines {
        // A machine without usage is listed too: it may be the one that stopped syncing.
        for (at, machine) in fleet.machines.iter().enumerate().filter(|(_, machine)| machine.merged_into.is_none()) {
            let last_sync = machine.page.as_ref().map(crate::format::syncfile::SyncFile::last_sync);
            groups.insert(at.to_string(), Group { key: machine.id.to_string(), label: labels[at].clone(), last_sync, ..Group::default() });
        }
    }
    for row in &fleet.rows {
        let date = zone.date(row.at);
        if bounds.since.is_some_and(|since| date < since) || bounds.until.is_some_and(|until| date > until) {
            continue;
        }
        let model = if row.model.is_empty() { NO_MODEL } else { &row.model };
        if !row.totals.cost.known {
            *unpriced.entry(model.to_owned()).or_default() += row.totals.requests;
        }
        let slot = match kind {
            Kind::Daily => date.format("%Y-%m-%d").to_string(),
            Kind::Monthly => date.format("%Y-%m").to_string(),
            Kind::Session => row.session.as_ref().map(ToString::to_string).unwrap_or_default(),
            Kind::Machines => row.machine.to_string(),
        };
        let group = groups.entry(slot.clone()).or_insert_with(|| Group { key: slot, ..Group::default() });
        add(group, row, model, &labels[row.machine]);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    match kind {
        Kind::Daily | Kind::Monthly => {}
        Kind::Session => groups.sort_by(|a, b| (a.last, &a.key).cmp(&(b.last, &b.key))),
        Kind::Machines => groups.sort_by(|a, b| b.totals.cost.amount.cmp(&a.totals.cost.amount).then_with(|| a.key.cmp(&b.key))),
    }
    let totals = groups.iter().map(|group| group.totals).sum();
    let left_out = fleet.conflicts.iter().filter(|c| !["unequal-summaries", "checksum"].contains(&c.code.as_str())).count() as u64;
    let pending = fleet.sessions.values().filter(|session| session.pending).count() as u64;
    Report { kind, groups, totals, unpriced, left_out, pending }
}

fn add(group: &mut Group, row: &Row, model: &str, machine: &str) {
    group.totals = group.totals.plus(row.totals);
    let slot = group.models.entry(model.to_owned()).or_default();
    *slot = slot.plus(row.totals);
    group.machines.insert(machine.to_owned());
    if group.first.is_none_or(|first| row.at < first) {
        group.first = Some(row.at);
        group.project = row.project.to_string();
    }
    group.last = group.last.max(Some(row.at));
    group.provisional += u64::from(row.provisional);
    if row.source != Source::Record {
        group.withheld = group.withheld.saturating_add(row.totals.requests);
    }
}

/// Names for people: the host's, with the id's beginning where two share one.
fn labels(fleet: &Fleet) -> Vec<String> {
    let name = |at: usize| fleet.machines[at].label.clone();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for at in 0..fleet.machines.len() {
        *seen.entry(name(at)).or_default() += 1;
    }
    let label = |at: usize| match name(at) {
        name if name.is_empty() => fleet.machines[at].id.short().to_owned(),
        name if seen[&name] > 1 => format!("{name} ({})", fleet.machines[at].id.short()),
        name => name,
    };
    (0..fleet.machines.len()).map(label).collect()
}
