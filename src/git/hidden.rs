//! What of a tree the work tree does not show: below `sync` what is carried and never read, and
//! everywhere what is too much, or what this system cannot hold. A small push must not fill the
//! disk.
//!
//! Such files are in the index with git's own mark for what is not checked out (skip-worktree), so
//! that `git status` stays clean, and `git add` and `git commit` keep them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Index, IndexEntry, IndexEntryExtendedFlag, ObjectType, Oid};

use super::holds::{FileSystem, Taken};
use super::index::index_entry;
use super::repo::{Entry, FILE, Repo, RepoError, git};
use crate::store::layout;

/// The largest file below `sync` that is shown. A part of a day is closed at 1 MB.
const LARGEST: u64 = 4 << 20;

/// The bytes that all files together may have.
const BYTES: u64 = 512 << 20;

/// How many files are shown.
const FILES: u64 = 100_000;

/// So few new files, and new bytes, are shown without a look at the existing files.
const FEW: (u64, u64) = (100, 1 << 20);

/// A file of a tree.
type Found = (String, Entry);

/// What the work tree holds, or will.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    files: u64,
    bytes: u64,
}

impl Room {
    /// What the files take that an index shows.
    fn of(index: &Index) -> Self {
        index
            .iter()
            .filter(|entry| !is_skipped(entry))
            .fold(Self::default(), |room, entry| {
                room.with(entry.file_size.into())
            })
    }

    fn with(self, bytes: u64) -> Self {
        Self {
            files: self.files.saturating_add(1),
            bytes: self.bytes.saturating_add(bytes),
        }
    }

    fn fits(self) -> bool {
        self.files <= FILES && self.bytes <= BYTES
    }
}

fn is_skipped(entry: &IndexEntry) -> bool {
    entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
}

impl Repo {
    /// The size of a file that is to be shown; none where it is not.
    fn shown_size(&self, (path, entry): &Found) -> Result<Option<u64>, RepoError> {
        let kind = layout::Path::parse(path);
        let is_ours = path.starts_with("sync/");
        if is_ours && (entry.mode != FILE || kind == layout::Path::Unknown) {
            return Ok(None);
        }
        // A submodule has no bytes here.
        let size = if entry.mode == 0o160_000 {
            0
        } else {
            self.blob_size(entry.oid)?.unwrap_or(0) as u64
        };
        Ok((!is_ours || size <= LARGEST).then_some(size))
    }

    /// Splits files into those that are shown and those that are not, beside what an index shows
    /// already.
    pub(super) fn split_shown(
        &self,
        files: Vec<Found>,
        index: Option<&Index>,
    ) -> Result<(Vec<Found>, Vec<Found>), RepoError> {
        let sizes = files
            .iter()
            .map(|file| self.shown_size(file))
            .collect::<Result<Vec<_>, _>>()?;
        let new = sizes
            .iter()
            .flatten()
            .fold(Room::default(), |room, size| room.with(*size));
        let few = (new.files, new.bytes) <= FEW && new.bytes <= FEW.1;
        let mut room = match index {
            Some(index) if !few || index.len() > usize::try_from(FILES / 2).unwrap_or(0) => {
                Room::of(index)
            }
            _ => Room::default(),
        };
        let mut taken = Taken::new(FileSystem::HERE, Self::taken(&files, index));
        let (mut shown, mut hidden) = (Vec::new(), Vec::new());
        for (file, size) in files.into_iter().zip(sizes) {
            let size = size.filter(|_| taken.take(&file.0));
            match size.map(|size| room.with(size)).filter(|room| room.fits()) {
                Some(more) => {
                    room = more;
                    shown.push(file);
                }
                None => hidden.push(file),
            }
        }
        Ok((shown, hidden))
    }

