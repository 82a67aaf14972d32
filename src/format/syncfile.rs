//! Sync files: `sync/machines/{uuid}.json`, each machine's page of the spec.
//!
//! Written as 1.1 it is a view: cumulative totals, and what the last sync brought. Files of version 1.0 have no day files beside them:
//! their records live here, and their summaries may claim more than their records show. Such sessions are *held* (they have `claimed`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    FormatError, MAX_FILE_SESSIONS, MAX_SYNC_FILE, VERSION, check_version, line, parse,
    read_totals, take_totals,
};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::join::absorb;
use crate::base::json::{Doc, Extra, FieldError, Fields, Object, file};
use crate::base::time::{Day, Timestamp};
use crate::record::{Record, RecordSet, Totals};

/// The `$schema` of sync files.
pub const SCHEMA: &str = "https://claude-usage-tracker.com/schemas/v1/machine-sync.json";

/// Who wrote the file. `revision` and `updated_at` order its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The machine's id.
    pub uuid: MachineId,
    /// Its name, or a pseudonym.
    pub hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub platform: String,
    /// The system's name and version.
    pub os_version: String,
    /// The tool's version.
    pub tracker_version: String,
    /// When the machine joined.
    pub created_at: Timestamp,
    /// When the file last changed.
    pub updated_at: Timestamp,
    /// How often the file has changed; 0 in files of version 1.0.
    pub revision: u64,
    /// Unknown members.
    pub extra: Extra,
}

/// `full` or `incremental`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// All transcripts were read from the start.
    Full,
    /// Only what is new was read.
    Incremental,
}

impl Mode {
    /// The word in files and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Incremental]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// How the last sync went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// When everything was last read.
    pub last_full_sync: Option<Timestamp>,
    /// When something new was last read.
    pub last_incremental_sync: Option<Timestamp>,
    /// Sessions of this machine.
    pub total_sessions: u64,
    /// Records of this machine.
    pub total_usage_records: u64,
    /// The last sync's mode.
    pub sync_mode: Mode,
    /// Unknown members.
    pub extra: Extra,
}

/// One session on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// Its project.
    pub project: String,
    /// Its first request.
    pub first_seen: Option<Timestamp>,
    /// Its last request.
    pub last_updated: Option<Timestamp>,
    /// Its requests.
    pub usage_count: u64,
    /// `last_synced_timestamp`: informs, never filters.
    pub last_synced: Option<Timestamp>,
    /// `last_synced_index`: informs, never filters.
    pub last_index: u64,
    /// SHA-256 over the session's day checksums in order. Not verified in 1.0 files.
    pub checksum: String,
    /// Unknown members of `sync_state`.
    pub state_extra: Extra,
    /// In a view: copies of the records that the last sync brought. In a held session: its records.
    pub records: RecordSet,
    /// Cumulative totals.
    pub totals: Totals,
    /// The models used.
    pub models: BTreeSet<String>,
    /// Unknown members of `summary`.
    pub summary_extra: Extra,
    /// What a 1.0 summary said.
    pub claimed: Option<Totals>,
    /// Unknown members.
    pub extra: Extra,
}

/// What a 1.0 machine file says of all that its machine used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Its totals.
    pub totals: Totals,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
}

/// A decision of this machine's owner: data that merges like everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision(pub Extra);

/// A decision's place in the list: kind, subject, revision.
pub type DecisionKey = (String, String, u64);

/// A machine's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncFile {
    /// Who wrote it.
    pub machine: Machine,
    /// How the last sync went.
    pub metadata: Metadata,
    /// Totals of all its records.
    pub totals: Totals,
    /// Its first request.
    pub first_usage: Option<Timestamp>,
    /// Its last request.
    pub last_usage: Option<Timestamp>,
    /// Unknown members of `usage_summary`.
    pub summary_extra: Extra,
    /// What a 1.0 `usage_summary` said.
    pub claimed: Option<Claim>,
    /// Sessions that the last sync touched, and held ones.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The owner's decisions: grow-only.
    pub decisions: BTreeMap<DecisionKey, Decision>,
    /// Records of days before this one are bare.
    pub pruned_before: Option<Day>,
    /// Unknown members.
    pub extra: Extra,
}

