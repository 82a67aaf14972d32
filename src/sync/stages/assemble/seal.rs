//! Seals every file below `sync` that is not sealed by the fleet's key yet.

use std::collections::BTreeMap;

use crate::base::ids::Interner;
use crate::format::MAX_DAY_FILE;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::sealed::{Seal, mark};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, Repo};
use crate::merge::algebra;
use crate::store::layout;
use crate::sync::error::SyncError;

/// A root tree in which everything below `sync` is sealed, if files are sealed here. What stands in
/// `base` is sealed already, if that is sealed by the fleet's key.
pub(super) fn sealed(repo: &Repo, root: Oid, base: Option<Oid>) -> Result<Oid, SyncError> {
    let Some(seal) = repo.seal().filter(|_| repo.is_sealing()) else {
        return Ok(root);
    };
    let base = match base {
        Some(tree) if repo.seal_of(tree)?.as_deref() == Some(seal.mark()) => Some(tree),
        _ => None,
    };
    let mut changes = BTreeMap::new();
    for (path, entry) in repo.differing(base, root)? {
        let is_data = entry.mode == FILE && path.starts_with("sync/");
        if !is_data || !repo.is_blob_within(entry.oid, MAX_DAY_FILE)? {
            continue;
        }
        if let Some(oid) = sealed_file(repo, seal, &path, entry.oid)? {
            changes.insert(path, Entry { mode: FILE, oid });
        }
    }
    for (path, text) in seal.statements() {
        if repo.entry(Some(root), &path)?.is_none() {
            let oid = repo.write_blob(text.as_bytes())?;
            changes.insert(path, Entry { mode: FILE, oid });
        }
    }
    Ok(repo.replace(Some(root), &changes)?)
}

/// A file sealed by the fleet's key; none where it is already, or cannot be opened and stays as it
/// is.
fn sealed_file(repo: &Repo, seal: &Seal, path: &str, oid: Oid) -> Result<Option<Oid>, SyncError> {
    let stored = repo.stored(oid)?;
    if mark(&stored).as_deref() == Some(seal.mark()) {
        return Ok(None);
    }
    let new = if let Some(renewed) = seal.renew_statement(path, &stored) {
        repo.write_blob(renewed.as_bytes())?
    } else {
        let Ok(text) = repo.read(path, oid)? else {
            return Ok(None);
        };
        repo.write_file(path, &marked(path, text))?
    };
    Ok((new != oid).then_some(new))
}

/// A day file as it is sealed first: what its checksums prove wrong is marked, so that from then on
/// a checksum that does not fit is damage.
fn marked(path: &str, text: Vec<u8>) -> Vec<u8> {
    let layout::Path::Day(machine, day, _) = layout::Path::parse(path) else {
        return text;
    };
    match DayFile::read(&machine, day, &text, &mut Interner::default()) {
        Ok((mut file, damage))
            if damage != Damage::default() && algebra::sides(&text).is_none() =>
        {
            damage
                .checksums
                .iter()
                .for_each(|session| file.mark_suspect(session));
            file.write().0.into_bytes()
        }
        _ => text,
    }
}
