//! What may be read from a tree: in an encrypted fleet a pusher without the key adds nothing to
//! what is read.
//!
//! A file below `sync` is admitted where it is sealed by the fleet's key, for its own path. Another
//! one is admitted only where it stands, as it is, in the tree of [`KNOWN`], and is sealed as that
//! tree is: in clear, or by a former key. That is what the clone had before the fleet was
//! encrypted, or before its key changed.

use std::collections::BTreeMap;

use git2::Oid;

use super::lookup::Lookup;
use super::repo::{FILE, KNOWN, Repo, RepoError};
use super::setup;
use crate::base::text::printable;
use crate::format::MAX_SYNC_FILE;
use crate::format::conflict::Code;
use crate::format::sealed::{self, Head, SealError};
use crate::store::layout::{self, Path};

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// It is in clear, in an encrypted fleet.
    Clear,
    /// It is encrypted with a key that is not here.
    OtherKey(String),
    /// It is encrypted with a key that was replaced, and this clone did not have it before.
    FormerKey,
    /// It is encrypted in a way that this version does not know.
    Later,
    /// It is encrypted for another path.
    Moved,
    /// Something in it is not authentic.
    Damaged,
    /// Its name is one that git refuses.
    Name,
}

impl From<&Refusal> for Code {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Clear => Self::Unsealed,
            Refusal::OtherKey(_) => Self::OtherKey,
            Refusal::FormerKey => Self::FormerKey,
            Refusal::Later => Self::LaterSealing,
            Refusal::Moved => Self::Moved,
            Refusal::Damaged => Self::NotAuthentic,
            Refusal::Name => Self::BadName,
        }
    }
}

impl Refusal {
    /// The text of its code.
    pub(crate) fn code(&self) -> &'static str {
        Code::from(self).known_text().unwrap_or_default()
    }

    /// What is wrong, by the text of its code; to follow a path. None where a file is refused for
    /// another reason.
    pub(crate) fn describe(code: &str) -> Option<&'static str> {
        Some(match Code::parse(code) {
            Code::Unsealed => "it is not encrypted, and this fleet is",
            Code::OtherKey => "it is encrypted with another key",
            Code::FormerKey => "it is encrypted with a key that was replaced",
            Code::LaterSealing => "it is encrypted in a way that this version does not know",
            Code::Moved => "it is encrypted for another path",
            Code::NotAuthentic => "it was changed by somebody without the key",
            Code::BadName => "git refuses its name",
            _ => return None,
        })
    }
}

/// A file as far as it may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Its text. Lines that are not authentic are ones that nobody can read.
    pub(crate) bytes: Vec<u8>,
    /// All of it is authentic.
    pub(crate) sound: bool,
    /// Only the file and [`Repo::admission`] decided it. Else it is read because of what the clone
    /// has, or of what the run trusts, and may be refused the next time.
    pub(crate) always: bool,
}

impl Admitted {
    fn in_clear(bytes: Vec<u8>, always: bool) -> Self {
        Self {
            bytes,
            sound: true,
            always,
        }
    }
}

/// The clone's own tree: what files are compared with that are not sealed by the fleet's key.
#[derive(Debug, Clone)]
struct Own {
    root: Oid,
    /// The mark of the key that it is sealed with; none where it is in clear.
    seal: Option<String>,
}

impl Repo {
    /// Where the mark is kept.
    const MARK: &'static str = "claude-sync.sealed";

    /// The mark of the key that the fleet is encrypted with, as this clone remembers it; none where
    /// it never met an encrypted commit.
    pub(crate) fn sealed_mark(&self) -> Result<Option<String>, RepoError> {
        if let Lookup::Done(known) = &*self.marked.borrow() {
            return Ok(known.clone());
        }
        let mark = self
            .config()?
            .get_string(Self::MARK)
            .ok()
            .filter(|mark| !mark.is_empty());
        *self.marked.borrow_mut() = Lookup::Done(mark.clone());
        Ok(mark)
    }

    /// Remembers that the fleet is encrypted, or that the user states that it is not.
    pub(crate) fn set_sealed_mark(&self, mark: Option<&str>) -> Result<(), RepoError> {
        self.set_setting(Self::MARK, mark)?;
        self.mark_sealed(mark);
        Ok(())
    }

