//! Day files: `sync/archive/{YYYY}/{MM}/{uuid}/{DD}[.N].jsonl`, where every usage record lives.
//!
//! A header line; then per session a session line and below it the session's records, sums and
//! lines of unknown kinds. The content is a set, the bytes are its sorted form, and joining two
//! versions is union by id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::limits::VERSION;
use super::line::sum_line;
use crate::base::encode;
use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::base::join::absorb;
use crate::base::json::{Extra, Object};
use crate::base::time::Day;
use crate::record::{Level, Record, RecordSet, Sum, SumKey};

/// The member of a session line that marks it.
const SUSPECT: &str = "suspect";

/// The records of one machine that were first seen with a time on one UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayFile {
    /// The machine that wrote it.
    pub(crate) machine: MachineId,
    /// The day.
    pub(crate) day: Day,
    /// Unknown members of the header.
    pub(crate) extra: Extra,
    /// Unknown members of session lines.
    pub(crate) sessions: BTreeMap<SessionId, Extra>,
    /// The records, each once.
    pub(crate) records: RecordSet,
    /// Totals for which there are no records.
    pub(crate) sums: BTreeMap<SumKey, Sum>,
    /// Ids of records that were forgotten.
    pub(crate) forgotten: BTreeSet<Forgotten>,
    /// Lines of kinds that this version does not know, as canonical text, with their session if
    /// they name one.
    pub(crate) unknown: BTreeSet<(Option<SessionId>, String)>,
}

/// The id of a record that was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Forgotten {
    /// The id of the record.
    pub(crate) id: RecordId,
    /// A hash of the subject of the tombstone by which it went; none where an earlier version wrote
    /// it down.
    pub(crate) by: Option<RecordId>,
}

/// The line that brings back a forgotten id that is noted without a tombstone. Earlier versions
/// carry it as one of an unknown kind.
fn kept_line(id: RecordId) -> String {
    Object::new()
        .other("kept", Some(id.to_string().as_str()))
        .line()
}

/// What was wrong in a day file that could be read all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Damage {
    /// Lines that are no JSON object, or a record with a field of the wrong kind.
    pub(crate) lines: u64,
    /// Sessions whose checksum does not fit the lines below it.
    pub(crate) checksums: BTreeSet<SessionId>,
}

impl DayFile {
    /// A file with nothing in it.
    pub(crate) fn new(machine: MachineId, day: Day) -> Self {
        Self {
            machine,
            day,
            extra: Extra::new(),
            sessions: BTreeMap::new(),
            records: RecordSet::default(),
            sums: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            unknown: BTreeSet::new(),
        }
    }

    /// Marks a session as one whose checksum failed in some version. Writing makes a new checksum;
    /// the mark stays, through all joins, for a person to see.
    pub(crate) fn mark_suspect(&mut self, session: &SessionId) {
        self.sessions
            .entry(session.clone())
            .or_default()
            .insert(SUSPECT.to_owned(), Value::Bool(true));
    }

    /// The sessions that are marked.
    pub(crate) fn suspects(&self) -> impl Iterator<Item = &SessionId> {
        self.sessions
            .iter()
            .filter(|(_, extra)| extra.get(SUSPECT) == Some(&Value::Bool(true)))
            .map(|(id, _)| id)
    }

    /// Whether both have the same records and sums of a session.
    pub(crate) fn agrees(&self, other: &Self, session: &SessionId) -> bool {
        let covers = |a: &Self, b: &Self| {
            let records = b
                .records
                .iter()
                .filter(|r| r.origin.session == *session)
                .all(|r| a.records.get(r.id) == Some(r));
            records
                && b.sums
                    .iter()
                    .filter(|(key, _)| key.session == *session)
                    .all(|(key, sum)| a.sums.get(key) == Some(sum))
        };
        covers(self, other) && covers(other, self)
    }

    /// Brings back a forgotten id that is noted without a tombstone.
    pub(crate) fn keep(&mut self, id: RecordId) {
        self.unknown.insert((None, kept_line(id)));
    }

    /// The ids that are brought back.
    pub(crate) fn kept(&self) -> impl Iterator<Item = RecordId> {
        let id =
            |text: &str| RecordId::parse(text.strip_prefix("{\"kept\":\"")?.strip_suffix("\"}")?);
        self.unknown
            .iter()
            .filter(|(session, _)| session.is_none())
            .filter_map(move |(_, text)| id(text))
    }

    /// Adds a version of a sum.
    pub(crate) fn add_sum(&mut self, key: SumKey, sum: Sum) {
        absorb(&mut self.sums, key, sum);
    }

    /// The sessions whose lines have members of their own.
    pub(crate) fn marked(&self) -> BTreeMap<&SessionId, &Extra> {
        self.sessions
            .iter()
            .filter(|(_, extra)| !extra.is_empty())
            .collect()
    }

