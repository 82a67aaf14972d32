//! A repository's objects, refs and work tree, through libgit2.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository, RepositoryInitOptions};

use super::lookup::Lookup;
use crate::base::key::{Key, NameKey};
use crate::format::sealed::Seal;

pub(crate) use super::error::RepoError;
pub(super) use super::error::git;

/// The ref that remembers all that this clone has had.
pub(crate) const KNOWN: &str = "refs/claude-sync/known";

/// The commit that the sync's branch is at, where the branch and the work tree could not be brought
/// along: somebody's git works there.
pub(crate) const LATE: &str = "refs/claude-sync/late";

/// The commit that the branch was at when [`LATE`] was noted: where somebody moved it since, what
/// they made counts.
pub(crate) const LATE_FROM: &str = "refs/claude-sync/late-from";

/// The mode of a plain file.
pub(crate) const FILE: i32 = 0o100_644;
/// The mode of a folder.
pub(crate) const FOLDER: i32 = 0o040_000;

/// A file or folder in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// git's mode.
    pub(crate) mode: i32,
    /// The id of the object.
    pub(crate) oid: Oid,
}

/// A blob found while walking a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    /// Its path from the root.
    pub(crate) path: String,
    /// git's mode.
    pub(crate) mode: i32,
    /// The id of the object.
    pub(crate) oid: Oid,
}