impl SyncFile {
    /// Reads the file of `machine`, of any version 1.x.
    pub fn read(
        machine: &MachineId,
        bytes: &[u8],
        names: &mut Interner,
    ) -> Result<Self, FormatError> {
        let mut fields = parse(bytes, MAX_SYNC_FILE)?;
        let original = check_version(&fields.text("version")?)? == 0;
        fields.take("$schema");
        let missing = |key: &str| FieldError {
            key: key.to_owned(),
            want: "there",
        };
        let info = read_machine(
            machine,
            fields
                .object("machine")?
                .ok_or_else(|| missing("machine"))?,
        )?;
        let metadata = read_metadata(
            fields
                .object("sync_metadata")?
                .ok_or_else(|| missing("sync_metadata"))?,
        )?;
        let mut summary = fields
            .object("usage_summary")?
            .ok_or_else(|| missing("usage_summary"))?;
        let totals = take_totals(&mut summary)?;
        let (first_usage, last_usage) = (summary.time("first_usage")?, summary.time("last_usage")?);
        let all = Claim {
            totals,
            first: first_usage,
            last: last_usage,
        };
        let mut out = Self {
            machine: info,
            metadata,
            totals,
            first_usage,
            last_usage,
            summary_extra: summary.rest(),
            claimed: read_claim(&mut fields)?.or(original.then_some(all)),
            sessions: BTreeMap::new(),
            decisions: BTreeMap::new(),
            pruned_before: None,
            extra: Extra::new(),
        };
        let sessions = fields
            .object("sessions")?
            .map(Fields::rest)
            .unwrap_or_default();
        if sessions.len() > MAX_FILE_SESSIONS {
            return Err(FormatError::TooManySessions);
        }
        for (id, value) in sessions {
            if id.is_empty() || id.len() > 256 {
                return Err(FieldError {
                    key: "sessions".to_owned(),
                    want: "keyed by ids of 1 to 256 bytes",
                }
                .into());
            }
            let id = SessionId::new(names.name(&id));
            let fields = Fields::of(value).ok_or_else(|| FieldError {
                key: id.to_string(),
                want: "an object",
            })?;
            let session = read_session(&id, fields, original, names)?;
            out.sessions.insert(id, session);
        }
        for value in fields.array("decisions")? {
            let mut decision = Fields::of(value).ok_or(FieldError {
                key: "decisions".to_owned(),
                want: "an array of objects",
            })?;
            let key = (
                decision.text("kind")?,
                decision.text("subject")?,
                decision.number("revision")?,
            );
            out.add_decision(key, Decision(decision.rest()));
        }
        let pruned = fields.text("pruned_before")?;
        out.pruned_before = Day::parse(&pruned);
        out.extra = fields.rest();
        Ok(out)
    }

    /// The time that its claim is about: what it says itself, and the sessions that are part of it. None where it is not known.
    pub fn claim_window(&self) -> Option<(Timestamp, Timestamp)> {
        let claim = self.claimed?;
        let sessions = self
            .sessions
            .values()
            .filter(|session| session.claimed.is_some())
            .filter_map(Session::claim_window);
        claim
            .first
            .zip(claim.last)
            .into_iter()
            .chain(sessions)
            .reduce(hull)
    }

    /// When the machine last synced.
    pub fn last_sync(&self) -> Timestamp {
        self.metadata
            .last_full_sync
            .max(self.metadata.last_incremental_sync)
            .unwrap_or(self.machine.updated_at)
    }

    /// Adds a decision to what is known under its key.
    pub fn add_decision(&mut self, key: DecisionKey, decision: Decision) {
        absorb(&mut self.decisions, key, decision);
    }

    /// The canonical bytes.
    pub fn write(&self) -> String {
        let m = &self.machine;
        let machine = Object::new()
            .spec("uuid", m.uuid.as_str())
            .spec("hostname", m.hostname.as_str())
            .spec("platform", m.platform.as_str())
            .spec("os_version", m.os_version.as_str())
            .spec("tracker_version", m.tracker_version.as_str())
            .spec("created_at", m.created_at)
            .spec("updated_at", m.updated_at)
            .other("revision", (m.revision > 0).then_some(m.revision))
            .extra(&m.extra);
        let d = &self.metadata;
        let metadata = Object::new()
            .spec_opt("last_full_sync", d.last_full_sync)
            .spec_opt("last_incremental_sync", d.last_incremental_sync)
            .spec("total_sessions", d.total_sessions)
            .spec("total_usage_records", d.total_usage_records)
            .spec("sync_mode", d.sync_mode.as_str())
            .extra(&d.extra);
        let usage = self
            .totals
            .write(Object::new())
            .spec_opt("first_usage", self.first_usage)
            .spec_opt("last_usage", self.last_usage);
        let sessions = self
            .sessions
            .iter()
            .map(|(id, session)| (id.to_string().into(), session.doc()))
            .collect();
        let decisions = self
            .decisions
            .iter()
            .map(|((kind, subject, revision), decision)| {
                let object = Object::new()
                    .spec("kind", kind.as_str())
                    .spec("subject", subject.as_str())
                    .spec("revision", *revision);
                object.extra(&decision.0).flat()
            });
        let decisions: Vec<_> = decisions.collect();
        let out = Object::new()
            .spec("$schema", SCHEMA)
            .spec("version", VERSION)
            .spec("machine", machine.block())
            .spec("sync_metadata", metadata.block())
            .spec("usage_summary", usage.extra(&self.summary_extra).block())
            .spec("sessions", Doc::Block(sessions))
            .other("claimed", self.claimed.map(|claim| claim.doc()))
            .other(
                "decisions",
                (!decisions.is_empty()).then_some(Doc::Lines(decisions)),
            )
            .other(
                "pruned_before",
                self.pruned_before
                    .map(|day| Doc::from(day.to_string().as_str())),
            )
            .extra(&self.extra);
        file(&out.block())
    }
}

