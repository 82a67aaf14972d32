//! The files in the repository: their types, how they are read, and their canonical bytes.
//!
//! Reading is lenient where nothing is lost by it and never trusts: sizes are checked first, names
//! validated, counters capped. Writing is canonical: equal values are equal bytes on every machine.

pub(crate) mod conflict;
mod convert;
pub(crate) mod dayfile;
mod error;
mod join;
mod limits;
pub(crate) mod line;
pub(crate) mod manifest;
pub(crate) mod markers;
mod members;
pub(crate) mod migrate;
pub(crate) mod plan;
mod read_day;
mod read_manifest;
mod read_syncfile;
pub(crate) mod sealed;
mod sealed_head;
mod sealing_key;
mod statement;
pub(crate) mod syncfile;
mod whole;
mod write_manifest;
mod write_syncfile;

pub(crate) use error::FormatError;
pub(crate) use limits::{MAX_DAY_FILE, MAX_MANIFEST, MAX_SYNC_FILE, VERSION};