    /// The paths that an index shows beside these files, where names that differ in case are one.
    fn taken<'a>(
        files: &[Found],
        index: Option<&'a Index>,
    ) -> impl Iterator<Item = String> + use<'a> {
        let new: BTreeSet<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let index = index.filter(|_| FileSystem::HERE.folds);
        let shown = index.into_iter().flat_map(Index::iter);
        let shown = shown.filter(|entry| !is_skipped(entry));
        shown
            .filter_map(|entry| String::from_utf8(entry.path).ok())
            .filter(move |path| !new.contains(path))
    }

    /// Makes the work tree show a tree of which some files are hidden.
    pub(super) fn checkout_shown(
        &self,
        tree: Oid,
        shown: &[Found],
        hidden: &[Found],
    ) -> Result<(), RepoError> {
        let whole = git("read a tree", self.find_tree(tree))?;
        let mut index = git("read the index", self.inner.index())?;
        if index.is_empty() {
            git("write the index", index.read_tree(&whole))?;
        }
        let kept: BTreeSet<&str> = shown.iter().map(|(path, _)| path.as_str()).collect();
        self.remove_others(&mut index, &kept, hidden)?;
        self.hide(&mut index, hidden)?;
        let (ours, others): (Vec<&str>, Vec<&str>) =
            kept.into_iter().partition(|path| path.starts_with("sync/"));
        let mut safe = CheckoutBuilder::new();
        safe.safe().allow_conflicts(true).recreate_missing(true);
        let mut force = CheckoutBuilder::new();
        force.force();
        for (mut how, paths) in [(safe, others), (force, ours)] {
            how.disable_pathspec_match(true);
            for path in &paths {
                how.path(*path);
            }
            if !paths.is_empty() {
                git(
                    "write the work tree",
                    self.inner.checkout_tree(whole.as_object(), Some(&mut how)),
                )?;
            }
        }
        Ok(())
    }

    /// Removes what is below `sync` in the index and the work tree, and neither shown nor hidden of
    /// the tree.
    fn remove_others(
        &self,
        index: &mut Index,
        kept: &BTreeSet<&str>,
        hidden: &[Found],
    ) -> Result<(), RepoError> {
        let hidden: BTreeSet<&str> = hidden.iter().map(|(path, _)| path.as_str()).collect();
        let others: Vec<String> = index
            .iter()
            .filter_map(|entry| String::from_utf8(entry.path).ok())
            .filter(|path| path.starts_with("sync/"))
            .filter(|path| !kept.contains(path.as_str()) && !hidden.contains(path.as_str()))
            .collect();
        for path in others {
            self.remove_shown(&path);
            git("write the index", index.remove(Path::new(&path), 0))?;
        }
        Ok(())
    }

    /// Takes hidden files into the index, and what was shown of them out of the work tree.
    pub(super) fn hide(&self, index: &mut Index, hidden: &[Found]) -> Result<(), RepoError> {
        for (path, entry) in hidden {
            if index
                .get_path(Path::new(path), 0)
                .is_some_and(|there| !is_skipped(&there))
            {
                self.remove_shown(path);
            }
            let new = index_entry(path, *entry, IndexEntryExtendedFlag::SKIP_WORKTREE);
            // A name that git lets nobody check out is in no index either.
            let _ = index.add(&new);
        }
        git("write the index", index.write())
    }

    /// Removes a file of the work tree, and the folders that are empty without it. What lies behind
    /// a link is not ours.
    fn remove_shown(&self, path: &str) {
        let mut place = self.path().to_owned();
        let mut folders = Vec::new();
        for part in path.split('/') {
            if !fs::symlink_metadata(&place).is_ok_and(|there| there.is_dir()) {
                return;
            }
            folders.push(place.clone());
            place.push(part);
        }
        let _ = fs::remove_file(&place);
        // Those that are not empty stay, and those above them: the work tree's top, and `sync`.
        folders
            .into_iter()
            .skip(2)
            .rev()
            .take_while(|folder| fs::remove_dir(folder).is_ok())
            .for_each(drop);
    }

    /// Whether something in the index is hidden.
    pub(super) fn hides(index: &Index) -> bool {
        index.iter().any(|entry| is_skipped(&entry))
    }

    /// Whether the files below `sync` in the work tree are those of a tree, except hidden ones.
    pub(super) fn shows_shown(&self, tree: Oid, index: &Index) -> Result<bool, RepoError> {
        let tree = git("read a tree", self.find_tree(tree))?;
        let mut options = git2::DiffOptions::new();
        options
            .pathspec("sync")
            .disable_pathspec_match(true)
            .ignore_submodules(true);
        let staged = git(
            "compare the index",
            self.inner
                .diff_tree_to_index(Some(&tree), Some(index), Some(&mut options)),
        )?;
        if staged.deltas().len() > 0 {
            return Ok(false);
        }
        let mut shown = index
            .iter()
            .filter(|entry| entry.path.starts_with(b"sync/") && !is_skipped(entry));
        Ok(shown.all(|entry| {
            std::str::from_utf8(&entry.path)
                .is_ok_and(|path| is_unchanged(&self.path().join(path), &entry))
        }))
    }
}

/// Whether a file is as the index has it.
fn is_unchanged(path: &Path, entry: &IndexEntry) -> bool {
    let Ok(there) = fs::symlink_metadata(path) else {
        return false;
    };
    if !there.is_file() || there.len() != u64::from(entry.file_size) {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (seconds, nanoseconds) = (
            i64::from(entry.mtime.seconds()),
            i64::from(entry.mtime.nanoseconds()),
        );
        if (there.mtime(), there.mtime_nsec()) == (seconds, nanoseconds) {
            return true;
        }
    }
    Oid::hash_file(ObjectType::Blob, path).is_ok_and(|id| id == entry.id)
}
