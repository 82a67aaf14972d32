//! What the system states of a place: whether files can be made there, how much room there is, who
//! may read a file.

use std::path::Path;

/// The nearest folder or file above `path` that is there, or `path` itself.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|place| place.exists())
}

/// What keeps files from being made in the folder at `path`, or the folder itself from being made;
/// none where nothing does.
pub(crate) fn obstacle(path: &Path) -> Option<&'static str> {
    match nearest(path) {
        None => Some("is nowhere"),
        Some(place) if !place.is_dir() => Some("is no folder"),
        Some(place) if !is_writable(place) && place == path => Some("cannot be written"),
        Some(place) if !is_writable(place) => Some("cannot be made"),
        Some(_) => None,
    }
}

/// The room on a file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Which file system it is.
    pub(crate) system: u64,
    /// The bytes that are free for this user.
    pub(crate) free: u64,
}

/// The room on the file system that holds `path`, or would hold it; none where nobody knows.
#[cfg(unix)]
pub(crate) fn room(path: &Path) -> Option<Room> {
    let room = rustix::fs::statvfs(nearest(path)?).ok()?;
    // Some file systems have no size.
    (room.f_blocks > 0).then(|| Room {
        system: room.f_fsid,
        free: room.f_bavail.saturating_mul(room.f_frsize),
    })
}

/// Elsewhere nobody was asked yet.
#[cfg(not(unix))]
pub(crate) fn room(_: &Path) -> Option<Room> {
    None
}

/// Whether others than its owner may read or change the file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

/// Elsewhere the home folder's permissions hold.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    use rustix::fs::Access;
    rustix::fs::access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> bool {
    true
}