    /// Sets a setting of the clone, or takes it out.
    pub(crate) fn set_setting(&self, name: &str, value: Option<&str>) -> Result<(), RepoError> {
        setup::set(self, name, value)
    }

    /// As [`Self::set_sealed_mark`], for this handle alone.
    pub(crate) fn mark_sealed(&self, mark: Option<&str>) {
        *self.marked.borrow_mut() = Lookup::Done(mark.map(str::to_owned));
    }

    /// Has files be compared with this tree, in place of that of [`KNOWN`].
    pub(crate) fn compare_with(&self, root: Option<Oid>) {
        *self.own_root.borrow_mut() = Lookup::Done(root);
    }

    /// From here on files in clear are read: what is looked at was screened, or made by this run,
    /// which has no key to seal it with.
    pub(crate) fn trust_own_work(&self, on: bool) {
        self.own_work.set(on && !self.is_sealing());
    }

    /// What decides beside a file itself whether it may be read, as far as it is the same for all
    /// files: the mark of the clone, and the keys. What is kept about files of which
    /// [`Admitted::always`] holds is true for this alone.
    pub(crate) fn admission(&self) -> Result<String, RepoError> {
        let mark = self.sealed_mark()?.unwrap_or_default();
        let keys = self.seal().map(sealed::Seal::marks).unwrap_or_default();
        Ok(format!("{mark} {}", keys.join(" ")))
    }

    fn own(&self) -> Result<Option<Own>, RepoError> {
        let set = self.own_root.borrow().clone();
        let root = match set {
            Lookup::Done(root) => root,
            Lookup::Pending => self
                .commit_at(KNOWN)?
                .map(|commit| self.tree_of(commit))
                .transpose()?,
        };
        let Some(root) = root else { return Ok(None) };
        let seal = self.seal_of(root)?;
        Ok(Some(Own { root, seal }))
    }

    /// Whether a file stands, as it is, in the clone's own tree, and is sealed as that one is: with
    /// the key of this mark, or in clear.
    fn is_own(&self, path: &str, oid: Oid, seal: Option<&str>) -> Result<bool, RepoError> {
        let Some(own) = self.own()?.filter(|own| own.seal.as_deref() == seal) else {
            return Ok(false);
        };
        Ok(self
            .entry(Some(own.root), path)?
            .is_some_and(|entry| entry.mode == FILE && entry.oid == oid))
    }

    /// The text of the file at `path`, or why it is left out.
    pub(crate) fn read(&self, path: &str, oid: Oid) -> Result<Result<Vec<u8>, Refusal>, RepoError> {
        let stored = self.stored(oid)?;
        self.admit(path, oid, stored)
            .map(|admitted| admitted.map(|file| file.bytes))
    }

    /// As [`Self::read`], of bytes that are at hand. What is not authentic in a file is left out of
    /// it; then it is not `sound`.
    pub(crate) fn admit(
        &self,
        path: &str,
        oid: Oid,
        stored: Vec<u8>,
    ) -> Result<Result<Admitted, Refusal>, RepoError> {
        if !path.starts_with("sync/") {
            return Ok(Ok(Admitted::in_clear(stored, true)));
        }
        match sealed::head(&stored) {
            None => self.admit_clear(path, oid, stored),
            Some(head) => match self.refuse_head(path, oid, head)? {
                Some(refusal) => Ok(Err(refusal)),
                None => self.open_admitted(head, &stored),
            },
        }
    }

    /// A file in clear below `sync`.
    fn admit_clear(
        &self,
        path: &str,
        oid: Oid,
        stored: Vec<u8>,
    ) -> Result<Result<Admitted, Refusal>, RepoError> {
        let is_marked = self.sealed_mark()?.is_some();
        let is_statement = self
            .seal()
            .is_some_and(|seal| seal.is_statement(path, &stored));
        let always = !is_marked || is_statement;
        if always || self.own_work.get() || self.is_own(path, oid, None)? {
            Ok(Ok(Admitted::in_clear(stored, always)))
        } else {
            Ok(Err(Refusal::Clear))
        }
    }

