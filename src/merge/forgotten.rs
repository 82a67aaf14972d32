//! What is not kept: data that somebody had forgotten, and what retention leaves of old records.
//!
//! Both are rules in pages, joined like everything else, and applied to every tree that is made: a machine that was away brings
//! nothing back. They only ever take away, and applying them again changes nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::digest::Memory;
use super::trees::MergeError;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::json::Extra;
use crate::base::key::{hex, mac};
use crate::base::time::Day;
use crate::format::dayfile::DayFile;
use crate::format::imported::Origin;
use crate::format::line::{Summary, SummaryKey};
use crate::format::syncfile::SyncFile;
use crate::format::{MAX_DAY_FILE, MAX_SYNC_FILE};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, Repo};
use crate::records::RecordSet;
use crate::store::layout::{self, Path};

/// The kind of a decision that has something forgotten. Its subject says what: `session:MAC`, `project:MAC`, `machine:ID`, `before:DAY`.
/// A MAC is the HMAC-SHA-256 of the name under the member `salt`, so that the repository does not tell what was forgotten.
pub const FORGOTTEN: &str = "forgotten";

/// So many pages are read rather than remembered.
const MANY: usize = 16;

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
    /// The decision that has it forgotten: its subject, and what it says.
    pub fn tombstone(&self, salt: &str) -> (String, Extra) {
        let hidden = |kind: &str, name: &str| (format!("{kind}:{}", sign(salt, name)), Extra::from([("salt".to_owned(), salt.into())]));
        match self {
            Self::Session(id) => hidden("session", id),
            Self::Project(name) => hidden("project", name),
            Self::Machine(id) => (format!("machine:{id}"), Extra::new()),
            Self::Before(day) => (format!("before:{day}"), Extra::new()),
        }
    }
}

fn sign(salt: &str, name: &str) -> String {
    hex(&mac(salt.as_bytes(), name.as_bytes())[..16])
}

/// All rules that hold in a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    sessions: BTreeSet<(String, String)>,
    projects: BTreeSet<(String, String)>,
    machines: BTreeSet<MachineId>,
    before: Option<Day>,
    /// Of which machines records before which day are stubs.
    pruned: BTreeMap<MachineId, Day>,
}

