//! Changes beside new records: imported totals, forgotten ids, retention, decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

use super::machine_file::blank;
use super::parts::{LocalFiles, Part};
use crate::base::ids::RecordId;
use crate::base::join::Join as _;
use crate::base::time::Day;
use crate::fleet::rules::{Rules, forgotten_day};
use crate::fleet::settle::shown;
use crate::format::dayfile::{DayFile, Forgotten};
use crate::format::syncfile::{Decision, DecisionKey};
use crate::record::{Level, PlanLimits, Source, Sum, SumKey};
use crate::sync::host::Stamp;

/// How many bytes the line of a forgotten id takes.
const FORGOTTEN_LINE: usize = 59;

impl LocalFiles {
    /// Adds a sum, and returns whether that changed anything.
    pub(crate) fn add_sum(&mut self, key: SumKey, sum: Sum) -> bool {
        let holder = self
            .parts
            .iter()
            .find(|(_, part)| part.file.sums.contains_key(&key))
            .map(|(place, _)| *place);
        let day = sum.window.map_or(key.day, |window| {
            if key.source == Source::Claim {
                window.first.day()
            } else {
                key.day
            }
        });
        let place = holder.unwrap_or_else(|| self.open_part(day));
        let Some(part) = self.parts.get_mut(&place) else {
            return false;
        };
        let before = part.file.sums.get(&key).cloned();
        part.file.add_sum(key.clone(), sum);
        let is_new = part.file.sums.get(&key) != before.as_ref();
        if is_new {
            part.changed = true;
            self.touched.insert(key.session);
        }
        is_new
    }

    /// Takes over sums that other tools made, except those that records show already. Returns of
    /// how many days something is new, and of how many all is shown. All files must have been read.
    pub(crate) fn add_imports(&mut self, lines: &[(SumKey, Sum)]) -> (u64, u64) {
        if lines.is_empty() {
            return (0, 0);
        }
        let mut days: BTreeMap<Day, (bool, bool)> = BTreeMap::new();
        for ((key, sum), is_shown) in lines.iter().zip(shown(&self.data(), lines)) {
            let is_new = !is_shown && self.add_sum(key.clone(), sum.clone());
            let day = days.entry(key.day).or_insert((false, true));
            *day = (day.0 || is_new, day.1 && is_shown);
        }
        let count = |wanted: fn(&(bool, bool)) -> bool| {
            days.values().filter(|day| wanted(day)).count() as u64
        };
        (count(|day| day.0), count(|day| day.1))
    }

    /// Prunes records of which retention no longer allows the details, in the files that were read.
    pub(crate) fn prune(&mut self) {
        let Some(bound) = self.rules.pruned_before(&self.machine) else {
            return;
        };
        for at in self.parts.keys().copied().collect::<Vec<_>>() {
            let records = self
                .parts
                .get(&at)
                .map(|part| part.file.records.clone())
                .unwrap_or_default();
            if !records
                .entries()
                .any(|entry| entry.level > Level::Bare && entry.at.day() < bound)
            {
                continue;
            }
            let records = records
                .iter()
                .map(|record| self.pruned(record, Level::Full))
                .collect();
            if let Some(part) = self.parts.get_mut(&at) {
                part.file.records = records;
                part.file.drop_empty_sessions();
                part.changed = true;
            }
        }
    }

    /// Adds a decision of this machine's.
    pub(crate) fn decide(&mut self, stamp: &Stamp, key: DecisionKey, decision: Decision) -> bool {
        let file = self
            .machine_file
            .get_or_insert_with(|| blank(&self.machine, stamp));
        let new = !file.decisions.contains_key(&key);
        file.add_decision(key, decision);
        new
    }

    /// Adds what Claude Code stated of plan limits.
    pub(crate) fn add_limits(&mut self, stamp: &Stamp, limits: PlanLimits) {
        if limits.is_empty() {
            return;
        }
        let file = self
            .machine_file
            .get_or_insert_with(|| blank(&self.machine, stamp));
        file.limits = take(&mut file.limits).join(limits);
    }

    /// Applies the fleet's rules to what this run made.
    pub(crate) fn apply(&mut self, rules: &Rules) {
        if rules.is_empty() {
            return;
        }
        for part in self.parts.values_mut() {
            part.changed |= rules.apply_day(&mut part.file).changed;
        }
        if let Some(file) = &mut self.machine_file {
            file.pruned_before = file.pruned_before.max(rules.pruned_before(&self.machine));
            rules.apply_machine_file(file);
        }
        self.rules = rules.clone();
    }

    /// Notes ids of forgotten records. The files of the day that holds them must have been read.
    pub(crate) fn forget(&mut self, ids: &BTreeSet<Forgotten>) {
        let known: BTreeSet<Forgotten> = self
            .parts
            .values()
            .flat_map(|part| part.file.forgotten.iter().copied())
            .collect();
        let new: Vec<Forgotten> = ids.difference(&known).copied().collect();
        self.add_forgotten_lines(new.len(), |file| file.forgotten.extend(new));
    }

    /// Brings back forgotten ids. The files of the day that holds them must have been read.
    pub(crate) fn keep(&mut self, ids: &BTreeSet<RecordId>) {
        let known: BTreeSet<RecordId> = self
            .parts
            .values()
            .flat_map(|part| part.file.kept())
            .collect();
        let new: Vec<RecordId> = ids.difference(&known).copied().collect();
        self.add_forgotten_lines(new.len(), |file| {
            new.into_iter().for_each(|id| file.keep(id));
        });
    }

    fn add_forgotten_lines(&mut self, count: usize, add: impl FnOnce(&mut DayFile)) {
        if count == 0 {
            return;
        }
        let place = self.open_part(forgotten_day());
        if let Some(Part {
            file,
            size,
            changed,
        }) = self.parts.get_mut(&place)
        {
            *size = size.saturating_add(count.saturating_mul(FORGOTTEN_LINE));
            add(file);
            *changed = true;
        }
    }
}
