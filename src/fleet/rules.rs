//! What is not kept: data that somebody had forgotten, and the details that retention takes from
//! old records.
//!
//! Rules stand in machine files and join like decisions. They only take away, and applying them
//! again changes nothing: that a tree keeps the rules means that applying them changes nothing in
//! it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::authority::{self, Effect};
use super::epoch::Epoch;
use super::tombstone::HiddenName;
use crate::base::ids::{MachineId, RecordId};
use crate::base::json::{Extra, Object};
use crate::base::key::NameKey;
use crate::base::time::{Day, Timestamp};
use crate::format::dayfile::Forgotten;
use crate::format::syncfile::SyncFile;

pub(crate) use super::decisions::FORGOTTEN;
pub(crate) use super::subject::{Stone, Subject};

/// Day files of this day hold ids of forgotten records.
pub(crate) fn forgotten_day() -> Day {
    Timestamp::EPOCH.day()
}

/// A decision that has something forgotten, or that takes that back: of all about one subject the
/// one that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tombstone {
    revision: u64,
    /// Its members, as text: of two of one revision the greater holds.
    text: String,
    members: Extra,
    effect: Effect,
}

/// The tombstones by which something went, each as a hash of its subject.
pub(super) type Reasons = BTreeSet<RecordId>;

/// A hash of a tombstone's subject.
fn tag(subject: &str) -> RecordId {
    RecordId::of("tombstone", &[subject.as_bytes()])
}

/// All rules of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rules {
    tombstones: BTreeMap<String, Tombstone>,
    /// By machine: records of days before this one are bare.
    pub(super) pruned: BTreeMap<MachineId, Day>,
    /// Records that were forgotten with their session or project. The same requests may come back
    /// under other names.
    pub(super) ids: BTreeSet<Forgotten>,
    /// Ids that are forgotten by no tombstone that holds, and that somebody brought back.
    pub(super) kept: BTreeSet<RecordId>,
    /// Records of which one copy went because of its day, in this run, and why. Another copy may
    /// bear a later time.
    pub(super) passed: BTreeMap<RecordId, Reasons>,
    /// What hidden names may be made with.
    pub(super) keys: Vec<NameKey>,
    /// What the tombstones that hold are about, each with its tag.
    pub(super) sessions: BTreeSet<(HiddenName, RecordId)>,
    pub(super) projects: BTreeSet<(HiddenName, RecordId)>,
    pub(super) machines: BTreeSet<MachineId>,
    pub(super) before: BTreeSet<(Day, RecordId)>,
    /// Tags of tombstones that do nothing.
    void: BTreeSet<RecordId>,
    /// The history that holds since it was compacted.
    epoch: Option<Epoch>,
}

