//! What git calls where both sides changed a file under `sync/`.
//!
//! It reads the three versions that git gives and objects of the repository, and writes only the result, when that is complete.

use std::path::Path as FilePath;

use super::{algebra, trees};
use crate::base::key::Key;
use crate::cache::{Cache, overview};
use crate::fleet::DataError;
use crate::format::manifest::{Head, Inputs, Manifest, RULES};
use crate::format::sealed::{self, Seal, SealError};
use crate::format::{FormatError, MAX_DAY_FILE};
use crate::front;
use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};
use crate::store::durable::WriteError;
use crate::store::layout::{self, Path};

/// The driver gave up; git must stop and change nothing.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// One of git's three files.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The result.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A version that must not be written over.
    #[error("{path} cannot be joined: {source}")]
    Format {
        /// The path in the repository.
        path: String,
        /// Why.
        source: FormatError,
    },
    /// A version that is encrypted by a key that is not here.
    #[error("{path} cannot be joined: {source}")]
    Sealed {
        /// The path in the repository.
        path: String,
        /// Why.
        source: SealError,
    },
    /// Objects.
    #[error(transparent)]
    Merge(#[from] DataError),
    /// The repository.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

/// Merges `base`, `ours` and `theirs`, three files that git made, into `ours`. `path` is what they are versions of.
pub fn run(
    base: &FilePath,
    ours: &FilePath,
    theirs: &FilePath,
    path: &str,
    key: impl FnOnce() -> Option<Key>,
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<(), DriverError> {
    let kind = Path::parse(path);
    // An unreadable base is an empty one: it only says what both sides came from.
    let old = std::fs::read(base).unwrap_or_default();
    let (mine, other) = (read(ours)?, read(theirs)?);
    let repo = Repo::from_environment();
    let is_marked = repo
        .as_ref()
        .is_ok_and(|repo| repo.sealed_mark().is_ok_and(|mark| mark.is_some()));
    let sealing = sealed::is_sealed(&mine)
        || sealed::is_sealed(&other)
        || is_marked && path.starts_with("sync/");
    let key = if sealing { key() } else { None };
    let seal = key.as_ref().map(Seal::new);
    let open = |bytes| {
        sealed::open(seal.as_ref(), bytes).map_err(|source| DriverError::Sealed {
            path: path.to_owned(),
            source,
        })
    };
    if let Some(repo) = repo.ok().filter(|_| is_marked && seal.is_some()) {
        // In an encrypted fleet a version that may not be read gives way: joining it would make it part of one that may.
        let repo = repo.with_key(key.as_ref());
        let refused = |bytes: &[u8]| -> Result<bool, DriverError> {
            Ok(repo
                .admit(path, Repo::blob_id(bytes)?, bytes.to_vec())?
                .is_err())
        };
        match (refused(&mine)?, refused(&other)?) {
            (false, false) => {}
            (false, true) => return Ok(()),
            (true, false) => return write(ours, &other),
            (true, true) => return write(ours, mine.as_slice().max(&other)),
        }
    }
    let (old, a, b) = (
        open(old).unwrap_or_default(),
        open(mine.clone())?,
        open(other)?,
    );
    let format = |source| DriverError::Format {
        path: path.to_owned(),
        source,
    };
    let result = match kind {
        Path::Manifest => {
            merge_manifests(&old, &a, &b, key.as_ref(), cache).map_err(|error| match error {
                Failure::Format(source) => format(source),
                Failure::Merge(error) => error.into(),
                Failure::Repo(error) => error.into(),
            })?
        }
        Path::Readme | Path::Front => match merge_front(path, &old, &a, &b, cache)? {
            Some(result) => result,
            None => algebra::join(&kind, &a, &b).map_err(format)?,
        },
        _ => algebra::join(&kind, &a, &b).map_err(format)?,
    };
    let result = seal.map_or(result.clone(), |seal| seal.seal(path, &result));
    if result != mine {
        write(ours, &result)?;
    }
    Ok(())
}

/// Straight into git's temporary file: if this is cut off, git throws the file away, and nothing else lies about.
fn write(path: &FilePath, bytes: &[u8]) -> Result<(), DriverError> {
    Ok(std::fs::write(path, bytes).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })?)
}

fn read(path: &FilePath) -> Result<Vec<u8>, DriverError> {
    let fail = |source| DriverError::Read {
        path: path.display().to_string(),
        source,
    };
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > MAX_DAY_FILE as u64 {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(DriverError::Format {
            path: path.display().to_string(),
            source: FormatError::TooLarge {
                size,
                most: MAX_DAY_FILE,
            },
        });
    }
    std::fs::read(path).map_err(fail)
}

enum Failure {
    Format(FormatError),
    Merge(DataError),
    Repo(RepoError),
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Merge(error)
    }
}

