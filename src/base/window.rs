//! Stretches of time: between two points, and as milliseconds.

use super::time::Timestamp;

/// The time from a first to a last point, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Window {
    /// The first point in time.
    pub(crate) first: Timestamp,
    /// The last point, not before the first one in what this tool writes.
    pub(crate) last: Timestamp,
}

impl Window {
    /// A single point in time.
    pub(crate) fn at(time: Timestamp) -> Self {
        Self {
            first: time,
            last: time,
        }
    }

    /// The smallest window that two windows are within.
    #[must_use]
    pub(crate) fn hull(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// All of its milliseconds.
    pub(crate) fn span(self) -> Span {
        Span {
            from: self.first.millis(),
            to: self.last.millis().saturating_add(1),
        }
    }
}

impl From<(Timestamp, Timestamp)> for Window {
    fn from((first, last): (Timestamp, Timestamp)) -> Self {
        Self { first, last }
    }
}

/// Milliseconds since 1970, without the end. They may lie out of the years that a [`Timestamp`] can
/// have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct Span {
    /// The first millisecond.
    pub(crate) from: i64,
    /// The one after the last.
    pub(crate) to: i64,
}

impl Span {
    /// All time, also before and after the years of a [`Timestamp`].
    pub(crate) const ALL: Self = Self {
        from: i64::MIN,
        to: i64::MAX,
    };

    /// Whether two spans have some time in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// The smallest span that two spans are within.
    #[must_use]
    pub(crate) fn hull(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// The same, longer by so many milliseconds on both sides.
    #[must_use]
    pub(crate) fn widened(self, by: i64) -> Self {
        Self {
            from: self.from.saturating_sub(by),
            to: self.to.saturating_add(by),
        }
    }

    /// Its length in milliseconds.
    pub(crate) fn length(self) -> i64 {
        self.to.saturating_sub(self.from)
    }
}

/// The smallest window that all of these are within; none of none.
pub(crate) fn hull(windows: impl IntoIterator<Item = Window>) -> Option<Window> {
    windows.into_iter().reduce(Window::hull)
}
