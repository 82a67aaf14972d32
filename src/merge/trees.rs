//! The join of two trees, by object ids: what is equal is never opened.

use std::collections::{BTreeMap, BTreeSet};

use super::algebra;
use crate::fleet::DataError;
use crate::format::{FormatError, MAX_DAY_FILE, MAX_SYNC_FILE};
use crate::front;
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, FOLDER, Repo};
use crate::store::layout::Path;

/// Joins the folders `a` and `b` at `path`, and returns the joined tree.
///
/// With a `base`, a side that equals it gives way to the other, as in git. Without one, everything
/// that either side holds stays: that is what `sync` wants, where a base would let a revert win.
/// Where both sides changed a file, [`super::algebra::join`] decides.
pub(crate) fn join(
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
    let mine = repo.entries(Some(a))?;
    let sides = [&mine, &repo.entries(Some(b))?];
    let joined = entries(repo, Some(path), &repo.entries(base)?, sides)?;
    if joined.values().any(Option::is_none) {
        return Ok(Some(repo.write_tree(None, &kept(joined))?));
    }
    // Only what changed is written: most entries of a large folder are not.
    let mut changes = kept(joined);
    changes.retain(|name, entry| mine.get(name) != Some(entry));
    Ok(Some(repo.write_tree(Some(a), &changes)?))
}

/// The entries of a folder, by name.
type Entries = BTreeMap<String, Entry>;

/// What becomes of each entry that either of two folders has; none where it goes.
fn entries(
    repo: &Repo,
    path: Option<&str>,
    old: &Entries,
    [mine, theirs]: [&Entries; 2],
) -> Result<BTreeMap<String, Option<Entry>>, DataError> {
    let names: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
    let mut out = BTreeMap::new();
    for name in names {
        let inner = path.map_or_else(|| name.clone(), |path| format!("{path}/{name}"));
        // `sync` itself has no base: a base would let a revert win there.
        let base = old.get(name).copied().filter(|_| inner != "sync");
        let (mine, theirs) = (mine.get(name).copied(), theirs.get(name).copied());
        out.insert(name.clone(), entry(repo, &inner, base, mine, theirs)?);
    }
    Ok(out)
}

fn kept(entries: BTreeMap<String, Option<Entry>>) -> Entries {
    entries
        .into_iter()
        .filter_map(|(name, entry)| Some((name, entry?)))
        .collect()
}

/// Joins two root trees: `sync` without a base, other files with one, as git would.
pub(crate) fn join_roots(
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
    let sides = [&repo.entries(Some(a))?, &repo.entries(Some(b))?];
    let joined = entries(repo, None, &repo.entries(base)?, sides)?;
    Ok(Some(repo.write_tree(None, &kept(joined))?))
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
        // A file against a folder, or a mode of which the format has none: no figure depends on it,
        // but both machines must choose alike.
        (Some(a), Some(b)) => Ok(Some(a.max(b))),
    }
}

fn blob(repo: &Repo, path: &str, base: Option<Oid>, a: Oid, b: Oid) -> Result<Oid, DataError> {
    let kind = Path::parse(path);
    // Nobody reads these, or they are computed anew, and a blob that nobody reads may be of any
    // size.
    if matches!(
        kind,
        Path::Unknown | Path::Snapshot(_) | Path::Front | Path::Statement
    ) {
        return Ok(a.max(b));
    }
    let most = MAX_DAY_FILE.max(MAX_SYNC_FILE);
    match (repo.is_blob_within(a, most)?, repo.is_blob_within(b, most)?) {
        (true, true) => {}
        (true, false) => return Ok(a),
        (false, true) => return Ok(b),
        (false, false) => return Ok(a.max(b)),
    }
    match kind {
        Path::Readme | Path::Outside => text(repo, &kind, base, a, b),
        _ => data(repo, path, &kind, a, b),
    }
}

/// Joins two versions of a file of the user's own, or of the one that has the front page's block in
/// it.
fn text(repo: &Repo, kind: &Path, base: Option<Oid>, a: Oid, b: Oid) -> Result<Oid, DataError> {
    let base = base.map(|oid| repo.blob(oid)).transpose()?;
    let joined = if *kind == Path::Readme {
        front::join_readme(base.as_deref(), &repo.blob(a)?, &repo.blob(b)?)
    } else {
        // Ordered, so that two machines that join the same versions get the same text.
        Repo::merge_text(
            base.as_deref(),
            &repo.blob(a.min(b))?,
            &repo.blob(a.max(b))?,
        )
    };
    match joined {
        Some(text) => Ok(repo.write_blob(&text)?),
        None => Ok(a.max(b)),
    }
}

/// Joins two versions of a file below `sync`, as far as they may be read.
fn data(repo: &Repo, path: &str, kind: &Path, a: Oid, b: Oid) -> Result<Oid, DataError> {
    let (mine, theirs) = match (repo.read(path, a)?, repo.read(path, b)?) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        (Ok(_), Err(_)) => return Ok(a),
        (Err(_), Ok(_)) => return Ok(b),
        (Err(_), Err(_)) => return Ok(a.max(b)),
    };
    match algebra::join(kind, &mine, &theirs) {
        Ok(joined) => Ok(repo.write_file(path, &joined)?),
        // A version of a later format is not written over: it stays, is named, and stops nobody.
        Err(FormatError::Newer(_)) => Ok(
            match (
                algebra::is_newer(kind, &mine),
                algebra::is_newer(kind, &theirs),
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
