//! The requests that `explain` shows, and the context that their output needs.

use std::collections::BTreeSet;

use crate::base::ids::MachineId;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::record::Totals;
use crate::report::explain::Evidence;
use crate::report::{Bounds, CostMode, Zone};

/// The requests that `explain` shows.
pub(super) struct View<'a> {
    pub(super) zone: Zone,
    /// The days that were asked for.
    pub(super) bounds: Bounds,
    pub(super) mode: CostMode,
    pub(super) now: Timestamp,
    pub(super) fleet: &'a Fleet,
    /// Labels of the fleet's machines, by index.
    pub(super) labels: Vec<String>,
    /// All requests, sorted by cost, descending.
    pub(super) all: &'a [Evidence],
    /// Maximum number of requests to show.
    pub(super) limit: usize,
}

impl View<'_> {
    pub(super) fn totals(&self) -> Totals {
        self.all.iter().map(|one| one.totals).sum()
    }

    /// The requests within the limit.
    pub(super) fn shown(&self) -> &[Evidence] {
        &self.all[..self.all.len().min(self.limit)]
    }

    /// The label of the machine at an index, escaped.
    pub(super) fn label(&self, index: usize) -> String {
        printable(&self.labels[index], 40)
    }

    /// The label of a machine, escaped; the first digits of its id if the fleet does not have it.
    pub(super) fn label_of(&self, id: &MachineId) -> String {
        let machines = &self.fleet.machines;
        let index = machines.iter().position(|machine| machine.id == *id);
        index.map_or_else(|| id.short().to_owned(), |index| self.label(index))
    }
}

/// The machines that have a copy of a request.
pub(super) fn machines(one: &Evidence) -> BTreeSet<&MachineId> {
    one.copies.iter().map(|copy| &copy.machine).collect()
}
