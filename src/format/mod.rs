//! The files in the repository: their types, how they are read, and their canonical bytes.
//!
//! Reading is lenient where nothing is lost by it and never trusts: sizes are checked first, names
//! validated, counters capped. Writing is canonical: equal values are equal bytes on every machine.

pub(crate) mod conflict;
mod convert;
pub mod dayfile;
mod join;
pub mod line;
pub mod manifest;
pub(crate) mod markers;
mod members;
pub mod migrate;
mod read_day;
mod read_manifest;
mod read_syncfile;
pub mod sealed;
mod sealed_head;
mod sealing_key;
mod statement;
pub mod syncfile;
mod write_manifest;
mod write_syncfile;

use serde_json::Value;

use self::conflict::Code;
use crate::base::json::{FieldError, Fields};
use crate::record::Totals;

/// The version that this tool writes: 1.0 plus optional fields.
pub(crate) const VERSION: &str = "1.1";

/// The largest day file that is read, in bytes. A part is closed at 1 MB, so only a join of many
/// clones could exceed it.
pub(crate) const MAX_DAY_FILE: usize = 64 << 20;

/// The largest sync file that is read, in bytes. Ours have at most 256 KB; those of version 1.0
/// hold a machine's whole history.
pub(crate) const MAX_SYNC_FILE: usize = 64 << 20;

/// The largest manifest that is read, in bytes.
pub(crate) const MAX_MANIFEST: usize = 16 << 20;

/// The most sessions in one file that is read. A day file of 1 MB has a few thousand.
pub(crate) const MAX_FILE_SESSIONS: usize = 100_000;

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Above the limit for its kind.
    #[error("it has {size} bytes; at most {most} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        most: usize,
    },
    /// It has more sessions than are read.
    #[error("it has more than {MAX_FILE_SESSIONS} sessions")]
    TooManySessions,
    /// No JSON of the expected shape.
    #[error("{0}")]
    Malformed(String),
    /// A member is missing or has the wrong shape.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Written by a tool of a later major version.
    #[error("it has format version {0}, which is newer than the 1.x that this tool reads")]
    Newer(String),
    /// Its own machine or day is not that of its place.
    #[error("it says that it is the file of {0}")]
    Misplaced(String),
}

impl FormatError {
    /// The code under which a manifest names it.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::TooLarge,
            Self::TooManySessions => Code::TooManySessions,
            Self::Malformed(_) | Self::Field(_) => Code::Malformed,
            Self::Newer(_) => Code::NewerVersion,
            Self::Misplaced(_) => Code::Misplaced,
        }
    }
}

/// Checks a `version` member and returns its minor part.
pub(crate) fn check_version(version: &str) -> Result<u32, FormatError> {
    let parsed = version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some((1, minor)) => Ok(minor),
        Some((major, _)) if major > 1 => Err(FormatError::Newer(crate::base::text::printable(
            version, 20,
        ))),
        _ => Err(FormatError::Malformed("its version is not 1.x".to_owned())),
    }
}

/// Parses a whole JSON file into its members, after checking its size.
fn parse(bytes: &[u8], most: usize) -> Result<Fields, FormatError> {
    if bytes.len() > most {
        return Err(FormatError::TooLarge {
            size: bytes.len(),
            most,
        });
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        FormatError::Malformed(format!(
            "it is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    Fields::of(value).ok_or_else(|| FormatError::Malformed("it is not a JSON object".to_owned()))
}

/// Takes the members of a summary out of an object.
fn take_totals(fields: &mut Fields) -> Result<Totals, FieldError> {
    let mut totals = Totals {
        requests: fields.sum("total_requests")?,
        ..Totals::default()
    };
    totals.counters.input = fields.sum("total_input_tokens")?;
    totals.counters.output = fields.sum("total_output_tokens")?;
    totals.counters.cache_creation = fields.sum("total_cache_creation_tokens")?;
    totals.counters.cache_read = fields.sum("total_cache_read_tokens")?;
    totals.cost.amount = fields.money("total_cost_usd")?.unwrap_or_default();
    totals.cost.known = fields.take("cost_known") != Some(Value::Bool(false));
    Ok(totals)
}

/// Reads totals that stand alone.
fn read_totals(mut fields: Fields) -> Result<Totals, FieldError> {
    take_totals(&mut fields)
}
