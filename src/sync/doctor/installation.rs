//! What all checks look at, opened once.

use std::time::Duration;

use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::format::manifest::Manifest;
use crate::git::repo::{Repo, RepoError};
use crate::git::{Git, GitError, Oid};
use crate::store::config::{self, Config, ConfigError};
use crate::store::key::{self, KeyError};
use crate::store::machine_id::{self, IdError};
use crate::store::{Places, layout};
use crate::sync::options::Options;

/// How long the remote may be silent, at most: somebody is waiting for the answer.
const SILENCE: u64 = 30;

/// What all checks look at, opened once.
pub(super) struct Installation<'a> {
    pub(super) places: &'a Places,
    pub(super) options: &'a Options,
    pub(super) git: Result<Git, GitError>,
    pub(super) config: Result<Config, ConfigError>,
    pub(super) key: Result<Option<Key>, KeyError>,
    pub(super) machine: Result<Option<MachineId>, IdError>,
    pub(super) repo: Result<Option<Repo>, RepoError>,
}

impl<'a> Installation<'a> {
    pub(super) fn look(places: &'a Places, options: &'a Options) -> Self {
        let config = config::read(&places.config);
        let silence = config
            .as_ref()
            .map_or(SILENCE, |config| config.failures.silence.min(SILENCE));
        let key = key::read(&places.key);
        let seal = key.as_ref().ok().and_then(Option::as_ref);
        Self {
            git: Git::find(false).map(|git| git.with_silence(Duration::from_secs(silence))),
            repo: Repo::open(&places.repo).map(|repo| repo.map(|repo| repo.with_key(seal))),
            machine: machine_id::read(&places.machine_id),
            places,
            options,
            config,
            key,
        }
    }

    /// The repository, where it can be used at all.
    pub(super) fn repo(&self) -> Option<&Repo> {
        self.repo.as_ref().ok().and_then(Option::as_ref)
    }

    /// The tree of what was synced last.
    pub(super) fn root(&self) -> Option<Oid> {
        let repo = self.repo()?;
        repo.synced()
            .ok()
            .flatten()
            .and_then(|head| repo.tree_of(head).ok())
    }

    /// A file of what was synced last, in clear.
    pub(super) fn file(&self, path: &str) -> Option<Vec<u8>> {
        let repo = self.repo()?;
        let entry = repo.entry(Some(self.root()?), path).ok().flatten()?;
        repo.is_blob_within(entry.oid, crate::format::MAX_SYNC_FILE)
            .ok()
            .filter(|fits| *fits)?;
        repo.blob(entry.oid).ok()
    }

    /// The manifest of what was synced last.
    pub(super) fn manifest(&self) -> Option<Manifest> {
        Manifest::read(&self.file(layout::MANIFEST)?).ok()
    }
}
