//! The machine's page: what it tells of the machine, of its totals, and of what its last sync brought.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::own::Checksums;
use crate::base::ids::{MachineId, SessionId};
use crate::base::json::Extra;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, SessionView};
use crate::format::dayfile::hex;
use crate::format::syncfile::{Machine, Metadata, Mode, Session, SyncFile};
use crate::record::{RecordSet, Totals};

/// The largest sync file that is written; beyond it records are left to the day files.
const MAX_PAGE: usize = 256 << 10;

/// How many of a session's records stand on the page, the newest. All of them stand in the day files; each that is written again on
/// the page costs the repository more than a record of a day file does, since pages follow each other with other records.
const SHOWN: usize = 2;

/// What the machine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or a pseudonym.
    pub hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub platform: String,
    /// The system's name and version.
    pub os_version: String,
    /// What tells this computer from all others, as a hash; empty where nothing does.
    pub fingerprint: String,
}

/// When and how a page is written.
#[derive(Debug, Clone)]
pub struct Stamp<'a> {
    /// The clock.
    pub now: Timestamp,
    /// The run's mode.
    pub mode: Mode,
    /// The machine.
    pub host: &'a Host,
}

/// What a page tells of its machine's usage.
#[derive(Debug, Default)]
pub struct Figures {
    /// Sessions.
    pub sessions: u64,
    /// Records.
    pub records: u64,
    /// All that counts.
    pub totals: Totals,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
    /// The sessions that the page shows, with their models.
    pub views: BTreeMap<SessionId, (SessionView, BTreeSet<String>)>,
}

impl Figures {
    /// Out of a fleet of this machine alone.
    pub(super) fn of(
        fleet: &Fleet,
        wanted: BTreeSet<SessionId>,
        mut models: HashMap<SessionId, BTreeSet<String>>,
    ) -> Self {
        let view = |id: SessionId| {
            Some((
                id.clone(),
                (
                    fleet.sessions.get(&id)?.clone(),
                    models.remove(&id).unwrap_or_default(),
                ),
            ))
        };
        Self {
            views: wanted.into_iter().filter_map(view).collect(),
            sessions: (fleet.sessions.len() as u64).saturating_add(fleet.unlisted),
            records: fleet.records,
            totals: fleet.totals(),
            first: fleet.first_usage(),
            last: fleet.last_usage(),
        }
    }

    /// Takes note of a row's model.
    pub(super) fn see(
        wanted: &BTreeSet<SessionId>,
        models: &mut HashMap<SessionId, BTreeSet<String>>,
        row: &Row,
    ) {
        if let Some(session) = row
            .session
            .filter(|session| !row.model.is_empty() && wanted.contains(*session))
        {
            let models = models.entry(session.clone()).or_default();
            if !models.contains(row.model) {
                models.insert(row.model.to_owned());
            }
        }
    }
}

/// What a session's entry on the page is made from.
pub struct Views<'a> {
    figures: &'a Figures,
    brought: HashMap<SessionId, RecordSet>,
    highest: &'a HashMap<SessionId, u64>,
    checksums: Checksums,
}

impl<'a> Views<'a> {
    /// Sorts what the sync brought by session.
    pub fn new(
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
    pub fn session(&mut self, id: &SessionId) -> Option<Session> {
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

/// The records of a set that the page shows.
fn newest(records: &RecordSet) -> RecordSet {
    let mut all: Vec<_> = records.iter().collect();
    all.sort_by_cached_key(|record| Reverse((record.origin.timestamp, record.id)));
    all.into_iter().take(SHOWN).collect()
}

/// Cuts a page to its limit: first the records, which the day files have, then the sessions that were updated longest ago.
pub fn fit(mut page: SyncFile) -> SyncFile {
    if page.write().len() <= MAX_PAGE {
        return page;
    }
    let mut views: Vec<_> = page
        .sessions
        .iter()
        .filter(|(_, s)| s.claimed.is_none())
        .map(|(id, s)| (s.last_updated, id.clone()))
        .collect();
    views.sort();
    for (_, id) in &views {
        page.sessions
            .get_mut(id)
            .into_iter()
            .for_each(|session| session.records = RecordSet::default());
    }
    let mut over = page.write().len().saturating_sub(MAX_PAGE);
    for (_, id) in views {
        if over == 0 {
            break;
        }
        let gone = page
            .sessions
            .remove(&id)
            .map_or(0, |session| session.text().len());
        over = over.saturating_sub(gone);
    }
    page
}

/// The page of a machine that never synced.
pub fn blank(machine: &MachineId, stamp: &Stamp) -> SyncFile {
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
        extra: Extra::new(),
    }
}
