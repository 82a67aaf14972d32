//! What git calls where both sides changed a file under `sync/`.
//!
//! It reads the three versions that git gives and objects of the repository, and writes only the
//! result, when that is complete.

use std::path::Path as FilePath;

use super::{algebra, trees};
use crate::base::key::Key;
use crate::cache::{Cache, overview};
use crate::fleet::DataError;
use crate::fleet::read::InputTrees;
use crate::format::manifest::{BASIS, Head, Inputs, Manifest};
use crate::format::sealed::{self, Seal, SealError};
use crate::format::{FormatError, MAX_DAY_FILE};
use crate::front;
use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};
use crate::store::durable::WriteError;
use crate::store::layout::{self, Path};

/// The driver gave up; git must stop and change nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    /// One of the three files that git made cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// Its path in the repository.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A version that must not be written over.
    #[error("{path} cannot be joined: {source}")]
    Format {
        /// The path in the repository.
        path: String,
        /// What is wrong with its content.
        source: FormatError,
    },
    /// A version that is encrypted by a key that is not here.
    #[error("{path} cannot be joined: {source}")]
    Sealed {
        /// The path in the repository.
        path: String,
        /// Why it cannot be opened.
        source: SealError,
    },
    /// Objects cannot be read or joined.
    #[error(transparent)]
    Merge(#[from] DataError),
    /// The repository cannot be opened or read.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

/// Merges `base`, `ours` and `theirs`, three files that git made, into `ours`. `path` is what they
/// are versions of.
pub(crate) fn run(
    base: &FilePath,
    ours: &FilePath,
    theirs: &FilePath,
    path: &str,
    key: impl FnOnce() -> Option<Key>,
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<(), DriverError> {
    // An unreadable base is an empty one: it only shows what both sides came from.
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
    if let Some(repo) = repo.ok().filter(|_| is_marked && seal.is_some()) {
        let repo = repo.with_key(key.as_ref());
        if let Some(chosen) = admitted(&repo, path, &mine, &other)? {
            return write(ours, &mine, chosen);
        }
    }
    let seal = seal.as_ref();
    let versions = Versions {
        path,
        base: &open(seal, path, old).unwrap_or_default(),
        ours: &open(seal, path, mine.clone())?,
        theirs: &open(seal, path, other)?,
    };
    let joined = versions.join(key.as_ref(), cache)?;
    let result = match seal {
        Some(seal) => seal.seal(path, &joined),
        None => joined,
    };
    write(ours, &mine, &result)
}

fn open(seal: Option<&Seal>, path: &str, bytes: Vec<u8>) -> Result<Vec<u8>, DriverError> {
    sealed::open(seal, bytes).map_err(|source| DriverError::Sealed {
        path: path.to_owned(),
        source,
    })
}

/// The version that holds in an encrypted fleet where one may not be read: joining it would make it
/// part of one that may. None where both are joined.
fn admitted<'v>(
    repo: &Repo,
    path: &str,
    mine: &'v [u8],
    other: &'v [u8],
) -> Result<Option<&'v [u8]>, DriverError> {
    let refused = |bytes: &[u8]| -> Result<bool, DriverError> {
        Ok(repo
            .admit(path, Repo::blob_id(bytes)?, bytes.to_vec())?
            .is_err())
    };
    Ok(match (refused(mine)?, refused(other)?) {
        (false, false) => None,
        (false, true) => Some(mine),
        (true, false) => Some(other),
        (true, true) => Some(mine.max(other)),
    })
}

/// Three versions of the file at a path, opened.
struct Versions<'v> {
    path: &'v str,
    base: &'v [u8],
    ours: &'v [u8],
    theirs: &'v [u8],
}

impl Versions<'_> {
    fn join(
        &self,
        key: Option<&Key>,
        cache: impl FnOnce() -> Box<dyn Cache>,
    ) -> Result<Vec<u8>, DriverError> {
        let format = |source| DriverError::Format {
            path: self.path.to_owned(),
            source,
        };
        let kind = Path::parse(self.path);
        match kind {
            Path::Manifest => {
                return merge_manifests(self, key, cache).map_err(|error| match error {
                    Failure::Format(source) => format(source),
                    Failure::Merge(error) => error.into(),
                    Failure::Repo(error) => error.into(),
                });
            }
            Path::Readme | Path::Front => {
                if let Some(result) = merge_front(self, cache)? {
                    return Ok(result);
                }
            }
            _ => {}
        }
        algebra::join(&kind, self.ours, self.theirs).map_err(format)
    }
}

/// Writes a result that is another than `old`, straight into git's temporary file: if this is cut
/// off, git throws the file away, and nothing else lies about.
fn write(path: &FilePath, old: &[u8], new: &[u8]) -> Result<(), DriverError> {
    if new == old {
        return Ok(());
    }
    Ok(std::fs::write(path, new).map_err(|source| WriteError {
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

/// The manifest of the trees that git is about to make. Each version names the trees that it was
/// computed from, so all three sides are at hand with any command of git: work tree, labels and
/// `MERGE_HEAD` show less, and some of them are wrong.
fn merge_manifests(
    versions: &Versions,
    key: Option<&Key>,
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<Vec<u8>, Failure> {
    let fallback = || fallback(versions.ours, versions.theirs);
    let (Ok(a), Ok(b)) = (Head::read(versions.ours), Head::read(versions.theirs)) else {
        return fallback();
    };
    let (Some(mine), Some(other)) = (a.inputs, b.inputs) else {
        return fallback();
    };
    if a.basis.max(b.basis) > BASIS {
        return fallback();
    }
    let base = Head::read(versions.base).ok().and_then(|m| m.inputs);
    let base = base.unwrap_or_default();
    let repo = Repo::from_environment()
        .map_err(Failure::Repo)?
        .with_key(key);
    if key.is_some() {
        repo.start_sealing();
    }
    repo.write_in_memory().map_err(Failure::Repo)?;
    let side = |pick: fn(&Inputs) -> Option<&str>, path| {
        join_side(&repo, path, pick(&base), pick(&mine), pick(&other))
    };
    let machines = side(|inputs| inputs.machines.as_deref(), layout::MACHINES)?;
    let archive = side(|inputs| inputs.archive.as_deref(), layout::ARCHIVE)?;
    let (Joined::Tree(machines), Joined::Tree(archive)) = (machines, archive) else {
        return fallback();
    };
    let cache = cache();
    let (manifest, held) =
        overview::manifest_and_scraps(&repo, InputTrees { machines, archive }, BASIS, &*cache)?;
    let bytes = manifest.write().into_bytes();
    // Git waits for this process to end.
    std::mem::forget((manifest, held));
    Ok(bytes)
}

/// So many commits are looked through for the ones that versions of the front page come from.
const COMMITS: usize = 2000;

/// A file of the front page, computed from the data of the two commits that these versions come
/// from. A version that no commit has stands for nothing: then there is none, and the next run
/// computes it.
fn merge_front(
    versions: &Versions,
    cache: impl FnOnce() -> Box<dyn Cache>,
) -> Result<Option<Vec<u8>>, DataError> {
    let Versions {
        path,
        base,
        ours,
        theirs,
    } = *versions;
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
        let side = |root| repo.folder(Some(root), folder);
        trees::join(&repo, folder, None, side(roots[0])?, side(roots[1])?)
    };
    let trees = InputTrees {
        machines: join(layout::MACHINES)?,
        archive: join(layout::ARCHIVE)?,
    };
    let Some(front) = front::compute(&repo, trees, &front::There::default(), &*cache())? else {
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

/// A manifest that both sides would choose, marked to be computed anew by a machine that can.
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
