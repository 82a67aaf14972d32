//! Files that a killed git command left in `.git`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache::index::Index;
use crate::git::stale;
use crate::store::Places;
use crate::sync::error::SyncError;
use crate::sync::options::Options;
use crate::sync::settings::lock;

/// A lock of git's that is younger may belong to a command that works right now.
const OLD: Duration = Duration::from_mins(10);

/// Locks and unfinished objects that are old.
pub(super) fn leftovers(places: &Places) -> Vec<PathBuf> {
    let git_dir = places.repo.join(".git");
    let old = SystemTime::now().checked_sub(OLD);
    let is_old = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
            .is_some_and(|at| old.is_some_and(|old| at < old))
    };
    stale::find(&git_dir)
        .into_iter()
        .filter(|path| is_old(path))
        .collect()
}

/// Removes locks and unfinished objects that nobody has touched for ten minutes, and an index that
/// is damaged or that is not trusted.
pub(crate) fn clear_leftovers(
    places: &Places,
    options: &Options,
    index: bool,
) -> Result<Vec<PathBuf>, SyncError> {
    let (_lock, _) = lock(places, options)?;
    if index || Index::defect(&places.state).is_some() {
        Index::remove(&places.state);
    }
    Ok(leftovers(places)
        .into_iter()
        .filter(|path| std::fs::remove_file(path).is_ok())
        .collect())
}
