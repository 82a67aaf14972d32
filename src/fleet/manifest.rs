//! The manifest as a function of the trees beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::decisions;
use super::read::InputTrees;
use super::view::{Fleet, MachineView};
use crate::base::ids::SessionId;
use crate::base::json::Extra;
use crate::base::time::Timestamp;
use crate::format::manifest::{
    Basis, Code, Conflict, ConflictStatus, MAX_CONFLICTS, MAX_PENDING, MAX_SESSIONS, Manifest,
    ManifestMachine, ManifestSession, Status,
};
use crate::format::syncfile::{Mode, SyncFile};

/// A machine is inactive when it last synced this long before the fleet's latest sync, in
/// milliseconds: 30 days.
const INACTIVE_AFTER: i64 = 30 * 24 * 60 * 60 * 1000;

/// Computes the manifest of a fleet that was read from these trees, by the given
/// rules and the price table. No clock, no order of arrival: equal trees give equal bytes.
pub(crate) fn compute(fleet: &Fleet, trees: InputTrees, basis: Basis) -> Manifest {
    let adopted = decisions::adopted(files(fleet));
    let pending = fleet.sessions.values().filter(|s| s.pending).count() as u64;
    let mut out = Manifest {
        inputs: Some(trees.inputs()),
        basis,
        sessions: sessions(fleet),
        sessions_total: Some((fleet.sessions.len() as u64).saturating_add(fleet.unlisted)),
        pending_total: Some(pending).filter(|n| *n > 0),
        ..times_and_totals(fleet, &adopted)
    };
    let now = reference(fleet);
    out.machines = fleet
        .machines
        .iter()
        .map(|view| (view.id.to_string(), machine(fleet, view, now)))
        .collect();
    let alone = fleet.machines.iter().filter(|m| m.adopted.is_some());
    let alone: BTreeSet<&str> = alone.map(|m| m.id.as_str()).collect();
    for manifest in &adopted {
        adopt(&mut out, manifest, &alone);
    }
    out.conflicts = conflicts(fleet, &out.sessions);
    out.total_machines = out.machines.len() as u64;
    let active = out.machines.values().filter(|m| m.status == Status::Active);
    out.active_machines = active.count() as u64;
    out
}

/// The machine files that can be read.
fn files(fleet: &Fleet) -> impl Iterator<Item = &SyncFile> {
    fleet
        .machines
        .iter()
        .filter_map(|m| m.machine_file.as_ref())
}

/// A manifest with the fleet's times and totals.
fn times_and_totals(fleet: &Fleet, adopted: &[Manifest]) -> Manifest {
    let created = files(fleet).map(|file| file.machine.created_at);
    let updated = files(fleet).map(|file| file.machine.updated_at);
    // First uses of claims lie before any row.
    let claimed = files(fleet).filter_map(|file| file.claimed?.first);
    Manifest {
        created_at: created
            .chain(adopted.iter().filter_map(|m| m.created_at))
            .min(),
        updated_at: updated
            .chain(adopted.iter().filter_map(|m| m.updated_at))
            .max(),
        totals: fleet.totals(),
        first_usage: fleet.first_usage().into_iter().chain(claimed).min(),
        last_usage: fleet.last_usage(),
        ..Manifest::default()
    }
}

/// The time that machines are compared with: the latest sync of any, believed no more than 30 days
/// beyond the usage of its machine. So a clock that is years ahead makes no other machine inactive.
pub(crate) fn reference(fleet: &Fleet) -> Option<Timestamp> {
    let believed = |view: &MachineView| {
        let (file, usage) = (view.machine_file.as_ref()?, view.last_usage);
        let most = usage
            .or(Some(file.machine.created_at))
            .and_then(|at| Timestamp::from_millis(at.millis().saturating_add(INACTIVE_AFTER)));
        Some(most.map_or(file.last_sync(), |most| file.last_sync().min(most)))
    };
    fleet.machines.iter().filter_map(believed).max()
}