/// A repository that is open, with the key and what was looked up of it.
pub struct Repo {
    pub(super) inner: Repository,
    path: PathBuf,
    /// The fleet's key, where this machine has it.
    seal: Option<Seal>,
    /// What names of forgotten data are signed with, where this machine has the key.
    names: Vec<NameKey>,
    /// Files are sealed as they are written.
    sealing: Cell<bool>,
    /// New objects are kept in memory only; see [`Self::write_in_memory`].
    pub(super) in_memory: Cell<bool>,
    /// Objects that have an end.
    pub(super) checked: RefCell<HashSet<Oid>>,
    /// The mark of the key that the fleet is encrypted with, once it was asked for.
    pub(super) marked: RefCell<Lookup<String>>,
    /// The tree that files are compared with, where it is not that of [`KNOWN`].
    pub(super) own_root: RefCell<Lookup<Oid>>,
    /// What was joined last holds what may be read and what this run made, and nothing else.
    pub(super) own_work: Cell<bool>,
    /// How root trees are sealed: see [`Self::seal_of`].
    pub(super) own_seals: RefCell<HashMap<Oid, Option<String>>>,
    /// Machine files that were read, and state no rules: one run asks for the rules often, and few
    /// machines state any.
    without_rules: RefCell<HashSet<Oid>>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Repo {
    fn of(inner: Repository, path: PathBuf) -> Self {
        Self {
            inner,
            path,
            seal: None,
            names: Vec::new(),
            sealing: Cell::new(false),
            in_memory: Cell::new(false),
            checked: RefCell::default(),
            marked: RefCell::default(),
            own_root: RefCell::default(),
            own_work: Cell::default(),
            own_seals: RefCell::default(),
            without_rules: RefCell::default(),
        }
    }

    /// With the fleet's key, which opens sealed files.
    #[must_use]
    pub(crate) fn with_key(self, key: Option<&Key>) -> Self {
        Self {
            seal: key.map(Seal::new),
            names: key.map(NameKey::all).unwrap_or_default(),
            ..self
        }
    }

    /// The fleet's key in use.
    pub(crate) fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// Whether a machine file was found to state no rules.
    pub(crate) fn is_without_rules(&self, file: Oid) -> bool {
        self.without_rules.borrow().contains(&file)
    }

    /// Remembers that a machine file, as far as it may be read, states no rules.
    pub(crate) fn note_without_rules(&self, file: Oid) {
        self.without_rules.borrow_mut().insert(file);
    }

    /// What names of forgotten data may be signed with: the present key's first.
    pub(crate) fn name_keys(&self) -> &[NameKey] {
        &self.names
    }

    /// Whether files below `sync` are sealed as they are written.
    pub(crate) fn is_sealing(&self) -> bool {
        self.sealing.get() && self.seal.is_some()
    }

    /// Seals files below `sync` from here on, if there is a key.
    pub(crate) fn start_sealing(&self) {
        self.sealing.set(true);
    }

    /// Opens the repository at `path`; none where there is nothing.
    pub fn open(path: &Path) -> Result<Option<Self>, RepoError> {
        let place = path.join(".git");
        if !place.exists() {
            return Ok(None);
        }
        // Without these git looks for another repository above, or takes defaults for what the
        // clone was set up with.
        for part in ["HEAD", "config"] {
            if place.is_dir() && !place.join(part).exists() {
                return Err(RepoError::Damaged {
                    path: path.to_owned(),
                    part,
                });
            }
        }
        match Repository::open(path) {
            Ok(inner) => Ok(Some(Self::of(inner, path.to_owned()))),
            Err(source) => Err(RepoError::Open {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Opens the repository that git names to a program it runs, such as a merge driver.
    pub(crate) fn from_environment() -> Result<Self, RepoError> {
        let inner = Repository::open_from_env().map_err(|source| RepoError::Open {
            path: PathBuf::from("."),
            source,
        })?;
        let path = inner.workdir().unwrap_or_else(|| inner.path()).to_owned();
        Ok(Self::of(inner, path))
    }

    /// Opens a bare repository.
    pub(crate) fn open_bare(path: &Path) -> Result<Self, RepoError> {
        let inner = Repository::open_bare(path).map_err(|source| RepoError::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::of(inner, path.to_owned()))
    }

    /// Makes an empty repository of the plain kind: SHA-1, refs as files, no template.
    pub(crate) fn create(path: &Path, branch: &str) -> Result<Self, RepoError> {
        let mut options = RepositoryInitOptions::new();
        options
            .mkpath(true)
            .external_template(false)
            .initial_head(branch);
        let inner = git(
            "create the repository",
            Repository::init_opts(path, &options),
        )?;
        Ok(Self::of(inner, path.to_owned()))
    }

    /// The work tree's top.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that all linked work trees share.
    pub(crate) fn common_folder(&self) -> &Path {
        self.inner.commondir()
    }

    /// The repository's and the user's configuration.
    pub(crate) fn config(&self) -> Result<git2::Config, RepoError> {
        git("read git's configuration", self.inner.config())
    }

    /// The branch that `HEAD` names, born or not; none where it is detached.
    pub(crate) fn head_branch(&self) -> Result<Option<String>, RepoError> {
        let head = git("read HEAD", self.inner.find_reference("HEAD"))?;
        Ok(head
            .symbolic_target()
            .ok()
            .flatten()
            .and_then(|name| name.strip_prefix("refs/heads/"))
            .map(str::to_owned))
    }

    /// The commit that a ref names; none where there is no such ref. Fails where the ref names an
    /// object that is missing.
    pub fn commit_at(&self, reference: &str) -> Result<Option<Oid>, RepoError> {
        let fail = |source| RepoError::Git {
            what: format!("read {reference}"),
            source,
        };
        let found = match self
            .inner
            .find_reference(reference)
            .and_then(|found| found.resolve())
        {
            Ok(found) => found,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(source) => return Err(fail(source)),
        };
        match (self.peel(&found), found.target()) {
            (Ok(commit), _) => Ok(Some(commit)),
            (Err(error), Some(target)) if error.code() == ErrorCode::NotFound => {
                Err(RepoError::Missing(target))
            }
            (Err(source), _) => Err(fail(source)),
        }
    }

    /// The tip of a branch.
    pub fn head(&self, branch: &str) -> Result<Option<Oid>, RepoError> {
        self.commit_at(&format!("refs/heads/{branch}"))
    }

    /// Moves a ref from `old` to `new`; fails if somebody else moved it meanwhile.
    pub fn move_ref(
        &self,
        name: &str,
        old: Option<Oid>,
        new: Oid,
        reason: &str,
    ) -> Result<(), RepoError> {
        if old == Some(new) {
            return Ok(());
        }
        let result = match old {
            Some(old) => self.inner.reference_matching(name, new, true, old, reason),
            None => self.inner.reference(name, new, false, reason),
        };
        git(&format!("move {name}"), result.map(drop))
    }

    /// Removes a ref, if it is there.
    pub(crate) fn delete_ref(&self, name: &str) -> Result<(), RepoError> {
        match self
            .inner
            .find_reference(name)
            .and_then(|mut found| found.delete())
        {
            Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
            done => git(&format!("remove {name}"), done),
        }
    }

    /// Flushes everything written so far.
    pub(crate) fn flush(&self) -> Result<(), RepoError> {
        let path = self.inner.path().to_owned();
        crate::store::flush::repository(&path, self.common_folder())
            .map_err(|source| RepoError::Flush { path, source })
    }

    /// The address of a remote, as it was given: `url.*.insteadOf` is applied by git
    /// ([`crate::git::Git::rewritten`]).
    pub(crate) fn address(&self, remote: Option<&str>) -> Option<String> {
        self.inner
            .config()
            .ok()?
            .get_string(&format!("remote.{}.url", remote?))
            .ok()
    }
}
