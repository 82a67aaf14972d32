//! Lines that cannot be read.

/// Why a line was skipped. No text of the line is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// Cut off, or never an object.
    #[error("not a complete JSON object")]
    NotAnObject,
    /// Broken JSON.
    #[error("not valid JSON at column {0}")]
    Syntax(usize),
    /// A counter that is negative, fractional or absurd.
    #[error("its usage has a counter that is no whole number from 0 to 2^53")]
    Counter,
    /// No time, so no day to count it on.
    #[error("its usage has no valid timestamp")]
    Timestamp,
    /// Too long, without its conversation text too.
    #[error("too long, and not by conversation text")]
    TooLong,
}
