//! Decisions of users: forgetting and its undo, machines that are merged, grouped or copied, levels of detail.

use claude_sync::base::ids::MachineId;

use crate::model::play::{MACHINES, Play};
use crate::model::rows::{DAY, Row, START, day, machine, project};
use crate::model::site::{How, Run};
use crate::model::slots::{Kind, Slot};
use crate::model::truth::Forgotten;

impl Play<'_> {
    /// Old commits are folded: by one machine, and sometimes that run is killed.
    pub(super) fn compact(&mut self, at: usize) {
        let how = if self.dice.chance(25) {
            How::Killed(self.dice.below(4))
        } else {
            How::Online
        };
        let run = Run {
            compact: Some([0, 0, 30][self.dice.below(3)]),
            ..self.run(how)
        };
        if self.sync(at, &run) {
            self.did("history compacted");
        }
    }

    pub(super) fn switch_detail(&mut self, at: usize) {
        let days = [3, 10, 30][self.dice.below(3)];
        let by_retention = self.dice.chance(50);
        let home = &mut self.homes[at];
        let what = if by_retention {
            home.retention = if home.retention.is_none() {
                Some(days)
            } else {
                None
            };
            if home.retention.is_some() {
                "retention on"
            } else {
                "retention off"
            }
        } else {
            home.summary_only = !home.summary_only;
            // Another reader: everything is read again.
            home.read = 0;
            if home.summary_only {
                "summary-only on"
            } else {
                "summary-only off"
            }
        };
        self.say(format!("  {what}"));
        self.did(what);
    }

    pub(super) fn forget(&mut self, at: usize) {
        if self.homes[at].per_machine || self.truth.forgotten.len() >= 3 {
            return;
        }
        // It is asked of what this machine knows of.
        let run = self.run(How::Online);
        self.sync(at, &run);
        let used: Vec<&Row> = self.homes[at]
            .rows
            .iter()
            .filter(|row| !row.session.starts_with("old"))
            .collect();
        let some = (!used.is_empty()).then(|| used[self.dice.below(used.len())].clone());
        let claims: Vec<String> = self
            .truth
            .slots
            .iter()
            .filter(|slot| slot.kind == Kind::Claim)
            .map(Slot::session)
            .collect();
        let (what, name) = match (self.dice.below(10), some) {
            (0..4, Some(row)) => (Forgotten::Session(row.session), "forget session"),
            (4, Some(row)) => (Forgotten::Project(project(&row.session)), "forget project"),
            (5 | 6, _) if self.dice.chance(50) && number_of(&self.truth.forgotten) == 0 => (
                Forgotten::Machine(self.homes[self.dice.below(MACHINES)].id.clone()),
                "forget machine",
            ),
            (7 | 8, _) => {
                let slot = crate::model::slots::start(self.dice.below(crate::model::slots::MOST))
                    - 2 * DAY;
                let recent = day((self.now - 20 * DAY).max(START)).start().millis();
                (
                    Forgotten::Before(if self.dice.chance(50) { slot } else { recent }),
                    "forget before",
                )
            }
            (9, _) if !claims.is_empty() => (
                Forgotten::Session(claims[self.dice.below(claims.len())].clone()),
                "forget a claimed session",
            ),
            _ => return,
        };
        self.say(format!("  {what:?}"));
        let doomed = match &what {
            Forgotten::Session(id) => self.counted_under(at, &|session, _| session == id),
            Forgotten::Project(name) => self.counted_under(at, &|_, project| project == *name),
            _ => Vec::new(),
        };
        let run = Run {
            forget: Some(what.clone()),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.doomed.push((what.clone(), doomed));
            self.truth.forgotten.push(what);
            self.did(name);
        }
    }

    /// Somebody takes back what was forgotten last.
    pub(super) fn undo(&mut self, at: usize) {
        let is_plain = |what: &Forgotten| match what {
            Forgotten::Session(session) => !session.starts_with("old"),
            Forgotten::Project(_) => true,
            _ => false,
        };
        let Some(what) = self
            .truth
            .forgotten
            .last()
            .filter(|what| is_plain(what) && !self.homes[at].per_machine)
            .cloned()
        else {
            return;
        };
        // It is asked of what this machine knows of.
        let run = self.run(How::Online);
        self.sync(at, &run);
        self.say(format!("  undo {what:?}"));
        let run = Run {
            undo: Some(what.clone()),
            full: true,
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.take_back(&what);
            self.did("forget undone");
        }
    }

    pub(super) fn merge(&mut self, at: usize) {
        let mut ids: Vec<MachineId> = self.homes.iter().map(|home| home.id.clone()).collect();
        ids.extend(
            self.truth
                .slots
                .iter()
                .map(|slot| slot.holder.clone())
                .filter(|id| *id != machine(90)),
        );
        ids.sort();
        ids.dedup();
        let (from, into) = (
            ids[self.dice.below(ids.len())].clone(),
            ids[self.dice.below(ids.len())].clone(),
        );
        let known = |id: &MachineId| self.has(at, &format!("sync/machines/{id}.json"));
        if from == into
            || self.truth.merged.contains_key(&from)
            || self.truth.merged.len() >= 3
            || !known(&from)
            || !known(&into)
        {
            return;
        }
        self.merge_ids(at, from, into);
    }

    pub(super) fn merge_ids(&mut self, at: usize, from: MachineId, into: MachineId) {
        self.say(format!("  {} is {} now", from.short(), into.short()));
        let run = Run {
            merge: Some((from.clone(), into.clone())),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.merged.insert(from, into);
            self.did("machine merge");
        }
    }

    /// Somebody puts a machine into a group, or takes it out.
    pub(super) fn group(&mut self, at: usize) {
        let id = self.homes[self.dice.below(MACHINES)].id.clone();
        let name = ["", "backend", "frontend"][self.dice.below(3)];
        if !self.has(at, &format!("sync/machines/{id}.json")) {
            return;
        }
        self.say(format!("  {} is in the group {name:?} now", id.short()));
        let run = Run {
            group: Some((id, name)),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.did("machine put into a group");
        }
    }

    /// A machine states who uses it, or takes that back.
    pub(super) fn name_user(&mut self, at: usize) {
        let name = ["", "owl", "lark"][self.dice.below(3)];
        self.say(format!("  the user is {name:?} now"));
        let run = Run {
            user: Some(name),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.did("user of a machine stated");
        }
    }

    pub(super) fn copy_id(&mut self, at: usize) {
        let other = self.dice.below(MACHINES);
        if self.homes[at].per_machine
            || self.homes[other].per_machine
            || self.homes[at].id == self.homes[other].id
        {
            return;
        }
        self.homes[at].id = self.homes[other].id.clone();
        self.homes[at].read = 0;
        self.say(format!("  it has the id of {other} now"));
        self.did("machine id copied");
    }
}

/// How many machines were forgotten.
fn number_of(forgotten: &[Forgotten]) -> usize {
    forgotten
        .iter()
        .filter(|one| matches!(one, Forgotten::Machine(_)))
        .count()
}
