//! A group of a report while rows are added.

use std::collections::{BTreeMap, HashMap};

use super::choice::{Breakdown, Choice};
use super::group::{Group, Tags, by_cost};
use super::lower::Lower;
use super::slot::{PartKey, Slot, base_model, in_mode};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, Tag};
use crate::format::syncfile::SyncFile;
use crate::record::Totals;

/// The share of one model in a group, in one mode.
#[derive(Debug)]
struct Share {
    model: String,
    fast: bool,
    totals: Totals,
    /// Requests without a known price.
    unpriced: u64,
}

/// A group while rows are added. In a report about some machines, each machine has its own groups
/// until all rows are added: only then the ids of the machines are known.
#[derive(Debug)]
pub(super) struct GroupBuilder {
    pub(super) slot: Slot,
    pub(super) machine: Option<usize>,
    /// Each row is in one of these.
    models: Vec<Share>,
    /// The same by another key, if the report is split.
    parts: Vec<(PartKey, Totals)>,
    machines: Vec<usize>,
    first: Option<(Timestamp, String)>,
    last: Option<Timestamp>,
    lower: Lower,
    unrecorded: u64,
    ledger: Totals,
}

impl GroupBuilder {
    /// A group without rows.
    pub(super) fn new(slot: Slot, machine: Option<usize>) -> Self {
        Self {
            slot,
            machine,
            models: Vec::new(),
            parts: Vec::new(),
            machines: Vec::new(),
            first: None,
            last: None,
            lower: Lower::default(),
            unrecorded: 0,
            ledger: Totals::default(),
        }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &Row, split: Option<Breakdown>) {
        let unpriced = row.totals.requests.max(row.is_ledger().into());
        let unpriced = if row.totals.cost.known { 0 } else { unpriced };
        self.share((base_model(row), row.fast), row.totals, unpriced);
        if let Some(split) = split.filter(|split| *split != Breakdown::Model) {
            let new = || (PartKey::of(row, split), Totals::default());
            let part = find_or_insert(&mut self.parts, |(part, _)| part.holds(row, split), new);
            part.1 = part.1.plus(row.totals);
        }
        if let Err(at) = self.machines.binary_search(&row.machine) {
            self.machines.insert(at, row.machine);
        }
        let first = self.first.as_ref();
        if first.is_none_or(|(at, project)| (row.at, row.project) < (*at, project)) {
            self.first = Some((row.at, row.project.to_owned()));
        }
        self.last = self.last.max(Some(row.at));
        self.lower.add(row);
        if row.is_sum() {
            self.unrecorded = self.unrecorded.saturating_add(row.totals.requests);
        }
        if row.is_ledger() {
            self.ledger = self.ledger.plus(row.totals);
        }
    }

    fn share(&mut self, (model, fast): (&str, bool), totals: Totals, unpriced: u64) {
        let new = || Share {
            model: model.to_owned(),
            fast,
            totals: Totals::default(),
            unpriced: 0,
        };
        let fits = |share: &Share| share.model == model && share.fast == fast;
        let share = find_or_insert(&mut self.models, fits, new);
        share.totals = share.totals.plus(totals);
        share.unpriced = share.unpriced.saturating_add(unpriced);
    }

    /// Adds the same group of another machine.
    fn join(&mut self, other: Self) {
        for share in other.models {
            self.share((&share.model, share.fast), share.totals, share.unpriced);
        }
        for (part, totals) in other.parts {
            let new = || (part.clone(), Totals::default());
            let known = find_or_insert(&mut self.parts, |(known, _)| *known == part, new);
            known.1 = known.1.plus(totals);
        }
        self.machines.extend(other.machines);
        self.first = self.first.take().into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.lower = self.lower.plus(other.lower);
        self.unrecorded = self.unrecorded.saturating_add(other.unrecorded);
        self.ledger = self.ledger.plus(other.ledger);
    }

    /// Totals by model, where fast mode is a model of its own.
    fn models(&self) -> BTreeMap<String, Totals> {
        let mut out: BTreeMap<String, Totals> = BTreeMap::new();
        for share in &self.models {
            let name = in_mode(&share.model, share.fast).into_owned();
            let sum = out.entry(name).or_default();
            *sum = sum.plus(share.totals);
        }
        out
    }

