//! What assembling a tree is given.

use crate::base::ids::MachineId;
use crate::cache::Cache;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::sync::options::Options;
use crate::sync::view::View;

/// The repository, the machine and the options that a tree is assembled for.
#[derive(Clone, Copy)]
pub(crate) struct Assembly<'a> {
    pub(crate) repo: &'a Repo,
    pub(crate) machine: &'a MachineId,
    pub(crate) options: &'a Options,
    pub(crate) cache: &'a dyn Cache,
}

impl<'a> Assembly<'a> {
    /// A tree of the repository.
    pub(crate) fn view(self, root: Oid) -> View<'a> {
        View::new(self.repo, root, self.cache)
    }
}
