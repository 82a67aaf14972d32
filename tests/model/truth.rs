//! What is true: which rows were committed under which machine's id, what was forgotten, which machine is another one.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{MachineId, RecordId};

use crate::model::limits::Stated;
use crate::model::rows::{Home, Row, day, project};
use crate::model::slots::Slot;
use crate::model::tabs::Tab;

/// Something that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgotten {
    Session(String),
    Project(&'static str),
    Machine(MachineId),
    /// Everything before a day, by its first millisecond.
    Before(i64),
}

/// What a run committed, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It did.
    Yes,
    /// It was killed, so that nobody knows.
    Perhaps,
}

#[derive(Debug, Default)]
pub struct Truth {
    /// Rows that were committed, by request and machine id; and whether each surely was.
    pub rows: BTreeMap<u32, BTreeMap<MachineId, BTreeMap<Row, Committed>>>,
    /// Ids under which records were written, or may have been, with less than full detail.
    pub lowered: BTreeSet<MachineId>,
    /// Those of them whose records lost their sessions.
    pub pruned: BTreeSet<MachineId>,
    pub forgotten: Vec<Forgotten>,
    /// Requests that went with their session or project, whatever comes later, by what was forgotten.
    pub doomed: Vec<(Forgotten, Vec<u32>)>,
    /// What was forgotten and taken back, with the requests that went by it: they may be back.
    pub undone: Vec<(Forgotten, Vec<u32>)>,
    /// Merge decisions.
    pub merged: BTreeMap<MachineId, MachineId>,
    /// Totals without records, with the requests that are in them.
    pub slots: Vec<Slot>,
    /// Sessions with accounts.
    pub tabs: Vec<Tab>,
    /// States of accounts that were committed.
    pub states: BTreeMap<RecordId, Committed>,
    /// Texts of unknown lines and members that a newer version wrote, with machine and session; they are there for good.
    pub newer: Vec<Newer>,
    /// What Claude Code stated of limits, by machine.
    pub limits: Vec<(usize, Stated)>,
}

/// Whether a row is of a session or project that was forgotten.
pub fn names(what: &Forgotten, row: &Row) -> bool {
    match what {
        Forgotten::Session(session) => row.session == *session,
        Forgotten::Project(name) => project(&row.session) == *name,
        _ => false,
    }
}

/// What a newer minor version wrote.
#[derive(Debug, Clone)]
pub struct Newer {
    pub machine: MachineId,
    /// The session of an unknown line, if it names one.
    pub session: Option<String>,
    /// The request that has an unknown member; none for an unknown line.
    pub request: Option<u32>,
    pub text: String,
}

impl Truth {
    /// A run of a machine read rows and committed them.
    pub fn commit(&mut self, home: &Home, rows: &[Row], how: Committed) {
        if home.summary_only || home.retention.is_some() {
            self.lowered.insert(home.id.clone());
        }
        if home.retention.is_some() {
            self.pruned.insert(home.id.clone());
        }
        for row in rows {
            let known = self
                .rows
                .entry(row.request)
                .or_default()
                .entry(home.id.clone())
                .or_default()
                .entry(row.clone())
                .or_insert(how);
            if how == Committed::Yes {
                *known = how;
            }
        }
    }

    /// A run read states of accounts and committed them.
    pub fn commit_states(&mut self, states: Vec<RecordId>, how: Committed) {
        for state in states {
            let known = self.states.entry(state).or_insert(how);
            if how == Committed::Yes {
                *known = how;
            }
        }
    }

    /// The machine that an id counts for. Rings merge nobody.
    pub fn place(&self, id: &MachineId) -> MachineId {
        let mut at = id;
        for _ in 0..=self.merged.len() {
            match self.merged.get(at) {
                Some(next) => at = next,
                None => return at.clone(),
            }
        }
        id.clone()
    }

    pub fn is_forgotten_machine(&self, id: &MachineId) -> bool {
        self.forgotten.contains(&Forgotten::Machine(id.clone()))
    }

    /// The first day that is not forgotten, by its first millisecond.
    pub fn before(&self) -> i64 {
        let bound = |one: &Forgotten| {
            if let Forgotten::Before(at) = one {
                *at
            } else {
                i64::MIN
            }
        };
        self.forgotten.iter().map(bound).max().unwrap_or(i64::MIN)
    }

    /// Whether a request went with its session or project.
    pub fn is_doomed(&self, request: u32) -> bool {
        self.doomed
            .iter()
            .any(|(_, requests)| requests.contains(&request))
    }

    /// Whether a request went by what was taken back since.
    pub fn may_be_back(&self, request: u32) -> bool {
        let rows = || {
            self.rows
                .get(&request)
                .into_iter()
                .flat_map(BTreeMap::values)
                .flat_map(BTreeMap::keys)
        };
        self.undone.iter().any(|(what, requests)| {
            requests.contains(&request) || rows().any(|row| names(what, row))
        })
    }

    /// What was forgotten is not forgotten any more.
    pub fn take_back(&mut self, what: &Forgotten) {
        self.forgotten.retain(|one| one != what);
        let (gone, kept) = std::mem::take(&mut self.doomed)
            .into_iter()
            .partition(|(by, _)| by == what);
        self.doomed = kept;
        let gone: Vec<(Forgotten, Vec<u32>)> = gone;
        self.undone.extend(gone);
    }

    /// Whether a row goes with its session or project.
    pub fn is_named(&self, row: &Row) -> bool {
        self.forgotten.iter().any(|one| names(one, row))
    }

    pub fn is_before(&self, row: &Row) -> bool {
        day(row.at).start().millis() < self.before()
    }
}
