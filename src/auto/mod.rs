//! Automatic sync: installs and removes what starts `claude-sync`.
//!
//! Two things start it: Claude Code, by hooks in its `settings.json` ([`claude`]), and the system's
//! scheduler ([`schedule`]). Both call `claude-sync auto`, which limits how often a sync runs
//! ([`pace`]). Changes outside the repository are recorded ([`ledger`]), so that they can be undone
//! byte for byte.

pub mod claude;
mod crontab;
mod error;
mod files;
mod job;
pub mod ledger;
pub mod pace;
pub mod schedule;
mod texts;
mod tool;

pub use error::AutoError;