    /// Drops the members of sessions of which the file holds no line.
    pub(crate) fn drop_empty_sessions(&mut self) {
        let held: BTreeSet<SessionId> = self
            .records
            .entries()
            .map(|entry| entry.session.clone())
            .chain(self.sums.keys().map(|key| key.session.clone()))
            .chain(
                self.unknown
                    .iter()
                    .filter_map(|(session, _)| session.clone()),
            )
            .collect();
        self.sessions.retain(|session, _| held.contains(session));
    }

    /// Drops all that the file holds of some sessions.
    pub(crate) fn drop_sessions(&mut self, some: &BTreeSet<SessionId>) {
        if some.is_empty() {
            return;
        }
        self.records = self
            .records
            .iter()
            .filter(|record| !some.contains(&record.origin.session))
            .collect();
        self.sums.retain(|key, _| !some.contains(&key.session));
        self.unknown.retain(|(session, _)| {
            session
                .as_ref()
                .is_none_or(|session| !some.contains(session))
        });
        self.sessions.retain(|session, _| !some.contains(session));
    }

    /// Whether the file holds no line of any kind.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.sums.is_empty()
            && self.forgotten.is_empty()
            && self.unknown.is_empty()
    }

    /// The lines of each session, and those without one.
    fn lines(&self) -> (BTreeMap<SessionId, SessionLines<'_>>, Vec<&String>) {
        let mut sessions: BTreeMap<SessionId, SessionLines> = BTreeMap::new();
        // A session without lines is written only if its line has members of its own, such as a
        // mark.
        for session in self.marked().into_keys() {
            sessions.entry(session.clone()).or_default();
        }
        for record in self.records.sorted() {
            sessions
                .entry(record.origin.session.clone())
                .or_default()
                .records
                .push(record);
        }
        for (key, sum) in &self.sums {
            sessions
                .entry(key.session.clone())
                .or_default()
                .sums
                .push((key, sum));
        }
        let mut trailing = Vec::new();
        for (session, text) in &self.unknown {
            match session {
                Some(session) => sessions
                    .entry(session.clone())
                    .or_default()
                    .unknown
                    .push(text),
                None => trailing.push(text),
            }
        }
        (sessions, trailing)
    }

    /// The canonical bytes, and each session's checksum.
    pub(crate) fn write(&self) -> (String, BTreeMap<SessionId, String>) {
        let (sessions, trailing) = self.lines();
        let header = Object::new()
            .spec("version", VERSION)
            .spec("machine", self.machine.as_str())
            .spec("day", self.day.to_string().as_str());
        let mut out = String::with_capacity(self.records.len() * 400 + 200);
        push_line(&mut out, &header.extra(&self.extra).line());
        let mut checksums = BTreeMap::new();
        for (session, lines) in sessions {
            let project = lines.project();
            let body = lines.write(self.day, &project);
            let checksum = hex(Sha256::new_with_prefix(&body));
            push_line(&mut out, &self.session_line(&session, &project, &checksum));
            out.push_str(&body);
            checksums.insert(session, checksum);
        }
        for Forgotten { id, by } in &self.forgotten {
            let by = by.map(|by| by.to_string());
            let line = Object::new()
                .other("by", by.as_deref())
                .other("forgotten", Some(id.to_string().as_str()));
            push_line(&mut out, &line.line());
        }
        for text in trailing {
            push_line(&mut out, text);
        }
        (out, checksums)
    }

    fn session_line(&self, session: &SessionId, project: &str, checksum: &str) -> String {
        let line = Object::new()
            .spec("session", session.as_str())
            .spec("project_name", project)
            .spec("checksum", checksum);
        match self.sessions.get(session) {
            Some(extra) => line.extra(extra).line(),
            None => line.line(),
        }
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// The lines of one session, in the order of the file.
#[derive(Default)]
struct SessionLines<'a> {
    records: Vec<Record>,
    sums: Vec<(&'a SumKey, &'a Sum)>,
    unknown: Vec<&'a String>,
}

impl SessionLines<'_> {
    /// The project on the session line: that of the first record, else the greatest that a sum
    /// names.
    fn project(&self) -> Name {
        let first = self
            .records
            .iter()
            .map(|r| &r.origin)
            .min()
            .map(|origin| origin.project.clone());
        first.unwrap_or_else(|| {
            self.sums
                .iter()
                .map(|(_, sum)| Name::from(sum.project.as_str()))
                .max()
                .unwrap_or_default()
        })
    }

    fn write(&self, day: Day, project: &str) -> String {
        let mut out = String::new();
        let own = |r: &Record| {
            (*r.origin.project != *project)
                .then(|| r.origin.project.clone())
                .filter(|_| r.origin.level > Level::Bare)
        };
        let records = self.records.iter().map(|r| r.line(day, own(r).as_deref()));
        let sums = self
            .sums
            .iter()
            .map(|(key, sum)| sum_line(key, sum, project));
        for line in records
            .chain(sums)
            .chain(self.unknown.iter().map(|text| (*text).clone()))
        {
            push_line(&mut out, &line);
        }
        out
    }
}

/// A digest as lower-case hex.
pub(crate) fn hex(hash: Sha256) -> String {
    encode::hex(&hash.finalize())
}
