//! The join of two versions of one file: the same in `claude-sync` and in the merge driver.

use crate::base::ids::Interner;
use crate::format::FormatError;
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::store::layout::Path;

/// Joins two versions of the file at `path`. The manifest is not joined but computed, so here the greater bytes stand for it.
///
/// A version that cannot be read yields to one that can. A version of a later major format is an error: it must not be written over.
pub fn join(path: &Path, a: &[u8], b: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut names = Interner::default();
    match path {
        Path::Day(machine, day, _) => {
            let mut read = |bytes| DayFile::read(machine, *day, bytes, &mut names).map(|(file, _)| file);
            pick(a, b, read(a), read(b), |a, b| a.join(b).write().0)
        }
        Path::Machine(machine) => {
            let mut read = |bytes| SyncFile::read(machine, bytes, &mut names);
            pick(a, b, read(a), read(b), |a, b| a.join(b).write())
        }
        Path::Manifest | Path::Snapshot(_) | Path::Unknown | Path::Outside => Ok(a.max(b).to_vec()),
    }
}

fn pick<T>(
    a: &[u8],
    b: &[u8],
    left: Result<T, FormatError>,
    right: Result<T, FormatError>,
    join: impl Fn(T, T) -> String,
) -> Result<Vec<u8>, FormatError> {
    match (left, right) {
        (Err(newer @ FormatError::Newer(_)), _) | (_, Err(newer @ FormatError::Newer(_))) => Err(newer),
        (Ok(left), Ok(right)) => Ok(join(left, right).into_bytes()),
        (Ok(_), Err(_)) => Ok(a.to_vec()),
        (Err(_), Ok(_)) => Ok(b.to_vec()),
        (Err(_), Err(_)) => Ok(a.max(b).to_vec()),
    }
}