impl Rules {
    /// Gathers the rules of pages.
    pub fn gather<'a>(pages: impl IntoIterator<Item = &'a SyncFile>) -> Self {
        let mut out = Self::default();
        for page in pages {
            let claims = page.claimed.is_some() || page.sessions.values().any(|session| session.claimed.is_some());
            // A claim is held against the session's own records, which stubs are not.
            if let Some(day) = page.pruned_before.filter(|_| !claims) {
                out.pruned.insert(page.machine.uuid.clone(), day);
            }
            for ((kind, subject, _), decision) in &page.decisions {
                if kind == FORGOTTEN {
                    out.forget(subject, decision.0.get("salt"));
                }
            }
        }
        out
    }

    /// Adds a tombstone.
    pub fn forget(&mut self, subject: &str, salt: Option<&serde_json::Value>) {
        let salt = salt.and_then(|salt| salt.as_str()).unwrap_or_default().to_owned();
        match subject.split_once(':') {
            Some(("session", sign)) => drop(self.sessions.insert((salt, sign.to_owned()))),
            Some(("project", sign)) => drop(self.projects.insert((salt, sign.to_owned()))),
            Some(("machine", id)) => self.machines.extend(MachineId::canonical(id)),
            Some(("before", day)) => self.before = self.before.max(Day::parse(day)),
            _ => {}
        }
    }

    /// The rules in the pages of a root tree. Of a large fleet, pages that the memory knows are not opened.
    pub fn read(repo: &Repo, root: Oid, memory: &dyn Memory) -> Result<Self, MergeError> {
        let blobs: Vec<_> = repo.blobs(Some(root), layout::MACHINES)?.into_iter().filter(|blob| blob.mode == FILE).collect();
        // Asking the memory costs what it holds, not what is asked for.
        let mut known = if blobs.len() > MANY { memory.units() } else { BTreeMap::new() };
        let mut pages = Vec::new();
        for blob in blobs {
            let Path::Machine(machine) = Path::parse(&blob.path) else { continue };
            let text = match known.remove(&blob.path).filter(|unit| unit.oid == blob.oid).and_then(|unit| unit.digest.page) {
                Some(text) => text,
                None if repo.blob_size(blob.oid).is_some_and(|size| size <= MAX_SYNC_FILE) => {
                    String::from_utf8(repo.blob(blob.oid)?).unwrap_or_default()
                }
                None => continue,
            };
            // Few pages have any.
            if text.contains("\"forgotten\"") || text.contains("\"pruned_before\"") {
                pages.extend(SyncFile::read(&machine, text.as_bytes(), &mut Interner::default()));
            }
        }
        Ok(Self::gather(&pages))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something was forgotten.
    pub fn forget_something(&self) -> bool {
        !(self.sessions.is_empty() && self.projects.is_empty() && self.machines.is_empty() && self.before.is_none())
    }

    /// Records of this machine before this day are stubs.
    pub fn prune(&mut self, machine: &MachineId, before: Day) {
        let slot = self.pruned.entry(machine.clone()).or_insert(before);
        *slot = (*slot).max(before);
    }

    /// Before which day this machine's records are stubs.
    pub fn pruned_before(&self, machine: &MachineId) -> Option<Day> {
        self.pruned.get(machine).copied()
    }

    fn same_but_pruned(&self, other: &Self) -> bool {
        Self { pruned: BTreeMap::new(), ..self.clone() } == Self { pruned: BTreeMap::new(), ..other.clone() }
    }

    /// What is kept of a machine's records, those of transcripts for example. Stubs are made when files are written.
    pub fn keep<'r>(&self, machine: &MachineId, records: &'r RecordSet) -> Cow<'r, RecordSet> {
        if !self.forget_something() {
            return Cow::Borrowed(records);
        }
        let mut judge = Judge::new(self);
        let gone = |record: &crate::records::Record| {
            self.machines.contains(machine) || self.before.is_some_and(|day| record.origin.timestamp.day() < day)
        };
        Cow::Owned(records.iter().filter(|record| !gone(record) && judge.keeps(&record.origin.session, &record.origin.project)).collect())
    }

    /// Whether a line of a machine is kept.
    pub fn keeps_line(&self, machine: &MachineId, key: &SummaryKey, summary: &Summary) -> bool {
        let gone = self.machines.contains(machine) || self.before.is_some_and(|day| key.day < day);
        !gone && Judge::new(self).keeps(&key.session, &summary.project)
    }

    /// Applies the rules to a day file, and says whether that changed it.
    pub fn apply_day(&self, file: &mut DayFile) -> bool {
        let before = file.clone();
        if self.machines.contains(&file.machine) || self.before.is_some_and(|day| file.day < day) {
            *file = DayFile { extra: std::mem::take(&mut file.extra), ..DayFile::new(file.machine.clone(), file.day) };
            return *file != before;
        }
        if self.forget_something() {
            let mut judge = Judge::new(self);
            if file.records.iter().any(|record| !judge.keeps(&record.origin.session, &record.origin.project)) {
                file.records = file.records.iter().filter(|record| judge.keeps(&record.origin.session, &record.origin.project)).collect();
            }
            file.summaries.retain(|key, summary| judge.keeps(&key.session, &summary.project));
            file.unknown.retain(|(session, _)| session.as_ref().is_none_or(|session| judge.keeps(session, "")));
        }
        if self.pruned.get(&file.machine).is_some_and(|day| file.day < *day) {
            if file.records.iter().any(|record| !record.is_stub()) {
                file.records = file.records.iter().map(|record| record.stub(file.day)).collect();
            }
            // What other tools made tells no time of day, session or project.
            for (key, summary) in file.summaries.iter_mut().filter(|(key, summary)| Origin::of_line(key, summary).is_none()) {
                summary.project.clear();
                (summary.first, summary.last) = (key.day.start(), key.day.start());
            }
        }
        if *file == before {
            return false;
        }
        let held: BTreeSet<SessionId> = file
            .records
            .iter()
            .map(|record| record.origin.session)
            .chain(file.summaries.keys().map(|key| key.session.clone()))
            .chain(file.unknown.iter().filter_map(|(session, _)| session.clone()))
            .collect();
        file.sessions.retain(|session, _| held.contains(session));
        true
    }

    /// Applies the rules to a page, and says whether that changed it. What is said of the machine's sums is refreshed by the machine.
    pub fn apply_page(&self, page: &mut SyncFile) -> bool {
        let before = page.clone();
        if self.machines.contains(&page.machine.uuid) {
            page.sessions.clear();
            page.claimed = None;
            page.machine.hostname.clear();
            page.machine.extra.clear();
            page.totals = crate::records::Totals::default();
            (page.first_usage, page.last_usage) = (None, None);
            (page.metadata.total_sessions, page.metadata.total_usage_records) = (0, 0);
            return *page != before;
        }
        let mut judge = Judge::new(self);
        let bound = self.pruned.get(&page.machine.uuid).copied().max(self.before);
        let old = |at: Option<crate::base::time::Timestamp>, day: Option<Day>| day.is_some_and(|day| at.is_some_and(|at| at.day() < day));
        page.sessions.retain(|id, session| judge.keeps(id, &session.project) && !old(session.last_updated, bound));
        for session in page.sessions.values_mut() {
            let gone = |record: &crate::records::Record, judge: &mut Judge| {
                !judge.keeps(&record.origin.session, &record.origin.project) || old(Some(record.origin.timestamp), bound)
            };
            if session.records.iter().any(|record| gone(&record, &mut judge)) {
                session.records = session.records.iter().filter(|record| !gone(record, &mut judge)).collect();
            }
        }
        page.first_usage = page.first_usage.filter(|at| !old(Some(*at), bound));
        page.last_usage = page.last_usage.filter(|at| !old(Some(*at), bound));
        *page != before
    }

    /// A root tree with the rules applied. `base` is a tree in which rules were applied already, with those rules.
    pub fn enforce(&self, repo: &Repo, root: Oid, base: Option<(Oid, &Self)>) -> Result<Oid, MergeError> {
        if self.is_empty() {
            return Ok(root);
        }
        let files = |from: Option<Oid>| repo.differing(from, root);
        let wanted: Vec<(String, Entry)> = match base {
            Some((tree, rules)) if rules == self => files(Some(tree))?,
            Some((tree, rules)) if rules.same_but_pruned(self) => {
                let fresh: BTreeSet<String> = files(Some(tree))?.into_iter().map(|(path, _)| path).collect();
                let moved = |path: &str| match Path::parse(path) {
                    Path::Day(machine, day, _) => {
                        self.pruned.get(&machine).is_some_and(|to| day < *to) && rules.pruned.get(&machine).is_none_or(|from| day >= *from)
                    }
                    Path::Machine(_) | Path::Snapshot(_) => true,
                    _ => false,
                };
                files(None)?.into_iter().filter(|(path, _)| fresh.contains(path) || moved(path)).collect()
            }
            _ => files(None)?,
        };
        let (mut changes, mut gone) = (BTreeMap::new(), BTreeSet::new());
        let mut names = Interner::default();
        for (path, entry) in wanted.into_iter().filter(|(_, entry)| entry.mode == FILE) {
            let kind = Path::parse(&path);
            let most = if matches!(kind, Path::Day(..)) { MAX_DAY_FILE } else { MAX_SYNC_FILE };
            if !matches!(kind, Path::Day(..) | Path::Machine(_) | Path::Snapshot(_))
                || repo.blob_size(entry.oid).is_none_or(|size| size > most)
            {
                continue;
            }
            let bytes = repo.blob(entry.oid)?;
            let text = match &kind {
                Path::Day(machine, day, _) => {
                    let Ok((mut file, damage)) = DayFile::read(machine, *day, &bytes, &mut names) else { continue };
                    if !self.apply_day(&mut file) {
                        continue;
                    }
                    if file.records.is_empty() && file.summaries.is_empty() && file.unknown.is_empty() {
                        gone.insert(path);
                        continue;
                    }
                    // A new checksum must not hide that an old one failed.
                    let failed: Vec<_> = damage.checksums.into_iter().filter(|session| file.sessions.contains_key(session)).collect();
                    failed.iter().for_each(|session| file.mark_suspect(session));
                    file.write().0
                }
                Path::Machine(machine) | Path::Snapshot(machine) => {
                    let Ok(mut page) = SyncFile::read(machine, &bytes, &mut names) else { continue };
                    if !self.apply_page(&mut page) {
                        continue;
                    }
                    page.write()
                }
                _ => continue,
            };
            let oid = repo.write_file(&path, text.as_bytes())?;
            changes.insert(path, Entry { mode: FILE, oid });
        }
        let root = repo.replace(Some(root), &changes)?;
        Ok(repo.without(root, &gone)?)
    }
}

/// Tells sessions and projects that are kept, asking the rules about each once.
struct Judge<'a> {
    rules: &'a Rules,
    sessions: HashMap<SessionId, bool>,
    projects: HashMap<String, bool>,
}

impl<'a> Judge<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self { rules, sessions: HashMap::new(), projects: HashMap::new() }
    }

    fn keeps(&mut self, session: &SessionId, project: &str) -> bool {
        let rules = self.rules;
        let known = |signs: &BTreeSet<(String, String)>, name: &str| !signs.iter().any(|(salt, wanted)| sign(salt, name) == *wanted);
        let session_kept = match self.sessions.get(session) {
            Some(kept) => *kept,
            None => *self.sessions.entry(session.clone()).or_insert(known(&rules.sessions, session.as_str())),
        };
        let project_kept = project.is_empty()
            || rules.projects.is_empty()
            || match self.projects.get(project) {
                Some(kept) => *kept,
                None => *self.projects.entry(project.to_owned()).or_insert(known(&rules.projects, project)),
            };
        session_kept && project_kept
    }
}
