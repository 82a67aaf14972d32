//! Files of the format as readable lines, for `git log -p`, `git diff` and `conflicts`.

use serde_json::Value;

use crate::base::ids::{Interner, MachineId};
use crate::base::text::{count, printable, thousands};
use crate::base::time::Day;
use crate::format::dayfile::DayFile;
use crate::format::manifest::{ConflictStatus, Manifest, ManifestMachine, Status};
use crate::format::syncfile::SyncFile;
use crate::prices::Counters;
use crate::record::{Level, Record, Sum, SumKey, Totals};

/// A file below `sync` as readable lines. Any other file is shown as it is, escaped.
pub(crate) fn render(bytes: &[u8]) -> String {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let whole = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let header = serde_json::from_slice::<Value>(first).unwrap_or_default();
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let machine = whole
        .pointer("/machine/uuid")
        .and_then(Value::as_str)
        .and_then(|id| MachineId::parse(id).ok());
    if let Some(machine) = machine
        && let Ok(file) = SyncFile::read(&machine, bytes, &mut Interner::default())
    {
        return machine_file_lines(&file);
    }
    if whole.get("sessions_index").is_some()
        && let Ok(manifest) = Manifest::read(bytes)
    {
        return manifest_lines(&manifest);
    }
    if let (Some(machine), Some(day)) = (of(&header, "machine"), of(&header, "day"))
        && let (Ok(machine), Some(day)) = (MachineId::parse(&machine), Day::parse(&day))
        && let Ok((file, damage)) = DayFile::read(&machine, day, bytes, &mut Interner::default())
    {
        return day_lines(&file, damage.lines);
    }
    String::from_utf8_lossy(bytes)
        .lines()
        .map(|line| printable(line, 2000) + "\n")
        .collect()
}

/// A request, on one line.
pub(crate) fn record(record: &Record) -> String {
    let body = &record.body;
    let at = if record.origin.level == Level::Full {
        record.origin.timestamp.to_string()
    } else {
        record.day().to_string()
    };
    let mut out = format!(
        "{at}  {}  {}",
        printable(&body.model, 40),
        tokens(&body.counters)
    );
    out.push_str(&format!("  ${}", body.cost.amount));
    let flags = [
        ("fast", record.fast),
        ("provisional", body.provisional),
        ("sidechain", body.sidechain),
        ("no price", !body.cost.known),
    ];
    for (name, _) in flags.iter().filter(|(_, is)| *is) {
        out.push_str("  ");
        out.push_str(name);
    }
    out.push_str(&format!("  {}", record.id));
    out
}

/// A total without records, on one line.
fn sum(key: &SumKey, sum: &Sum) -> String {
    let mut out = format!(
        "{} {}  {}  {}",
        key.source.as_str(),
        key.day,
        printable(&key.model, 40),
        sums(&sum.totals)
    );
    if let Some(deducted) = &sum.deducted {
        out.push_str(&format!("  deducted {}", tokens(&deducted.counters)));
    }
    out
}

/// Counts of tokens, on one line.
fn tokens(c: &Counters) -> String {
    let [input, output, written, read] =
        [c.input, c.output, c.cache_creation, c.cache_read].map(thousands);
    format!("in {input}  out {output}  cache written {written}  cache read {read}")
}

/// Totals, on one line.
pub(crate) fn sums(totals: &Totals) -> String {
    format!(
        "{}  {}  ${}",
        count(totals.requests, "request"),
        tokens(&totals.counters),
        totals.cost.amount
    )
}

