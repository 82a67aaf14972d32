//! The manifest as a function of the trees beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::decisions;
use super::view::{Fleet, MachineView};
use crate::base::ids::SessionId;
use crate::base::json::Extra;
use crate::base::time::Timestamp;
use crate::format::manifest::{
    Conflict, ConflictStatus, Inputs, MAX_CONFLICTS, MAX_PENDING, MAX_SESSIONS, Manifest,
    ManifestMachine, ManifestSession, Status,
};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;

/// A machine is inactive when it last synced this long before the fleet's latest sync, in milliseconds: 30 days.
const INACTIVE_AFTER: i64 = 30 * 24 * 60 * 60 * 1000;

/// Computes the manifest of a fleet that was read from these trees, by the given rules. No clock, no order of arrival: equal trees give equal bytes.
pub fn compute(fleet: &Fleet, machines: Option<Oid>, archive: Option<Oid>, rules: u64) -> Manifest {
    let adopted = decisions::adopted(fleet.machines.iter().filter_map(|m| m.page.as_ref()));
    let pages = || fleet.machines.iter().filter_map(|m| m.page.as_ref());
    let now = reference(fleet);
    let updated_at = pages()
        .map(|p| p.machine.updated_at)
        .chain(adopted.iter().filter_map(|m| m.updated_at))
        .max();
    let mut out = Manifest {
        created_at: pages()
            .map(|p| p.machine.created_at)
            .chain(adopted.iter().filter_map(|m| m.created_at))
            .min(),
        updated_at,
        machines: fleet
            .machines
            .iter()
            .map(|m| (m.id.to_string(), machine(fleet, m, now)))
            .collect(),
        total_machines: 0,
        active_machines: 0,
        totals: fleet.totals(),
        first_usage: fleet.first_usage(),
        last_usage: fleet.last_usage(),
        summary_extra: Extra::new(),
        sessions: sessions(fleet),
        conflicts: Vec::new(),
        inputs: Some(Inputs {
            machines: machines.map(|id| id.to_string()),
            archive: archive.map(|id| id.to_string()),
        }),
        rules,
        sessions_total: Some((fleet.sessions.len() as u64).saturating_add(fleet.unlisted)),
        pending_total: Some(fleet.sessions.values().filter(|s| s.pending).count() as u64)
            .filter(|n| *n > 0),
        extra: Extra::new(),
    };
    // First uses that claims tell of lie before any row.
    out.first_usage = out
        .first_usage
        .into_iter()
        .chain(pages().filter_map(|p| p.claimed?.first))
        .min();
    let alone: BTreeSet<&str> = fleet
        .machines
        .iter()
        .filter(|m| m.adopted.is_some())
        .map(|m| m.id.as_str())
        .collect();
    for manifest in &adopted {
        adopt(&mut out, manifest, &alone);
    }
    out.conflicts = conflicts(fleet, &out.sessions);
    out.total_machines = out.machines.len() as u64;
    out.active_machines = out
        .machines
        .values()
        .filter(|m| m.status == Status::Active)
        .count() as u64;
    out
}

/// The time that machines are compared with: the latest sync of any, believed no more than 30 days beyond the usage of its machine. So a clock that is years ahead makes no other machine inactive.
fn reference(fleet: &Fleet) -> Option<Timestamp> {
    let believed = |view: &MachineView| {
        let (page, usage) = (view.page.as_ref()?, view.last_usage);
        let most = usage
            .or(Some(page.machine.created_at))
            .and_then(|at| Timestamp::from_millis(at.millis().saturating_add(INACTIVE_AFTER)));
        Some(most.map_or(page.last_sync(), |most| page.last_sync().min(most)))
    };
    fleet.machines.iter().filter_map(believed).max()
}

