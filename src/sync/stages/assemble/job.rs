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
    pub repo: &'a Repo,
    pub machine: &'a MachineId,
    pub options: &'a Options,
    pub cache: &'a dyn Cache,
}

impl<'a> Assembly<'a> {
    /// A tree of the repository.
    pub fn view(self, root: Oid) -> View<'a> {
        View::new(self.repo, root, self.cache)
    }
}
