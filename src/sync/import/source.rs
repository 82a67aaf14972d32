//! What can be imported, and what came of it.

use std::path::PathBuf;

use crate::record::{Sum, SumKey};
use crate::sync::read_report::ReadReport;

/// Where history comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// Claude Code's `stats-cache.json`.
    StatsCache,
    /// The JSON of `ccusage claude daily`.
    Ccusage,
    /// A `projects` folder.
    Projects,
    /// A copy of Claude Code's folder.
    Backup,
}

impl Provenance {
    /// Its word on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::StatsCache => "stats-cache",
            Self::Ccusage => "ccusage",
            Self::Projects => "projects",
            Self::Backup => "backup",
        }
    }
}

/// What is to be imported.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// Where it comes from.
    pub(crate) from: Provenance,
    /// What there is.
    pub(crate) what: What,
}

/// What a file or a folder holds.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Transcripts below a folder.
    Transcripts(PathBuf),
    /// Sums of days.
    Sums(Vec<(SumKey, Sum)>),
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Imported {
    /// Days in the file.
    pub(crate) days: u64,
    /// Days of which something is new, beyond what was imported before.
    pub(crate) new_days: u64,
    /// Days of which records show all.
    pub(crate) shown_days: u64,
    /// Requests in the transcripts.
    pub(crate) records: u64,
    /// Requests that are new, or have more tokens than before.
    pub(crate) new_records: u64,
    /// What reading the transcripts was like.
    pub(crate) read: ReadReport,
}

impl Imported {
    /// Takes over what a tree gained by it.
    pub(crate) fn see(&mut self, gained: &Self) {
        self.new_days = self.new_days.max(gained.new_days);
        self.shown_days = self.shown_days.max(gained.shown_days);
        self.new_records = self.new_records.max(gained.new_records);
    }
}
