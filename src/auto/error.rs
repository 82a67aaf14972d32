//! The errors of automatic sync.

use std::path::{Path, PathBuf};

use crate::store::durable::WriteError;

/// Automatic sync cannot be set up or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AutoError {
    /// A file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file cannot be written or deleted.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Claude Code's settings are not valid.
    #[error("failed to change {}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is not valid.
        reason: String,
    },
    /// A tool of the system failed.
    #[error("failed to run {command}: {reason}")]
    Tool {
        /// The command.
        command: String,
        /// Its error output.
        reason: String,
    },
}

impl AutoError {
    /// Claude Code's settings in `path` are not valid.
    pub(crate) fn settings(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        Self::Settings { path, reason }
    }
}
