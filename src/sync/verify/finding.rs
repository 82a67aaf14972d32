//! What a check found to be wrong.

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something that was left behind: locks, unfinished objects.
    Leftover,
    /// The local index.
    Index,
    /// The merge driver, the attributes, the hooks.
    SetUp,
    /// A derived file does not fit the files that it is computed from, or the work tree does not
    /// fit the commit.
    Stale,
    /// No sync data, below `sync`.
    Foreign,
    /// A file or a line that cannot be read, or a checksum that fails.
    Damaged,
    /// Git's own objects.
    Objects,
    /// Files that may not be read, or were left out: a pusher without the fleet's key may have made
    /// them.
    LeftOut,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// What kind.
    pub(crate) kind: Kind,
    /// Which file or setting.
    pub(crate) subject: String,
    /// What is wrong with it.
    pub(crate) what: String,
}

pub(super) fn found(kind: Kind, subject: impl Into<String>, what: impl Into<String>) -> Finding {
    Finding {
        kind,
        subject: subject.into(),
        what: what.into(),
    }
}

/// A finding of [`Kind::Stale`].
pub(super) fn stale(subject: &str, what: &str) -> Finding {
    found(Kind::Stale, subject, what)
}
