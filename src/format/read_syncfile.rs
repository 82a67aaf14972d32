//! Reads sync files, of any version 1.x.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{FormatError, check_version};
use super::limits::{MAX_FILE_SESSIONS, MAX_SYNC_FILE};
use super::syncfile::{Claim, Decision, Machine, Metadata, Mode, Session, SyncFile};
use super::whole::{parse, read_totals, take_totals};
use super::{line, plan};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::json::{Extra, FieldError, Fields};
use crate::base::text::printable;
use crate::base::time::{Day, Timestamp};
use crate::record::RecordSet;

impl SyncFile {
    /// Reads the file of `machine`, of any version 1.x.
    pub(crate) fn read(
        machine: &MachineId,
        bytes: &[u8],
        names: &mut Interner,
    ) -> Result<Self, FormatError> {
        let mut fields = parse(bytes, MAX_SYNC_FILE)?;
        let original = check_version(&fields.text("version")?)? == 0;
        fields.take("$schema");
        let info = read_machine(machine, required(&mut fields, "machine")?)?;
        let metadata = read_metadata(required(&mut fields, "sync_metadata")?)?;
        let mut summary = required(&mut fields, "usage_summary")?;
        let all = take_claim(&mut summary)?;
        let mut out = Self {
            machine: info,
            metadata,
            totals: all.totals,
            first_usage: all.first,
            last_usage: all.last,
            summary_extra: summary.rest(),
            // A 1.0 summary may claim more than its records show.
            claimed: read_claim(&mut fields)?.or(original.then_some(all)),
            sessions: BTreeMap::new(),
            decisions: BTreeMap::new(),
            pruned_before: None,
            limits: fields.take("limits").map(plan::read).unwrap_or_default(),
            extra: Extra::new(),
        };
        out.sessions = read_sessions(&mut fields, original, names)?;
        out.read_decisions(&mut fields)?;
        out.pruned_before = Day::parse(&fields.text("pruned_before")?);
        out.extra = fields.rest();
        Ok(out)
    }

    fn read_decisions(&mut self, fields: &mut Fields) -> Result<(), FieldError> {
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
            self.add_decision(key, Decision(decision.rest()));
        }
        Ok(())
    }
}

fn required(fields: &mut Fields, key: &str) -> Result<Fields, FieldError> {
    fields.object(key)?.ok_or_else(|| FieldError {
        key: key.to_owned(),
        want: "there",
    })
}

fn read_claim(fields: &mut Fields) -> Result<Option<Claim>, FieldError> {
    let claim = fields.object("claimed")?;
    claim.map(|mut claim| take_claim(&mut claim)).transpose()
}

/// Takes totals with their first and last request out of an object.
fn take_claim(fields: &mut Fields) -> Result<Claim, FieldError> {
    Ok(Claim {
        totals: take_totals(fields)?,
        first: fields.time("first_usage")?,
        last: fields.time("last_usage")?,
    })
}

fn read_machine(id: &MachineId, mut fields: Fields) -> Result<Machine, FormatError> {
    let uuid = fields.text("uuid")?;
    if MachineId::parse(&uuid).as_ref() != Ok(id) {
        return Err(FormatError::Misplaced(printable(&uuid, 60)));
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

fn read_sessions(
    fields: &mut Fields,
    original: bool,
    names: &mut Interner,
) -> Result<BTreeMap<SessionId, Session>, FormatError> {
    let sessions = fields
        .object("sessions")?
        .map(Fields::rest)
        .unwrap_or_default();
    if sessions.len() > MAX_FILE_SESSIONS {
        return Err(FormatError::TooManySessions);
    }
    let mut out = BTreeMap::new();
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
        out.insert(id, session);
    }
    Ok(out)
}

fn read_session(
    id: &SessionId,
    mut fields: Fields,
    original: bool,
    names: &mut Interner,
) -> Result<Session, FormatError> {
    let mut session = Session {
        project: fields.text("project_name")?,
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
    session.records = read_records(id, &session.project, &mut fields, names)?;
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

fn read_records(
    session: &SessionId,
    project: &str,
    fields: &mut Fields,
    names: &mut Interner,
) -> Result<RecordSet, FormatError> {
    let mut out = RecordSet::default();
    for value in fields.array("usage_records")? {
        let record = line::read_record(&value.to_string(), session, project, names);
        out.add(record.ok_or_else(|| {
            let reason = format!("session {session} has a record that cannot be read");
            FormatError::Malformed(reason)
        })?);
    }
    Ok(out)
}
