//! The files of the format as lines for people: what `git log -p` and `git diff` show, and the sides of a conflict.

use serde_json::Value;

use crate::base::ids::{Interner, MachineId};
use crate::base::text::{count, printable, thousands};
use crate::base::time::Day;
use crate::format::dayfile::DayFile;
use crate::format::manifest::{ConflictStatus, Manifest, Status};
use crate::format::syncfile::SyncFile;
use crate::prices::Counters;
use crate::record::{Level, Record, Sum, SumKey, Totals};

/// Any file below `sync` as lines. What is none of ours stays as it is, escaped.
pub fn render(bytes: &[u8]) -> String {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let whole = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let header = serde_json::from_slice::<Value>(first).unwrap_or_default();
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let machine = whole
        .pointer("/machine/uuid")
        .and_then(Value::as_str)
        .and_then(|id| MachineId::parse(id).ok());
    if let Some(machine) = machine
        && let Ok(page) = SyncFile::read(&machine, bytes, &mut Interner::default())
    {
        return page_lines(&page);
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

/// A request on one line.
pub fn record(record: &Record) -> String {
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

/// A sum on one line.
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

fn tokens(c: &Counters) -> String {
    let [input, output, written, read] =
        [c.input, c.output, c.cache_creation, c.cache_read].map(thousands);
    format!("in {input}  out {output}  cache written {written}  cache read {read}")
}

/// Sums on one line.
pub fn sums(totals: &Totals) -> String {
    format!(
        "{}  {}  ${}",
        count(totals.requests, "request"),
        tokens(&totals.counters),
        totals.cost.amount
    )
}

fn day_lines(file: &DayFile, damaged: u64) -> String {
    let mut out = format!("{} of machine {}\n", file.day, file.machine);
    let mut records: Vec<_> = file.records.sorted().collect();
    records.sort_by(|a, b| {
        (&a.origin.session, a.origin.timestamp, a.id).cmp(&(
            &b.origin.session,
            b.origin.timestamp,
            b.id,
        ))
    });
    for r in records {
        out.push_str(&format!(
            "{}  {}  {}\n",
            printable(r.origin.session.as_str(), 40),
            printable(&r.origin.project, 40),
            record(&r)
        ));
    }
    for (key, one) in &file.sums {
        out.push_str(&format!(
            "{}  {}  {}\n",
            printable(key.session.as_str(), 40),
            printable(&one.project, 40),
            sum(key, one)
        ));
    }
    let forgotten: std::collections::BTreeSet<_> =
        file.forgotten.iter().map(|one| one.id).collect();
    for id in forgotten {
        out.push_str(&format!("forgotten  {id}\n"));
    }
    for (_, text) in &file.unknown {
        out.push_str(&format!("unknown: {}\n", printable(text, 400)));
    }
    if damaged > 0 {
        out.push_str(&format!("{} that cannot be read\n", count(damaged, "line")));
    }
    out
}

fn page_lines(page: &SyncFile) -> String {
    let m = &page.machine;
    let name = |text: &str| printable(text, 60);
    let mut out = format!(
        "machine {}  {}  {}  {}\nrevision {}  {} sync at {}\ntotal  {}\n",
        m.uuid,
        name(&m.hostname),
        name(&m.platform),
        name(&m.os_version),
        m.revision,
        page.metadata.sync_mode.as_str(),
        page.last_sync(),
        sums(&page.totals)
    );
    for (id, session) in &page.sessions {
        let claims = if session.claimed.is_some() {
            "  (claimed)"
        } else {
            ""
        };
        out.push_str(&format!(
            "session {}  {}  {}{claims}\n",
            name(id.as_str()),
            name(&session.project),
            sums(&session.totals)
        ));
    }
    for ((kind, subject, revision), decision) in &page.decisions {
        let say: Vec<_> = decision
            .0
            .iter()
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        out.push_str(&format!(
            "decided  {}  {}  {}  (revision {revision})\n",
            name(kind),
            name(subject),
            printable(&say.join(", "), 200)
        ));
    }
    out
}

fn manifest_lines(manifest: &Manifest) -> String {
    let name = |text: &str| printable(text, 60);
    let mut out = format!("fleet  {}\n", sums(&manifest.totals));
    for (id, machine) in &manifest.machines {
        let status = match machine.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Error => "error",
        };
        let last = machine
            .last_sync
            .map_or("never".to_owned(), |time| time.to_string());
        let label = machine.label.as_deref().unwrap_or(&machine.hostname);
        let requests = count(machine.requests, "request");
        out.push_str(&format!(
            "machine {}  {}  {status}  last sync {last}  {requests}  ${}\n",
            name(id),
            name(label),
            machine.cost
        ));
    }
    for (id, session) in &manifest.sessions {
        out.push_str(&format!(
            "session {}  {}  {} on {}{}\n",
            name(id.as_str()),
            name(&session.project),
            count(session.total_usage_count, "request"),
            count(session.machines.len() as u64, "machine"),
            match session.conflict_status {
                ConflictStatus::None => "",
                ConflictStatus::Resolved => "  joined",
                ConflictStatus::Pending => "  pending",
            }
        ));
    }
    for conflict in &manifest.conflicts {
        let machines: Vec<_> = conflict.machines.iter().map(|id| name(id)).collect();
        out.push_str(&format!(
            "{}  {}  {}\n",
            name(&conflict.code),
            printable(&conflict.subject, 120),
            machines.join(", ")
        ));
    }
    out
}
