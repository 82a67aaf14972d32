//! The work tree: a projection of the commit below `sync`, the user's own elsewhere. It can be
//! late, and records never wait for it.

use std::path::{Path, PathBuf};

use git2::Oid;
use git2::build::CheckoutBuilder;

use super::process::Git;
use super::repo::{LATE, LATE_FROM, Repo, RepoError, git};

/// Why the work tree does not show what was synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// `HEAD` is on another branch, or on none.
    Elsewhere(Option<String>),
    /// An operation of the user's is unfinished.
    Operation(&'static str),
    /// Another git works there, or one was killed: this is its lock.
    Locked(PathBuf),
    /// The branch is checked out in another work tree.
    Another(PathBuf),
    /// The index, or a file in the way, with git's message.
    Obstacle(String),
}

impl Place {
    /// Whether the branch may move all the same, because nothing shows it.
    pub(crate) fn lets_branch_move(&self) -> bool {
        matches!(self, Self::Elsewhere(_))
    }
}

impl Repo {
    /// What keeps the work tree from showing the sync's branch; none where nothing does.
    pub(crate) fn obstacle(&self, branch: &str) -> Result<Option<Place>, RepoError> {
        let local = format!("refs/heads/{branch}");
        if let Some(tree) = self.other_tree(&local) {
            return Ok(Some(Place::Another(tree)));
        }
        let head = self.head_branch()?;
        if head.as_deref() != Some(branch) {
            let of_rebase = ["rebase-merge/head-name", "rebase-apply/head-name"]
                .map(|name| std::fs::read_to_string(self.inner.path().join(name)));
            if of_rebase
                .into_iter()
                .flatten()
                .any(|name| name.trim() == local)
            {
                return Ok(Some(Place::Operation("rebase")));
            }
            return Ok(Some(Place::Elsewhere(head)));
        }
        if let Some(operation) = self.operation() {
            return Ok(Some(Place::Operation(operation.name())));
        }
        let locks = [
            self.inner.path().join("index.lock"),
            self.inner.path().join("HEAD.lock"),
            self.common_folder().join(format!("{local}.lock")),
        ];
        Ok(locks
            .into_iter()
            .find(|lock| lock.exists())
            .map(Place::Locked))
    }

    /// Whether another git holds the lock of the index.
    pub(crate) fn is_index_locked(&self) -> bool {
        self.inner.path().join("index.lock").exists()
    }

    /// Remembers the commit that the sync's branch is at where the branch stays behind at another
    /// one, or that it does not.
    pub(crate) fn set_late(&self, late: Option<(Oid, Option<Oid>)>) -> Result<(), RepoError> {
        let values = match late {
            Some((commit, from)) => [Some(commit), from],
            None => [None, None],
        };
        for (name, value) in [LATE, LATE_FROM].into_iter().zip(values) {
            match (value, self.inner.find_reference(name)) {
                (Some(commit), _) => git(
                    "note what waits",
                    self.inner
                        .reference(name, commit, true, "claude-sync")
                        .map(drop),
                )?,
                (None, Ok(mut old)) => git("note what waits", old.delete())?,
                (None, Err(_)) => {}
            }
        }
        Ok(())
    }

