//! Loose objects are looked at before libgit2 reads them: where the file of one ends too early,
//! libgit2 up to 1.9.7 waits for the rest for ever (libgit2 issue 7342, mended in its main branch).
//! Objects in packs it reads with care.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::{Decompress, FlushDecompress, Status};
use git2::{Commit, Error, ErrorClass, ErrorCode, ObjectType, Oid, Reference, Tree};

use super::repo::{FOLDER, Repo};

/// Beyond this, the text of an object is not kept: it is no commit.
const KEPT: usize = 1 << 20;

/// Unpacks a zlib stream and returns what it begins with; none where it has no end. A stream with
/// an error in it libgit2 refuses itself.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut stream = Decompress::new(true);
    // A tree or commit is small: filling more with zeros would take longer than reading it.
    let room = packed.len().saturating_mul(4).clamp(1 << 8, 1 << 16);
    let (mut text, mut part) = (Vec::new(), vec![0; room]);
    loop {
        let (read, made) = (stream.total_in(), stream.total_out());
        let rest = packed.get(usize::try_from(read).ok()?..)?;
        let status = stream.decompress(rest, &mut part, FlushDecompress::None);
        let new = part.get(..usize::try_from(stream.total_out() - made).ok()?)?;
        if text.len() < KEPT {
            text.extend_from_slice(new);
        }
        match status {
            Ok(Status::StreamEnd) | Err(_) => return Some(text),
            Ok(_) if stream.total_in() == read && new.is_empty() => return None,
            Ok(_) => {}
        }
    }
}

impl Repo {
    /// All files of loose objects, with the ids that they are named after.
    pub(super) fn loose_files(&self) -> impl Iterator<Item = (Oid, PathBuf)> {
        let folders = fs::read_dir(self.common_folder().join("objects"));
        let folders = folders
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|folder| {
                let start = folder.file_name().into_string().ok()?;
                (start.len() == 2).then(|| (start, folder.path()))
            });
        folders.flat_map(|(start, folder)| {
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            files.filter_map(move |file| {
                let rest = file.file_name().into_string().ok()?;
                let oid = Oid::from_str(&format!("{start}{rest}")).ok()?;
                Some((oid, file.path()))
            })
        })
    }

    /// Removes loose objects younger than `began` that cannot be read whole: a run that the power
    /// left had not flushed them yet. Git and libgit2 would take them for the objects that they are
    /// named after. Returns how many there were, and counts an index that cannot be read.
    pub(crate) fn drop_broken(&self, began: SystemTime) -> u64 {
        let mut broken = 0;
        if self.inner.index().is_err() && fs::remove_file(self.inner.path().join("index")).is_ok() {
            broken += 1;
        }
        let Ok(odb) = self.inner.odb() else { return 0 };
        let is_young = |path: &Path| {
            let made = fs::symlink_metadata(path).and_then(|data| data.modified());
            made.is_ok_and(|made| made >= began)
        };
        for (oid, path) in self.loose_files() {
            if is_young(&path)
                && self.check(oid).and_then(|()| odb.read(oid)).is_err()
                && fs::remove_file(path).is_ok()
            {
                broken += 1;
            }
        }
        broken
    }

    /// What a loose object begins with, its header before it; none where it is not loose. Fails
    /// where its file ends too early.
    fn loose(&self, oid: Oid) -> Result<Option<Vec<u8>>, Error> {
        let name = oid.to_string();
        let (folder, rest) = name.split_at(2);
        let Ok(packed) = fs::read(self.common_folder().join("objects").join(folder).join(rest))
        else {
            return Ok(None);
        };
        let damaged = || {
            Error::new(
                ErrorCode::GenericError,
                ErrorClass::Odb,
                format!("object {name} is damaged: its file ends too early"),
            )
        };
        unpack(&packed).map(Some).ok_or_else(damaged)
    }

    /// Fails where an object cannot be read to its end. Looked at once.
    pub(super) fn check(&self, oid: Oid) -> Result<(), Error> {
        if !self.checked.borrow().contains(&oid) {
            self.loose(oid)?;
            self.checked.borrow_mut().insert(oid);
        }
        Ok(())
    }

    pub(super) fn find_commit(&self, oid: Oid) -> Result<Commit<'_>, Error> {
        self.check(oid)?;
        self.inner.find_commit(oid)
    }

    pub(super) fn find_tree(&self, oid: Oid) -> Result<Tree<'_>, Error> {
        self.check(oid)?;
        self.inner.find_tree(oid)
    }

    /// The commit that a reference leads to.
    pub(super) fn peel(&self, reference: &Reference<'_>) -> Result<Oid, Error> {
        if let Some(target) = reference.resolve()?.target() {
            self.check(target)?;
        }
        Ok(reference.peel_to_commit()?.id())
    }

    /// Fails where a tree below `tree` or a file of attributes cannot be read to its end; with
    /// `files`, where any file cannot.
    pub(super) fn check_tree(&self, tree: Oid, files: bool) -> Result<(), Error> {
        for entry in &self.find_tree(tree)? {
            match entry.kind() {
                Some(ObjectType::Tree) if entry.filemode() == FOLDER => {
                    self.check_tree(entry.id(), files)?;
                }
                Some(ObjectType::Blob) if files || entry.name_bytes() == b".gitattributes" => {
                    self.check(entry.id())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Fails where a commit that a walk from `tips` comes by cannot be read to its end. Commits
    /// before a packed one are packed too.
    pub(super) fn check_history(&self, tips: &[Oid]) -> Result<(), Error> {
        let (mut todo, mut seen) = (tips.to_vec(), HashSet::new());
        while let Some(oid) = todo.pop() {
            let Some(text) = seen
                .insert(oid)
                .then(|| self.loose(oid))
                .transpose()?
                .flatten()
            else {
                continue;
            };
            let lines = text
                .split(|byte| *byte == b'\n')
                .map(|line| line.strip_prefix(b"parent ".as_slice()));
            // The first line is the header of the object and the tree.
            let parents = lines.skip(1).map_while(|id| std::str::from_utf8(id?).ok());
            todo.extend(parents.filter_map(|id| Oid::from_str(id).ok()));
        }
        Ok(())
    }
}
