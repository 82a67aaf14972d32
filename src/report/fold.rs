//! Computes a report from rows.

use std::collections::{BTreeMap, HashMap};

use super::Zone;
use super::choice::{Bounds, Breakdown, Choice, Machines, ReportKind, SortBy};
use super::dates::Dates;
use super::group::{Group, Report, by_cost};
use super::group_builder::{GroupBuilder, Names, joined};
use super::slot::Slot;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, Tag};
use crate::format::conflict::Concern;

/// A report while rows are added. They can be added in any order, and are not kept.
#[derive(Debug)]
pub(crate) struct Fold {
    kind: ReportKind,
    choice: Choice,
    bounds: Bounds,
    dates: Dates,
    sums: Vec<GroupBuilder>,
    places: HashMap<(Slot, Option<usize>), usize>,
    /// Index of the last row's group: most rows are in the group of the row before.
    recent: usize,
}

impl Fold {
    /// A report of rows within `bounds`; days begin in `zone`.
    pub(crate) fn new(kind: ReportKind, bounds: Bounds, zone: Zone) -> Self {
        Self {
            kind,
            choice: Choice::default(),
            bounds,
            dates: Dates::new(zone),
            sums: Vec::new(),
            places: HashMap::new(),
            recent: 0,
        }
    }

    /// With other options.
    #[must_use]
    pub(crate) fn with(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.dates.of(row.at)
        };
        if !self.bounds.contain(date) {
            return;
        }
        let machine = self.choice.some_machines.then_some(row.machine);
        let fits =
            |sum: &GroupBuilder| sum.machine == machine && sum.slot.holds(row, date, &self.choice);
        if !self.sums.get(self.recent).is_some_and(fits) {
            let slot = Slot::of(row, date, self.kind, &self.choice);
            self.recent = self.place(slot, machine);
        }
        self.sums[self.recent].add(row, self.choice.split);
    }

    fn place(&mut self, slot: Slot, machine: Option<usize>) -> usize {
        let entry = self.places.entry((slot, machine));
        *entry.or_insert_with_key(|(slot, machine)| {
            self.sums.push(GroupBuilder::new(slot.clone(), *machine));
            self.sums.len() - 1
        })
    }

    /// The finished report about `machines`; if empty, about all.
    pub(crate) fn finish(mut self, fleet: &Fleet, machines: Machines<'_>) -> Report {
        let some = self.choice.some_machines;
        let wanted = |at: usize| !some || machines.contains(&fleet.machines[at].id);
        if self.kind == ReportKind::Machines && !self.choice.some_projects {
            // A machine without usage is listed too: it may be the one that stopped syncing.
            for (at, machine) in fleet.machines.iter().enumerate() {
                if wanted(at) && machine.merged_into.is_none() {
                    self.place(Slot::Machine(at), some.then_some(at));
                }
            }
        }
        let sums = match (self.kind.tag(), some) {
            (None, false) => self.sums,
            (tag, _) => selected(self.sums, wanted, tag, fleet),
        };
        let names = Names::of(fleet, self.choice.split.and_then(Breakdown::tag));
        // Of omitted groups too: with a price they might have cost more.
        let unpriced = unpriced(&sums);
        let groups = sums.into_iter();
        let mut groups: Vec<_> = groups
            .map(|sum| sum.group(fleet, &names, &self.choice))
            .collect();
        let omitted = omit(&mut groups, self.choice.top);
        let totals = groups.iter().map(|group| group.totals).sum();
        let (mut groups, not_listed) = by_least(groups, self.choice.min_cost);
        let by = self.choice.sort.unwrap_or(usual(self.kind));
        sort(&mut groups, by, &self.choice);
        let pending = fleet.sessions.values().filter(|session| session.pending);
        Report {
            kind: self.kind,
            split: self.choice.split,
            without_cost: self.choice.without_cost,
            mode: self.choice.mode,
            bounds: self.bounds,
            totals,
            groups,
            omitted,
            min_cost: self.choice.min_cost,
            not_listed,
            unpriced,
            left_out: left_out(fleet),
            pending: pending.count() as u64,
            synced: synced(fleet, &names.labels),
        }
    }
}