fn machine(fleet: &Fleet, view: &MachineView, now: Option<Timestamp>) -> ManifestMachine {
    if let Some(entry) = &view.adopted {
        return ManifestMachine {
            requests: view.totals.requests,
            cost: view.totals.cost.amount,
            label: Some(view.label.clone())
                .filter(|label| *label != entry.hostname && !label.is_empty()),
            retired: view.retired || entry.retired,
            merged_into: view.merged_into.map(|at| fleet.machines[at].id.to_string()),
            ..entry.clone()
        };
    }
    let page = view.page.as_ref();
    let last_sync = page.map(SyncFile::last_sync);
    let stale = last_sync
        .zip(now)
        .is_some_and(|(last, now)| now.since(last) > INACTIVE_AFTER);
    let status = match page {
        None => Status::Error,
        Some(_) if stale || view.retired || view.merged_into.is_some() => Status::Inactive,
        Some(_) => Status::Active,
    };
    ManifestMachine {
        hostname: page.map(|p| p.machine.hostname.clone()).unwrap_or_default(),
        label: Some(view.label.clone())
            .filter(|label| page.is_none_or(|p| p.machine.hostname != *label) && !label.is_empty()),
        platform: page.map(|p| p.machine.platform.clone()).unwrap_or_default(),
        first_seen: page.map(|p| p.machine.created_at),
        last_sync,
        last_sync_mode: page
            .map_or("incremental", |p| p.metadata.sync_mode.as_str())
            .to_owned(),
        status,
        error_message: view.error.clone(),
        requests: view.totals.requests,
        cost: view.totals.cost.amount,
        last_usage: view.last_usage,
        summary_extra: Extra::new(),
        retired: view.retired,
        merged_into: view.merged_into.map(|at| fleet.machines[at].id.to_string()),
        extra: Extra::new(),
    }
}

/// The most recently updated sessions, and the most recent pending ones beside them. Ties go by id.
fn sessions(fleet: &Fleet) -> BTreeMap<SessionId, ManifestSession> {
    let mut order: Vec<_> = fleet.sessions.iter().collect();
    order.sort_by(|(a_id, a), (b_id, b)| b.last.cmp(&a.last).then_with(|| a_id.cmp(b_id)));
    let latest = order.iter().take(MAX_SESSIONS);
    let pending = order
        .iter()
        .filter(|(_, view)| view.pending)
        .take(MAX_PENDING);
    let chosen: BTreeSet<&SessionId> = latest.chain(pending).map(|(id, _)| *id).collect();
    chosen
        .into_iter()
        .map(|id| {
            let view = &fleet.sessions[id];
            let session = ManifestSession {
                machines: view
                    .machines
                    .iter()
                    .map(|at| fleet.machines[*at].id.to_string())
                    .collect(),
                project: view
                    .first
                    .as_ref()
                    .map(|(_, project)| project.to_string())
                    .unwrap_or_default(),
                first_seen: view.first.as_ref().map(|(time, _)| *time),
                last_updated: view.last,
                total_usage_count: view.totals.requests,
                conflict_status: view.status(),
                extra: Extra::new(),
            };
            (id.clone(), session)
        })
        .collect()
}

/// What needs a person and what was left out; then what was joined, of the sessions in the index.
fn conflicts(fleet: &Fleet, listed: &BTreeMap<SessionId, ManifestSession>) -> Vec<Conflict> {
    let joined = listed
        .iter()
        .filter(|(_, session)| session.conflict_status == ConflictStatus::Resolved)
        .map(|(id, session)| {
            let count = fleet.sessions.get(id).map_or(0, |view| view.shared);
            Conflict {
                code: "joined".to_owned(),
                subject: id.to_string(),
                machines: session.machines.clone(),
                count,
            }
        });
    fleet
        .conflicts
        .iter()
        .cloned()
        .chain(joined)
        .take(MAX_CONFLICTS)
        .collect()
}

/// Shows what an adopted manifest has beyond the files: the sessions of machines without any (`alone`), and unknown members.
fn adopt(out: &mut Manifest, manifest: &Manifest, alone: &BTreeSet<&str>) {
    let fill = |mine: &mut Extra, theirs: &Extra| {
        for (key, value) in theirs {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    };
    fill(&mut out.extra, &manifest.extra);
    fill(&mut out.summary_extra, &manifest.summary_extra);
    for (id, machine) in &manifest.machines {
        out.machines
            .get_mut(id)
            .into_iter()
            .for_each(|mine| fill(&mut mine.extra, &machine.extra));
    }
    let added: BTreeSet<&str> = manifest
        .machines
        .keys()
        .map(String::as_str)
        .filter(|id| alone.contains(id))
        .collect();
    if !added.is_empty() {
        out.first_usage = out
            .first_usage
            .into_iter()
            .chain(manifest.first_usage)
            .min();
    }
    for (id, session) in &manifest.sessions {
        if session
            .machines
            .iter()
            .any(|machine| added.contains(machine.as_str()))
            && !out.sessions.contains_key(id)
        {
            out.sessions.insert(id.clone(), session.clone());
        } else if let Some(mine) = out.sessions.get_mut(id) {
            for machine in &session.machines {
                if added.contains(machine.as_str()) && !mine.machines.contains(machine) {
                    mine.machines.push(machine.clone());
                }
            }
            fill(&mut mine.extra, &session.extra);
            if mine.machines.len() > 1 && mine.conflict_status == ConflictStatus::None {
                mine.conflict_status = ConflictStatus::Resolved;
            }
        }
    }
}
