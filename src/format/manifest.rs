//! The manifest: `sync/manifest.json`, a pure function of the trees beside it. Here is its shape; `fleet::manifest` computes it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FormatError, MAX_MANIFEST, VERSION, check_version, parse, take_totals};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::json::{Doc, Extra, FieldError, Fields, Object, file};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// The `$schema` of manifests.
pub const SCHEMA: &str = "https://claude-usage-tracker.com/schemas/v1/manifest.json";

/// The version of the algorithm and of the prices. A tool leaves a manifest of higher rules alone.
pub const RULES: u64 = 4;

/// The code of requests of which machines tell different figures.
pub const UNEQUAL_RECORDS: &str = "unequal-records";

/// How many sessions the index lists, beside pending ones.
pub const MAX_SESSIONS: usize = 100;

/// How many pending sessions the index lists.
pub const MAX_PENDING: usize = 50;

/// How many conflicts the log lists.
pub const MAX_CONFLICTS: usize = 100;

/// The object ids of the trees that a manifest was computed from. None where there is no such tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// The tree `sync/machines`.
    pub machines: Option<String>,
    /// The tree `sync/archive`.
    pub archive: Option<String>,
}

/// `active`, `inactive` or `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Synced within 30 days before the fleet's latest sync.
    Active,
    /// Did not.
    Inactive,
    /// Its files cannot be read.
    Error,
}

/// A machine in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestMachine {
    /// Its name.
    pub hostname: String,
    /// Its platform.
    pub platform: String,
    /// When it joined.
    pub first_seen: Option<Timestamp>,
    /// When it last synced.
    pub last_sync: Option<Timestamp>,
    /// The last sync's mode, `full` or `incremental`.
    pub last_sync_mode: String,
    /// Whether it syncs.
    pub status: Status,
    /// What is wrong with it.
    pub error_message: Option<String>,
    /// The requests that count for it: each request counts for one machine of the fleet.
    pub requests: u64,
    /// Their price.
    pub cost: Money,
    /// Its last request.
    pub last_usage: Option<Timestamp>,
    /// Unknown members of `usage_summary`.
    pub summary_extra: Extra,
    /// What people call it, where that is not its host's name.
    pub label: Option<String>,
    /// It will not sync again: somebody decided so.
    pub retired: bool,
    /// The machine that it is the past of: its requests count there.
    pub merged_into: Option<String>,
    /// Unknown members.
    pub extra: Extra,
}

/// `none`, `resolved` or `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictStatus {
    /// On one machine.
    None,
    /// Copies on several machines were joined.
    Resolved,
    /// A person must look.
    Pending,
}

/// A session in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestSession {
    /// The machines that hold records of it.
    pub machines: Vec<String>,
    /// Its project.
    pub project: String,
    /// Its first request.
    pub first_seen: Option<Timestamp>,
    /// Its last request.
    pub last_updated: Option<Timestamp>,
    /// Its requests, each counted once.
    pub total_usage_count: u64,
    /// Whether it was used on several machines, and how that ended.
    pub conflict_status: ConflictStatus,
    /// Unknown members.
    pub extra: Extra,
}

/// An entry of the conflict log: what was joined or left out, by a fixed code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// `joined`, `unequal-records`, `checksum`, or why a file was left out.
    pub code: String,
    /// The session or the path.
    pub subject: String,
    /// The machines concerned.
    pub machines: Vec<String>,
    /// How many requests or lines.
    pub count: u64,
}

/// The central registry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The earliest machine's start.
    pub created_at: Option<Timestamp>,
    /// The latest machine's change.
    pub updated_at: Option<Timestamp>,
    /// All machines.
    pub machines: BTreeMap<String, ManifestMachine>,
    /// How many machines there are.
    pub total_machines: u64,
    /// How many are active.
    pub active_machines: u64,
    /// Sums over the fleet, each request once.
    pub totals: Totals,
    /// The fleet's first request.
    pub first_usage: Option<Timestamp>,
    /// The fleet's last request.
    pub last_usage: Option<Timestamp>,
    /// Unknown members of `global_summary`.
    pub summary_extra: Extra,
    /// The latest sessions and the pending ones.
    pub sessions: BTreeMap<SessionId, ManifestSession>,
    /// The conflict log.
    pub conflicts: Vec<Conflict>,
    /// What it was computed from; none where the inputs were not at hand, or in a manifest of version 1.0.
    pub inputs: Option<Inputs>,
    /// The rules that it was computed by; 0 in a manifest of version 1.0.
    pub rules: u64,
    /// All sessions of the fleet.
    pub sessions_total: Option<u64>,
    /// All pending sessions.
    pub pending_total: Option<u64>,
    /// Unknown members.
    pub extra: Extra,
}

