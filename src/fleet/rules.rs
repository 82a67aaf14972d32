//! What is not kept: data that somebody had forgotten, and the details that retention takes from old records.
//!
//! Rules stand in machine files and join like decisions. They only take away, and applying them again changes nothing: that a tree keeps
//! the rules means that applying them changes nothing in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::authority::{self, Effect};
use super::decisions::ADOPTED;
use super::error::DataError;
use super::read::{Content, content};
use super::tombstone::HiddenName;
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::json::{Extra, Object};
use crate::base::key::NameKey;
use crate::base::time::{Day, Timestamp};
use crate::format::dayfile::{DayFile, Forgotten};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{FILE, Repo};
use crate::record::{Level, Record, RecordSet, Source, Sum, SumKey, Totals};
use crate::store::layout::{self, Path};

pub use super::decisions::FORGOTTEN;

/// Something to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A session, by id.
    Session(String),
    /// A project, by the name that it has in the repository.
    Project(String),
    /// A machine, with all that it ever wrote.
    Machine(MachineId),
    /// Everything before a UTC day.
    Before(Day),
}

impl Subject {
    /// The decision that has it forgotten: its subject, and its members. With a key, only who has the key knows the name.
    pub fn tombstone(&self, salt: &str, key: Option<&NameKey>) -> (String, Extra) {
        let hidden = |kind: &str, name: &str| {
            let name = HiddenName::of(kind, salt, name, key).text();
            let salt = Extra::from([("salt".to_owned(), salt.into())]);
            (format!("{kind}:{name}"), salt)
        };
        match self {
            Self::Session(id) => hidden("session", id),
            Self::Project(name) => hidden("project", name),
            Self::Machine(id) => (format!("machine:{id}"), Extra::new()),
            Self::Before(day) => (format!("before:{day}"), Extra::new()),
        }
    }

    /// Whether a tombstone is about it, with one of the keys that are here or without one.
    pub fn is_of(&self, stone: &Stone, keys: &[NameKey]) -> bool {
        let mut keys = std::iter::once(None).chain(keys.iter().map(Some));
        keys.any(|key| self.tombstone(&stone.salt, key).0 == stone.subject)
    }
}

/// Day files of this day hold ids of forgotten records.
pub fn forgotten_day() -> Day {
    Timestamp::EPOCH.day()
}

/// A decision that has something forgotten, or that takes that back: of all about one subject the one that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tombstone {
    revision: u64,
    /// What it says, as text: of two of one revision the greater holds.
    text: String,
    said: Extra,
    effect: Effect,
}

/// A tombstone, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stone {
    /// The subject of the decision.
    pub subject: String,
    /// The salt of its name, where it hides one.
    pub salt: String,
    /// When it was made, where it says so.
    pub made: Option<Timestamp>,
    /// What it does.
    pub effect: Effect,
}

/// The tombstones by which something went, each as a hash of its subject.
type Reasons = BTreeSet<RecordId>;

/// A hash of a tombstone's subject.
fn tag(subject: &str) -> RecordId {
    RecordId::of("tombstone", &[subject.as_bytes()])
}

/// All rules of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    tombstones: BTreeMap<String, Tombstone>,
    /// By machine: records of days before this one are bare.
    pruned: BTreeMap<MachineId, Day>,
    /// Records that were forgotten with their session or project. The same requests may come back under other names.
    ids: BTreeSet<Forgotten>,
    /// Ids that are forgotten by no tombstone that holds, and that somebody brought back.
    kept: BTreeSet<RecordId>,
    /// Records of which one copy went because of its day, in this run, and why. Another copy may bear a later time.
    passed: BTreeMap<RecordId, Reasons>,
    /// What hidden names may be made with.
    keys: Vec<NameKey>,
    /// What the tombstones that hold are about, each with its tag.
    sessions: BTreeSet<(HiddenName, RecordId)>,
    projects: BTreeSet<(HiddenName, RecordId)>,
    machines: BTreeSet<MachineId>,
    before: BTreeSet<(Day, RecordId)>,
    /// Tags of tombstones that do nothing.
    void: BTreeSet<RecordId>,
}