/// A day file: its records by session and time, its totals, and what could not be read.
fn day_lines(file: &DayFile, damaged: u64) -> String {
    let mut out = format!("{} of machine {}\n", file.day, file.machine);
    let mut line = |text: String| out.push_str(&(text + "\n"));
    let subject = |session: &str, project: &str| {
        let (session, project) = (printable(session, 40), printable(project, 40));
        format!("{session}  {project}")
    };
    let mut records: Vec<_> = file.records.sorted().collect();
    records.sort_by(|a, b| {
        let (x, y) = (&a.origin, &b.origin);
        (&x.session, x.timestamp, a.id).cmp(&(&y.session, y.timestamp, b.id))
    });
    for r in records {
        let subject = subject(r.origin.session.as_str(), &r.origin.project);
        line(format!("{subject}  {}", record(&r)));
    }
    for (key, one) in &file.sums {
        let subject = subject(key.session.as_str(), &one.project);
        line(format!("{subject}  {}", sum(key, one)));
    }
    let forgotten: std::collections::BTreeSet<_> =
        file.forgotten.iter().map(|one| one.id).collect();
    for id in forgotten {
        line(format!("forgotten  {id}"));
    }
    for (_, text) in &file.unknown {
        line(format!("unknown: {}", printable(text, 400)));
    }
    if damaged > 0 {
        line(format!("{} that cannot be read", count(damaged, "line")));
    }
    out
}

/// An id or a name from a file, escaped.
fn name(text: &str) -> String {
    printable(text, 60)
}

/// A machine file: the machine, its totals, its sessions and its decisions.
fn machine_file_lines(file: &SyncFile) -> String {
    let m = &file.machine;
    let mut out = format!(
        "machine {}  {}  {}  {}\nrevision {}  {} sync at {}\ntotal  {}\n",
        m.uuid,
        name(&m.hostname),
        name(&m.platform),
        name(&m.os_version),
        m.revision,
        file.metadata.sync_mode.as_str(),
        file.last_sync(),
        sums(&file.totals)
    );
    for (id, session) in &file.sessions {
        let claims = session.claimed.as_ref().map_or("", |_| "  (claimed)");
        let (id, project) = (name(id.as_str()), name(&session.project));
        let totals = sums(&session.totals);
        out.push_str(&format!("session {id}  {project}  {totals}{claims}\n"));
    }
    for ((kind, subject, revision), decision) in &file.decisions {
        let values = decision.0.iter();
        let values: Vec<_> = values
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        out.push_str(&format!(
            "decided  {}  {}  {}  (revision {revision})\n",
            name(kind),
            name(subject),
            printable(&values.join(", "), 200)
        ));
    }
    out
}

/// The manifest: the fleet's totals, machines, sessions and conflicts.
fn manifest_lines(manifest: &Manifest) -> String {
    let mut out = format!("fleet  {}\n", sums(&manifest.totals));
    for (id, machine) in &manifest.machines {
        out.push_str(&machine_line(id, machine));
    }
    for (id, session) in &manifest.sessions {
        let state = match session.conflict_status {
            ConflictStatus::None => "",
            ConflictStatus::Resolved => "  joined",
            ConflictStatus::Pending => "  pending",
        };
        out.push_str(&format!(
            "session {}  {}  {} on {}{state}\n",
            name(id.as_str()),
            name(&session.project),
            count(session.total_usage_count, "request"),
            count(session.machines.len() as u64, "machine"),
        ));
    }
    for conflict in &manifest.conflicts {
        let machines: Vec<_> = conflict.machines.iter().map(|id| name(id)).collect();
        out.push_str(&format!(
            "{}  {}  {}\n",
            name(conflict.code.as_str()),
            printable(&conflict.subject, 120),
            machines.join(", ")
        ));
    }
    out
}

/// A machine of the manifest, on one line.
fn machine_line(id: &str, machine: &ManifestMachine) -> String {
    let status = match machine.status {
        Status::Active => "active",
        Status::Inactive => "inactive",
        Status::Error => "error",
    };
    let last = machine
        .last_sync
        .map_or("never".to_owned(), |time| time.to_string());
    let label = name(machine.label.as_deref().unwrap_or(&machine.hostname));
    let requests = count(machine.requests, "request");
    let cost = machine.cost;
    format!(
        "machine {}  {label}  {status}  last sync {last}  {requests}  ${cost}\n",
        name(id)
    )
}
