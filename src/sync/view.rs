//! A tree of the repository as one value: where it is, which one, and the cache that saves reading
//! all of it.

use std::collections::BTreeMap;

use crate::base::ids::{Interner, MachineId};
use crate::cache::months::{self, Digested};
use crate::cache::{Cache, overview};
use crate::fleet::read::{self, Content, InputTrees, MachineData};
use crate::fleet::rules::Rules;
use crate::format::manifest::{Basis, Manifest};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{Entry, Repo};
use crate::store::layout;
use crate::sync::error::SyncError;

/// A root tree, and how it is read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) repo: &'a Repo,
    pub(crate) root: Oid,
    pub(crate) cache: &'a dyn Cache,
}

impl<'a> View<'a> {
    pub(crate) fn new(repo: &'a Repo, root: Oid, cache: &'a dyn Cache) -> Self {
        Self { repo, root, cache }
    }

    /// The tree of a commit.
    pub(crate) fn of_commit(
        repo: &'a Repo,
        commit: Oid,
        cache: &'a dyn Cache,
    ) -> Result<Self, SyncError> {
        Ok(Self::new(repo, repo.tree_of(commit)?, cache))
    }

    /// Another tree of the same repository.
    pub(crate) fn at(self, root: Oid) -> Self {
        Self { root, ..self }
    }

    /// The tree with these files added or replaced.
    pub(crate) fn with(self, changes: &BTreeMap<String, Entry>) -> Result<Self, SyncError> {
        Ok(self.at(self.repo.replace(Some(self.root), changes)?))
    }

    /// The folders that figures and the manifest are computed from: machine files, and day files.
    pub(crate) fn inputs(self) -> Result<InputTrees, SyncError> {
        Ok(read::inputs(self.repo, Some(self.root))?)
    }

    pub(crate) fn entry(self, path: &str) -> Result<Option<Entry>, SyncError> {
        Ok(self.repo.entry(Some(self.root), path)?)
    }

    /// A file's content; none where there is no such file.
    pub(crate) fn content(self, path: &str) -> Result<Option<Content>, SyncError> {
        let entry = self.entry(path)?;
        let content = entry.map(|entry| read::content(self.repo, path, entry.oid));
        Ok(content.transpose()?)
    }

    /// A file in clear, of any size; none where there is none, or where it may not be read.
    pub(crate) fn whole(self, path: &str) -> Result<Option<Vec<u8>>, SyncError> {
        let entry = self.entry(path)?;
        let read = entry.map(|entry| self.repo.read(path, entry.oid));
        Ok(read.transpose()?.and_then(Result::ok))
    }

    /// A machine's file; none where there is none that can be read.
    pub(crate) fn machine_file(self, machine: &MachineId) -> Result<Option<SyncFile>, SyncError> {
        Ok(match self.content(&layout::machine_path(machine))? {
            Some(Content::Bytes(bytes)) => {
                SyncFile::read(machine, &bytes, &mut Interner::default()).ok()
            }
            Some(Content::TooLarge(_) | Content::Refused(_)) | None => None,
        })
    }

    /// Digests of all portions; those of `machine` are needed file by file.
    pub(crate) fn digested(self, machine: &MachineId) -> Result<Vec<Digested>, SyncError> {
        let (all, ..) = months::digested(self.repo, self.inputs()?, Some(machine), self.cache)?;
        Ok(all)
    }

    /// All machines' data, read from all files.
    pub(crate) fn load(self) -> Result<Vec<MachineData>, SyncError> {
        Ok(read::load(self.repo, self.inputs()?)?)
    }

    /// The rules of the tree. Machine files that the cache has are not opened.
    pub(crate) fn rules(self) -> Result<Rules, SyncError> {
        let file = |path: &str, oid| self.cache.machine_file(path, oid);
        Ok(Rules::read(self.repo, self.root, file)?)
    }

    /// Whether a later version of this tool computed the manifest that is there: then that stays.
    /// One that cannot be read is computed anew.
    pub(crate) fn has_newer_manifest(self, basis: Basis) -> bool {
        let bytes = self.whole(layout::MANIFEST).ok().flatten();
        Manifest::read(&bytes.unwrap_or_default()).is_ok_and(|manifest| manifest.basis > basis)
    }

    /// The manifest, computed anew.
    pub(crate) fn manifest(self, basis: Basis) -> Result<Manifest, SyncError> {
        Ok(overview::manifest(
            self.repo,
            self.inputs()?,
            basis,
            self.cache,
        )?)
    }
}
