//! Sync files: `sync/machines/{uuid}.json`, the machine sync files of the spec.
//!
//! Written as 1.1 it is a view: cumulative totals, and what the last sync brought. Files of version
//! 1.0 have no day files beside them: their records live here, and their summaries may claim more
//! than their records show. Such sessions are *held* (they have `claimed`).

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ids::{MachineId, SessionId};
use crate::base::join::absorb;
use crate::base::json::Extra;
use crate::base::time::{Day, Timestamp};
use crate::base::window::{Window, hull};
use crate::record::{PlanLimits, RecordSet, Totals};

/// The `$schema` of sync files.
pub(crate) const SCHEMA: &str = "https://claude-usage-tracker.com/schemas/v1/machine-sync.json";

/// Who wrote the file. `revision` and `updated_at` order its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The machine's id.
    pub(crate) uuid: MachineId,
    /// Its name, or a pseudonym.
    pub(crate) hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub(crate) platform: String,
    /// The system's name and version.
    pub(crate) os_version: String,
    /// The tool's version.
    pub(crate) tracker_version: String,
    /// When the machine joined.
    pub(crate) created_at: Timestamp,
    /// When the file last changed.
    pub(crate) updated_at: Timestamp,
    /// How often the file has changed; 0 in files of version 1.0.
    pub(crate) revision: u64,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// `full` or `incremental`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// All transcripts were read from the start.
    Full,
    /// Only what is new was read.
    Incremental,
}

impl Mode {
    /// The word in files and options.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }

    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Incremental]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// How the last sync went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// When everything was last read.
    pub(crate) last_full_sync: Option<Timestamp>,
    /// When something new was last read.
    pub(crate) last_incremental_sync: Option<Timestamp>,
    /// Sessions of this machine.
    pub(crate) total_sessions: u64,
    /// Records of this machine.
    pub(crate) total_usage_records: u64,
    /// The last sync's mode.
    pub(crate) sync_mode: Mode,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// One session on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Session {
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: String,
    /// The time of its first request.
    pub(crate) first_seen: Option<Timestamp>,
    /// The time of its last request.
    pub(crate) last_updated: Option<Timestamp>,
    /// The number of its requests.
    pub(crate) usage_count: u64,
    /// `last_synced_timestamp`: informs, never filters.
    pub(crate) last_synced: Option<Timestamp>,
    /// `last_synced_index`: informs, never filters.
    pub(crate) last_index: u64,
    /// SHA-256 over the session's day checksums in order. Not verified in 1.0 files.
    pub(crate) checksum: String,
    /// Unknown members of `sync_state`.
    pub(crate) state_extra: Extra,
    /// In a view: copies of the records that the last sync brought. In a held session: its records.
    pub(crate) records: RecordSet,
    /// Cumulative totals.
    pub(crate) totals: Totals,
    /// The names of the models used.
    pub(crate) models: BTreeSet<String>,
    /// Unknown members of `summary`.
    pub(crate) summary_extra: Extra,
    /// The totals of a 1.0 summary.
    pub(crate) claimed: Option<Totals>,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// What a 1.0 machine file claims of all that its machine used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Requests, tokens and price.
    pub(crate) totals: Totals,
    /// The time of the first request.
    pub(crate) first: Option<Timestamp>,
    /// The time of the last request.
    pub(crate) last: Option<Timestamp>,
}

/// A decision of this machine's owner: data that merges like everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision(pub(crate) Extra);

/// A decision's place in the list: kind, subject, revision.
pub(crate) type DecisionKey = (String, String, u64);

/// A machine file: who wrote it, its figures, the view of the last sync, and decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncFile {
    /// Who wrote it.
    pub(crate) machine: Machine,
    /// How the last sync went.
    pub(crate) metadata: Metadata,
    /// Totals of all its records.
    pub(crate) totals: Totals,
    /// The time of its first request.
    pub(crate) first_usage: Option<Timestamp>,
    /// The time of its last request.
    pub(crate) last_usage: Option<Timestamp>,
    /// Unknown members of `usage_summary`.
    pub(crate) summary_extra: Extra,
    /// What a 1.0 `usage_summary` claims.
    pub(crate) claimed: Option<Claim>,
    /// Sessions that the last sync touched, and held ones.
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    /// The owner's decisions: grow-only.
    pub(crate) decisions: BTreeMap<DecisionKey, Decision>,
    /// Records of days before this one are bare.
    pub(crate) pruned_before: Option<Day>,
    /// What Claude Code stated on this machine of a subscription's limits.
    pub(crate) limits: PlanLimits,
    /// Unknown members.
    pub(crate) extra: Extra,
}

impl SyncFile {
    /// The time that its claim is about: its own first and last request, and the sessions that are
    /// part of it. None where it is not known.
    pub(crate) fn claim_window(&self) -> Option<Window> {
        let claim = self.claimed?;
        let sessions = self
            .sessions
            .values()
            .filter(|session| session.claimed.is_some())
            .filter_map(Session::claim_window);
        let own = claim.first.zip(claim.last).map(Window::from);
        hull(own.into_iter().chain(sessions))
    }

    /// When the machine last synced.
    pub(crate) fn last_sync(&self) -> Timestamp {
        self.metadata
            .last_full_sync
            .max(self.metadata.last_incremental_sync)
            .unwrap_or(self.machine.updated_at)
    }

    /// Adds a decision to what is known under its key.
    pub(crate) fn add_decision(&mut self, key: DecisionKey, decision: Decision) {
        absorb(&mut self.decisions, key, decision);
    }
}

impl Session {
    /// The time that its claim is about: its own first and last request, and its records. None
    /// where it is not known.
    pub(crate) fn claim_window(&self) -> Option<Window> {
        let own = self.first_seen.zip(self.last_updated).map(Window::from);
        let records = self.records.entries().map(|entry| Window::at(entry.at));
        hull(own.into_iter().chain(records))
    }
}
