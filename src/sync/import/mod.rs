//! Imports history: backups of transcripts, and totals that other tools counted.

mod ccusage;
mod fields;
mod open;
mod source;
mod stats_cache;

pub(crate) use open::ImportError;
pub(crate) use source::{Import, Imported, Provenance, What};
