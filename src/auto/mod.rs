//! Automatic sync: installs and removes what starts `claude-sync`.
//!
//! Two things start it: Claude Code, by hooks in its `settings.json` ([`claude`]), and the system's
//! scheduler ([`schedule`]). Both call `claude-sync auto`, which limits how often a sync runs
//! ([`pace`]). Changes outside the repository are recorded ([`ledger`]), so that they can be undone
//! byte for byte.

pub(crate) mod claude;
mod crontab;
mod error;
mod files;
mod job;
pub(crate) mod ledger;
pub(crate) mod pace;
pub(crate) mod schedule;
pub(crate) mod status_line;
mod texts;
mod tool;

pub(crate) use error::AutoError;