/// What says where a manifest comes from, and nothing of what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it was computed from.
    pub inputs: Option<Inputs>,
    /// The rules that it was computed by.
    pub rules: u64,
}

impl Head {
    /// Reads the head of a manifest of any version 1.x, passing over the rest.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        #[derive(serde::Deserialize)]
        struct Raw {
            version: String,
            #[serde(default)]
            rules: u64,
            #[serde(default)]
            inputs: Option<RawInputs>,
        }
        #[derive(serde::Deserialize)]
        struct RawInputs {
            machines: Option<String>,
            archive: Option<String>,
        }
        if bytes.len() > MAX_MANIFEST {
            return Err(FormatError::TooLarge {
                size: bytes.len(),
                most: MAX_MANIFEST,
            });
        }
        let raw: Raw = serde_json::from_slice(bytes)
            .map_err(|_| FormatError::Malformed("it is no manifest".to_owned()))?;
        check_version(&raw.version)?;
        let inputs = raw.inputs.map(|inputs| Inputs {
            machines: inputs.machines,
            archive: inputs.archive,
        });
        Ok(Self {
            inputs,
            rules: raw.rules,
        })
    }
}

impl Manifest {
    /// Reads a manifest of any version 1.x.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut fields = parse(bytes, MAX_MANIFEST)?;
        check_version(&fields.text("version")?)?;
        fields.take("$schema");
        let mut machines = BTreeMap::new();
        for (id, value) in fields
            .object("machines")?
            .map(Fields::rest)
            .unwrap_or_default()
        {
            let fields = Fields::of(value).ok_or(FieldError {
                key: "machines".to_owned(),
                want: "an object of objects",
            })?;
            machines.insert(id, read_machine(fields)?);
        }
        let mut names = Interner::default();
        let mut sessions = BTreeMap::new();
        for (id, value) in fields
            .object("sessions_index")?
            .map(Fields::rest)
            .unwrap_or_default()
        {
            let fields = Fields::of(value).ok_or(FieldError {
                key: "sessions_index".to_owned(),
                want: "an object of objects",
            })?;
            sessions.insert(SessionId::new(names.name(&id)), read_session(fields)?);
        }
        let mut global = fields.object("global_summary")?.unwrap_or_default();
        let inputs = fields
            .object("inputs")?
            .map(|mut inputs| -> Result<Inputs, FieldError> {
                let id = |text: String| Some(text).filter(|text| !text.is_empty());
                Ok(Inputs {
                    machines: id(inputs.text("machines")?),
                    archive: id(inputs.text("archive")?),
                })
            });
        global.take("last_updated");
        Ok(Self {
            created_at: fields.time("created_at")?,
            updated_at: fields.time("updated_at")?,
            machines,
            total_machines: global.number("total_machines")?,
            active_machines: global.number("active_machines")?,
            totals: take_totals(&mut global)?,
            first_usage: global.time("first_usage")?,
            last_usage: global.time("last_usage")?,
            summary_extra: global.rest(),
            sessions,
            conflicts: fields
                .array("conflicts")?
                .into_iter()
                .filter_map(read_conflict)
                .collect(),
            inputs: inputs.transpose()?,
            rules: fields.number("rules")?,
            sessions_total: fields.take("sessions_total").and_then(|v| v.as_u64()),
            pending_total: fields.take("pending_total").and_then(|v| v.as_u64()),
            extra: fields.rest(),
        })
    }

    /// The canonical bytes.
    pub fn write(&self) -> String {
        let machines = self
            .machines
            .iter()
            .map(|(id, machine)| (id.clone().into(), machine.doc()))
            .collect();
        let global = Object::new()
            .spec("total_machines", self.total_machines)
            .spec("active_machines", self.active_machines);
        let global = self
            .totals
            .write(global)
            .spec_opt("first_usage", self.first_usage)
            .spec_opt("last_usage", self.last_usage);
        let global = global
            .spec_opt("last_updated", self.updated_at)
            .extra(&self.summary_extra);
        let sessions = self
            .sessions
            .iter()
            .map(|(id, session)| (id.to_string().into(), session.doc()))
            .collect();
        let id = |id: &Option<String>| {
            id.as_ref()
                .map_or(Doc::Raw("null".to_owned()), |id| Doc::from(id.as_str()))
        };
        let inputs = match &self.inputs {
            Some(inputs) => Object::new()
                .other("archive", Some(id(&inputs.archive)))
                .other("machines", Some(id(&inputs.machines)))
                .flat(),
            None => Doc::Raw("null".to_owned()),
        };
        let conflicts: Vec<_> = self.conflicts.iter().map(Conflict::doc).collect();
        let out = Object::new()
            .spec("$schema", SCHEMA)
            .spec("version", VERSION)
            .spec_opt("created_at", self.created_at)
            .spec_opt("updated_at", self.updated_at)
            .spec("machines", Doc::Block(machines))
            .spec("global_summary", global.block())
            .spec("sessions_index", Doc::Block(sessions))
            .other(
                "conflicts",
                (!conflicts.is_empty()).then_some(Doc::Lines(conflicts)),
            )
            .other("inputs", Some(inputs))
            .other("rules", Some(self.rules))
            .other("sessions_total", self.sessions_total)
            .other("pending_total", self.pending_total)
            .extra(&self.extra);
        file(&out.block())
    }

    /// Whether a 1.0 tool wrote it, whose machines may have no files.
    pub fn is_foreign(&self) -> bool {
        self.rules == 0 && self.inputs.is_none()
    }
}

