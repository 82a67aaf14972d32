//! Flushing what a git repository got: its objects and refs are many small files.
//!
//! Linux flushes the whole file system in one call, which costs less than a flush of each file and
//! orders them as well. macOS and Windows have no such call: there every file and folder that is
//! young is flushed. On macOS each goes to the drive, and one `F_FULLFSYNC` at the end empties the
//! drive's cache.

use std::io;
use std::path::Path;

/// Flushes everything written to the repository whose folder is `git`, and to the one that it
/// shares with other work trees. Afterwards it survives a power cut.
#[cfg(target_os = "linux")]
pub(crate) fn repository(git: &Path, _: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(std::fs::File::open(git)?)?)
}

/// Flushes everything written to the repository whose folder is `git`, and to the one that it
/// shares with other work trees. Afterwards it survives a power cut.
#[cfg(not(target_os = "linux"))]
pub(crate) fn repository(git: &Path, shared: &Path) -> io::Result<()> {
    let since = std::time::SystemTime::now().checked_sub(YOUNG);
    let mut paths = young(shared, since)?;
    if !git.starts_with(shared) {
        paths.extend(young(git, since)?);
    }
    for path in &paths {
        match flush(path) {
            // Another git packed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    empty_drive_cache(git)
}

/// How long ago a file may have been written that is flushed. The system writes by itself what is
/// older; a run that was killed may have left younger objects, which this one uses.
#[cfg(not(target_os = "linux"))]
const YOUNG: std::time::Duration = std::time::Duration::from_hours(1);

/// Files and folders below `folder`, and the folder itself, that changed since `since`; all where
/// that is not known. Links are not followed.
#[cfg(any(not(target_os = "linux"), test))]
fn young(
    folder: &Path,
    since: Option<std::time::SystemTime>,
) -> io::Result<Vec<std::path::PathBuf>> {
    let (mut out, mut todo) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = todo.pop() {
        let meta = match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if meta.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                todo.push(entry?.path());
            }
        } else if !meta.is_file() {
            continue;
        }
        if since.is_none_or(|since| meta.modified().is_ok_and(|time| time >= since)) {
            out.push(path);
        }
    }
    Ok(out)
}

/// Hands a file or folder to the drive.
#[cfg(all(unix, not(target_os = "linux")))]
fn flush(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::fsync(std::fs::File::open(path)?)?)
}

/// Flushes a file. Folders cannot be flushed there: their changes are journalled.
#[cfg(windows)]
fn flush(path: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(path)?;
    if meta.is_dir() {
        return Ok(());
    }
    let sync = || {
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        file.sync_all()
    };
    let mut permissions = meta.permissions();
    if !permissions.readonly() {
        return sync();
    }
    // Git's objects are read-only, and what is flushed must be open for writing.
    permissions.set_readonly(false);
    std::fs::set_permissions(path, permissions.clone())?;
    let done = sync();
    permissions.set_readonly(true);
    std::fs::set_permissions(path, permissions)?;
    done
}

#[cfg(target_vendor = "apple")]
fn empty_drive_cache(folder: &Path) -> io::Result<()> {
    let folder = std::fs::File::open(folder)?;
    // Some file systems, such as network drives, know no full flush.
    if rustix::fs::fcntl_fullfsync(&folder).is_err() {
        rustix::fs::fsync(&folder)?;
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn empty_drive_cache(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_is_young_is_flushed_and_nothing_else() {
        let root = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let file = |name: &str, age: u64| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            let file = File::create(&path).expect("made");
            let time = now - Duration::from_secs(age);
            file.set_modified(time).expect("set");
            path
        };
        let new = file("objects/aa/new", 10);
        let old = file("objects/aa/old", 10_000);
        let found = young(root.path(), Some(now - Duration::from_hours(1))).expect("read");
        assert!(found.contains(&new) && !found.contains(&old), "{found:?}");
        assert!(
            found.contains(&root.path().join("objects/aa")),
            "its folder has the name"
        );
        let all = young(root.path(), None).expect("read");
        assert!(all.contains(&old), "without a time all are flushed");
    }

    #[test]
    fn a_repository_is_flushed() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("HEAD"), "ref: refs/heads/main\n").expect("written");
        repository(root.path(), root.path()).expect("flushed");
        assert!(repository(&root.path().join("none"), root.path()).is_err());
    }
}
