//! Automatic sync: what starts `claude-sync` when nobody thinks of it, and how all of that is taken back.
//!
//! Two things start it: Claude Code, by hooks in its `settings.json` ([`claude`]), and the system, by whatever it has for that
//! ([`schedule`]). Both call `claude-sync auto`, which keeps a pace ([`pace`]). What was done outside the repository is written down
//! ([`ledger`]), so that it can be undone byte for byte.

pub mod claude;
pub mod ledger;
pub mod pace;
pub mod schedule;
mod texts;

use std::path::PathBuf;

use crate::store::durable::WriteError;

/// Automatic sync cannot be set up or taken back.
#[derive(Debug, thiserror::Error)]
pub enum AutoError {
    /// A file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written or deleted.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Claude Code's settings are not what Claude Code would read.
    #[error("failed to change {}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system's own tool did not do what it was asked for.
    #[error("failed to run {command}: {reason}")]
    Tool {
        /// The command.
        command: String,
        /// What it said.
        reason: String,
    },
}
