//! Whose the folders are: a run as root would leave files that their owner cannot write.

use std::path::{Path, PathBuf};

use crate::store::Places;

/// The repository, or a part of it, is somebody else's.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "elsewhere folders have no such owner")
)]
pub(crate) enum OwnerError {
    /// This runs as root, and the folder is a user's.
    #[error("this runs as root, and {} belongs to another user (uid {owner})", path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A part of the repository belongs to another user.
    #[error("{} belongs to another user (uid {owner})", path.display())]
    Other {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
}

/// How to give a repository back to the user.
pub(crate) fn advice(repo: &Path) -> String {
    format!(
        "give it back to yourself: sudo chown -R \"$(id -un)\" '{}'",
        repo.display()
    )
}

/// Fails where a run would leave files behind that the owner of the folders cannot write, or could
/// not write itself.
#[cfg(unix)]
pub(crate) fn check(places: &Places) -> Result<(), OwnerError> {
    let me = rustix::process::geteuid().as_raw();
    let git_dir = places.repo.join(".git");
    let parts = [
        places.repo.clone(),
        git_dir.clone(),
        git_dir.join("objects"),
        git_dir.join("refs/heads"),
        git_dir.join("config"),
    ];
    for path in parts {
        let Some(owner) = owner(&path).filter(|owner| *owner != me) else {
            continue;
        };
        return Err(if me == 0 {
            OwnerError::Root { path, owner }
        } else {
            OwnerError::Other { path, owner }
        });
    }
    Ok(())
}

/// Elsewhere folders have no such owner.
#[cfg(not(unix))]
pub(crate) fn check(_: &Places) -> Result<(), OwnerError> {
    Ok(())
}

/// A folder of objects that belongs to another user, as after one run as root.
#[cfg(unix)]
pub(crate) fn foreign_objects(repo: &Path) -> Option<PathBuf> {
    let me = rustix::process::geteuid().as_raw();
    let folders = std::fs::read_dir(repo.join(".git/objects"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    folders
        .into_iter()
        .find(|path| owner(path).is_some_and(|owner| owner != me))
}

/// Elsewhere folders have no such owner.
#[cfg(not(unix))]
pub(crate) fn foreign_objects(_: &Path) -> Option<PathBuf> {
    None
}

#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|meta| meta.uid())
}