impl Claim {
    fn doc(&self) -> Doc {
        self.totals
            .write(Object::new())
            .spec_opt("first_usage", self.first)
            .spec_opt("last_usage", self.last)
            .flat()
    }
}

fn read_claim(fields: &mut Fields) -> Result<Option<Claim>, FieldError> {
    let read = |mut claim: Fields| -> Result<Claim, FieldError> {
        Ok(Claim {
            totals: take_totals(&mut claim)?,
            first: claim.time("first_usage")?,
            last: claim.time("last_usage")?,
        })
    };
    fields.object("claimed")?.map(read).transpose()
}

fn read_machine(id: &MachineId, mut fields: Fields) -> Result<Machine, FormatError> {
    let uuid = fields.text("uuid")?;
    if MachineId::parse(&uuid).as_ref() != Ok(id) {
        return Err(FormatError::Misplaced(crate::base::text::printable(
            &uuid, 60,
        )));
    }
    let updated_at = fields.time("updated_at")?.unwrap_or(Timestamp::EPOCH);
    Ok(Machine {
        uuid: id.clone(),
        hostname: fields.text("hostname")?,
        platform: fields.text("platform")?,
        os_version: fields.text("os_version")?,
        tracker_version: fields.text("tracker_version")?,
        created_at: fields.time("created_at")?.unwrap_or(updated_at),
        updated_at,
        revision: fields.number("revision")?,
        extra: fields.rest(),
    })
}

fn read_metadata(mut fields: Fields) -> Result<Metadata, FormatError> {
    Ok(Metadata {
        last_full_sync: fields.time("last_full_sync")?,
        last_incremental_sync: fields.time("last_incremental_sync")?,
        total_sessions: fields.number("total_sessions")?,
        total_usage_records: fields.number("total_usage_records")?,
        sync_mode: Mode::parse(&fields.text("sync_mode")?).unwrap_or(Mode::Incremental),
        extra: fields.rest(),
    })
}

fn read_session(
    id: &SessionId,
    mut fields: Fields,
    original: bool,
    names: &mut Interner,
) -> Result<Session, FormatError> {
    let project = fields.text("project_name")?;
    let mut session = Session {
        first_seen: fields.time("first_seen")?,
        last_updated: fields.time("last_updated")?,
        usage_count: fields.number("usage_count")?,
        ..Session::default()
    };
    if let Some(mut state) = fields.object("sync_state")? {
        session.last_synced = state.time("last_synced_timestamp")?;
        session.last_index = state.number("last_synced_index")?;
        session.checksum = state.text("checksum")?;
        session.state_extra = state.rest();
    }
    for value in fields.array("usage_records")? {
        let record = line::read_record(&value.to_string(), id, &project, names);
        session.records.add(record.ok_or_else(|| {
            FormatError::Malformed(format!("session {id} has a record that cannot be read"))
        })?);
    }
    session.project = project;
    if let Some(mut summary) = fields.object("summary")? {
        session.totals = take_totals(&mut summary)?;
        session.models = summary
            .array("models_used")?
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        session.summary_extra = summary.rest();
    }
    session.claimed = fields
        .object("claimed")?
        .map(read_totals)
        .transpose()?
        .or(original.then_some(session.totals));
    session.extra = fields.rest();
    Ok(session)
}

/// The time that two times are within.
fn hull(a: (Timestamp, Timestamp), b: (Timestamp, Timestamp)) -> (Timestamp, Timestamp) {
    (a.0.min(b.0), a.1.max(b.1))
}

impl Session {
    /// The time that its claim is about: what it says itself, and its records. None where it is not known.
    pub fn claim_window(&self) -> Option<(Timestamp, Timestamp)> {
        let records = self.records.entries().map(|entry| (entry.at, entry.at));
        self.first_seen
            .zip(self.last_updated)
            .into_iter()
            .chain(records)
            .reduce(hull)
    }

    /// The canonical text.
    pub fn text(&self) -> String {
        file(&self.doc())
    }

    fn doc(&self) -> Doc {
        let state = Object::new()
            .spec_opt("last_synced_timestamp", self.last_synced)
            .spec("last_synced_index", self.last_index)
            .spec("checksum", self.checksum.as_str())
            .extra(&self.state_extra);
        let own = |record: &Record| {
            (*record.origin.project != *self.project).then(|| record.origin.project.clone())
        };
        let records = self
            .records
            .sorted()
            .map(|record| record.doc(own(&record).as_deref()))
            .collect();
        let models: Vec<Value> = self
            .models
            .iter()
            .map(|model| Value::from(model.as_str()))
            .collect();
        let summary = self
            .totals
            .write(Object::new())
            .spec("models_used", &Value::from(models))
            .extra(&self.summary_extra);
        Object::new()
            .spec("project_name", self.project.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_updated", self.last_updated)
            .spec("usage_count", self.usage_count)
            .spec("sync_state", state.flat())
            .spec("usage_records", Doc::Lines(records))
            .spec("summary", summary.flat())
            .other(
                "claimed",
                self.claimed.map(|c| c.write(Object::new()).flat()),
            )
            .extra(&self.extra)
            .block()
    }
}
