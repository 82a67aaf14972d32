//! What reading transcripts was like, for messages.

use std::path::PathBuf;

use crate::transcripts::{BadLine, Reading};

/// What reading the transcripts was like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ReadReport {
    /// Transcripts found.
    pub(crate) files: usize,
    /// Transcripts opened.
    pub(crate) opened: usize,
    /// Lines skipped, the first hundred.
    pub(crate) bad: Vec<BadLine>,
    /// Lines skipped.
    pub(crate) bad_total: u64,
    /// What could not be read, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// Entries of `transcripts.folders` that find nothing.
    pub(crate) unmatched: Vec<String>,
}

impl From<&Reading> for ReadReport {
    fn from(reading: &Reading) -> Self {
        Self {
            files: reading.files,
            opened: reading.opened,
            bad: reading.bad.clone(),
            bad_total: reading.bad_total,
            unreadable: reading.unreadable.clone(),
            unmatched: Vec::new(),
        }
    }
}
