//! A repository's objects, refs and work tree, through libgit2.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use git2::{ErrorClass, ErrorCode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature};

use rayon::prelude::*;

use super::lookup::Lookup;
use super::process::{Git, GitError};
use super::settings::Role;
use crate::base::key::{Key, NameKey};
use crate::base::text::printable;
use crate::format::MAX_DAY_FILE;
use crate::format::sealed::{self, Seal, SealError};

/// The ref that remembers all that this clone has had.
pub const KNOWN: &str = "refs/claude-sync/known";

/// The commit that the sync's branch is at, where the branch and the work tree could not be brought along: somebody's git works there.
pub const LATE: &str = "refs/claude-sync/late";

/// The commit that the branch was at when [`LATE`] was noted: where somebody moved it since, what they made counts.
pub const LATE_FROM: &str = "refs/claude-sync/late-from";

/// The mode of a plain file.
pub const FILE: i32 = 0o100_644;
/// The mode of a folder.
pub const FOLDER: i32 = 0o040_000;

/// Something went wrong in the repository.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// libgit2 cannot open it: no repository, or a kind that it does not know.
    #[error("failed to open the git repository {}", path.display())]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: git2::Error,
    },
    /// A part of `.git` is gone without which git does not work, or works on something else.
    #[error("the git repository {} is damaged: its {} is missing", path.display(), part)]
    Damaged {
        /// The repository.
        path: PathBuf,
        /// What is missing.
        part: &'static str,
    },
    /// There are several remotes, and none is the branch's.
    #[error("the branch {} has no remote of its own, and there are several: {}", printable(branch, 100), names.iter().take(5).map(|name| printable(name, 60)).collect::<Vec<_>>().join(", "))]
    WhichRemote {
        /// The branch.
        branch: String,
        /// The remotes.
        names: Vec<String>,
    },
    /// Another process works in the repository, or died there.
    #[error("failed to {what}: {reason}")]
    Locked {
        /// What was tried.
        what: String,
        /// What libgit2 says, escaped.
        reason: String,
    },
    /// An object is not here: this is a partial clone, or something was pruned. What it holds is unknown, which is not the same as
    /// unreadable.
    #[error("object {0} is missing here")]
    Missing(Oid),
    /// Anything else.
    #[error("failed to {what}")]
    Git {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: git2::Error,
    },
    /// A `git` process failed.
    #[error(transparent)]
    Process(#[from] GitError),
    /// A sealed file.
    #[error("failed to read an encrypted file")]
    Sealed(#[from] SealError),
    /// A flush failed.
    #[error("failed to flush {} to disk", path.display())]
    Flush {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl RepoError {
    /// Whether objects are missing or damaged here, so that another repository that has them can help.
    pub fn lacks_objects(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Process(error) => error.is_damage_here(),
            Self::Git { source, .. } => match source.class() {
                ErrorClass::Odb => {
                    matches!(
                        source.code(),
                        ErrorCode::NotFound | ErrorCode::HashsumMismatch
                    ) || is_damage(source.message())
                }
                ErrorClass::Zlib => true,
                _ => is_damage(source.message()),
            },
            _ => false,
        }
    }
}

/// Whether a message of libgit2 tells of a damaged object.
fn is_damage(message: &str) -> bool {
    [
        "is damaged",
        "corrupt",
        "inflate",
        "mismatch",
        "object not found",
        "Cannot retrieve reference target",
    ]
    .iter()
    .any(|word| message.contains(word))
}

pub(super) fn git<T>(what: &str, result: Result<T, git2::Error>) -> Result<T, RepoError> {
    result.map_err(|source| match source.code() {
        ErrorCode::Locked => RepoError::Locked {
            what: what.to_owned(),
            reason: printable(source.message(), 300),
        },
        _ => RepoError::Git {
            what: what.to_owned(),
            source,
        },
    })
}

/// A file or folder in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// git's mode.
    pub mode: i32,
    /// The object.
    pub oid: Oid,
}

/// A blob found while walking a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its path from the root.
    pub path: String,
    /// git's mode.
    pub mode: i32,
    /// The object.
    pub oid: Oid,
}

