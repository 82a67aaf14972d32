//! Trees: what stands in them, and others made of them.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::names::is_allowed;
use super::repo::{Blob, Entry, FOLDER, Repo, RepoError, git};

impl Repo {
    /// A tree's entries by name, without those that git refuses.
    pub(crate) fn entries(&self, tree: Option<Oid>) -> Result<BTreeMap<String, Entry>, RepoError> {
        let Some(tree) = tree else {
            return Ok(BTreeMap::new());
        };
        let tree = git("read a tree", self.find_tree(tree))?;
        // A name that is no UTF-8 fits no grammar; it is carried by the trees it stands in and
        // never read.
        let allowed = tree.iter().filter(|entry| is_allowed(entry.name_bytes()));
        Ok(allowed
            .filter_map(|e| {
                Some((
                    e.name().ok()?.to_owned(),
                    Entry {
                        mode: e.filemode(),
                        oid: e.id(),
                    },
                ))
            })
            .collect())
    }

    /// What stands at `path` below a tree.
    pub(crate) fn entry(&self, tree: Option<Oid>, path: &str) -> Result<Option<Entry>, RepoError> {
        let Some(tree) = tree else {
            return Ok(None);
        };
        let mut at = git("read a tree", self.find_tree(tree))?;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        // Step by step: each tree is checked before libgit2 reads it.
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            let Some(oid) = at
                .get_name(folder)
                .filter(|entry| entry.filemode() == FOLDER)
                .map(|entry| entry.id())
            else {
                return Ok(None);
            };
            at = git("read a tree", self.find_tree(oid))?;
        }
        Ok(at.get_name(name).map(|entry| Entry {
            mode: entry.filemode(),
            oid: entry.id(),
        }))
    }

    /// The folder at `path` below a tree.
    pub(crate) fn folder(&self, tree: Option<Oid>, path: &str) -> Result<Option<Oid>, RepoError> {
        Ok(self
            .entry(tree, path)?
            .filter(|entry| entry.mode == FOLDER)
            .map(|entry| entry.oid))
    }

    /// All blobs below the folder at `path`, sorted by path.
    pub(crate) fn blobs(&self, tree: Option<Oid>, path: &str) -> Result<Vec<Blob>, RepoError> {
        self.folder(tree, path)?
            .map_or(Ok(Vec::new()), |folder| self.blobs_below(folder, path))
    }

    /// All blobs of a tree, their paths below `prefix`.
    pub(crate) fn blobs_below(&self, tree: Oid, prefix: &str) -> Result<Vec<Blob>, RepoError> {
        let mut out = Vec::new();
        self.collect(tree, prefix, 0, &mut out)?;
        Ok(out)
    }

    fn collect(
        &self,
        tree: Oid,
        prefix: &str,
        depth: usize,
        out: &mut Vec<Blob>,
    ) -> Result<(), RepoError> {
        if depth > 16 {
            return Ok(());
        }
        for (name, entry) in self.entries(Some(tree))? {
            let path = format!("{prefix}/{name}");
            if entry.mode == FOLDER {
                self.collect(entry.oid, &path, depth + 1, out)?;
            } else {
                out.push(Blob {
                    path,
                    mode: entry.mode,
                    oid: entry.oid,
                });
            }
        }
        Ok(())
    }

    /// Stores the tree `base` with these entries added or replaced. All other entries stay, except
    /// names that git refuses.
    pub(crate) fn write_tree(
        &self,
        base: Option<Oid>,
        entries: &BTreeMap<String, Entry>,
    ) -> Result<Oid, RepoError> {
        let base = base
            .map(|oid| git("read a tree", self.find_tree(oid)))
            .transpose()?;
        let mut builder = git("start a tree", self.inner.treebuilder(base.as_ref()))?;
        git(
            "build a tree",
            builder.filter(|entry| is_allowed(entry.name_bytes())),
        )?;
        for (name, entry) in entries {
            git(
                "build a tree",
                builder
                    .insert(name.as_str(), entry.oid, entry.mode)
                    .map(drop),
            )?;
        }
        git("store a tree", builder.write())
    }

    /// A tree with some paths replaced. Folders are made as needed.
    pub(crate) fn replace(
        &self,
        tree: Option<Oid>,
        changes: &BTreeMap<String, Entry>,
    ) -> Result<Oid, RepoError> {
        let mut here = self.entries(tree)?;
        let mut below: BTreeMap<String, BTreeMap<String, Entry>> = BTreeMap::new();
        for (path, entry) in changes {
            match path.split_once('/') {
                Some((folder, rest)) => {
                    below
                        .entry(folder.to_owned())
                        .or_default()
                        .insert(rest.to_owned(), *entry);
                }
                None => {
                    here.insert(path.clone(), *entry);
                }
            }
        }
        for (folder, inner) in below {
            let old = here
                .get(&folder)
                .filter(|entry| entry.mode == FOLDER)
                .map(|entry| entry.oid);
            let oid = self.replace(old, &inner)?;
            here.insert(folder, Entry { mode: FOLDER, oid });
        }
        self.write_tree(tree, &here)
    }

    /// A tree without some paths. A folder in which nothing is left goes too.
    pub(crate) fn without(&self, tree: Oid, paths: &BTreeSet<String>) -> Result<Oid, RepoError> {
        self.cut(tree, paths)?
            .map_or_else(|| self.write_tree(None, &BTreeMap::new()), Ok)
    }

    fn cut(&self, tree: Oid, paths: &BTreeSet<String>) -> Result<Option<Oid>, RepoError> {
        if paths.is_empty() {
            return Ok(Some(tree));
        }
        let base = git("read a tree", self.find_tree(tree))?;
        let mut builder = git("start a tree", self.inner.treebuilder(Some(&base)))?;
        let mut below: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for path in paths {
            match path.split_once('/') {
                Some((folder, rest)) => {
                    below.entry(folder).or_default().insert(rest.to_owned());
                }
                None if base.get_name(path).is_some() => git("build a tree", builder.remove(path))?,
                None => {}
            }
        }
        for (folder, inner) in below {
            let Some(entry) = base
                .get_name(folder)
                .filter(|entry| entry.filemode() == FOLDER)
            else {
                continue;
            };
            match self.cut(entry.id(), &inner)? {
                Some(oid) => git(
                    "build a tree",
                    builder.insert(folder, oid, FOLDER).map(drop),
                )?,
                None => git("build a tree", builder.remove(folder))?,
            }
        }
        if builder.is_empty() {
            Ok(None)
        } else {
            git("store a tree", builder.write()).map(Some)
        }
    }

    /// The files of the tree `to` that `from` has not, or has otherwise.
    pub(crate) fn differing(
        &self,
        from: Option<Oid>,
        to: Oid,
    ) -> Result<Vec<(String, Entry)>, RepoError> {
        let mut out = Vec::new();
        self.gained(from, Some(to), "", &mut out)?;
        Ok(out)
    }

    /// The files that `to` has and `from` has not, or has otherwise. False where `to` lacks
    /// something that `from` has.
    pub(super) fn gained(
        &self,
        from: Option<Oid>,
        to: Option<Oid>,
        prefix: &str,
        out: &mut Vec<(String, Entry)>,
    ) -> Result<bool, RepoError> {
        let (old, new) = (self.entries(from)?, self.entries(to)?);
        let mut only_more = old.keys().all(|name| new.contains_key(name));
        for (name, entry) in new {
            let before = old.get(&name);
            if before == Some(&entry) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.mode == FOLDER {
                only_more &= before.is_none_or(|before| before.mode == FOLDER);
                let below = before
                    .filter(|before| before.mode == FOLDER)
                    .map(|before| before.oid);
                only_more &= self.gained(below, Some(entry.oid), &format!("{path}/"), out)?;
            } else {
                only_more &= before.is_none_or(|before| before.mode == entry.mode);
                out.push((path, entry));
            }
        }
        Ok(only_more)
    }

    /// Merges two texts line by line; where both changed the same lines, both stay.
    pub(crate) fn merge_text(base: Option<&[u8]>, ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
        let mut inputs = [base.unwrap_or_default(), ours, theirs].map(|bytes| {
            let mut input = git2::MergeFileInput::new();
            input.content(bytes);
            input
        });
        if [ours, theirs].iter().any(|bytes| bytes.contains(&0)) {
            return None;
        }
        let mut options = git2::MergeFileOptions::new();
        options.favor(git2::FileFavor::Union);
        let [base, ours, theirs] = &mut inputs;
        let result = git2::merge_file(base, ours, theirs, Some(&mut options)).ok()?;
        result.is_automergeable().then(|| result.content().to_vec())
    }
}
