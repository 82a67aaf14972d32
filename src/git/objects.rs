//! Blobs: their sizes, their bytes as they are stored and as text, and writing them.

use std::borrow::Cow;

use git2::{ErrorCode, ObjectType, Oid, Repository};
use rayon::prelude::*;

use super::repo::{Repo, RepoError, git};
use crate::format::MAX_DAY_FILE;
use crate::format::sealed;

impl Repo {
    /// A blob's size, without reading it; none where the object is no blob. Fails where it is
    /// missing.
    pub(crate) fn blob_size(&self, oid: Oid) -> Result<Option<usize>, RepoError> {
        match self.inner.odb().and_then(|odb| odb.read_header(oid)) {
            Ok((size, kind)) => Ok((kind == ObjectType::Blob).then_some(size)),
            Err(error) if error.code() == ErrorCode::NotFound => Err(RepoError::Missing(oid)),
            Err(source) => Err(RepoError::Git {
                what: format!("read object {oid}"),
                source,
            }),
        }
    }

    /// Whether an object is a blob of at most `most` bytes. Fails where it is missing.
    pub(crate) fn is_blob_within(&self, oid: Oid, most: usize) -> Result<bool, RepoError> {
        Ok(self.blob_size(oid)?.is_some_and(|size| size <= most))
    }

    /// A blob's text, made by any pusher: for files of the user's own, and for history that is only
    /// shown. What counts is read by [`Self::read`].
    pub(crate) fn blob(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(sealed::open(self.seal(), self.stored(oid)?)?)
    }

    /// A blob's bytes as they are stored, sealed or not.
    pub(crate) fn stored(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(git(
            "read a file",
            self.check(oid).and_then(|()| self.inner.find_blob(oid)),
        )?
        .content()
        .to_vec())
    }

    /// The id that bytes have as a blob.
    pub(crate) fn blob_id(bytes: &[u8]) -> Result<Oid, RepoError> {
        git("hash a file", Oid::hash_object(ObjectType::Blob, bytes))
    }

    /// Stores the file at `path`.
    pub(crate) fn write_file(&self, path: &str, bytes: &[u8]) -> Result<Oid, RepoError> {
        self.write_blob(&self.dress(path, bytes))
    }

    /// A file as it is stored.
    fn dress<'a>(&self, path: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self.seal() {
            Some(seal) if self.is_sealing() && path.starts_with("sync/") => {
                Cow::Owned(seal.seal(path, bytes))
            }
            _ => Cow::Borrowed(bytes),
        }
    }

    /// Stores a blob.
    pub(crate) fn write_blob(&self, bytes: &[u8]) -> Result<Oid, RepoError> {
        git("store a file", self.inner.blob(bytes))
    }

    /// Stores several files, each thread through a handle of its own. In memory, where other
    /// handles would write to disk, through this one.
    pub(crate) fn write_files(&self, all: &[(&str, &[u8])]) -> Result<Vec<Oid>, RepoError> {
        let seal = self.seal().cloned().filter(|_| self.is_sealing());
        if all.len() < 2 || self.in_memory.get() {
            return all
                .iter()
                .map(|(path, bytes)| self.write_file(path, bytes))
                .collect();
        }
        let place = self.inner.path();
        let open = || Repository::open(place);
        let store = |repo: &mut Result<Repository, git2::Error>, (path, bytes): &(&str, &[u8])| {
            match repo {
                Ok(repo) => {
                    let sealed = seal.as_ref().map(|seal| seal.seal(path, bytes));
                    git(
                        "store a file",
                        repo.blob(sealed.as_deref().unwrap_or(bytes)),
                    )
                }
                Err(error) => Err(RepoError::Open {
                    path: place.to_owned(),
                    source: git2::Error::from_str(error.message()),
                }),
            }
        };
        all.par_iter().map_init(open, store).collect()
    }

    /// Keeps all objects written from here on in memory: for drivers, previews and reports, which
    /// must leave nothing behind.
    ///
    /// Objects are then read as git reads them, checked by their zlib sums; hashing each anew would
    /// cost a tenth of a merge.
    pub(crate) fn write_in_memory(&self) -> Result<(), RepoError> {
        git2::opts::strict_hash_verification(false);
        let odb = git("open the objects", self.inner.odb())?;
        git(
            "hold objects in memory",
            odb.add_new_mempack_backend(1000).map(drop),
        )?;
        git("hold objects in memory", self.inner.set_odb(&odb))?;
        self.in_memory.set(true);
        Ok(())
    }

    /// Whether a blob is sealed by a key that is not here.
    pub(crate) fn is_locked(&self, oid: Oid) -> Result<bool, RepoError> {
        Ok(self.seal().is_none()
            && self.is_blob_within(oid, MAX_DAY_FILE)?
            && sealed::is_sealed(&self.stored(oid)?))
    }
}