    /// Models without a known price, in any mode, with their requests.
    pub(super) fn unpriced(&self) -> impl Iterator<Item = (&str, u64)> {
        let shares = self.models.iter().filter(|share| share.unpriced > 0);
        shares.map(|share| (share.model.as_str(), share.unpriced))
    }

    /// The finished group.
    pub(super) fn group(self, fleet: &Fleet, names: &Names, choice: &Choice) -> Group {
        let models = self.models();
        let by_name = if choice.split == Some(Breakdown::Model) {
            models.clone()
        } else {
            names.parts(self.parts)
        };
        let labels = &names.labels;
        let mut parts: Vec<(String, Totals)> = by_name.into_iter().collect();
        parts.sort_by(|a, b| by_cost((&a.0, &a.1), (&b.0, &b.1)));
        let mut out = Group {
            totals: models.values().copied().sum(),
            models,
            parts,
            machines: self.machines.iter().map(|at| labels[*at].clone()).collect(),
            last: self.last,
            lower: self.lower,
            unrecorded: self.unrecorded,
            ledger: self.ledger,
            ..Group::default()
        };
        if let Some((at, project)) = self.first {
            (out.first, out.project) = (Some(at), project);
        }
        name(&mut out, self.slot, (fleet, labels), choice);
        out
    }
}

/// The names of machines, and of the parts that their rows are in.
pub(super) struct Names {
    /// Of the machines, by index.
    pub(super) labels: Vec<String>,
    /// Of their groups or users, by index, in a report that is split by these.
    tags: Option<Vec<String>>,
}

impl Names {
    /// The names in a report that is split by a tag of machines, or not.
    pub(super) fn of(fleet: &Fleet, split: Option<Tag>) -> Self {
        let tags = |tag| {
            fleet
                .machines
                .iter()
                .map(move |one| one.tag(tag).to_owned())
        };
        Self {
            labels: fleet.labels(),
            tags: split.map(|tag| tags(tag).collect()),
        }
    }

    /// Parts by name. Machines of one group, or one user, are one part.
    fn parts(&self, parts: Vec<(PartKey, Totals)>) -> BTreeMap<String, Totals> {
        let names = self.tags.as_ref().unwrap_or(&self.labels);
        let mut out: BTreeMap<String, Totals> = BTreeMap::new();
        for (part, totals) in parts {
            let sum = out.entry(part.name(names)).or_default();
            *sum = sum.plus(totals);
        }
        out
    }
}

/// Sets the key of a group, and the label and last sync of a machine.
fn name(out: &mut Group, slot: Slot, (fleet, labels): (&Fleet, &[String]), choice: &Choice) {
    out.key = match slot {
        Slot::Day(day) | Slot::Week(day) => day.format("%Y-%m-%d").to_string(),
        Slot::Project(name) | Slot::Model(name) | Slot::Tag(name) => name,
        Slot::Month(first) if choice.month_start == 1 => first.format("%Y-%m").to_string(),
        Slot::Month(first) => first.format("%Y-%m-%d").to_string(),
        Slot::Session(session) => session.map_or_else(String::new, |id| id.to_string()),
        Slot::Machine(index) => {
            let machine = &fleet.machines[index];
            out.last_sync = machine.machine_file.as_ref().map(SyncFile::last_sync);
            out.label.clone_from(&labels[index]);
            out.tags = Some(Tags {
                group: machine.group.clone(),
                user: machine.user.clone(),
            });
            machine.id.to_string()
        }
    };
}

/// The groups joined by slot.
pub(super) fn joined(sums: impl Iterator<Item = GroupBuilder>) -> Vec<GroupBuilder> {
    let mut places: HashMap<Slot, usize> = HashMap::new();
    let mut out: Vec<GroupBuilder> = Vec::new();
    for sum in sums {
        if let Some(at) = places.get(&sum.slot) {
            out[*at].join(sum);
        } else {
            places.insert(sum.slot.clone(), out.len());
            out.push(sum);
        }
    }
    out
}

fn find_or_insert<P>(
    parts: &mut Vec<P>,
    fits: impl Fn(&P) -> bool,
    new: impl FnOnce() -> P,
) -> &mut P {
    let at = parts.iter().position(fits).unwrap_or_else(|| {
        parts.push(new());
        parts.len() - 1
    });
    &mut parts[at]
}