/// The groups of the selected machines, joined; by a tag of theirs where there is one.
fn selected(
    sums: Vec<GroupBuilder>,
    wanted: impl Fn(usize) -> bool,
    tag: Option<Tag>,
    fleet: &Fleet,
) -> Vec<GroupBuilder> {
    let sums = sums
        .into_iter()
        .filter(|sum| sum.machine.is_none_or(&wanted));
    joined(sums.map(|mut sum| {
        if let Some(tag) = tag {
            sum.slot = sum.slot.by_tag(tag, fleet);
        }
        sum
    }))
}

fn unpriced(sums: &[GroupBuilder]) -> BTreeMap<String, u64> {
    let mut out: BTreeMap<String, u64> = BTreeMap::new();
    for (model, more) in sums.iter().flat_map(GroupBuilder::unpriced) {
        let requests = out.entry(model.to_owned()).or_default();
        *requests = requests.saturating_add(more);
    }
    out
}

/// Keeps the `top` groups that cost most. Returns how many it removed.
fn omit(groups: &mut Vec<Group>, top: Option<usize>) -> u64 {
    let omitted = groups.len().saturating_sub(top.unwrap_or(usize::MAX));
    if omitted > 0 {
        groups.sort_by(|a, b| by_cost((&a.key, &a.totals), (&b.key, &b.totals)));
        groups.truncate(groups.len() - omitted);
    }
    omitted as u64
}

/// The groups that are listed, and those that cost less than `least`. A group with a part without a
/// price may cost more than is known, and is listed.
fn by_least(groups: Vec<Group>, least: Option<Money>) -> (Vec<Group>, Vec<Group>) {
    let costs_less = |cost: Cost| least.is_some_and(|least| cost.known && cost.amount < least);
    groups
        .into_iter()
        .partition(|group| !costs_less(group.totals.cost))
}

/// The order of a kind of report.
fn usual(kind: ReportKind) -> SortBy {
    match kind {
        ReportKind::Daily | ReportKind::Weekly | ReportKind::Monthly => SortBy::Name,
        ReportKind::Session => SortBy::Last,
        ReportKind::Machines
        | ReportKind::Projects
        | ReportKind::Models
        | ReportKind::Groups
        | ReportKind::Users => SortBy::Cost,
    }
}

fn sort(groups: &mut [Group], by: SortBy, choice: &Choice) {
    let name = |group: &Group| (group.label.clone(), group.key.clone());
    match by {
        SortBy::Name => groups.sort_by_cached_key(name),
        SortBy::Last => groups.sort_by(|a, b| (a.last, &a.key).cmp(&(b.last, &b.key))),
        SortBy::Cost => {
            groups.sort_by(|a, b| by_cost((&a.key, &a.totals), (&b.key, &b.totals)));
        }
        SortBy::Tokens => {
            let tokens = |group: &Group| group.totals.counters.total();
            groups.sort_by(|a, b| tokens(b).cmp(&tokens(a)).then_with(|| a.key.cmp(&b.key)));
        }
    }
    // Without a choice of the user's, by cost means the highest first, and that is the ascending
    // order of such reports.
    let highest_first = choice.sort.is_some() && matches!(by, SortBy::Cost | SortBy::Tokens);
    if choice.descending != highest_first {
        groups.reverse();
    }
}

/// How many files were left out.
fn left_out(fleet: &Fleet) -> u64 {
    let concerns = fleet
        .conflicts
        .iter()
        .map(|conflict| conflict.code.concern());
    concerns.filter(|concern| *concern == Concern::File).count() as u64
}

/// When machines that are not retired last synced, ascending.
fn synced(fleet: &Fleet, labels: &[String]) -> Vec<(String, Timestamp)> {
    let all = fleet.machines.iter().zip(labels);
    let active = all.filter(|(machine, _)| !machine.retired && machine.merged_into.is_none());
    let mut out: Vec<_> = active
        .filter_map(|(machine, label)| {
            Some((label.clone(), machine.machine_file.as_ref()?.last_sync()))
        })
        .collect();
    out.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    out
}
