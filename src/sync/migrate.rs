//! Brings the repository to the format of this version of the tool, in one commit.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::options::Options;
use super::settings::lock;
use crate::fleet::DataError;
use crate::format::migrate::{Shape, Step, Versions, migrate as migrate_file, version};
use crate::format::{MAX_DAY_FILE, MAX_SYNC_FILE};
use crate::git::repo::{Entry, FILE, Repo};
use crate::git::{Git, Oid};
use crate::store::layout::Path;
use crate::store::{Places, key};

/// What a migration found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Migrated {
    /// How many files had which version.
    pub(crate) versions: Versions,
    /// How many were changed.
    pub(crate) changed: u64,
    /// The commit; none where nothing was changed.
    pub(crate) commit: Option<Oid>,
}

/// Migrates all files of the checked-out branch by `steps`. The commit is pushed by the next sync.
/// None where there is no repository.
pub(crate) fn migrate(
    places: &Places,
    options: &Options,
    steps: &[Step],
) -> Result<Option<Migrated>, SyncError> {
    let (_lock, _) = lock(places, options)?;
    let key = key::read(&places.key)?;
    let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(key.as_ref())) else {
        return Ok(None);
    };
    let mut out = Migrated {
        versions: Versions::new(),
        changed: 0,
        commit: None,
    };
    let target = repo.target()?;
    let Some(head) = repo.position(&target)? else {
        return Ok(Some(out));
    };
    let root = repo.tree_of(head)?;
    if repo.seal_of(root)?.is_some() {
        repo.start_sealing();
    }
    let changes = changed_files(&repo, root, steps, &mut out.versions)?;
    out.changed = changes.len() as u64;
    if changes.is_empty() {
        return Ok(Some(out));
    }
    let to = steps.last().map_or("", |step| step.to);
    out.commit = Some(commit(&repo, options, head, &changes, to)?);
    Ok(Some(out))
}

/// Commits changed files on the sync's branch, and shows them in the work tree. `to`: the format
/// that they have now.
fn commit(
    repo: &Repo,
    options: &Options,
    head: Oid,
    changes: &BTreeMap<String, Entry>,
    to: &str,
) -> Result<Oid, SyncError> {
    let root = Some(repo.tree_of(head)?);
    let tree = repo.replace(root, changes)?;
    let git = Git::find(false)?.with_watcher(options.watcher.clone());
    let target = repo.target()?;
    if repo.obstacle(&target.branch)?.is_some() {
        return Err(SyncError::Unfinished {
            path: repo.path().to_owned(),
            what: "change of the work tree",
        });
    }
    let commit = repo.commit(&git, tree, &[head], &format!("migrate to format {to}\n"))?;
    repo.flush()?;
    repo.move_ref(&target.local(), Some(head), commit, "claude-sync migrate")?;
    repo.project(&git, root, tree)?;
    repo.flush()?;
    Ok(commit)
}

/// The files that the steps change. Counts in `versions` how many files have which version.
fn changed_files(
    repo: &Repo,
    root: Oid,
    steps: &[Step],
    versions: &mut Versions,
) -> Result<BTreeMap<String, Entry>, SyncError> {
    let mut changes = BTreeMap::new();
    let blobs = repo.blobs(Some(root), "sync")?.into_iter();
    for blob in blobs.filter(|blob| blob.mode == FILE) {
        let shape = match Path::parse(&blob.path) {
            Path::Manifest | Path::Machine(_) | Path::Snapshot(_) => Shape::Whole,
            Path::Day(..) => Shape::Lines,
            Path::Front | Path::Statement | Path::Readme | Path::Unknown | Path::Outside => {
                continue;
            }
        };
        if !repo.is_blob_within(blob.oid, MAX_DAY_FILE.max(MAX_SYNC_FILE))? {
            continue;
        }
        let Ok(bytes) = repo.read(&blob.path, blob.oid)? else {
            continue;
        };
        let count = versions
            .entry(version(shape, &bytes).unwrap_or_else(|| "none".to_owned()))
            .or_default();
        *count = count.saturating_add(1);
        let new = migrate_file(shape, &bytes, steps).map_err(|source| DataError::Format {
            path: blob.path.clone(),
            source,
        })?;
        if let Some(new) = new {
            let oid = repo.write_file(&blob.path, &new)?;
            changes.insert(blob.path, Entry { mode: FILE, oid });
        }
    }
    Ok(changes)
}