/// What applying rules to a day file did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The file is another one now.
    pub changed: bool,
    /// Ids of records that went with their session or project, or because another copy did.
    pub forgotten: Vec<Forgotten>,
    /// Ids of records that went because of their day, and by which tombstones.
    pub passed: BTreeMap<RecordId, BTreeSet<RecordId>>,
}

impl Rules {
    /// Gathers the rules of machine files. Ids of forgotten records stand in day files.
    pub fn gather<'a>(pages: impl IntoIterator<Item = &'a SyncFile>) -> Self {
        let mut out = Self::default();
        for page in pages {
            out.pruned.extend(
                page.pruned_before
                    .map(|day| (page.machine.uuid.clone(), day)),
            );
            for ((kind, subject, revision), decision) in &page.decisions {
                if kind == FORGOTTEN {
                    out.add(subject, *revision, &decision.0, page.machine.updated_at);
                }
            }
        }
        out.settle();
        out
    }

    fn add(&mut self, subject: &str, revision: u64, said: &Extra, written: Timestamp) {
        let new = Tombstone {
            revision,
            text: Object::new().extra(said).line(),
            said: said.clone(),
            effect: authority::effect(FORGOTTEN, subject, said, written),
        };
        self.put(subject, new);
    }

    fn put(&mut self, subject: &str, new: Tombstone) {
        // The same decision may stand in files that were written at other times.
        let rank = |one: &Tombstone| {
            (
                one.revision,
                one.text.clone(),
                std::cmp::Reverse(one.effect),
            )
        };
        match self.tombstones.get_mut(subject) {
            Some(known) if rank(known) >= rank(&new) => {}
            Some(known) => *known = new,
            None => drop(self.tombstones.insert(subject.to_owned(), new)),
        }
    }

    /// Finds what the tombstones say together.
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
                .said
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
    pub fn decide(&mut self, subject: &str, said: &Extra, now: Timestamp) {
        let known = self
            .tombstones
            .get(subject)
            .map_or(0, |stone| stone.revision);
        self.add(subject, known.saturating_add(1), said, now);
        self.settle();
    }

    /// All tombstones, by subject.
    pub fn stones(&self) -> impl Iterator<Item = Stone> {
        self.tombstones.iter().map(|(subject, stone)| Stone {
            subject: subject.clone(),
            salt: stone
                .said
                .get("salt")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            made: authority::made(&stone.said),
            effect: stone.effect,
        })
    }

    /// Whether what was decided about a subject was taken back.
    pub fn is_undone(&self, subject: &str) -> bool {
        self.tombstones
            .get(subject)
            .is_some_and(|stone| stone.effect == Effect::Undone)
    }

    /// Adds ids of forgotten records.
    pub fn forget_ids(&mut self, ids: impl IntoIterator<Item = Forgotten>) {
        self.ids.extend(ids);
    }

    /// Adds ids that somebody brought back: no tombstone says why they were forgotten.
    pub fn keep_ids(&mut self, ids: impl IntoIterator<Item = RecordId>) {
        self.kept.extend(ids);
    }

    /// Adds ids of records of which one copy went because of its day. Says whether that is new.
    pub fn pass(&mut self, ids: BTreeMap<RecordId, BTreeSet<RecordId>>) -> bool {
        let before = self.passed.len();
        for (id, why) in ids {
            self.passed.entry(id).or_default().extend(why);
        }
        self.passed.len() > before
    }

    /// The ids that are forgotten. One that went by tombstones is, as long as one of these holds, or is not known here.
    pub fn forgotten_ids(&self) -> BTreeSet<RecordId> {
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

    /// Of these records, those whose ids are forgotten and of which no tombstone says why: what an earlier version noted.
    pub fn unexplained(
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
        let without = Self {
            ids: BTreeSet::new(),
            passed: BTreeMap::new(),
            ..self.clone()
        };
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

    /// The rules of a root tree. `page` gives the text of a machine file that is known without opening it.
    pub fn read(
        repo: &Repo,
        root: Oid,
        mut page: impl FnMut(&str, Oid) -> Option<String>,
    ) -> Result<Self, DataError> {
        let mut pages = Vec::new();
        for blob in repo
            .blobs(Some(root), layout::MACHINES)?
            .into_iter()
            .filter(|blob| blob.mode == FILE)
        {
            let Path::Machine(machine) = Path::parse(&blob.path) else {
                continue;
            };
            let text = match (
                page(&blob.path, blob.oid),
                content(repo, &blob.path, blob.oid),
            ) {
                (Some(text), _) => text,
                (None, Ok(Content::Bytes(bytes))) => String::from_utf8(bytes).unwrap_or_default(),
                (None, Ok(_)) => continue,
                (None, Err(error)) => return Err(error),
            };
            // Few machine files have any.
            if text.contains("\"forgotten\"") || text.contains("\"pruned_before\"") {
                pages.extend(SyncFile::read(
                    &machine,
                    text.as_bytes(),
                    &mut Interner::default(),
                ));
            }
        }
        let mut out = Self {
            keys: repo.name_keys().to_vec(),
            ..Self::gather(&pages)
        };
        let (year, month, _) = forgotten_day().parts();
        for blob in repo.blobs(Some(root), &format!("{}/{year}/{month}", layout::ARCHIVE))? {
            if let Path::Day(machine, day, _) = Path::parse(&blob.path)
                && let Content::Bytes(bytes) = content(repo, &blob.path, blob.oid)?
                && let Ok((file, _)) =
                    DayFile::read(&machine, day, &bytes, &mut Interner::default())
            {
                out.kept.extend(file.kept());
                out.ids.extend(file.forgotten);
            }
        }
        Ok(out)
    }

    /// All rules of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (subject, stone) in &other.tombstones {
            self.put(subject, stone.clone());
        }
        other
            .pruned
            .iter()
            .for_each(|(machine, day)| self.prune(machine, *day));
        self.ids.extend(&other.ids);
        self.kept.extend(&other.kept);
        if self.keys.is_empty() {
            self.keys.clone_from(&other.keys);
        }
        self.settle();
        self
    }

    /// The forgotten ids that other rules do not have.
    pub fn new_ids(&self, other: &Self) -> BTreeSet<Forgotten> {
        self.ids.difference(&other.ids).copied().collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                keys: self.keys.clone(),
                ..Self::default()
            }
    }

    /// Whether something was forgotten.
    pub fn forget_something(&self) -> bool {
        let by_names = !(self.sessions.is_empty() && self.projects.is_empty());
        by_names
            || !(self.machines.is_empty() && self.before.is_empty())
            || self.ids.iter().any(|one| self.is_forgotten(one))
    }

    /// The day before which everything is forgotten.
    fn bound(&self) -> Option<Day> {
        self.before.last().map(|(day, _)| *day)
    }

    /// How many names were forgotten that cannot be known here: their tombstones were made with a key that this machine does not have.
    pub fn unknown_names(&self) -> usize {
        let all = self.sessions.iter().chain(&self.projects);
        all.filter(|(name, _)| name.is_unknown(&self.keys)).count()
    }

    /// Whether this id is one of what was forgotten.
    pub fn forgets(&self, id: RecordId) -> bool {
        let first = Forgotten { id, by: None };
        self.ids
            .range(first..)
            .take_while(|one| one.id == id)
            .any(|one| self.is_forgotten(one))
    }

    /// Whether all of a machine was forgotten.
    pub fn forgets_machine(&self, machine: &MachineId) -> bool {
        self.machines.contains(machine)
    }

    /// Records of this machine of days before this one are bare.
    pub fn prune(&mut self, machine: &MachineId, before: Day) {
        let slot = self.pruned.entry(machine.clone()).or_insert(before);
        *slot = (*slot).max(before);
    }

    /// Of days before this one a machine's records are bare.
    pub fn pruned_before(&self, machine: &MachineId) -> Option<Day> {
        self.pruned.get(machine).copied()
    }

    /// The same rules without those of retention.
    #[must_use]
    pub fn without_retention(&self) -> Self {
        Self {
            pruned: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// A number for the rules: what kept them once, keeps them until it changes. Without a machine, of those that go by names and ids;
    /// with one, also of those that go by days on that machine.
    pub fn fingerprint(&self, days_of: Option<&MachineId>) -> u64 {
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

    /// Whether the rules that go by days hold for a machine's month, by its first day and the first day of which details are there.
    pub fn allow_days(
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

    /// What is kept of a machine's records, those of transcripts for example, and what became of the others.
    pub fn keep<'r>(
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
    pub fn keeps_sum(&self, machine: &MachineId, key: &SumKey, sum: &Sum) -> bool {
        Judge::new(self).keeps_sum(machine, key, sum)
    }

    /// A record at the level that retention allows on a machine.
    pub fn shortened(&self, machine: &MachineId, record: Record) -> Record {
        if self
            .pruned
            .get(machine)
            .is_some_and(|bound| record.day() < *bound)
        {
            record.shortened(Level::Bare)
        } else {
            record
        }
    }

    /// Applies the rules to a day file.
    pub fn apply_day(&self, file: &mut DayFile) -> Applied {
        let before = file.clone();
        let mut out = Applied::default();
        let machine = file.machine.clone();
        if self.forget_something() {
            let mut judge = Judge::new(self);
            if file
                .records
                .iter()
                .any(|record| !judge.keeps_record(&machine, &record, &mut Applied::default()))
            {
                file.records = file
                    .records
                    .iter()
                    .filter(|record| judge.keeps_record(&machine, record, &mut out))
                    .collect();
            }
            file.sums
                .retain(|key, sum| judge.keeps_sum(&machine, key, sum));
            let all = self.machines.contains(&machine);
            file.unknown.retain(|(session, _)| {
                !all && session
                    .as_ref()
                    .is_none_or(|session| judge.keeps(session, ""))
            });
        }
        if let Some(bound) = self.pruned_before(&machine)
            && file
                .records
                .entries()
                .any(|entry| entry.level > Level::Bare && entry.at.day() < bound)
        {
            file.records = file
                .records
                .iter()
                .map(|record| self.shortened(&machine, record))
                .collect();
        }
        if self.forget_something() || self.pruned.contains_key(&machine) {
            file.drop_empty_sessions();
        }
        // Compared as it is written: a version may name sessions of which it holds nothing.
        out.changed = file.records != before.records
            || (&file.sums, &file.unknown) != (&before.sums, &before.unknown)
            || file.marked() != before.marked();
        out
    }

    /// Applies the rules to a machine file, and says whether that changed it. Totals of the machine are refreshed by the machine.
    pub fn apply_page(&self, page: &mut SyncFile) -> bool {
        let before = page.clone();
        let mut judge = Judge::new(self);
        for ((kind, ..), decision) in &mut page.decisions {
            if kind == ADOPTED && self.forget_something() {
                self.apply_adopted(&mut decision.0, &mut judge);
            }
        }
        let machine = page.machine.uuid.clone();
        if self.machines.contains(&machine) {
            page.sessions.clear();
            page.claimed = None;
            page.machine.hostname.clear();
            page.machine.extra.clear();
            page.totals = Totals::default();
            (page.first_usage, page.last_usage) = (None, None);
            (
                page.metadata.total_sessions,
                page.metadata.total_usage_records,
            ) = (0, 0);
            return *page != before;
        }
        let pruned = self.pruned_before(&machine);
        let old = |at: Option<Timestamp>, day: Option<Day>| {
            day.is_some_and(|day| at.is_some_and(|at| at.day() < day))
        };
        let gone: Vec<SessionId> = page
            .sessions
            .iter()
            .filter(|(id, s)| {
                // A view with an old beginning is refreshed by its machine.
                let by_days = if s.claimed.is_some() {
                    old(s.last_updated, self.bound())
                } else {
                    old(s.first_seen, pruned.max(self.bound()))
                };
                !judge.keeps(id, &s.project) || by_days
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            // What the machine file claims in all has the session in it.
            let claimed = page
                .sessions
                .remove(&id)
                .and_then(|session| session.claimed);
            if let (Some(all), Some(claimed)) = (&mut page.claimed, claimed) {
                all.totals = all.totals.minus(claimed);
            }
        }
        if page
            .claim_window()
            .is_some_and(|(_, until)| old(Some(until), self.bound()))
        {
            page.claimed = None;
        }
        for session in page.sessions.values_mut() {
            let mut keeps = |record: &Record| {
                judge.keeps_record(&machine, record, &mut Applied::default())
                    && !old(Some(record.origin.timestamp), pruned)
            };
            if session.records.iter().any(|record| !keeps(&record)) {
                session.records = session
                    .records
                    .iter()
                    .filter(|record| keeps(record))
                    .collect();
            }
            // Its id is needed to compare the claim with records; its project is not.
            if session.claimed.is_some() && old(session.last_updated, pruned) {
                session.project.clear();
            }
        }
        page.first_usage = page
            .first_usage
            .filter(|at| !old(Some(*at), pruned.max(self.bound())));
        page.last_usage = page
            .last_usage
            .filter(|at| !old(Some(*at), pruned.max(self.bound())));
        *page != before
    }

    /// Takes what is forgotten out of an adopted manifest: machines, with the sessions of which no other machine holds anything, and
    /// whatever ended before the day that is kept.
    fn apply_adopted(&self, decision: &mut Extra, judge: &mut Judge) {
        let Some(manifest) = decision.get_mut("manifest").and_then(Value::as_object_mut) else {
            return;
        };
        let gone =
            |id: &str| MachineId::canonical(id).is_some_and(|id| self.machines.contains(&id));
        let text = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let is_old = |last: String| {
            Timestamp::parse(&last).is_some_and(|at| self.bound().is_some_and(|day| at.day() < day))
        };
        if let Some(machines) = manifest.get_mut("machines").and_then(Value::as_object_mut) {
            machines.retain(|id, machine| {
                !gone(id) && !is_old(text(&machine["usage_summary"], "last_usage"))
            });
        }
        if let Some(sessions) = manifest
            .get_mut("sessions_index")
            .and_then(Value::as_object_mut)
        {
            sessions.retain(|id, session| {
                let id = SessionId::new(id.as_str().into());
                if !judge.keeps(&id, &text(session, "project_name"))
                    || is_old(text(session, "last_updated"))
                {
                    return false;
                }
                let Some(list) = session.get_mut("machines").and_then(Value::as_array_mut) else {
                    return true;
                };
                let had = !list.is_empty();
                list.retain(|id| !id.as_str().is_some_and(gone));
                !had || !list.is_empty()
            });
        }
    }
}

/// Decides about sessions and projects, asking the rules about each once.
struct Judge<'a> {
    rules: &'a Rules,
    ids: HashSet<RecordId>,
    sessions: HashMap<SessionId, Reasons>,
    projects: HashMap<String, Reasons>,
}

impl<'a> Judge<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            ids: rules.forgotten_ids().into_iter().collect(),
            sessions: HashMap::new(),
            projects: HashMap::new(),
        }
    }

    /// Whether a record is kept. Where it is not, its id may be needed to know other copies of it.
    fn keeps_record(
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
        let noted = |ids: &[Option<RecordId>], why: &Reasons| -> Vec<Forgotten> {
            ids.iter()
                .flatten()
                .flat_map(|id| {
                    why.iter().map(|by| Forgotten {
                        id: *id,
                        by: Some(*by),
                    })
                })
                .collect()
        };
        let why = self.reasons(&record.origin.session, &record.origin.project);
        if !why.is_empty() {
            applied
                .forgotten
                .extend(noted(&[Some(record.id), lineage], &why));
            return false;
        }
        if self.rules.bound().is_some_and(|day| record.day() < day) {
            let why: Reasons = self
                .rules
                .before
                .iter()
                .filter(|(day, _)| record.day() < *day)
                .map(|(_, tag)| *tag)
                .collect();
            applied.forgotten.extend(noted(&[lineage], &why));
            applied.passed.entry(record.id).or_default().extend(why);
            return false;
        }
        if let Some(why) = self.rules.passed.get(&record.id) {
            applied.forgotten.extend(noted(&[Some(record.id)], why));
            return false;
        }
        !self.ids.contains(&record.id)
    }

    fn keeps_sum(&mut self, machine: &MachineId, key: &SumKey, sum: &Sum) -> bool {
        let day = if key.source == Source::Claim {
            sum.window.map(|(_, until)| until.day())
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

    fn keeps(&mut self, session: &SessionId, project: &str) -> bool {
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