/// A machine's entry.
fn machine(fleet: &Fleet, view: &MachineView, now: Option<Timestamp>) -> ManifestMachine {
    let named = Some(&view.label).filter(|label| !label.is_empty());
    let label = |hostname: &str| named.filter(|label| *label != hostname).cloned();
    let merged_into = view.merged_into.map(|at| fleet.machines[at].id.to_string());
    if let Some(entry) = &view.adopted {
        return ManifestMachine {
            requests: view.totals.requests,
            cost: view.totals.cost.amount,
            label: label(&entry.hostname),
            retired: view.retired || entry.retired,
            merged_into,
            ..entry.clone()
        };
    }
    let mut out = ManifestMachine {
        hostname: String::new(),
        platform: String::new(),
        first_seen: None,
        last_sync: None,
        last_sync_mode: Mode::Incremental.as_str().to_owned(),
        status: status(view, now),
        error_message: view.error.clone(),
        requests: view.totals.requests,
        cost: view.totals.cost.amount,
        last_usage: view.last_usage,
        summary_extra: Extra::new(),
        label: named.cloned(),
        retired: view.retired,
        merged_into,
        extra: Extra::new(),
    };
    if let Some(file) = &view.machine_file {
        out.label = label(&file.machine.hostname);
        describe(&mut out, file);
    }
    out
}

/// Adds what a machine's file states of the machine to its entry.
fn describe(entry: &mut ManifestMachine, file: &SyncFile) {
    entry.hostname.clone_from(&file.machine.hostname);
    entry.platform.clone_from(&file.machine.platform);
    entry.first_seen = Some(file.machine.created_at);
    entry.last_sync = Some(file.last_sync());
    file.metadata
        .sync_mode
        .as_str()
        .clone_into(&mut entry.last_sync_mode);
}

fn status(view: &MachineView, now: Option<Timestamp>) -> Status {
    let Some(file) = &view.machine_file else {
        return Status::Error;
    };
    let stale = now.is_some_and(|now| now.since(file.last_sync()) > INACTIVE_AFTER);
    if stale || view.retired || view.merged_into.is_some() {
        Status::Inactive
    } else {
        Status::Active
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
                code: Code::Joined,
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

/// Adds what an adopted manifest has beyond the files: the sessions of machines without any
/// (`alone`), and unknown members.
fn adopt(out: &mut Manifest, manifest: &Manifest, alone: &BTreeSet<&str>) {
    fill(&mut out.extra, &manifest.extra);
    fill(&mut out.summary_extra, &manifest.summary_extra);
    for (id, machine) in &manifest.machines {
        if let Some(mine) = out.machines.get_mut(id) {
            fill(&mut mine.extra, &machine.extra);
        }
    }
    let names = manifest.machines.keys().map(String::as_str);
    let added: BTreeSet<&str> = names.filter(|id| alone.contains(id)).collect();
    if !added.is_empty() {
        let first = out.first_usage.into_iter().chain(manifest.first_usage);
        out.first_usage = first.min();
    }
    for (id, session) in &manifest.sessions {
        let is_added = |machine: &String| added.contains(machine.as_str());
        match out.sessions.get_mut(id) {
            Some(mine) => join_session(mine, session, &added),
            None if session.machines.iter().any(is_added) => {
                out.sessions.insert(id.clone(), session.clone());
            }
            None => {}
        }
    }
}

/// Adds members that are not there.
fn fill(mine: &mut Extra, theirs: &Extra) {
    for (key, value) in theirs {
        mine.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

fn join_session(mine: &mut ManifestSession, theirs: &ManifestSession, added: &BTreeSet<&str>) {
    for machine in &theirs.machines {
        if added.contains(machine.as_str()) && !mine.machines.contains(machine) {
            mine.machines.push(machine.clone());
        }
    }
    fill(&mut mine.extra, &theirs.extra);
    if mine.machines.len() > 1 && mine.conflict_status == ConflictStatus::None {
        mine.conflict_status = ConflictStatus::Resolved;
    }
}
