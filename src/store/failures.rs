//! What is done about failures: the settings of `error_states`.

/// `error_states`: what is done about failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failures {
    /// `sync_failed.backoff_seconds`, of which the first `sync_failed.retry_count` are used: how
    /// long runs that nobody attends leave the remote alone after the first failure, the second,
    /// and so on. The last holds for all further ones: what is committed waits.
    pub(crate) backoff: Vec<u64>,
    /// `sync_failed.silence_seconds`: when a silent transport is cut off.
    pub(crate) silence: u64,
    /// `corrupt_data.log_error`: skipped lines are named.
    pub(crate) name_bad_lines: bool,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            backoff: vec![60, 300, 900],
            silence: 120,
            name_bad_lines: true,
        }
    }
}

impl Failures {
    /// How long the remote is left alone after so many failures in a row, in seconds.
    pub(crate) fn pause(&self, failures: u64) -> u64 {
        let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        self.backoff
            .get(at)
            .or(self.backoff.last())
            .copied()
            .unwrap_or(0)
    }
}