/// An open repository.
pub struct Repo {
    pub(super) inner: Repository,
    path: PathBuf,
    /// The fleet's key, where this machine has it.
    seal: Option<Seal>,
    /// What names of forgotten data are signed with, where this machine has the key.
    names: Vec<NameKey>,
    /// Files are sealed as they are written.
    sealing: Cell<bool>,
    /// Objects that have an end.
    pub(super) checked: RefCell<HashSet<Oid>>,
    /// The mark of the key that the fleet is encrypted with, once it was asked for.
    pub(super) marked: RefCell<Lookup<String>>,
    /// The tree that files are compared with, where it is not that of [`KNOWN`].
    pub(super) own_root: RefCell<Lookup<Oid>>,
    /// What was joined last holds what may be read and what this run made, and nothing else.
    pub(super) own_work: Cell<bool>,
    /// How such trees are sealed.
    pub(super) own_seals: RefCell<HashMap<Oid, Option<String>>>,
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
            checked: RefCell::default(),
            marked: RefCell::default(),
            own_root: RefCell::default(),
            own_work: Cell::default(),
            own_seals: RefCell::default(),
        }
    }

    /// With the fleet's key, which opens sealed files.
    #[must_use]
    pub fn with_key(self, key: Option<&Key>) -> Self {
        Self {
            seal: key.map(Seal::new),
            names: key.map(NameKey::all).unwrap_or_default(),
            ..self
        }
    }

    /// The fleet's key in use.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// What names of forgotten data may be signed with: the present key's first.
    pub fn name_keys(&self) -> &[NameKey] {
        &self.names
    }

    /// Whether files below `sync` are sealed as they are written.
    pub fn is_sealing(&self) -> bool {
        self.sealing.get() && self.seal.is_some()
    }

    /// Whether a blob is sealed by a key that is not here.
    pub fn is_locked(&self, oid: Oid) -> Result<bool, RepoError> {
        Ok(self.seal.is_none()
            && self.is_blob_within(oid, MAX_DAY_FILE)?
            && sealed::is_sealed(&self.stored(oid)?))
    }

    /// Seals files below `sync` from here on, if there is a key.
    pub fn start_sealing(&self) {
        self.sealing.set(true);
    }

    /// Opens the repository at `path`; none where there is nothing.
    pub fn open(path: &Path) -> Result<Option<Self>, RepoError> {
        let place = path.join(".git");
        if !place.exists() {
            return Ok(None);
        }
        // Without these git looks for another repository above, or takes defaults for what the clone was set up with.
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
    pub fn from_environment() -> Result<Self, RepoError> {
        let inner = Repository::open_from_env().map_err(|source| RepoError::Open {
            path: PathBuf::from("."),
            source,
        })?;
        let path = inner.workdir().unwrap_or_else(|| inner.path()).to_owned();
        Ok(Self::of(inner, path))
    }

    /// Opens a bare repository.
    pub fn open_bare(path: &Path) -> Result<Self, RepoError> {
        let inner = Repository::open_bare(path).map_err(|source| RepoError::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::of(inner, path.to_owned()))
    }

    /// Makes an empty repository of the plain kind: SHA-1, refs as files, no template.
    pub fn create(path: &Path, branch: &str) -> Result<Self, RepoError> {
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
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that all linked work trees share.
    pub fn common_folder(&self) -> &Path {
        self.inner.commondir()
    }

    /// The repository's and the user's configuration.
    pub fn config(&self) -> Result<git2::Config, RepoError> {
        git("read git's configuration", self.inner.config())
    }

    /// The branch that `HEAD` names, born or not; none where it is detached.
    pub fn head_branch(&self) -> Result<Option<String>, RepoError> {
        let head = git("read HEAD", self.inner.find_reference("HEAD"))?;
        Ok(head
            .symbolic_target()
            .ok()
            .flatten()
            .and_then(|name| name.strip_prefix("refs/heads/"))
            .map(str::to_owned))
    }

    /// Points an unborn `HEAD` at a branch.
    pub fn set_unborn_branch(&self, branch: &str) -> Result<(), RepoError> {
        git(
            "name the branch",
            self.inner.set_head(&format!("refs/heads/{branch}")),
        )
    }

    /// The commit that a ref names; none where there is no such ref. Fails where the ref names an object that is missing.
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

    /// A commit's tree.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?.tree_id())
    }

    /// A commit's parents.
    pub fn parents_of(&self, commit: Oid) -> Result<Vec<Oid>, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?
            .parent_ids()
            .collect())
    }

    /// A blob's size, without reading it; none where the object is no blob. Fails where it is missing.
    pub fn blob_size(&self, oid: Oid) -> Result<Option<usize>, RepoError> {
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
    pub fn is_blob_within(&self, oid: Oid, most: usize) -> Result<bool, RepoError> {
        Ok(self.blob_size(oid)?.is_some_and(|size| size <= most))
    }

    /// A blob's text, whoever made it: for files of the user's own, and for history that is only shown. What counts is read by
    /// [`Self::read`].
    pub fn blob(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(sealed::open(self.seal.as_ref(), self.stored(oid)?)?)
    }

    /// A blob's bytes as they are stored, sealed or not.
    pub fn stored(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(git(
            "read a file",
            self.check(oid).and_then(|()| self.inner.find_blob(oid)),
        )?
        .content()
        .to_vec())
    }

    /// The id that bytes have as a blob.
    pub fn blob_id(bytes: &[u8]) -> Result<Oid, RepoError> {
        git("hash a file", Oid::hash_object(ObjectType::Blob, bytes))
    }

    /// Stores the file at `path`.
    pub fn write_file(&self, path: &str, bytes: &[u8]) -> Result<Oid, RepoError> {
        self.write_blob(&self.dress(path, bytes))
    }

    /// A file as it is stored.
    fn dress<'a>(&self, path: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.seal {
            Some(seal) if self.is_sealing() && path.starts_with("sync/") => {
                Cow::Owned(seal.seal(path, bytes))
            }
            _ => Cow::Borrowed(bytes),
        }
    }

    /// Stores a blob.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Oid, RepoError> {
        git("store a file", self.inner.blob(bytes))
    }

    /// Removes loose objects younger than `began` that cannot be read whole: a run that the power left had not flushed them yet. Git and
    /// libgit2 would take them for the objects that they are named after. Returns how many there were.
    pub fn drop_broken(&self, began: SystemTime) -> u64 {
        let mut broken = 0;
        if self.inner.index().is_err()
            && std::fs::remove_file(self.inner.path().join("index")).is_ok()
        {
            broken += 1;
        }
        let objects = self.inner.commondir().join("objects");
        let Ok(odb) = self.inner.odb() else { return 0 };
        for folder in std::fs::read_dir(&objects).into_iter().flatten().flatten() {
            let Some(start) = folder
                .file_name()
                .to_str()
                .filter(|name| name.len() == 2)
                .map(str::to_owned)
            else {
                continue;
            };
            for file in std::fs::read_dir(folder.path())
                .into_iter()
                .flatten()
                .flatten()
            {
                let Some(oid) = file
                    .file_name()
                    .to_str()
                    .and_then(|rest| Oid::from_str(&format!("{start}{rest}")).ok())
                else {
                    continue;
                };
                let young = file
                    .metadata()
                    .and_then(|data| data.modified())
                    .is_ok_and(|made| made >= began);
                if young
                    && self.check(oid).and_then(|()| odb.read(oid)).is_err()
                    && std::fs::remove_file(file.path()).is_ok()
                {
                    broken += 1;
                }
            }
        }
        broken
    }

    /// Stores several files, each thread through a handle of its own.
    pub fn write_files(&self, all: &[(&str, &[u8])]) -> Result<Vec<Oid>, RepoError> {
        let seal = self.seal.clone().filter(|_| self.is_sealing());
        if all.len() < 2 {
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

    /// Keeps all objects written from here on in memory: for a driver, which must leave nothing behind.
    ///
    /// Objects are then read as git reads them, checked by their zlib sums; hashing each anew would cost a tenth of a merge.
    pub fn write_in_memory(&self) -> Result<(), RepoError> {
        git2::opts::strict_hash_verification(false);
        let odb = git("open the objects", self.inner.odb())?;
        git(
            "hold objects in memory",
            odb.add_new_mempack_backend(1000).map(drop),
        )?;
        git("hold objects in memory", self.inner.set_odb(&odb))
    }

    /// Whom commits name as their author.
    pub fn author(&self, process: &Git) -> Result<String, RepoError> {
        let who = self.signature(process, Role::Author)?;
        Ok(format!(
            "{} <{}>",
            String::from_utf8_lossy(who.name_bytes()),
            String::from_utf8_lossy(who.email_bytes())
        ))
    }

    fn signature(&self, process: &Git, role: Role) -> Result<Signature<'static>, RepoError> {
        let known = process
            .settings(&self.path)?
            .person(role)
            .and_then(|who| Signature::now(&who.name, &who.email).ok());
        match known {
            Some(who) => Ok(who),
            // No identity is configured: a commit must not fail for that, and must not guess a name or address either.
            None => git(
                "make a signature",
                Signature::now("claude-sync", "claude-sync@localhost"),
            ),
        }
    }

    /// Makes a commit. It is not signed, whatever `commit.gpgSign` says: [`Git::commit_signed`] does that. No ref moves.
    pub fn commit(
        &self,
        process: &Git,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, RepoError> {
        let (author, committer) = (
            self.signature(process, Role::Author)?,
            self.signature(process, Role::Committer)?,
        );
        let tree = git("read a tree", self.find_tree(tree))?;
        let parents = parents
            .iter()
            .map(|p| self.find_commit(*p))
            .collect::<Result<Vec<_>, _>>();
        let parents = git("read a commit", parents)?;
        git(
            "make a commit",
            self.inner.commit(
                None,
                &author,
                &committer,
                message,
                &tree,
                &parents.iter().collect::<Vec<_>>(),
            ),
        )
    }

    /// Makes a commit that is signed by the user's set-up for signing. No ref moves.
    pub fn commit_signed(
        &self,
        process: &Git,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, RepoError> {
        let parents: Vec<_> = parents.iter().map(Oid::to_string).collect();
        let id = process.commit_signed(&self.path, &tree.to_string(), &parents, message)?;
        git("read the signed commit", Oid::from_str(&id))
    }

    /// Whether a commit carries a signature.
    pub fn is_signed(&self, commit: Oid) -> Result<bool, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?
            .header_field_bytes("gpgsig")
            .is_ok())
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
    pub fn delete_ref(&self, name: &str) -> Result<(), RepoError> {
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
    pub fn flush(&self) -> Result<(), RepoError> {
        let path = self.inner.path().to_owned();
        crate::store::durable::sync_file_system(&path)
            .map_err(|source| RepoError::Flush { path, source })
    }

    /// The address of a remote, as it was given: `url.*.insteadOf` is applied by git ([`Git::rewritten`]).
    pub fn address(&self, remote: Option<&str>) -> Option<String> {
        self.inner
            .config()
            .ok()?
            .get_string(&format!("remote.{}.url", remote?))
            .ok()
    }
}
