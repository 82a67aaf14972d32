//! The join of two trees, by object ids: what is equal is never opened.

use std::collections::BTreeMap;

use crate::fleet::DataError;
use crate::format::FormatError;
use crate::front;
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, FOLDER, Repo};
use crate::store::layout::Path;

/// Joins the folders `a` and `b` at `path`, and returns the joined tree.
///
/// With a `base`, a side that equals it gives way to the other, as in git. Without one, everything that either side holds stays:
/// that is what `sync` wants, where a base would let a revert win. Where both sides changed a file, [`super::algebra::join`] decides.
pub fn join(
    repo: &Repo,
    path: &str,
    base: Option<Oid>,
    a: Option<Oid>,
    b: Option<Oid>,
) -> Result<Option<Oid>, DataError> {
    let (a, b) = match (a, b) {
        _ if a == b => return Ok(a),
        (_, _) if base.is_some() && a == base => return Ok(b),
        (_, _) if base.is_some() && b == base => return Ok(a),
        (Some(a), Some(b)) => (a, b),
        (only, None) | (None, only) => return Ok(only),
    };
    let (mine, theirs, old) = (
        repo.entries(Some(a))?,
        repo.entries(Some(b))?,
        repo.entries(base)?,
    );
    let mut changes = BTreeMap::new();
    let mut removed = false;
    let mut whole = BTreeMap::new();
    let names: std::collections::BTreeSet<_> = mine.keys().chain(theirs.keys()).collect();
    for name in names {
        let inner = format!("{path}/{name}");
        let before = mine.get(name).copied();
        let after = entry(
            repo,
            &inner,
            old.get(name).copied(),
            before,
            theirs.get(name).copied(),
        )?;
        match after {
            Some(after) => {
                whole.insert(name.clone(), after);
                if before != Some(after) {
                    changes.insert(name.clone(), after);
                }
            }
            None => removed = true,
        }
    }
    Ok(Some(if removed {
        repo.write_tree(None, &whole)?
    } else {
        repo.write_tree(Some(a), &changes)?
    }))
}

/// Joins two root trees: `sync` without a base, the user's own files with one, as git would.
pub fn join_roots(
    repo: &Repo,
    base: Option<Oid>,
    a: Option<Oid>,
    b: Option<Oid>,
) -> Result<Option<Oid>, DataError> {
    let (a, b) = match (a, b) {
        _ if a == b => return Ok(a),
        (Some(a), Some(b)) => (a, b),
        (only, None) | (None, only) => return Ok(only),
    };
    let (mine, theirs, old) = (
        repo.entries(Some(a))?,
        repo.entries(Some(b))?,
        repo.entries(base)?,
    );
    let mut whole = BTreeMap::new();
    for name in mine
        .keys()
        .chain(theirs.keys())
        .collect::<std::collections::BTreeSet<_>>()
    {
        let base = old.get(name).copied().filter(|_| name != "sync");
        if let Some(entry) = entry(
            repo,
            name,
            base,
            mine.get(name).copied(),
            theirs.get(name).copied(),
        )? {
            whole.insert(name.clone(), entry);
        }
    }
    Ok(Some(repo.write_tree(None, &whole)?))
}

fn entry(
    repo: &Repo,
    path: &str,
    base: Option<Entry>,
    a: Option<Entry>,
    b: Option<Entry>,
) -> Result<Option<Entry>, DataError> {
    let folder = |e: Option<Entry>| e.filter(|e| e.mode == FOLDER).map(|e| e.oid);
    match (a, b) {
        _ if a == b => Ok(a),
        _ if base.is_some() && a == base => Ok(b),
        _ if base.is_some() && b == base => Ok(a),
        (only, None) | (None, only) => Ok(only),
        (Some(a), Some(b)) if a.mode == FOLDER && b.mode == FOLDER => {
            let joined = join(repo, path, folder(base), Some(a.oid), Some(b.oid))?;
            Ok(joined.map(|oid| Entry { mode: FOLDER, oid }))
        }
        (Some(a), Some(b)) if a.mode == FILE && b.mode == FILE => {
            let base = base.filter(|base| base.mode == FILE).map(|base| base.oid);
            Ok(Some(Entry {
                mode: FILE,
                oid: blob(repo, path, base, a.oid, b.oid)?,
            }))
        }
        // A file against a folder, or a mode of which the format has none: no figure depends on it, but both machines must choose alike.
        (Some(a), Some(b)) => Ok(Some(a.max(b))),
    }
}

fn blob(repo: &Repo, path: &str, base: Option<Oid>, a: Oid, b: Oid) -> Result<Oid, DataError> {
    let kind = Path::parse(path);
    // Nobody reads these, or they are computed anew, and a blob that nobody reads may be of any size.
    if matches!(
        kind,
        Path::Unknown | Path::Snapshot(_) | Path::Front | Path::Statement
    ) {
        return Ok(a.max(b));
    }
    let most = crate::format::MAX_DAY_FILE.max(crate::format::MAX_SYNC_FILE);
    match (repo.is_blob_within(a, most)?, repo.is_blob_within(b, most)?) {
        (true, true) => {}
        (true, false) => return Ok(a),
        (false, true) => return Ok(b),
        (false, false) => return Ok(a.max(b)),
    }
    if kind == Path::Readme {
        let base = base.map(|oid| repo.blob(oid)).transpose()?;
        return match front::join_readme(base.as_deref(), &repo.blob(a)?, &repo.blob(b)?) {
            Some(text) => Ok(repo.write_blob(&text)?),
            None => Ok(a.max(b)),
        };
    }
    if kind == Path::Outside {
        // A file of the user's own. Ordered, so that two machines that join the same versions get the same text.
        let (first, second) = (a.min(b), a.max(b));
        let base = base.map(|oid| repo.blob(oid)).transpose()?;
        return match Repo::merge_text(base.as_deref(), &repo.blob(first)?, &repo.blob(second)?) {
            Some(text) => Ok(repo.write_blob(&text)?),
            None => Ok(second),
        };
    }
    let (mine, theirs) = match (repo.read(path, a)?, repo.read(path, b)?) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        (Ok(_), Err(_)) => return Ok(a),
        (Err(_), Ok(_)) => return Ok(b),
        (Err(_), Err(_)) => return Ok(a.max(b)),
    };
    match super::algebra::join(&kind, &mine, &theirs) {
        Ok(joined) => Ok(repo.write_file(path, &joined)?),
        // A version of a later format is not written over: it stays, is named, and stops nobody.
        Err(FormatError::Newer(_)) => Ok(
            match (
                super::algebra::is_newer(&kind, &mine),
                super::algebra::is_newer(&kind, &theirs),
            ) {
                (true, false) => a,
                (false, true) => b,
                _ => a.max(b),
            },
        ),
        Err(source) => Err(DataError::Format {
            path: path.to_owned(),
            source,
        }),
    }
}
