//! The refs that a push moves, as git lists them to its hooks.

use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};

/// A ref that a push moves.
pub(crate) struct Update {
    pub(crate) name: String,
    /// `None`: the ref is new.
    pub(crate) old: Option<Oid>,
    /// `None`: the ref is deleted.
    pub(crate) new: Option<Oid>,
}

impl Update {
    /// Parses a line of `pre-push`: local ref, local id, remote ref, remote id.
    pub(crate) fn of_pre_push(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let [_, new, name, old] = words[..] else {
            return None;
        };
        Some(Self::new(name, old, new))
    }

    /// Parses a line of `pre-receive`: old id, new id, ref.
    pub(crate) fn of_pre_receive(line: &str) -> Option<Self> {
        let (old, rest) = line.split_once(' ')?;
        let (new, name) = rest.split_once(' ')?;
        Some(Self::new(name, old, new))
    }

    fn new(name: &str, old: &str, new: &str) -> Self {
        Self {
            name: name.to_owned(),
            old: id(old),
            new: id(new),
        }
    }
}

fn id(text: &str) -> Option<Oid> {
    Oid::from_str(text).ok().filter(|oid| !oid.is_zero())
}

/// The tree of a commit, if there is one.
pub(crate) fn tree(repo: &Repo, commit: Option<Oid>) -> Result<Option<Oid>, RepoError> {
    commit.map(|commit| repo.tree_of(commit)).transpose()
}

/// The commits that a push adds to those that `known` lead to.
pub(crate) fn new_commits(
    repo: &Repo,
    update: &Update,
    known: &[Oid],
) -> Result<Vec<Oid>, RepoError> {
    update
        .new
        .map_or(Ok(Vec::new()), |new| repo.new_commits(new, known))
}
