//! What the next tree is joined from.

use crate::git::Oid;

/// The commits that the next tree is joined from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Starts {
    /// The remote's branch, if it was fetched.
    pub(crate) tip: Option<Oid>,
    /// The local branch.
    pub(crate) head: Option<Oid>,
    /// All that this clone has had.
    pub(crate) known: Option<Oid>,
    /// The branches of single machines, where each machine has one.
    pub(crate) others: Vec<Oid>,
    /// Older versions that are brought back.
    pub(crate) restored: Vec<Older>,
    /// What this clone has had may hold what an earlier version took over from somebody without the
    /// fleet's key.
    pub(crate) unscreened: bool,
}

impl Starts {
    /// The commits that may have this branch's newest manifest.
    pub(crate) fn commits(&self) -> impl Iterator<Item = Oid> + '_ {
        [self.tip, self.head, self.known].into_iter().flatten()
    }
}

/// An older version that is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Older {
    /// The commit.
    pub(crate) commit: Oid,
    /// A person vouches for it: it may be from before the fleet was encrypted, or from before its
    /// key changed.
    pub(crate) is_trusted: bool,
}