    /// Another work tree in which a branch is checked out.
    fn other_tree(&self, local: &str) -> Option<PathBuf> {
        let own = self.inner.path().canonicalize().ok()?;
        let mut folders: Vec<PathBuf> = vec![self.common_folder().to_owned()];
        folders.extend(
            std::fs::read_dir(self.common_folder().join("worktrees"))
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path()),
        );
        let others = folders
            .into_iter()
            .filter(|folder| folder.canonicalize().is_ok_and(|folder| folder != own));
        let on_branch = |folder: &PathBuf| {
            std::fs::read_to_string(folder.join("HEAD"))
                .is_ok_and(|head| head.trim() == format!("ref: {local}"))
        };
        others.into_iter().find(on_branch)
    }

    /// Makes the work tree show `to`, where it showed `from`. An obstacle is returned where that
    /// cannot be done now.
    pub(crate) fn project(
        &self,
        process: &Git,
        from: Option<Oid>,
        to: Oid,
    ) -> Result<Option<Place>, RepoError> {
        if self.needs_git(process)? {
            return Ok(self
                .project_by_git(process, from, to)
                .err()
                .map(|error| Place::Obstacle(error.to_string())));
        }
        // Of a long history a run changes few files. Whether the others still show the commit is
        // looked at when nothing is new.
        let advanced = from
            .map_or(Ok(false), |from| self.advance(from, to))
            .and_then(|advanced| if advanced { Ok(()) } else { self.checkout(to) });
        match advanced {
            Ok(()) => Ok(None),
            Err(RepoError::Locked { reason, .. }) => Ok(Some(Place::Obstacle(reason))),
            Err(error) => Err(error),
        }
    }

    /// Whether the files below `sync` in the work tree are those of a tree.
    pub(crate) fn is_shown(&self, process: &Git, tree: Oid) -> Result<bool, RepoError> {
        if !self.needs_git(process)? {
            return self.shows(tree);
        }
        let _ = process.run(self.path(), &["update-index", "-q", "--refresh"]);
        Ok(process
            .run(
                self.path(),
                &["diff-index", "--quiet", &tree.to_string(), "--", "sync"],
            )
            .is_ok())
    }

    /// Whether libgit2 would get this work tree wrong: it knows no sparse checkout, and no index
    /// that is split or sparse.
    ///
    /// A split index is made whole here, and stays so.
    fn needs_git(&self, process: &Git) -> Result<bool, RepoError> {
        if process.settings(self.path())?.is_on("core.sparsecheckout") {
            return Ok(true);
        }
        if self.inner.index().is_ok() {
            return Ok(false);
        }
        let mut config = self.config()?;
        for name in ["core.splitIndex", "index.sparse", "index.skipHash"] {
            config
                .set_bool(name, false)
                .map_err(|source| RepoError::Git {
                    what: format!("set {name}"),
                    source,
                })?;
        }
        process.forget_settings();
        let _ = process.run(
            self.path(),
            &["update-index", "--no-split-index", "--force-write-index"],
        );
        if self.inner.index().is_ok() {
            return Ok(false);
        }
        // What git cannot read either is no index: it is made anew from the commit.
        let readable = process
            .run(self.path(), &["ls-files", "--", "sync/manifest.json"])
            .is_ok();
        Ok(readable || !self.set_aside(&self.inner.path().join("index"), "index"))
    }

    fn project_by_git(&self, process: &Git, from: Option<Oid>, to: Oid) -> Result<(), RepoError> {
        let to = to.to_string();
        let _ = process.run(self.path(), &["update-index", "-q", "--refresh"]);
        let from = from.map(|from| from.to_string());
        let mut args = vec!["read-tree", "-m", "-u"];
        args.extend(from.as_deref());
        args.push(&to);
        Ok(process.run(self.path(), &args).map(drop)?)
    }

    /// Whether the files below `sync` in the work tree are those of a tree.
    fn shows(&self, tree: Oid) -> Result<bool, RepoError> {
        git("read a tree", self.check_tree(tree, false))?;
        let index = git("read the index", self.inner.index())?;
        if let Some(attributes) = index.get_path(Path::new(".gitattributes"), 0) {
            git("read git's attributes", self.check(attributes.id))?;
        }
        if Self::hides(&index) {
            return self.shows_shown(tree, &index);
        }
        let tree = git("read a tree", self.find_tree(tree))?;
        let mut options = git2::DiffOptions::new();
        options
            .pathspec("sync")
            .disable_pathspec_match(true)
            .ignore_submodules(true);
        let diff = git(
            "compare the work tree",
            self.inner
                .diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options)),
        )?;
        Ok(diff.deltas().len() == 0)
    }

    /// Makes the work tree show a tree. What lies under `sync` is a projection and is overwritten;
    /// a user's own changes elsewhere stay.
    pub(crate) fn checkout(&self, tree: Oid) -> Result<(), RepoError> {
        let before = self
            .head_commit()?
            .map(|head| self.tree_of(head))
            .transpose()?;
        for tree in before.into_iter().chain([tree]) {
            git("read a file", self.check_tree(tree, false))?;
        }
        let (shown, hidden) = self.split_shown(self.differing(None, tree)?, None)?;
        for (_, entry) in &shown {
            git("read a file", self.check(entry.oid))?;
        }
        if !hidden.is_empty() {
            return self.checkout_shown(tree, &shown, &hidden);
        }
        let tree = git("read a tree", self.find_tree(tree))?;
        let mut index = git("read the index", self.inner.index())?;
        let lost = index.is_empty();
        let mut safe = CheckoutBuilder::new();
        safe.safe().allow_conflicts(true).recreate_missing(true);
        git(
            "write the work tree",
            self.inner.checkout_tree(tree.as_object(), Some(&mut safe)),
        )?;
        let mut force = CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).path("sync");
        git(
            "write the work tree",
            self.inner.checkout_tree(tree.as_object(), Some(&mut force)),
        )?;
        if lost {
            // Deleted: with half of it, the next `git commit` by hand would delete the rest.
            git(
                "write the index",
                index.read_tree(&tree).and_then(|()| index.write()),
            )?;
        }
        Ok(())
    }

    /// Makes a work tree that shows `from` show `to`, touching only what differs. Whether it showed
    /// `from` is not looked at.
    ///
    /// Returns false, having done nothing, where that takes more: files outside `sync` differ,
    /// files go away, or there is no index.
    fn advance(&self, from: Oid, to: Oid) -> Result<bool, RepoError> {
        let mut changed = Vec::new();
        if !self.gained(Some(from), Some(to), "", &mut changed)?
            || changed.iter().any(|(path, _)| !path.starts_with("sync/"))
        {
            return Ok(false);
        }
        let mut index = git("read the index", self.inner.index())?;
        if index.is_empty() {
            return Ok(false);
        }
        let (shown, hidden) = self.split_shown(changed, Some(&index))?;
        let mut force = CheckoutBuilder::new();
        force
            .force()
            .disable_pathspec_match(true)
            .update_index(true);
        for (path, entry) in &shown {
            git("read a file", self.check(entry.oid))?;
            force.path(path);
        }
        if !hidden.is_empty() {
            self.hide(&mut index, &hidden)?;
        }
        // Without a path all files would be meant.
        if shown.is_empty() {
            return Ok(true);
        }
        let to = git("read a tree", self.find_tree(to))?;
        // What is shown was written or fetched by this run, and hashed then. zlib's sums are still
        // looked at.
        git2::opts::strict_hash_verification(false);
        let written = self.inner.checkout_tree(to.as_object(), Some(&mut force));
        git2::opts::strict_hash_verification(true);
        git("write the work tree", written)?;
        Ok(true)
    }
}