fn read_machine(mut fields: Fields) -> Result<ManifestMachine, FieldError> {
    let mut usage = fields.object("usage_summary")?.unwrap_or_default();
    let status = match fields.text("status")?.as_str() {
        "inactive" => Status::Inactive,
        "error" => Status::Error,
        _ => Status::Active,
    };
    Ok(ManifestMachine {
        hostname: fields.text("hostname")?,
        platform: fields.text("platform")?,
        first_seen: fields.time("first_seen")?,
        last_sync: fields.time("last_sync")?,
        last_sync_mode: fields.text("last_sync_mode")?,
        status,
        error_message: Some(fields.text("error_message")?).filter(|text| !text.is_empty()),
        requests: usage.number("total_requests")?,
        cost: usage.money("total_cost_usd")?.unwrap_or_default(),
        last_usage: usage.time("last_usage")?,
        summary_extra: usage.rest(),
        label: Some(fields.text("label")?).filter(|text| !text.is_empty()),
        retired: fields.flag("retired")?,
        merged_into: Some(fields.text("merged_into")?).filter(|text| !text.is_empty()),
        extra: fields.rest(),
    })
}

fn read_session(mut fields: Fields) -> Result<ManifestSession, FieldError> {
    let conflict_status = match fields.text("conflict_status")?.as_str() {
        "resolved" => ConflictStatus::Resolved,
        "pending" => ConflictStatus::Pending,
        _ => ConflictStatus::None,
    };
    Ok(ManifestSession {
        machines: fields
            .array("machines")?
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        project: fields.text("project_name")?,
        first_seen: fields.time("first_seen")?,
        last_updated: fields.time("last_updated")?,
        total_usage_count: fields.number("total_usage_count")?,
        conflict_status,
        extra: fields.rest(),
    })
}

fn read_conflict(value: Value) -> Option<Conflict> {
    let mut fields = Fields::of(value)?;
    let machines = fields
        .array("machines")
        .ok()?
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Some(Conflict {
        code: fields.text("code").ok()?,
        subject: fields.text("subject").ok()?,
        machines,
        count: fields.number("count").ok()?,
    })
}

fn list(texts: &[String]) -> Doc {
    Doc::from(&Value::from(texts.to_vec()))
}

impl ManifestMachine {
    fn doc(&self) -> Doc {
        let status = match self.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Error => "error",
        };
        let usage = Object::new()
            .spec("total_requests", self.requests)
            .spec("total_cost_usd", self.cost)
            .spec_opt("last_usage", self.last_usage);
        Object::new()
            .spec("hostname", self.hostname.as_str())
            .spec("platform", self.platform.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_sync", self.last_sync)
            .spec("last_sync_mode", self.last_sync_mode.as_str())
            .spec("status", status)
            .spec_opt("error_message", self.error_message.as_deref())
            .spec("usage_summary", usage.extra(&self.summary_extra).flat())
            .other("label", self.label.as_deref())
            .other("merged_into", self.merged_into.as_deref())
            .other("retired", self.retired.then_some(true))
            .extra(&self.extra)
            .block()
    }
}

impl ConflictStatus {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Resolved => "resolved",
            Self::Pending => "pending",
        }
    }
}

impl ManifestSession {
    fn doc(&self) -> Doc {
        Object::new()
            .spec("machines", list(&self.machines))
            .spec("project_name", self.project.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_updated", self.last_updated)
            .spec("total_usage_count", self.total_usage_count)
            .spec("conflict_status", self.conflict_status.as_str())
            .extra(&self.extra)
            .flat()
    }
}

impl Conflict {
    /// An entry about one machine.
    pub fn about(code: &str, subject: impl Into<String>, machine: &MachineId, count: u64) -> Self {
        Self {
            code: code.to_owned(),
            subject: subject.into(),
            machines: vec![machine.to_string()],
            count,
        }
    }

    fn doc(&self) -> Doc {
        Object::new()
            .other("code", Some(self.code.as_str()))
            .other("count", (self.count > 0).then_some(self.count))
            .other("machines", Some(list(&self.machines)))
            .other("subject", Some(self.subject.as_str()))
            .flat()
    }
}
