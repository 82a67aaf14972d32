//! What other tools write: machine files and manifests of version 1.0, reports of ccusage, Claude Code's statistics.

use claude_sync::base::ids::MachineId;
use claude_sync::base::json::Object;
use claude_sync::base::time::Timestamp;
use claude_sync::record::{Counters, Record, Totals};
use serde_json::{Value, json};

use crate::model::rows::{DAY, Row, time};
use crate::model::slots::{Slot, start};

fn totals(rows: &[Row]) -> Value {
    let records: Vec<Record> = rows.iter().map(Row::record).collect();
    let text = records
        .iter()
        .collect::<Totals>()
        .write(Object::new())
        .line();
    serde_json::from_str(&text).expect("JSON")
}

fn with(mut totals: Value, more: &Value) -> Value {
    let all = totals.as_object_mut().expect("an object");
    more.as_object()
        .into_iter()
        .flatten()
        .for_each(|(key, value)| drop(all.insert(key.clone(), value.clone())));
    totals
}

/// A machine file of version 1.0 that claims all requests of some slots of one machine, and lists the first `listed` of each.
pub fn machine_file(machine: &MachineId, slots: &[(&Slot, usize)]) -> Vec<u8> {
    let all: Vec<Row> = slots
        .iter()
        .flat_map(|(slot, _)| slot.requests.iter().cloned())
        .collect();
    let stamp = |pick: fn(Option<i64>, i64) -> Option<i64>| {
        all.iter()
            .fold(None, |known, row| pick(known, row.at))
            .map(time)
    };
    let first = stamp(|known, at| Some(known.map_or(at, |known| known.min(at))));
    let last = stamp(|known, at| Some(known.map_or(at, |known| known.max(at))));
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let mut sessions = serde_json::Map::new();
    for (slot, listed) in slots {
        let records: Vec<Value> = slot.requests.iter().take(*listed).map(record).collect();
        let (from, until) = (
            time(slot.requests[0].at).to_string(),
            time(slot.requests[slot.requests.len() - 1].at).to_string(),
        );
        let summary = with(
            totals(&slot.requests),
            &json!({ "models_used": [slot.requests[0].model] }),
        );
        let session = json!({
            "project_name": "attic", "first_seen": from, "last_updated": until, "usage_count": slot.requests.len(),
            "sync_state": { "last_synced_timestamp": until, "last_synced_index": slot.requests.len(), "checksum": "made-up" },
            "usage_records": records, "summary": summary,
        });
        sessions.insert(slot.session(), session);
    }
    let file = json!({
        "$schema": "https://claude-usage-tracker.com/schemas/v1/machine-sync.json", "version": "1.0",
        "machine": {
            "uuid": machine.as_str(), "hostname": "old", "platform": "darwin", "os_version": "1", "tracker_version": "1.0.0",
            "created_at": text(first), "updated_at": text(last),
        },
        "sync_metadata": {
            "last_full_sync": text(last), "total_sessions": slots.len(), "total_usage_records": all.len(), "sync_mode": "full",
        },
        "usage_summary": with(totals(&all), &json!({ "first_usage": text(first), "last_usage": text(last) })),
        "sessions": sessions,
    });
    format!("{file:#}\n").into_bytes()
}

fn record(row: &Row) -> Value {
    let Counters {
        input,
        output,
        cache_creation,
        cache_read,
        ..
    } = row.counters();
    json!({
        "timestamp": time(row.at).to_string(), "model": row.model, "input_tokens": input, "output_tokens": output,
        "cache_creation_tokens": cache_creation, "cache_read_tokens": cache_read, "cost_usd": 0.01, "index": 1,
    })
}

/// A manifest of version 1.0 that names a machine without files, which made the slot's requests.
pub fn manifest(slot: &Slot) -> Vec<u8> {
    let (from, until) = (
        time(slot.requests[0].at).to_string(),
        time(slot.requests[slot.requests.len() - 1].at).to_string(),
    );
    let file = json!({
        "$schema": "https://claude-usage-tracker.com/schemas/v1/manifest.json", "version": "1.0", "created_at": from, "updated_at": until,
        "machines": { slot.holder.as_str(): {
            "hostname": "gone", "platform": "linux", "first_seen": from, "last_sync": until, "last_sync_mode": "full", "status": "active",
            "usage_summary": { "total_requests": slot.requests.len(), "total_cost_usd": 1.5, "last_usage": until },
        } },
        "global_summary": with(totals(&slot.requests), &json!({ "total_machines": 1, "active_machines": 1 })),
        "sessions_index": {},
    });
    format!("{file:#}\n").into_bytes()
}

/// ccusage's report of a slot's day. The requests lie on the same date in all zones that are used.
pub fn ccusage(slot: &Slot) -> String {
    let sum: Counters = slot
        .requests
        .iter()
        .fold(Counters::default(), |sum, row| sum.plus(row.counters()));
    let date = time(start(slot.number)).day().to_string();
    let part = json!({
        "modelName": slot.requests[0].model, "inputTokens": sum.input, "outputTokens": sum.output,
        "cacheCreationTokens": sum.cache_creation, "cacheReadTokens": sum.cache_read, "cost": 1.25,
    });
    json!({ "daily": [{ "date": date, "modelBreakdowns": [part] }] }).to_string()
}

/// Claude Code's statistics of a slot's day.
pub fn statistics(slot: &Slot) -> String {
    let sum: Counters = slot
        .requests
        .iter()
        .fold(Counters::default(), |sum, row| sum.plus(row.counters()));
    let model = slot.requests[0].model;
    let day = |at: i64| time(at).day().to_string();
    json!({
        "version": 1, "lastComputedDate": day(start(slot.number) + DAY),
        "dailyModelTokens": [{ "date": day(start(slot.number)), "tokensByModel": { model: sum.input + sum.output } }],
        "modelUsage": { model: {
            "inputTokens": sum.input, "outputTokens": sum.output,
            "cacheReadInputTokens": sum.cache_read, "cacheCreationInputTokens": sum.cache_creation,
        } },
    })
    .to_string()
}
