//! Finds out what a file or folder holds, and reads imported totals from it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fields::Days;
use super::source::{Import, Provenance, What};
use super::{ccusage, stats_cache};
use crate::base::text::printable;
use crate::base::time::Timestamp;

/// The largest file that is read. Ten years of ccusage's days have a few megabytes.
const MAX_BYTES: u64 = 32 << 20;

/// Why something cannot be imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It is not there, or not to be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than any such file.
    #[error("{} has more than {} MB", path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is none of the kinds that are known.
    #[error("{}: {why}", path.display())]
    Unknown {
        /// The file or folder.
        path: PathBuf,
        /// What it lacks.
        why: String,
    },
    /// A part of it is not what it should be.
    #[error("{}: {place}: {want}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which part.
        place: String,
        /// What is wrong with it.
        want: &'static str,
    },
}

impl Import {
    /// Reads a file or a folder. `kind`: what it is, where the user stated that. `days`: when a
    /// date begins and ends in ccusage's time zone. No date may be after `now`.
    pub(crate) fn open(
        path: &Path,
        kind: Option<Provenance>,
        days: Days<'_>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let meta = std::fs::metadata(path).map_err(|source| ImportError::Read {
            path: path.to_owned(),
            source,
        })?;
        if meta.is_dir() {
            Self::folder(path, kind)
        } else {
            Self::file(path, kind, days, now)
        }
    }

    fn folder(path: &Path, kind: Option<Provenance>) -> Result<Self, ImportError> {
        let projects = path.join("projects");
        let from = kind.unwrap_or(if projects.is_dir() {
            Provenance::Backup
        } else {
            Provenance::Projects
        });
        match from {
            Provenance::Backup if !projects.is_dir() => {
                Err(unknown(path, "there is no folder \"projects\" in it"))
            }
            Provenance::Backup => Ok(Self {
                from,
                what: What::Transcripts(projects),
            }),
            Provenance::Projects => Ok(Self {
                from,
                what: What::Transcripts(path.to_owned()),
            }),
            Provenance::StatsCache | Provenance::Ccusage => {
                Err(unknown(path, "it is a folder, not a file"))
            }
        }
    }

    fn file(
        path: &Path,
        kind: Option<Provenance>,
        days: Days<'_>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        if let Some(Provenance::Projects | Provenance::Backup) = kind {
            return Err(unknown(path, "it is a file, not a folder"));
        }
        let bytes = read_limited(path)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| unknown(path, &format!("it is no JSON: {error}")))?;
        let from = match kind {
            Some(from) => from,
            None => recognize(&value).map_err(|why| unknown(path, why))?,
        };
        let sums = match from {
            Provenance::StatsCache => stats_cache::read(&value, now),
            _ => ccusage::read(&value, days, now),
        };
        match sums {
            Ok(sums) => Ok(Self {
                from,
                what: What::Sums(sums),
            }),
            Err((place, want)) => Err(ImportError::Malformed {
                path: path.to_owned(),
                place: printable(&place, 200),
                want,
            }),
        }
    }
}

fn unknown(path: &Path, why: &str) -> ImportError {
    ImportError::Unknown {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

fn read_limited(path: &Path) -> Result<Vec<u8>, ImportError> {
    let read = |source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(read)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ImportError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Distinguishes ccusage's daily report from Claude Code's `stats-cache.json`, by keys that only
/// one of them has.
fn recognize(value: &Value) -> Result<Provenance, &'static str> {
    if value.get("daily").is_some() {
        return Ok(Provenance::Ccusage);
    }
    if value.get("dailyModelTokens").is_some() {
        return Ok(Provenance::StatsCache);
    }
    let other_reports = [
        "session", "sessions", "weekly", "monthly", "blocks", "projects",
    ];
    Err(
        if other_reports.iter().any(|key| value.get(key).is_some()) {
            "it has no totals by day"
        } else {
            "it is neither ccusage's report by day nor Claude Code's stats-cache.json"
        },
    )
}
