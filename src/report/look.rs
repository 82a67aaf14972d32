//! How tables look.

use crate::base::time::Timestamp;

/// How a table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The terminal's width in columns.
    pub(crate) width: u16,
    /// The clock, for how long ago something was.
    pub(crate) now: Timestamp,
    /// Few columns, on a terminal of any width.
    pub(crate) compact: bool,
}

impl Look {
    /// Whether there is room for all columns.
    pub(super) fn wide(self) -> bool {
        self.width >= WIDE && !self.compact
    }
}

/// From this width on, cache columns are shown.
const WIDE: u16 = 110;
