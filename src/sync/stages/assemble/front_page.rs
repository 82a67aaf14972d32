//! The front page in README.md, computed anew where it does not fit the files beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::DataError;
use crate::front::{There, compute};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, Repo};
use crate::store::layout;
use crate::sync::error::SyncError;
use crate::sync::view::View;

/// The tree with a front page that fits it. What is left of one that nobody wants is taken away.
pub(super) fn front_page(view: View<'_>) -> Result<Oid, SyncError> {
    let repo = view.repo;
    let there = There::read(repo, view.root)?;
    let split = there.split();
    let mut changes = BTreeMap::new();
    let Some(split) = split.filter(|_| !repo.is_sealing()) else {
        // What is encrypted is not shown beside it in clear.
        if let Some(split) = split {
            put(
                repo,
                &mut changes,
                layout::README,
                split.with("").as_bytes(),
            )?;
        }
        let root = if changes.is_empty() {
            view.root
        } else {
            view.with(&changes)?.root
        };
        let gone = there.files.into_keys().collect();
        return Ok(repo.without(root, &gone)?);
    };
    let new = match compute(repo, view.inputs()?, &there, view.cache) {
        Ok(Some(new)) => new,
        // Records do not wait for a picture of them.
        Ok(None) | Err(DataError::Front(_)) => return Ok(view.root),
        Err(error) => return Err(error.into()),
    };
    let readme = split.with(&new.block);
    put(repo, &mut changes, layout::README, readme.as_bytes())?;
    for (path, bytes) in &new.files {
        put(repo, &mut changes, path, bytes)?;
    }
    let gone = there.files.into_keys();
    let gone: BTreeSet<String> = gone.filter(|path| !new.files.contains_key(path)).collect();
    Ok(repo.without(view.with(&changes)?.root, &gone)?)
}

fn put(
    repo: &Repo,
    changes: &mut BTreeMap<String, Entry>,
    path: &str,
    bytes: &[u8],
) -> Result<(), SyncError> {
    let oid = repo.write_blob(bytes)?;
    changes.insert(path.to_owned(), Entry { mode: FILE, oid });
    Ok(())
}
