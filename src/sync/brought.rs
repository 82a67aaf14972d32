//! What a run brings: what its transcripts contain, and what it imports.

use std::collections::BTreeSet;

use super::import::{Import, Imported, What};
use super::read_report::ReadReport;
use crate::base::ids::MachineId;
use crate::base::progress::Watcher;
use crate::base::time::Day;
use crate::fleet::rules::Rules;
use crate::record::{PlanLimits, RecordSet, State, Sum, SumKey};
use crate::transcripts::{self, Naming};

/// What a run brings.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    /// Requests of this machine's transcripts.
    pub(crate) records: RecordSet,
    /// Requests of imported transcripts.
    pub(crate) imported: RecordSet,
    /// Imported totals.
    pub(crate) sums: Vec<(SumKey, Sum)>,
    /// States of Claude Code's accounts, from both kinds of transcripts.
    pub(crate) states: Vec<State>,
    /// What Claude Code stated of plan limits.
    pub(crate) limits: PlanLimits,
}

impl Brought {
    /// Whether the run brings no usage. Plan limits are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.imported.is_empty()
            && self.sums.is_empty()
            && self.states.is_empty()
    }

    /// The part that the fleet's rules keep.
    pub(super) fn kept(&self, rules: &Rules, machine: &MachineId) -> Self {
        let kept = |(key, sum): &&(SumKey, Sum)| rules.keeps_sum(machine, key, sum);
        let increments = self.increments();
        let (known, _) = rules.keep(machine, &increments);
        let mut limits = self.limits.clone();
        rules.apply_limits(machine, &mut limits);
        let is_kept = |state: &&State| state.increments().any(|record| known.contains(record.id));
        Self {
            records: rules.keep(machine, &self.records).0.into_owned(),
            imported: rules.keep(machine, &self.imported).0.into_owned(),
            sums: self.sums.iter().filter(kept).cloned().collect(),
            states: self.states.iter().filter(is_kept).cloned().collect(),
            limits,
        }
    }

    /// The increments that its states make, before they are settled.
    pub(super) fn increments(&self) -> RecordSet {
        self.states.iter().flat_map(State::increments).collect()
    }

    /// Adds what is imported, and returns what that was.
    pub(super) fn import(
        &mut self,
        import: &Import,
        naming: &Naming,
        watcher: &Watcher,
    ) -> Imported {
        let mut report = Imported::default();
        match &import.what {
            What::Sums(sums) => {
                let days: BTreeSet<Day> = sums.iter().map(|(key, _)| key.day).collect();
                report.days = days.len() as u64;
                self.sums.clone_from(sums);
            }
            What::Transcripts(folder) => {
                let reading = transcripts::read_below(folder, naming, watcher);
                report.read = ReadReport::from(&reading);
                report.records = reading.records.len() as u64;
                self.imported = reading.records;
                self.states.extend(reading.states);
            }
        }
        report
    }
}
