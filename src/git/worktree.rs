//! The work tree: a projection of the commit below `sync`, the user's own elsewhere.

use std::path::Path;

use git2::Oid;
use git2::build::CheckoutBuilder;

use super::repo::{Repo, RepoError, git};

impl Repo {
    /// Whether the files below `sync` in the work tree are those of a tree.
    pub fn shows(&self, tree: Oid) -> Result<bool, RepoError> {
        git("read a tree", self.check_tree(tree, false))?;
        let index = git("read the index", self.inner.index())?;
        if let Some(attributes) = index.get_path(Path::new(".gitattributes"), 0) {
            git("read git's attributes", self.check(attributes.id))?;
        }
        let tree = git("read a tree", self.find_tree(tree))?;
        let mut options = git2::DiffOptions::new();
        options.pathspec("sync").disable_pathspec_match(true).ignore_submodules(true);
        let diff = git("compare the work tree", self.inner.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options)))?;
        Ok(diff.deltas().len() == 0)
    }

    /// Makes the work tree show a tree. What lies under `sync` is a projection and is overwritten; a user's own changes elsewhere stay.
    pub fn checkout(&self, tree: Oid) -> Result<(), RepoError> {
        let shown = self.head_commit()?.map(|head| self.tree_of(head)).transpose()?;
        for tree in shown.into_iter().chain([tree]) {
            git("read a file", self.check_tree(tree, true))?;
        }
        let tree = git("read a tree", self.find_tree(tree))?;
        let mut index = git("read the index", self.inner.index())?;
        let lost = index.is_empty();
        let mut safe = CheckoutBuilder::new();
        safe.safe().allow_conflicts(true).recreate_missing(true);
        git("write the work tree", self.inner.checkout_tree(tree.as_object(), Some(&mut safe)))?;
        let mut force = CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).path("sync");
        git("write the work tree", self.inner.checkout_tree(tree.as_object(), Some(&mut force)))?;
        if lost {
            // Deleted: with half of it, the next `git commit` by hand would delete the rest.
            git("write the index", index.read_tree(&tree).and_then(|()| index.write()))?;
        }
        Ok(())
    }

    /// Makes a work tree that shows `from` show `to`, touching only what differs. Whether it showed `from` is not looked at.
    ///
    /// Says false, having done nothing, where that takes more: files outside `sync` differ, files go away, or there is no index.
    pub fn advance(&self, from: Oid, to: Oid) -> Result<bool, RepoError> {
        let mut changed = Vec::new();
        if !self.gained(Some(from), Some(to), "", &mut changed)? || changed.iter().any(|(path, _)| !path.starts_with("sync/")) {
            return Ok(false);
        }
        let mut force = CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).update_index(true);
        for (path, entry) in &changed {
            git("read a file", self.check(entry.oid))?;
            force.path(path);
        }
        let to = git("read a tree", self.find_tree(to))?;
        if git("read the index", self.inner.index())?.is_empty() {
            return Ok(false);
        }
        // What is shown was written or fetched by this run, and hashed then. zlib's sums are still looked at.
        git2::opts::strict_hash_verification(false);
        let shown = self.inner.checkout_tree(to.as_object(), Some(&mut force));
        git2::opts::strict_hash_verification(true);
        git("write the work tree", shown)?;
        Ok(true)
    }
}
