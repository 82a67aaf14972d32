//! Ends what git left half-done, and puts right what no driver merged.
//!
//! Both sides of a conflict are at hand: the commits that are being joined, and the index's stages.
//! Below `sync` there is never anything to choose: the sides are joined. What is unmerged elsewhere
//! is the user's, and is left to them.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::view::View;
use crate::cache::Cache;
use crate::format::manifest::Basis;
use crate::git::repo::{Blob, Entry, FILE, FOLDER, Repo};
use crate::git::unfinished::{Operation, Stages};
use crate::git::{Git, Oid};
use crate::merge::trees;
use crate::store::layout::MANIFEST;

/// The most steps of one rebase that are settled one after the other.
const STEPS: u32 = 10_000;

/// Ends the operation that git left open, if there is one, and returns which.
///
/// Fails, and changes nothing outside `sync`, where files of the user's are unmerged, or where git
/// stopped on purpose.
pub(super) fn finish(
    repo: &Repo,
    git: &Git,
    basis: Basis,
    cache: &dyn Cache,
) -> Result<Option<Operation>, SyncError> {
    let Some(first) = repo.operation() else {
        return Ok(None);
    };
    for _ in 0..STEPS {
        let Some(operation) = repo.operation() else {
            break;
        };
        step(repo, git, operation, basis, cache)?;
    }
    Ok(Some(first))
}

/// Settles what is unmerged below `sync`, and lets the operation go on.
fn step(
    repo: &Repo,
    git: &Git,
    operation: Operation,
    basis: Basis,
    cache: &dyn Cache,
) -> Result<(), SyncError> {
    let stages = repo.stages()?;
    if is_on_purpose(repo, operation, &stages) {
        return Err(SyncError::Unfinished {
            path: repo.path().to_owned(),
            what: operation.name(),
        });
    }
    let head = repo.head_commit()?;
    if operation == Operation::Rebase && stages.unmerged.is_empty() {
        // Git took the step back, as where the driver gave up. It tries again.
        return go_on(repo, git, operation, head, false);
    }
    let sync = joined(repo, operation, head, &stages)?;
    let Some(root) = repo.settle(&files(repo, sync, basis, cache)?)? else {
        let unmerged = stages.unmerged.iter();
        let others = unmerged.filter(|path| !path.starts_with("sync/"));
        return Err(SyncError::Unmerged {
            path: repo.path().to_owned(),
            what: operation.name(),
            files: others.cloned().collect(),
        });
    };
    end(repo, git, operation, head, root)
}

/// Commits a settled tree, where that ends the operation; else lets git go on.
fn end(
    repo: &Repo,
    git: &Git,
    operation: Operation,
    head: Option<Oid>,
    root: Oid,
) -> Result<(), SyncError> {
    let empty = head.map(|head| repo.tree_of(head)).transpose()? == Some(root);
    let (parents, message): (Vec<Oid>, _) = match operation {
        Operation::Merge => (
            head.into_iter().chain(repo.operands()?).collect(),
            repo.prepared_message(),
        ),
        Operation::Unmerged if empty => return Ok(()),
        Operation::Unmerged => (
            head.into_iter().collect(),
            "join what was left unmerged\n".to_owned(),
        ),
        _ => {
            let skip = empty && operation != Operation::Rebase;
            return go_on(repo, git, operation, head, skip);
        }
    };
    let commit = repo.commit(git, root, &parents, &message)?;
    repo.flush()?;
    Ok(repo.end_operation(commit, head)?)
}

/// Whether git stopped where its user wanted it to.
fn is_on_purpose(repo: &Repo, operation: Operation, stages: &Stages) -> bool {
    match operation {
        Operation::Bisect => true,
        // Without unmerged files there is nothing to settle: either the step waits to be tried
        // again, or a person wants to look.
        Operation::Rebase => stages.unmerged.is_empty() && repo.stopped_on_purpose(),
        Operation::Am => stages.unmerged.is_empty(),
        Operation::Merge | Operation::CherryPick | Operation::Revert | Operation::Unmerged => false,
    }
}

/// Lets git take the next steps. That one of them conflicts is no failure; that nothing moves is.
fn go_on(
    repo: &Repo,
    git: &Git,
    operation: Operation,
    head: Option<Oid>,
    skip: bool,
) -> Result<(), SyncError> {
    match repo.go_on(git, operation, skip) {
        Err(error)
            if repo.operation().is_some()
                && repo.head_commit()? == head
                && repo.stages()?.unmerged.is_empty() =>
        {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// The joined folder `sync` of all sides.
fn joined(
    repo: &Repo,
    operation: Operation,
    head: Option<Oid>,
    stages: &Stages,
) -> Result<Option<Oid>, SyncError> {
    let sync = |commit: Option<Oid>| -> Result<Option<Oid>, SyncError> {
        let tree = commit.map(|commit| repo.tree_of(commit)).transpose()?;
        Ok(repo.folder(tree, "sync")?)
    };
    let mut out = sync(head)?;
    for operand in repo.operands()? {
        // A replayed commit brings what it changed; a merged one all that it has; one that is taken
        // back nothing, for records only grow.
        let base = match operation {
            Operation::Merge | Operation::Unmerged => None,
            Operation::Revert => continue,
            _ => repo.parents_of(operand)?.first().copied(),
        };
        out = trees::join(repo, "sync", sync(base)?, out, sync(Some(operand))?)?;
    }
    for side in [&stages.merged, &stages.sides[0], &stages.sides[1]] {
        let files: BTreeMap<_, _> = side
            .iter()
            .filter(|(path, _)| path.starts_with("sync/"))
            .map(|(p, e)| (p.clone(), *e))
            .collect();
        let tree = repo.replace(None, &files)?;
        out = trees::join(repo, "sync", None, out, repo.folder(Some(tree), "sync")?)?;
    }
    Ok(out)
}

/// All files below a folder `sync`, the manifest computed from the others.
fn files(
    repo: &Repo,
    sync: Option<Oid>,
    basis: Basis,
    cache: &dyn Cache,
) -> Result<BTreeMap<String, Entry>, SyncError> {
    let Some(oid) = sync else {
        return Ok(BTreeMap::new());
    };
    let folder = Entry { mode: FOLDER, oid };
    let root = repo.replace(None, &BTreeMap::from([("sync".to_owned(), folder)]))?;
    let blobs = repo.blobs(Some(root), "sync")?.into_iter();
    let entry = |blob: Blob| {
        let (mode, oid) = (blob.mode, blob.oid);
        (blob.path, Entry { mode, oid })
    };
    let mut files: BTreeMap<String, Entry> = blobs.map(entry).collect();
    let view = View::new(repo, root, cache);
    if !view.has_newer_manifest(basis) {
        let text = view.manifest(basis)?.write();
        let oid = repo.write_file(MANIFEST, text.as_bytes())?;
        files.insert(MANIFEST.to_owned(), Entry { mode: FILE, oid });
    }
    Ok(files)
}