/// The manifest of the trees that git is about to make. Each version names the trees that it was computed from, so all three sides are
/// at hand whatever command git runs: work tree, labels and `MERGE_HEAD` tell less, and some of them wrongly.
fn merge_manifests(
    base: &[u8],
    ours: &[u8],
    theirs: &[u8],
    key: Option<&Key>,
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<Vec<u8>, Failure> {
    let (Ok(a), Ok(b)) = (Head::read(ours), Head::read(theirs)) else {
        return fallback(ours, theirs);
    };
    if a.rules.max(b.rules) > RULES {
        return fallback(ours, theirs);
    }
    let old = Head::read(base)
        .ok()
        .and_then(|m| m.inputs)
        .unwrap_or_default();
    let (Some(mine), Some(other)) = (a.inputs, b.inputs) else {
        return fallback(ours, theirs);
    };
    let repo = Repo::from_environment()
        .map_err(Failure::Repo)?
        .with_key(key);
    if key.is_some() {
        repo.start_sealing();
    }
    repo.write_in_memory().map_err(Failure::Repo)?;
    let side = |pick: fn(&Inputs) -> Option<&str>, path| {
        join_side(&repo, path, pick(&old), pick(&mine), pick(&other))
    };
    let machines = side(|inputs| inputs.machines.as_deref(), layout::MACHINES)?;
    let archive = side(|inputs| inputs.archive.as_deref(), layout::ARCHIVE)?;
    let (Joined::Tree(machines), Joined::Tree(archive)) = (machines, archive) else {
        return fallback(ours, theirs);
    };
    let cache = cache();
    let (manifest, scraps) =
        overview::manifest_and_scraps(&repo, machines, archive, RULES, &*cache)?;
    let bytes = manifest.write().into_bytes();
    // Git waits for this process to end.
    std::mem::forget((manifest, scraps));
    Ok(bytes)
}

/// So many commits are looked through for the ones that versions of the front page come from.
const COMMITS: usize = 2000;

/// A file of the front page, computed from the data of the two commits that these versions come from. A version that no commit has
/// stands for nothing: then there is none, and the next run computes it.
fn merge_front(
    path: &str,
    base: &[u8],
    ours: &[u8],
    theirs: &[u8],
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<Option<Vec<u8>>, DataError> {
    let repo = Repo::from_environment()?;
    repo.write_in_memory()?;
    let mut roots = Vec::new();
    for side in [ours, theirs] {
        let Some(commit) = repo.commit_with(path, Repo::blob_id(side)?, COMMITS)? else {
            return Ok(None);
        };
        roots.push(repo.tree_of(commit)?);
    }
    let join = |folder: &str| -> Result<Option<Oid>, DataError> {
        trees::join(
            &repo,
            folder,
            None,
            repo.folder(Some(roots[0]), folder)?,
            repo.folder(Some(roots[1]), folder)?,
        )
    };
    let inputs = (join(layout::MACHINES)?, join(layout::ARCHIVE)?);
    let Some(front) = front::compute(&repo, inputs, &front::There::default(), &*cache())? else {
        return Ok(None);
    };
    if path != layout::README {
        return Ok(front.files.get(path).cloned());
    }
    let Some(text) =
        front::join_readme(Some(base), ours, theirs).and_then(|text| String::from_utf8(text).ok())
    else {
        return Ok(None);
    };
    Ok(front::Split::of(&text).map(|split| split.with(&front.block).into_bytes()))
}

/// What became of one input.
enum Joined {
    /// The joined tree; none where neither side has one.
    Tree(Option<Oid>),
    /// Objects are missing here, as in a partial clone.
    Absent,
}

fn join_side(
    repo: &Repo,
    path: &str,
    base: Option<&str>,
    a: Option<&str>,
    b: Option<&str>,
) -> Result<Joined, Failure> {
    let find = |id: Option<&str>| match id {
        None => Joined::Tree(None),
        Some(id) => match Oid::from_str(id) {
            Ok(oid) if repo.entries(Some(oid)).is_ok() => Joined::Tree(Some(oid)),
            _ => Joined::Absent,
        },
    };
    let (Joined::Tree(a), Joined::Tree(b)) = (find(a), find(b)) else {
        return Ok(Joined::Absent);
    };
    let base = match find(base) {
        Joined::Tree(base) => base,
        Joined::Absent => None,
    };
    match trees::join(repo, path, base, a, b) {
        Ok(joined) => Ok(Joined::Tree(joined)),
        Err(DataError::Repo(_)) => Ok(Joined::Absent),
        Err(error) => Err(error.into()),
    }
}

/// A manifest that both sides would choose, marked to be computed anew by whoever can.
fn fallback(ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Failure> {
    let chosen = algebra::join(&Path::Manifest, ours, theirs).map_err(Failure::Format)?;
    let Ok(manifest) = Manifest::read(&chosen) else {
        return Ok(chosen);
    };
    Ok(Manifest {
        inputs: None,
        ..manifest
    }
    .write()
    .into_bytes())
}
