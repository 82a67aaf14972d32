//! What a killed run left in `.git`: locks that nobody holds, and objects that were never finished.
//!
//! Git takes no lock back that it finds, since it cannot know who made it. We know when our own run
//! began that was killed: a lock that is older was there before it, and is somebody else's.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Removes what is younger than `began`, and returns what was removed. Only under the lock of the
/// state folder.
pub(crate) fn clear(git_dir: &Path, began: SystemTime) -> Vec<PathBuf> {
    let young = |path: &PathBuf| {
        fs::symlink_metadata(path)
            .and_then(|data| data.modified())
            .is_ok_and(|made| made >= began)
    };
    find(git_dir)
        .into_iter()
        .filter(young)
        .filter(|path| fs::remove_file(path).is_ok())
        .collect()
}

/// Locks, and objects that were not finished.
pub(crate) fn find(git_dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    // A maintenance that git started in the background goes on when the run that asked for it is
    // killed: its files are its own.
    let maintained =
        git_dir.join("objects/maintenance.lock").exists() || git_dir.join("gc.pid").exists();
    let mut folders = vec![git_dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let objects = folder.starts_with(git_dir.join("objects"));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let left = if objects {
                !maintained && (name.starts_with("tmp_") || name.contains("_git2_"))
            } else {
                name.strip_suffix(".lock").is_some() && !maintained_by_git(&name)
            };
            if kind.is_file() && left {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Locks of git's own background work.
fn maintained_by_git(name: &str) -> bool {
    ["gc.pid.lock", "maintenance.lock", "schedule.lock"].contains(&name)
}
