//! Reads manifests, of any version 1.x.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{FormatError, check_version};
use super::limits::MAX_MANIFEST;
use super::manifest::{
    Basis, Conflict, ConflictStatus, Inputs, Manifest, ManifestMachine, ManifestSession, Status,
    price_table,
};
use super::whole::{parse, take_totals};
use crate::base::ids::{Interner, SessionId};
use crate::base::json::{FieldError, Fields};
use crate::prices::PriceTable;

impl Manifest {
    /// Reads a manifest of any version 1.x.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut fields = parse(bytes, MAX_MANIFEST)?;
        check_version(&fields.text("version")?)?;
        fields.take("$schema");
        let machines = objects(&mut fields, "machines")?
            .into_iter()
            .map(|(id, fields)| Ok((id, read_machine(fields)?)))
            .collect::<Result<_, FieldError>>()?;
        let mut names = Interner::default();
        let sessions = objects(&mut fields, "sessions_index")?
            .into_iter()
            .map(|(id, fields)| Ok((SessionId::new(names.name(&id)), read_session(fields)?)))
            .collect::<Result<_, FieldError>>()?;
        let mut global = fields.object("global_summary")?.unwrap_or_default();
        let inputs = fields.object("inputs")?.map(read_inputs).transpose()?;
        // It repeats `updated_at`.
        global.take("last_updated");
        let conflicts = fields.array("conflicts")?;
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
            conflicts: conflicts.into_iter().filter_map(read_conflict).collect(),
            inputs,
            basis: Basis {
                rules: fields.number("rules")?,
                prices: fields.object("prices")?.map(read_prices).transpose()?,
            },
            sessions_total: fields.take("sessions_total").and_then(|v| v.as_u64()),
            pending_total: fields.take("pending_total").and_then(|v| v.as_u64()),
            extra: fields.rest(),
        })
    }
}

/// The objects that are the members of an object.
fn objects(fields: &mut Fields, key: &str) -> Result<BTreeMap<String, Fields>, FieldError> {
    let members = fields.object(key)?.map(Fields::rest).unwrap_or_default();
    let object = |value| {
        Fields::of(value).ok_or(FieldError {
            key: key.to_owned(),
            want: "an object of objects",
        })
    };
    members
        .into_iter()
        .map(|(id, value)| Ok((id, object(value)?)))
        .collect()
}

fn read_inputs(mut inputs: Fields) -> Result<Inputs, FieldError> {
    let id = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Inputs {
        machines: id(inputs.text("machines")?),
        archive: id(inputs.text("archive")?),
    })
}

fn read_prices(mut prices: Fields) -> Result<PriceTable, FormatError> {
    price_table(prices.number("edition")?, &prices.text("sha256")?)
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
        code: fields.text("code").ok()?.into(),
        subject: fields.text("subject").ok()?,
        machines,
        count: fields.number("count").ok()?,
    })
}
