//! The manifest: `sync/manifest.json`, a pure function of the trees beside it. Here is its shape;
//! `fleet::manifest` computes it.

use std::collections::BTreeMap;

use super::error::{FormatError, check_version};
use super::limits::MAX_MANIFEST;
use crate::base::encode::unhex;
use crate::base::ids::SessionId;
use crate::base::json::Extra;
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::prices::{PriceTable, TABLE};
use crate::record::Totals;

pub(crate) use super::conflict::{Code, Conflict};

/// The `$schema` of manifests.
pub(crate) const SCHEMA: &str = "https://claude-usage-tracker.com/schemas/v1/manifest.json";

/// The version of the algorithm.
pub(crate) const RULES: u64 = 5;

/// What this tool computes manifests by.
pub(crate) const BASIS: Basis = Basis {
    rules: RULES,
    prices: Some(TABLE),
};

/// What a manifest is computed by, beside the trees. A tool leaves a manifest of a greater basis
/// alone: two versions that both rewrote it would do so for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Basis {
    /// The version of the algorithm; 0 in a manifest of version 1.0.
    pub(crate) rules: u64,
    /// The price table; none in a manifest of rules below 5.
    pub(crate) prices: Option<PriceTable>,
}

/// How many sessions the index lists, beside pending ones.
pub(crate) const MAX_SESSIONS: usize = 100;

/// How many pending sessions the index lists.
pub(crate) const MAX_PENDING: usize = 50;

/// How many conflicts the log lists.
pub(crate) const MAX_CONFLICTS: usize = 100;

/// The object ids of the trees that a manifest was computed from. None where there is no such tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Inputs {
    /// The tree `sync/machines`.
    pub(crate) machines: Option<String>,
    /// The tree `sync/archive`.
    pub(crate) archive: Option<String>,
}

/// `active`, `inactive` or `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Synced within 30 days before the fleet's latest sync.
    Active,
    /// Did not.
    Inactive,
    /// Its files cannot be read.
    Error,
}

/// A machine in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestMachine {
    /// Its host's name, or a pseudonym.
    pub(crate) hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub(crate) platform: String,
    /// When it joined.
    pub(crate) first_seen: Option<Timestamp>,
    /// When it last synced.
    pub(crate) last_sync: Option<Timestamp>,
    /// The last sync's mode, `full` or `incremental`.
    pub(crate) last_sync_mode: String,
    /// Whether it syncs.
    pub(crate) status: Status,
    /// What is wrong with it.
    pub(crate) error_message: Option<String>,
    /// The requests that count for it: each request counts for one machine of the fleet.
    pub(crate) requests: u64,
    /// Their price.
    pub(crate) cost: Money,
    /// The time of its last request.
    pub(crate) last_usage: Option<Timestamp>,
    /// Unknown members of `usage_summary`.
    pub(crate) summary_extra: Extra,
    /// What people call it, where that is not its host's name.
    pub(crate) label: Option<String>,
    /// It will not sync again: somebody decided so.
    pub(crate) retired: bool,
    /// The machine that it was merged into: its requests count there.
    pub(crate) merged_into: Option<String>,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// `none`, `resolved` or `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConflictStatus {
    /// On one machine.
    None,
    /// Copies on several machines were joined.
    Resolved,
    /// It needs review.
    Pending,
}

/// A session in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestSession {
    /// The machines that hold records of it.
    pub(crate) machines: Vec<String>,
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: String,
    /// The time of its first request.
    pub(crate) first_seen: Option<Timestamp>,
    /// The time of its last request.
    pub(crate) last_updated: Option<Timestamp>,
    /// Its requests, each counted once.
    pub(crate) total_usage_count: u64,
    /// Whether it was used on several machines, and how that ended.
    pub(crate) conflict_status: ConflictStatus,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// The manifest: all machines, the latest sessions, and the totals of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manifest {
    /// The earliest machine's start.
    pub(crate) created_at: Option<Timestamp>,
    /// The latest machine's change.
    pub(crate) updated_at: Option<Timestamp>,
    /// All machines, by id.
    pub(crate) machines: BTreeMap<String, ManifestMachine>,
    /// How many machines there are.
    pub(crate) total_machines: u64,
    /// How many are active.
    pub(crate) active_machines: u64,
    /// Sums over the fleet, each request once.
    pub(crate) totals: Totals,
    /// The fleet's first request.
    pub(crate) first_usage: Option<Timestamp>,
    /// The fleet's last request.
    pub(crate) last_usage: Option<Timestamp>,
    /// Unknown members of `global_summary`.
    pub(crate) summary_extra: Extra,
    /// The latest sessions and the pending ones.
    pub(crate) sessions: BTreeMap<SessionId, ManifestSession>,
    /// What was joined or left out, and what needs review.
    pub(crate) conflicts: Vec<Conflict>,
    /// What it was computed from; none where the inputs were not at hand, or in a manifest of
    /// version 1.0.
    pub(crate) inputs: Option<Inputs>,
    /// What it was computed by.
    pub(crate) basis: Basis,
    /// The number of sessions of the fleet.
    pub(crate) sessions_total: Option<u64>,
    /// The number of sessions that need review; none where it is 0.
    pub(crate) pending_total: Option<u64>,
    /// Unknown members.
    pub(crate) extra: Extra,
}

/// Where a manifest comes from, without its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// What it was computed from.
    pub(crate) inputs: Option<Inputs>,
    /// What it was computed by.
    pub(crate) basis: Basis,
}

impl Head {
    /// Reads the head of a manifest of any version 1.x, passing over the rest.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        #[derive(serde::Deserialize)]
        struct Raw {
            version: String,
            #[serde(default)]
            rules: u64,
            #[serde(default)]
            prices: Option<RawPrices>,
            #[serde(default)]
            inputs: Option<RawInputs>,
        }
        #[derive(serde::Deserialize)]
        struct RawPrices {
            edition: u64,
            sha256: String,
        }
        #[derive(serde::Deserialize)]
        struct RawInputs {
            machines: Option<String>,
            archive: Option<String>,
        }
        if bytes.len() > MAX_MANIFEST {
            return Err(FormatError::TooLarge {
                size: bytes.len(),
                most: MAX_MANIFEST,
            });
        }
        let raw: Raw = serde_json::from_slice(bytes)
            .map_err(|_| FormatError::Malformed("it is no manifest".to_owned()))?;
        check_version(&raw.version)?;
        let inputs = raw.inputs.map(|inputs| Inputs {
            machines: inputs.machines,
            archive: inputs.archive,
        });
        let prices = |raw: RawPrices| price_table(raw.edition, &raw.sha256);
        let basis = Basis {
            rules: raw.rules,
            prices: raw.prices.map(prices).transpose()?,
        };
        Ok(Self { inputs, basis })
    }
}

/// A price table as a manifest names it.
pub(super) fn price_table(edition: u64, sha256: &str) -> Result<PriceTable, FormatError> {
    let sha256 = unhex(sha256.as_bytes()).ok_or_else(|| {
        FormatError::Malformed("its price table has no SHA-256 in hex".to_owned())
    })?;
    Ok(PriceTable { edition, sha256 })
}

impl Manifest {
    /// Whether a 1.0 tool wrote it, whose machines may have no files.
    pub(crate) fn is_foreign(&self) -> bool {
        self.basis.rules == 0 && self.inputs.is_none()
    }
}

impl ConflictStatus {
    /// The word in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Resolved => "resolved",
            Self::Pending => "pending",
        }
    }
}
