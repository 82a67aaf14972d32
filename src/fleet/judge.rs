//! Which records and sums the rules keep, and why others go.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::rules::{Reasons, Rules};
use super::tombstone::HiddenName;
use crate::base::ids::{MachineId, RecordId, SessionId};
use crate::base::time::Day;
use crate::format::dayfile::Forgotten;
use crate::record::{Level, Record, RecordSet, Source, Sum, SumKey};

/// What applying rules to a day file did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The file is another one now.
    pub(crate) changed: bool,
    /// Ids of records that went with their session or project, or because another copy did.
    pub(crate) forgotten: Vec<Forgotten>,
    /// Ids of records that went because of their day, and by which tombstones.
    pub(crate) passed: BTreeMap<RecordId, Reasons>,
}

impl Applied {
    /// Notes a forgotten id, once for each tombstone.
    fn note(&mut self, id: Option<RecordId>, why: &Reasons) {
        if let Some(id) = id {
            let noted = why.iter().map(|by| Forgotten { id, by: Some(*by) });
            self.forgotten.extend(noted);
        }
    }
}

impl Rules {
    /// What is kept of a machine's records, those of transcripts for example, and what became of
    /// the others.
    pub(crate) fn keep<'r>(
        &self,
        machine: &MachineId,
        records: &'r RecordSet,
    ) -> (Cow<'r, RecordSet>, Applied) {
        let mut applied = Applied::default();
        if !self.forget_something() {
            return (Cow::Borrowed(records), applied);
        }
        let mut judge = Judge::new(self);
        let kept = records
            .iter()
            .filter(|record| judge.keeps_record(machine, record, &mut applied))
            .collect();
        (Cow::Owned(kept), applied)
    }

    /// Whether a sum of a machine is kept.
    pub(crate) fn keeps_sum(&self, machine: &MachineId, key: &SumKey, sum: &Sum) -> bool {
        Judge::new(self).keeps_sum(machine, key, sum)
    }

    /// A record at the level that retention allows on a machine.
    pub(crate) fn pruned(&self, machine: &MachineId, record: Record) -> Record {
        if self
            .pruned
            .get(machine)
            .is_some_and(|bound| record.day() < *bound)
        {
            record.pruned(Level::Bare)
        } else {
            record
        }
    }

    /// Of these records, those whose ids are forgotten without a tombstone: what an earlier version
    /// noted.
    pub(crate) fn unexplained(
        &self,
        machine: &MachineId,
        records: &RecordSet,
    ) -> (BTreeSet<RecordId>, BTreeSet<RecordId>) {
        let (mut open, mut explained) = (BTreeSet::new(), BTreeSet::new());
        let bare: HashSet<RecordId> = self
            .ids
            .iter()
            .filter(|one| one.by.is_none())
            .map(|one| one.id)
            .collect();
        let mut without = self.clone();
        without.ids.clear();
        without.passed.clear();
        let mut judge = Judge::new(&without);
        for record in records.iter().filter(|record| bare.contains(&record.id)) {
            let kept = judge.keeps_record(machine, &record, &mut Applied::default());
            if kept {
                open.insert(record.id)
            } else {
                explained.insert(record.id)
            };
        }
        (open, explained)
    }
}

/// Decides about sessions and projects, asking the rules about each once.
pub(super) struct Judge<'a> {
    rules: &'a Rules,
    ids: HashSet<RecordId>,
    sessions: HashMap<SessionId, Reasons>,
    projects: HashMap<String, Reasons>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            ids: rules.forgotten_ids().into_iter().collect(),
            sessions: HashMap::new(),
            projects: HashMap::new(),
        }
    }

    /// Whether a record is kept. Where it is not, its id may be needed to know other copies of it.
    pub(super) fn keeps_record(
        &mut self,
        machine: &MachineId,
        record: &Record,
        applied: &mut Applied,
    ) -> bool {
        if self.rules.machines.contains(machine) {
            return false;
        }
        // A fork's account has in it what its original had used.
        let lineage = record.ledger.as_ref().map(|ledger| ledger.lineage);
        let by_name = self.reasons(&record.origin.session, &record.origin.project);
        if !by_name.is_empty() {
            applied.note(Some(record.id), &by_name);
            applied.note(lineage, &by_name);
            return false;
        }
        let by_day = self.reasons_of_day(record.day());
        if !by_day.is_empty() {
            applied.note(lineage, &by_day);
            applied.passed.entry(record.id).or_default().extend(by_day);
            return false;
        }
        if let Some(why) = self.rules.passed.get(&record.id) {
            applied.note(Some(record.id), why);
            return false;
        }
        !self.ids.contains(&record.id)
    }

    /// The tombstones by which a day went.
    fn reasons_of_day(&self, day: Day) -> Reasons {
        let before = self.rules.before.iter();
        let hits = before.filter(|(bound, _)| day < *bound);
        hits.map(|(_, tag)| *tag).collect()
    }

    pub(super) fn keeps_sum(&mut self, machine: &MachineId, key: &SumKey, sum: &Sum) -> bool {
        let day = if key.source == Source::Claim {
            sum.window.map(|window| window.last.day())
        } else {
            Some(key.day)
        };
        let before = self
            .rules
            .bound()
            .is_some_and(|before| day.is_some_and(|day| day < before));
        let gone = self.rules.machines.contains(machine) || before;
        !gone && self.keeps(&key.session, &sum.project)
    }

    pub(super) fn keeps(&mut self, session: &SessionId, project: &str) -> bool {
        self.reasons(session, project).is_empty()
    }

    /// The tombstones by which a session or a project went.
    fn reasons(&mut self, session: &SessionId, project: &str) -> Reasons {
        let rules = self.rules;
        let keys = &rules.keys;
        let find = |all: &BTreeSet<(HiddenName, RecordId)>, kind: &str, name: &str| -> Reasons {
            let hits = all.iter().filter(|(one, _)| one.hits(kind, name, keys));
            hits.map(|(_, tag)| *tag).collect()
        };
        let mut out = match self.sessions.get(session) {
            Some(known) => known.clone(),
            None => self
                .sessions
                .entry(session.clone())
                .or_insert_with(|| find(&rules.sessions, "session", session.as_str()))
                .clone(),
        };
        if !project.is_empty() && !rules.projects.is_empty() {
            match self.projects.get(project) {
                Some(known) => out.extend(known),
                None => out.extend(
                    &*self
                        .projects
                        .entry(project.to_owned())
                        .or_insert_with(|| find(&rules.projects, "project", project)),
                ),
            }
        }
        out
    }
}
