//! Commits: their messages, and how histories relate.

use std::collections::{BTreeMap, HashSet};

use git2::{ErrorCode, Oid, Revwalk};

use super::repo::{Repo, RepoError, git};

impl Repo {
    /// The best common ancestor.
    pub(crate) fn merge_base(&self, a: Oid, b: Oid) -> Result<Option<Oid>, RepoError> {
        if a == b {
            return Ok(Some(a));
        }
        match self
            .check_history(&[a, b])
            .and_then(|()| self.inner.merge_base(a, b))
        {
            Ok(base) => Ok(Some(base)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(RepoError::Git {
                what: "find a common ancestor".to_owned(),
                source,
            }),
        }
    }

    /// The newest commit of `head` that has the tree of one of `tip`, where they have no commit in
    /// common: `most` commits of each are looked through.
    pub(crate) fn counterpart(
        &self,
        tip: Oid,
        head: Oid,
        most: usize,
    ) -> Result<Option<Oid>, RepoError> {
        let mut trees = HashSet::new();
        for commit in self.walk(&[tip], git2::Sort::NONE)?.take(most) {
            trees.insert(self.tree_of(git("walk commits", commit)?)?);
        }
        for commit in self.walk(&[head], git2::Sort::TOPOLOGICAL)?.take(most) {
            let commit = git("walk commits", commit)?;
            if trees.contains(&self.tree_of(commit)?) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Subjects and bodies of the commits on `tip` that `base` does not have, newest first.
    pub(crate) fn messages(&self, tip: Oid, base: Option<Oid>) -> Result<Vec<String>, RepoError> {
        let mut walk = self.walk(&[tip], git2::Sort::NONE)?;
        if let Some(base) = base {
            git("walk commits", walk.hide(base))?;
        }
        let mut out = Vec::new();
        for id in walk.take(1000) {
            let commit = git("read a commit", id.and_then(|id| self.find_commit(id)))?;
            out.push(String::from_utf8_lossy(commit.message_bytes()).into_owned());
        }
        Ok(out)
    }

    /// The newest commits of `tip` with their time in seconds and their message, newest first.
    pub(crate) fn commits(
        &self,
        tip: Oid,
        most: usize,
    ) -> Result<Vec<(Oid, i64, String)>, RepoError> {
        self.newest(&[tip], most)
    }

    /// The newest commits that any ref leads to, or that `HEAD` ever was, as [`Self::commits`]
    /// gives them.
    pub(crate) fn versions(&self, most: usize) -> Result<Vec<(Oid, i64, String)>, RepoError> {
        let mut starts = self.tips()?;
        if let Ok(log) = self.inner.reflog("HEAD") {
            starts.extend(
                log.iter()
                    .map(|entry| entry.id_new())
                    .filter(|id| self.find_commit(*id).is_ok()),
            );
        }
        self.newest(&starts, most)
    }

    /// The newest of the last commits, from wherever git may have them, that has this blob at
    /// `path`.
    pub(crate) fn commit_with(
        &self,
        path: &str,
        blob: Oid,
        most: usize,
    ) -> Result<Option<Oid>, RepoError> {
        let mut starts = self.tips()?;
        for name in [
            "HEAD",
            "MERGE_HEAD",
            "FETCH_HEAD",
            "CHERRY_PICK_HEAD",
            "REBASE_HEAD",
            "REVERT_HEAD",
            "ORIG_HEAD",
        ] {
            let text = std::fs::read_to_string(self.inner.path().join(name)).unwrap_or_default();
            let ids = text
                .lines()
                .filter_map(|line| Oid::from_str(line.split_whitespace().next()?).ok());
            starts.extend(ids.filter(|id| self.find_commit(*id).is_ok()));
        }
        starts.extend(self.head_commit()?);
        for (commit, ..) in self.newest(&starts, most)? {
            if self
                .entry(Some(self.tree_of(commit)?), path)?
                .is_some_and(|entry| entry.oid == blob)
            {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// A walk over commits and those before them.
    fn walk(&self, starts: &[Oid], order: git2::Sort) -> Result<Revwalk<'_>, RepoError> {
        git("walk commits", self.check_history(starts))?;
        let mut walk = git("walk commits", self.inner.revwalk())?;
        git("walk commits", walk.set_sorting(order))?;
        for start in starts {
            git("walk commits", walk.push(*start))?;
        }
        Ok(walk)
    }

    fn newest(&self, starts: &[Oid], most: usize) -> Result<Vec<(Oid, i64, String)>, RepoError> {
        let walk = self.walk(starts, git2::Sort::TIME | git2::Sort::TOPOLOGICAL)?;
        let mut out = Vec::new();
        for id in walk.take(most) {
            let commit = git("read a commit", id.and_then(|id| self.find_commit(id)))?;
            out.push((
                commit.id(),
                commit.time().seconds(),
                String::from_utf8_lossy(commit.message_bytes()).into_owned(),
            ));
        }
        Ok(out)
    }

    /// The commit that a revision names, as git reads it: `HEAD~3`, a branch, the beginning of an
    /// id.
    pub(crate) fn revision(&self, text: &str) -> Option<Oid> {
        self.check_history(&self.tips().ok()?).ok()?;
        self.inner
            .revparse_single(text)
            .and_then(|object| object.peel_to_commit())
            .ok()
            .map(|commit| commit.id())
    }

    /// Whether an object is here.
    pub(crate) fn has(&self, oid: Oid) -> bool {
        self.inner.odb().is_ok_and(|odb| odb.exists(oid))
    }

    /// The commits that all refs name.
    pub(crate) fn tips(&self) -> Result<Vec<Oid>, RepoError> {
        let refs = git("list refs", self.inner.references())?;
        Ok(refs
            .flatten()
            .filter_map(|reference| self.peel(&reference).ok())
            .collect())
    }

    /// The commits of all refs that begin with `prefix`, by the rest of their names. Fails where
    /// one of them is missing; what is no commit is left out.
    pub(crate) fn tips_below(&self, prefix: &str) -> Result<BTreeMap<String, Oid>, RepoError> {
        let refs = git(
            "list refs",
            self.inner.references_glob(&format!("{prefix}*")),
        )?;
        let mut out = BTreeMap::new();
        for reference in refs.flatten() {
            let Some(name) = reference
                .name()
                .ok()
                .and_then(|name| name.strip_prefix(prefix))
            else {
                continue;
            };
            match (self.peel(&reference), reference.target()) {
                (Ok(commit), _) => drop(out.insert(name.to_owned(), commit)),
                (Err(error), Some(target)) if error.code() == ErrorCode::NotFound => {
                    return Err(RepoError::Missing(target));
                }
                (Err(_), _) => {}
            }
        }
        Ok(out)
    }

    /// Whether `tip` has `base` in its history.
    pub(crate) fn contains(&self, tip: Oid, base: Oid) -> Result<bool, RepoError> {
        let found = || {
            self.check_history(&[tip, base])
                .and_then(|()| self.inner.graph_descendant_of(tip, base))
        };
        Ok(tip == base || git("compare histories", found())?)
    }

    /// Whether two commits have one in common. A shallow clone may not know.
    pub(crate) fn are_related(&self, one: Oid, other: Oid) -> bool {
        self.check_history(&[one, other])
            .and_then(|()| self.inner.merge_base(one, other))
            .is_ok()
    }

    /// The commits on `tip` that none of `known` has, oldest first.
    pub(crate) fn new_commits(&self, tip: Oid, known: &[Oid]) -> Result<Vec<Oid>, RepoError> {
        let mut walk = self.walk(&[tip], git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
        for commit in known {
            git("walk commits", walk.hide(*commit))?;
        }
        git("walk commits", walk.collect())
    }
}
