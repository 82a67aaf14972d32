//! How tables look.

use crate::base::time::Timestamp;

/// How a table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The width of the output in columns; [`UNLIMITED`] where nothing has a width.
    pub(crate) width: u16,
    /// The clock, for how long ago something was.
    pub(crate) now: Timestamp,
    /// Few columns, in any width.
    pub(crate) compact: bool,
    /// Whether the heading is dim and the totals are bold.
    pub(crate) styled: bool,
    /// The columns to show. `None`: those that fit.
    pub(crate) columns: Option<ColumnSet>,
}

/// The width of output that has none, such as a file.
pub(crate) const UNLIMITED: u16 = u16::MAX;

/// A column that a table can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnName {
    /// Models, sorted by cost, descending.
    Models,
    /// The project of a session.
    Project,
    /// The machines of a session.
    Machine,
    /// The last activity of a session, or the last sync of a machine.
    Last,
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Tokens written to the cache.
    CacheCreate,
    /// Tokens read from the cache.
    CacheRead,
    /// All tokens.
    Total,
    /// Cost.
    Cost,
}

/// A set of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ColumnSet(u16);

impl ColumnSet {
    /// The set with one column more.
    #[must_use]
    pub(crate) fn with(self, name: ColumnName) -> Self {
        Self(self.0 | 1 << name as u16)
    }

    /// Whether it contains a column.
    pub(crate) fn contains(self, name: ColumnName) -> bool {
        self.0 & 1 << name as u16 != 0
    }
}
