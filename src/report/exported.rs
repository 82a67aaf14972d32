//! A row while it is exported.

use crate::base::time::Timestamp;
use crate::record::Totals;

/// A row, with its names as numbers.
#[derive(Debug)]
pub(super) struct Line {
    pub at: Timestamp,
    pub machine: usize,
    pub session: u32,
    pub project: u32,
    pub model: u32,
    pub totals: Totals,
    pub kind: &'static str,
    pub provisional: bool,
}