impl Rules {
    /// Gathers the rules of machine files. Ids of forgotten records stand in day files.
    pub(crate) fn gather<'a>(files: impl IntoIterator<Item = &'a SyncFile> + Clone) -> Self {
        let mut out = Self {
            epoch: Epoch::gather(files.clone()),
            ..Self::default()
        };
        for file in files {
            out.pruned.extend(
                file.pruned_before
                    .map(|day| (file.machine.uuid.clone(), day)),
            );
            for ((kind, subject, revision), decision) in &file.decisions {
                if kind == FORGOTTEN {
                    out.add(subject, *revision, &decision.0, file.machine.updated_at);
                }
            }
        }
        out.settle();
        out
    }

    fn add(&mut self, subject: &str, revision: u64, members: &Extra, written: Timestamp) {
        let new = Tombstone {
            revision,
            text: Object::new().extra(members).line(),
            members: members.clone(),
            effect: authority::effect(FORGOTTEN, subject, members, written),
        };
        self.put(subject, new);
    }

    fn put(&mut self, subject: &str, new: Tombstone) {
        // The same decision may stand in files that were written at other times.
        let rank = |one: &Tombstone| (one.revision, one.text.clone(), Reverse(one.effect));
        match self.tombstones.get_mut(subject) {
            Some(known) if rank(known) >= rank(&new) => {}
            Some(known) => *known = new,
            None => drop(self.tombstones.insert(subject.to_owned(), new)),
        }
    }

    /// Finds what the tombstones together decide.
    fn settle(&mut self) {
        (
            self.sessions,
            self.projects,
            self.machines,
            self.before,
            self.void,
        ) = Default::default();
        for (subject, stone) in &self.tombstones {
            let tag = tag(subject);
            if stone.effect != Effect::Holds {
                self.void.insert(tag);
                continue;
            }
            let salt = stone
                .members
                .get("salt")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            match subject.split_once(':') {
                Some(("session", name)) => {
                    self.sessions.insert((HiddenName::read(name, &salt), tag));
                }
                Some(("project", name)) => {
                    self.projects.insert((HiddenName::read(name, &salt), tag));
                }
                Some(("machine", id)) => self.machines.extend(MachineId::canonical(id)),
                Some(("before", day)) => self.before.extend(Day::parse(day).map(|day| (day, tag))),
                _ => {}
            }
        }
    }

    /// Adds a decision that is taken now.
    pub(crate) fn decide(&mut self, subject: &str, members: &Extra, now: Timestamp) {
        let known = self
            .tombstones
            .get(subject)
            .map_or(0, |stone| stone.revision);
        self.add(subject, known.saturating_add(1), members, now);
        self.settle();
    }

    /// All tombstones, by subject.
    pub(crate) fn stones(&self) -> impl Iterator<Item = Stone> {
        self.tombstones.iter().map(|(subject, stone)| Stone {
            subject: subject.clone(),
            salt: stone
                .members
                .get("salt")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            made: authority::made(&stone.members),
            effect: stone.effect,
        })
    }

    /// Whether what was decided about a subject was taken back.
    pub(crate) fn is_undone(&self, subject: &str) -> bool {
        self.tombstones
            .get(subject)
            .is_some_and(|stone| stone.effect == Effect::Undone)
    }

    /// Adds ids of forgotten records.
    pub(crate) fn forget_ids(&mut self, ids: impl IntoIterator<Item = Forgotten>) {
        self.ids.extend(ids);
    }

    /// Adds ids that somebody brought back: they were forgotten without a tombstone.
    pub(crate) fn keep_ids(&mut self, ids: impl IntoIterator<Item = RecordId>) {
        self.kept.extend(ids);
    }

    /// Adds ids of records of which one copy went because of its day. Returns whether that is new.
    pub(crate) fn pass(&mut self, ids: BTreeMap<RecordId, BTreeSet<RecordId>>) -> bool {
        let before = self.passed.len();
        for (id, why) in ids {
            self.passed.entry(id).or_default().extend(why);
        }
        self.passed.len() > before
    }

    /// The ids that are forgotten. One that went by tombstones is, as long as one of these holds,
    /// or is not known here.
    pub(crate) fn forgotten_ids(&self) -> BTreeSet<RecordId> {
        self.ids
            .iter()
            .filter(|one| self.is_forgotten(one))
            .map(|one| one.id)
            .collect()
    }

    fn is_forgotten(&self, one: &Forgotten) -> bool {
        match one.by {
            Some(by) => !self.void.contains(&by),
            None => !self.kept.contains(&one.id),
        }
    }

    /// All rules of both.
    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for (subject, stone) in &other.tombstones {
            self.put(subject, stone.clone());
        }
        other
            .pruned
            .iter()
            .for_each(|(machine, day)| self.prune(machine, *day));
        self.ids.extend(&other.ids);
        self.kept.extend(&other.kept);
        self.epoch = self.epoch.max(other.epoch.clone());
        if self.keys.is_empty() {
            self.keys.clone_from(&other.keys);
        }
        self.settle();
        self
    }

    /// The forgotten ids that other rules do not have.
    pub(crate) fn new_ids(&self, other: &Self) -> BTreeSet<Forgotten> {
        self.ids.difference(&other.ids).copied().collect()
    }

    /// The history that holds since it was compacted; none where none was.
    pub(crate) fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// Whether there are none that take anything away.
    pub(crate) fn is_empty(&self) -> bool {
        *self
            == Self {
                keys: self.keys.clone(),
                epoch: self.epoch.clone(),
                ..Self::default()
            }
    }

    /// Whether something was forgotten.
    pub(crate) fn forget_something(&self) -> bool {
        let by_names = !(self.sessions.is_empty() && self.projects.is_empty());
        by_names
            || !(self.machines.is_empty() && self.before.is_empty())
            || self.ids.iter().any(|one| self.is_forgotten(one))
    }

    /// The day before which everything is forgotten.
    pub(super) fn bound(&self) -> Option<Day> {
        self.before.last().map(|(day, _)| *day)
    }

    /// How many names were forgotten that cannot be known here: their tombstones were made with a
    /// key that this machine does not have.
    pub(crate) fn unknown_names(&self) -> usize {
        let all = self.sessions.iter().chain(&self.projects);
        all.filter(|(name, _)| name.is_unknown(&self.keys)).count()
    }

    /// Whether this id is one of what was forgotten.
    pub(crate) fn forgets(&self, id: RecordId) -> bool {
        let first = Forgotten { id, by: None };
        self.ids
            .range(first..)
            .take_while(|one| one.id == id)
            .any(|one| self.is_forgotten(one))
    }

    /// Whether all of a machine was forgotten.
    pub(crate) fn forgets_machine(&self, machine: &MachineId) -> bool {
        self.machines.contains(machine)
    }

    /// Records of this machine of days before this one are bare.
    pub(crate) fn prune(&mut self, machine: &MachineId, before: Day) {
        let slot = self.pruned.entry(machine.clone()).or_insert(before);
        *slot = (*slot).max(before);
    }

    /// Of days before this one a machine's records are bare.
    pub(crate) fn pruned_before(&self, machine: &MachineId) -> Option<Day> {
        self.pruned.get(machine).copied()
    }

    /// The same rules without those of retention.
    #[must_use]
    pub(crate) fn without_retention(&self) -> Self {
        Self {
            pruned: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// A number for the rules: what kept them once, keeps them until it changes. Without a machine,
    /// of those that go by names and ids; with one, also of those that go by days on that machine.
    pub(crate) fn fingerprint(&self, days_of: Option<&MachineId>) -> u64 {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        if let Some(machine) = days_of {
            let text = |day: Option<Day>| {
                day.map(|day| day.to_string())
                    .unwrap_or_default()
                    .into_bytes()
            };
            parts.extend([text(self.bound()), text(self.pruned_before(machine))]);
        }
        for (kind, all) in [("s", &self.sessions), ("p", &self.projects)] {
            // What is not known here yet is looked for once the key is here.
            let known = |name: &HiddenName| if name.is_unknown(&self.keys) { "?" } else { "" };
            parts.extend(all.iter().map(|(name, _)| {
                [kind.as_bytes(), known(name).as_bytes(), &name.bytes()].concat()
            }));
        }
        parts.extend(
            self.machines
                .iter()
                .map(|id| id.as_str().as_bytes().to_vec()),
        );
        parts.extend(
            self.forgotten_ids()
                .iter()
                .chain(self.passed.keys())
                .map(|id| id.number().to_be_bytes().to_vec()),
        );
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        RecordId::of("rules", &parts).number()
    }

    /// Whether the rules that go by days hold for a machine's month, by its first day and the first
    /// day of which details are there.
    pub(crate) fn allow_days(
        &self,
        machine: &MachineId,
        first: Option<Day>,
        detailed: Option<Day>,
    ) -> bool {
        let before = |day: Option<Day>, bound: Option<Day>| {
            day.is_some_and(|day| bound.is_some_and(|bound| day < bound))
        };
        !before(first, self.bound()) && !before(detailed, self.pruned_before(machine))
    }
}
