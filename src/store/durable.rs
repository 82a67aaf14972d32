//! The one way in which files outside git's object database are written.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::private;
use crate::base::text::printable;

/// A file could not be written. The file is as it was before.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}", path.display())]
pub(crate) struct WriteError {
    /// Its path on disk.
    pub(crate) path: PathBuf,
    /// The system's error.
    pub(crate) source: io::Error,
}

/// Replaces `path` by `bytes`, or leaves it as it was. Its folder is made if need be.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    private::make_folder(folder(path)).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })?;
    write_with(path, |out| out.write_all(bytes))
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Replaces `path` by what `content` writes, or leaves it as it was.
///
/// After a crash at any moment the file holds the old bytes or the new ones, never a mixture and
/// never nothing: the new content is written and flushed beside it under another name, then renamed
/// over it, then the folder is flushed. On return the change survives a power cut.
pub(crate) fn write_with(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let fail = |source| WriteError {
        path: path.to_owned(),
        source,
    };
    let folder = folder(path);
    let mut file = tempfile::Builder::new()
        .prefix(".claude-sync-")
        .tempfile_in(folder)
        .map_err(|error| fail(unnamed(&error)))?;
    let mut out = BufWriter::new(&mut file);
    content(&mut out).and_then(|()| out.flush()).map_err(fail)?;
    drop(out);
    if let Ok(old) = fs::metadata(path) {
        file.as_file()
            .set_permissions(old.permissions())
            .map_err(fail)?;
    }
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(folder).map_err(fail)
}

/// An error without the name of the temporary file, which the user did not choose.
fn unnamed(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let what = text.split(" at path ").next().unwrap_or_default();
    io::Error::new(error.kind(), what)
}

/// On macOS the standard library flushes with `F_FULLFSYNC`, as it does files.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Windows has no handle on folders to flush; its rename is journalled.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Replaces the folder at `path` by one that `content` fills, or leaves it as it was. A folder with
/// a file in it whose path below the folder `ours` rejects is left alone: that is an error.
pub(crate) fn replace_folder(
    path: &Path,
    ours: impl Fn(&Path) -> bool,
    content: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), WriteError> {
    let fail = |source| WriteError {
        path: path.to_owned(),
        source,
    };
    let exists = path.exists();
    if exists {
        refuse_others(path, ours).map_err(fail)?;
    }
    let around = folder(path);
    let stage = tempfile::Builder::new()
        .prefix(".claude-sync-")
        .tempdir_in(around)
        .map_err(|error| fail(unnamed(&error)))?;
    let (new, old) = (stage.path().join("new"), stage.path().join("old"));
    fs::create_dir(&new)
        .and_then(|()| content(&new))
        .map_err(fail)?;
    if exists {
        // The new one is readable to the same users as the old one.
        let shown = fs::metadata(path).map_err(fail)?.permissions();
        private::open_folder(&new, &shown).map_err(fail)?;
        fs::rename(path, &old).map_err(fail)?;
    }
    if let Err(error) = fs::rename(&new, path) {
        let _ = fs::rename(&old, path);
        return Err(fail(error));
    }
    sync_folder(around).map_err(fail)
}

/// Fails where a folder has something in it that is not ours, by its path below the folder.
fn refuse_others(folder: &Path, ours: impl Fn(&Path) -> bool) -> io::Result<()> {
    let mut files = files(folder, 0)?.into_iter();
    match files.find(|file| !file.strip_prefix(folder).is_ok_and(&ours)) {
        None => Ok(()),
        Some(other) => {
            let name = printable(&other.display().to_string(), 200);
            Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("there is something else in it: {name}"),
            ))
        }
    }
}

/// All that is no folder below a folder; a folder that is nested deeper than any that is written
/// here counts as such.
fn files(path: &Path, depth: usize) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && depth < 8 {
            out.extend(files(&entry.path(), depth + 1)?);
        } else {
            out.push(entry.path());
        }
    }
    Ok(out)
}
