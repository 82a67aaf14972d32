//! The epoch of a history: which history of the shared branch holds since it was compacted last.
//!
//! A decision in a machine file names the first commit of the compacted history. It joins as all
//! decisions do: the highest revision holds. Histories that begin with another commit are older,
//! unless their first commit has the decision itself, as where `forget` begins one.

use crate::base::json::{Extra, Object};
use crate::format::syncfile::SyncFile;

/// The kind of decision: a compacted history. Its subject is [`SUBJECT`]; its member is `root`.
pub(crate) const COMPACTED: &str = "compacted";
/// The subject: the branch that all machines share.
pub(crate) const SUBJECT: &str = "history";
/// The member with the id of the first commit.
pub(crate) const ROOT: &str = "root";

/// A compacted history. Of two the greater holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch {
    /// The revision of the decision.
    pub(crate) revision: u64,
    /// Its members, as text.
    text: String,
    /// The id of the first commit, in hex.
    root: String,
}

impl Epoch {
    /// Reads a decision.
    fn read(revision: u64, members: &Extra) -> Option<Self> {
        let root = members.get(ROOT)?.as_str()?;
        Some(Self {
            revision,
            text: Object::new().extra(members).line(),
            root: root.to_owned(),
        })
    }

    /// The epoch that holds by these machine files; none where no history was compacted.
    pub(super) fn gather<'a>(files: impl IntoIterator<Item = &'a SyncFile>) -> Option<Self> {
        let decisions = files.into_iter().flat_map(|file| &file.decisions);
        decisions
            .filter(|((kind, subject, _), _)| kind == COMPACTED && subject == SUBJECT)
            .filter_map(|((_, _, revision), decision)| Self::read(*revision, &decision.0))
            .max()
    }

    /// Whether its history begins with this commit.
    pub(crate) fn begins_with(&self, commit: &str) -> bool {
        self.root == commit
    }
}
