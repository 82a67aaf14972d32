//! Sums up what a group of commits added, and writes the message of the one that stands for them.

use std::collections::BTreeMap;

use crate::base::ids::MachineId;
use crate::base::text::{count, printable};
use crate::sync::figures::Figures;
use crate::sync::history::Entry;

/// At most so many subjects of commits by hand are kept.
const SUBJECTS: usize = 20;

/// What a group of commits added.
#[derive(Debug, Default)]
pub(super) struct Sums {
    machines: BTreeMap<MachineId, Figures>,
    /// Subjects of commits by hand.
    subjects: Vec<String>,
}

impl Sums {
    /// Adds a commit.
    pub(super) fn add(&mut self, entry: &Entry) {
        if !entry.folded.is_empty() {
            for (machine, figures) in &entry.folded {
                self.slot(machine).add(*figures);
            }
            // Its subjects are lost where it is folded once more: months are for figures.
        } else if let Some(machine) = &entry.machine {
            self.slot(machine).add(Figures {
                syncs: 1,
                sessions: entry.sessions,
                added: entry.added,
                grown: entry.grown,
                cost: entry.cost,
            });
        } else if !entry.subject.starts_with("set up claude-sync") {
            self.subjects.push(printable(&entry.subject, 200));
        }
    }

    fn slot(&mut self, machine: &MachineId) -> &mut Figures {
        self.machines.entry(machine.clone()).or_default()
    }

    /// The message of the commit that stands for them. `when`: the day or month.
    pub(super) fn message(&self, when: &str) -> String {
        let mut all = Figures::default();
        self.machines.values().for_each(|one| all.add(*one));
        let mut out = format!(
            "{when}: {} of {}, {}, ${}\n",
            count(all.syncs, "sync"),
            count(self.machines.len() as u64, "machine"),
            count(all.added.saturating_add(all.grown), "record"),
            all.cost.cents()
        );
        if !self.subjects.is_empty() {
            out.push_str("\nIncludes commits by hand:\n");
            for subject in self.subjects.iter().take(SUBJECTS) {
                out.push_str(&format!("- {subject}\n"));
            }
        }
        if !self.machines.is_empty() {
            out.push('\n');
        }
        for (machine, figures) in &self.machines {
            out.push_str(&figures.line(machine));
        }
        out
    }
}
