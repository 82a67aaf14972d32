//! The machine file: the sessions that the last sync touched, and its size limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::figures::Figures;
use crate::base::ids::{MachineId, SessionId};
use crate::base::json::Extra;
use crate::format::dayfile::hex;
use crate::format::syncfile::{Machine, Metadata, Session, SyncFile};
use crate::record::{PlanLimits, RecordSet, Totals};
use crate::sync::host::Stamp;

/// The largest sync file that is written; beyond it records are left to the day files.
const MAX_BYTES: usize = 256 << 10;

/// How many of a session's records are listed in the machine file, the newest. The day files have
/// all of them. Each one that is repeated here costs the repository more than a line of a day file,
/// since the next version lists other records.
const SHOWN: usize = 2;

/// The checksums of sessions, over those of their days in order.
#[derive(Default)]
pub(crate) struct Checksums(BTreeMap<SessionId, Sha256>);

impl Checksums {
    /// Adds the checksum of a session's next day.
    pub(super) fn add(&mut self, session: SessionId, sum: &str) {
        let hash = self.0.entry(session).or_default();
        hash.update(format!("{sum}\n"));
    }
}

/// What a session's entry is made from.
pub(crate) struct Views<'a> {
    figures: &'a Figures,
    brought: HashMap<SessionId, RecordSet>,
    highest: &'a HashMap<SessionId, u64>,
    checksums: Checksums,
}

impl<'a> Views<'a> {
    /// Sorts what the sync brought by session.
    pub(crate) fn new(
        figures: &'a Figures,
        records: &RecordSet,
        highest: &'a HashMap<SessionId, u64>,
        checksums: Checksums,
    ) -> Self {
        let mut brought: HashMap<SessionId, RecordSet> = HashMap::new();
        for record in records.iter() {
            brought
                .entry(record.origin.session.clone())
                .or_default()
                .add(record);
        }
        brought
            .values_mut()
            .for_each(|records| *records = newest(records));
        Self {
            figures,
            brought,
            highest,
            checksums,
        }
    }

    /// A session's entry; none for a session that has no usage.
    pub(crate) fn session(&mut self, id: &SessionId) -> Option<Session> {
        let (view, models) = self.figures.views.get(id)?;
        let (first, project) = view.first.clone()?;
        Some(Session {
            project: project.to_string(),
            first_seen: Some(first),
            last_updated: view.last,
            usage_count: view.totals.requests,
            last_synced: view.last,
            last_index: self.highest.get(id).copied().unwrap_or(0),
            checksum: self.checksums.0.remove(id).map(hex).unwrap_or_default(),
            records: self.brought.remove(id).unwrap_or_default(),
            totals: view.totals,
            models: models.clone(),
            ..Session::default()
        })
    }
}

/// The records of a set that are listed.
fn newest(records: &RecordSet) -> RecordSet {
    let mut all: Vec<_> = records.iter().collect();
    all.sort_by_cached_key(|record| Reverse((record.origin.timestamp, record.id)));
    all.into_iter().take(SHOWN).collect()
}

/// Cuts a machine file to its limit: first the records, which the day files have, then the sessions
/// that were updated longest ago.
pub(crate) fn fit(mut file: SyncFile) -> SyncFile {
    if file.write().len() <= MAX_BYTES {
        return file;
    }
    let mut views: Vec<_> = file
        .sessions
        .iter()
        .filter(|(_, s)| s.claimed.is_none())
        .map(|(id, s)| (s.last_updated, id.clone()))
        .collect();
    views.sort();
    for (_, id) in &views {
        file.sessions
            .get_mut(id)
            .into_iter()
            .for_each(|session| session.records = RecordSet::default());
    }
    let mut over = file.write().len().saturating_sub(MAX_BYTES);
    for (_, id) in views {
        if over == 0 {
            break;
        }
        let gone = file
            .sessions
            .remove(&id)
            .map_or(0, |session| session.text().len());
        over = over.saturating_sub(gone);
    }
    file
}

/// The machine file of a machine that never synced.
pub(crate) fn blank(machine: &MachineId, stamp: &Stamp) -> SyncFile {
    SyncFile {
        machine: Machine {
            uuid: machine.clone(),
            hostname: stamp.host.hostname.clone(),
            platform: stamp.host.platform.clone(),
            os_version: stamp.host.os_version.clone(),
            tracker_version: String::new(),
            created_at: stamp.now,
            updated_at: stamp.now,
            revision: 0,
            extra: Extra::new(),
        },
        metadata: Metadata {
            last_full_sync: None,
            last_incremental_sync: None,
            total_sessions: 0,
            total_usage_records: 0,
            sync_mode: stamp.mode,
            extra: Extra::new(),
        },
        totals: Totals::default(),
        first_usage: None,
        last_usage: None,
        summary_extra: Extra::new(),
        claimed: None,
        sessions: BTreeMap::new(),
        decisions: BTreeMap::new(),
        pruned_before: None,
        limits: PlanLimits::default(),
        extra: Extra::new(),
    }
}