    /// Why a sealed file is left out, by its first line; none where it is opened.
    fn refuse_head(
        &self,
        path: &str,
        oid: Oid,
        head: Head<'_>,
    ) -> Result<Option<Refusal>, RepoError> {
        if !head.is_known() {
            return Ok(Some(Refusal::Later));
        }
        let mark = printable(head.mark, 20);
        let Some(seal) = self.seal() else {
            return Ok(Some(Refusal::OtherKey(mark)));
        };
        if seal.is_former(head.mark) {
            if self.sealed_mark()?.is_some() && !self.is_own(path, oid, Some(head.mark))? {
                return Ok(Some(Refusal::FormerKey));
            }
        } else if head.mark != seal.mark() {
            return Ok(Some(Refusal::OtherKey(mark)));
        }
        Ok((head.path != path).then_some(Refusal::Moved))
    }

    /// Opens a sealed file that [`Self::refuse_head`] does not refuse.
    fn open_admitted(
        &self,
        head: Head<'_>,
        stored: &[u8],
    ) -> Result<Result<Admitted, Refusal>, RepoError> {
        let Some(seal) = self.seal() else {
            return Ok(Err(Refusal::OtherKey(printable(head.mark, 20))));
        };
        let by_own_tree = seal.is_former(head.mark) && self.sealed_mark()?.is_some();
        Ok(match seal.open_checked(stored) {
            Ok(opened) => Ok(Admitted {
                bytes: opened.bytes,
                sound: opened.sound,
                always: !by_own_tree,
            }),
            Err(SealError::Newer) => Err(Refusal::Later),
            Err(SealError::Key { mark }) => Err(Refusal::OtherKey(mark)),
        })
    }

    /// The mark of the key that a root tree is encrypted with: that of most of its machine files
    /// and its manifest. None where most of them are in clear, or where there are none. One file
    /// decides nothing, so that a pusher cannot have a fleet taken for another kind by one; where
    /// it would, as with a single machine, day files are asked too.
    pub(crate) fn seal_of(&self, root: Oid) -> Result<Option<String>, RepoError> {
        if let Some(known) = self.own_seals.borrow().get(&root) {
            return Ok(known.clone());
        }
        let seal = self.voted(root)?;
        self.own_seals.borrow_mut().insert(root, seal.clone());
        Ok(seal)
    }

    fn voted(&self, root: Oid) -> Result<Option<String>, RepoError> {
        let mut votes = Votes::default();
        let manifest = self
            .entry(Some(root), layout::MANIFEST)?
            .filter(|entry| entry.mode == FILE);
        for oid in manifest.into_iter().map(|entry| entry.oid) {
            self.vote(oid, &mut votes)?;
        }
        for blob in self
            .blobs(Some(root), layout::MACHINES)?
            .into_iter()
            .filter(|blob| blob.mode == FILE)
        {
            if matches!(Path::parse(&blob.path), Path::Machine(_)) {
                self.vote(blob.oid, &mut votes)?;
            }
        }
        if votes.are_even() {
            for blob in self
                .blobs(Some(root), layout::ARCHIVE)?
                .into_iter()
                .filter(|blob| blob.mode == FILE)
            {
                if matches!(Path::parse(&blob.path), Path::Day(..)) {
                    self.vote(blob.oid, &mut votes)?;
                }
            }
        }
        Ok(votes.winner())
    }

    fn vote(&self, oid: Oid, votes: &mut Votes) -> Result<(), RepoError> {
        if self.is_blob_within(oid, MAX_SYNC_FILE)? {
            *votes.0.entry(sealed::mark(&self.stored(oid)?)).or_default() += 1;
        }
        Ok(())
    }
}

/// How many files are sealed by which key, or in clear.
#[derive(Debug, Default)]
struct Votes(BTreeMap<Option<String>, u64>);

impl Votes {
    fn clear(&self) -> u64 {
        self.0.get(&None).copied().unwrap_or(0)
    }

    fn sealed(&self) -> u64 {
        self.0
            .iter()
            .filter(|(mark, _)| mark.is_some())
            .map(|(_, count)| count)
            .sum()
    }

    fn are_even(&self) -> bool {
        self.sealed() > 0 && self.sealed() == self.clear()
    }

    fn winner(self) -> Option<String> {
        if self.sealed() == 0 || self.sealed() < self.clear() {
            return None;
        }
        self.0
            .into_iter()
            .filter(|(mark, _)| mark.is_some())
            .max_by_key(|(_, count)| *count)
            .and_then(|(mark, _)| mark)
    }
}
