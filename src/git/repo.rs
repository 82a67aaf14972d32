//! A repository's objects, refs and work tree, through libgit2.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use git2::build::CheckoutBuilder;
use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, TreeEntry};

use rayon::prelude::*;

use super::process::{Git, GitError};
use crate::base::key::Key;
use crate::base::text::printable;
use crate::format::sealed::{self, Seal, SealError};
use crate::format::{MAX_DAY_FILE, MAX_SYNC_FILE};

/// The ref that remembers all that this clone has had.
pub const KNOWN: &str = "refs/claude-sync/known";

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
    /// `HEAD` names a commit, not a branch.
    #[error("the repository {} is on no branch", .0.display())]
    Detached(PathBuf),
    /// Another process works in the repository, or died there.
    #[error("failed to {what}: {reason}")]
    Locked {
        /// What was tried.
        what: String,
        /// What libgit2 says, escaped.
        reason: String,
    },
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

pub(super) fn git<T>(what: &str, result: Result<T, git2::Error>) -> Result<T, RepoError> {
    result.map_err(|source| match source.code() {
        ErrorCode::Locked => RepoError::Locked { what: what.to_owned(), reason: printable(source.message(), 300) },
        _ => RepoError::Git { what: what.to_owned(), source },
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
    /// Files are sealed as they are written.
    sealing: Cell<bool>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Repo {
    fn of(inner: Repository, path: PathBuf) -> Self {
        Self { inner, path, seal: None, sealing: Cell::new(false) }
    }

    /// With the fleet's key, which opens sealed files.
    #[must_use]
    pub fn with_key(self, key: Option<&Key>) -> Self {
        Self { seal: key.map(Seal::new), ..self }
    }

    /// The fleet's key in use.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// Whether files below `sync` are sealed as they are written.
    pub fn is_sealing(&self) -> bool {
        self.sealing.get() && self.seal.is_some()
    }

    /// The mark of the key that sealed what a root tree holds; none where it is plain.
    pub fn sealed_by(&self, root: Oid) -> Result<Option<String>, RepoError> {
        // The manifest, or where each machine has a branch, pages.
        let mut files: Vec<Oid> = self.entry(Some(root), "sync/manifest.json")?.map(|entry| entry.oid).into_iter().collect();
        if files.is_empty() {
            files.extend(self.blobs(Some(root), "sync/machines")?.into_iter().map(|blob| blob.oid));
        }
        for oid in files.into_iter().filter(|oid| self.blob_size(*oid).is_some_and(|size| size <= MAX_SYNC_FILE)) {
            if let Some(mark) = sealed::mark(&self.stored(oid)?) {
                return Ok(Some(mark));
            }
        }
        Ok(None)
    }

    /// Whether a blob is sealed by a key that is not here.
    pub fn is_locked(&self, oid: Oid) -> Result<bool, RepoError> {
        Ok(self.seal.is_none() && self.blob_size(oid).is_some_and(|size| size <= MAX_DAY_FILE) && sealed::is_sealed(&self.stored(oid)?))
    }

    /// Seals files below `sync` from here on, if there is a key.
    pub fn start_sealing(&self) {
        self.sealing.set(true);
    }

    /// Opens the repository at `path`; none where there is nothing.
    pub fn open(path: &Path) -> Result<Option<Self>, RepoError> {
        if !path.join(".git").exists() {
            return Ok(None);
        }
        match Repository::open(path) {
            Ok(inner) => Ok(Some(Self::of(inner, path.to_owned()))),
            Err(source) => Err(RepoError::Open { path: path.to_owned(), source }),
        }
    }

    /// Opens the repository that git names to a program it runs, such as a merge driver.
    pub fn from_environment() -> Result<Self, RepoError> {
        let inner = Repository::open_from_env().map_err(|source| RepoError::Open { path: PathBuf::from("."), source })?;
        let path = inner.workdir().unwrap_or_else(|| inner.path()).to_owned();
        Ok(Self::of(inner, path))
    }

    /// Opens a bare repository.
    pub fn open_bare(path: &Path) -> Result<Self, RepoError> {
        let inner = Repository::open_bare(path).map_err(|source| RepoError::Open { path: path.to_owned(), source })?;
        Ok(Self::of(inner, path.to_owned()))
    }

    /// Makes an empty repository of the plain kind: SHA-1, refs as files, no template.
    pub fn create(path: &Path, branch: &str) -> Result<Self, RepoError> {
        let mut options = RepositoryInitOptions::new();
        options.mkpath(true).external_template(false).initial_head(branch);
        let inner = git("create the repository", Repository::init_opts(path, &options))?;
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

    /// The branch that `HEAD` names, born or not.
    pub fn branch(&self) -> Result<String, RepoError> {
        let head = git("read HEAD", self.inner.find_reference("HEAD"))?;
        let target = head.symbolic_target().ok().flatten().and_then(|name| name.strip_prefix("refs/heads/"));
        target.map(str::to_owned).ok_or_else(|| RepoError::Detached(self.path.clone()))
    }

    /// Points an unborn `HEAD` at a branch.
    pub fn set_unborn_branch(&self, branch: &str) -> Result<(), RepoError> {
        git("name the branch", self.inner.set_head(&format!("refs/heads/{branch}")))
    }

    /// The commit that a ref names; none where there is no such ref.
    pub fn commit_at(&self, reference: &str) -> Result<Option<Oid>, RepoError> {
        match self.inner.find_reference(reference).and_then(|r| r.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(RepoError::Git { what: format!("read {reference}"), source }),
        }
    }

    /// The tip of a branch.
    pub fn head(&self, branch: &str) -> Result<Option<Oid>, RepoError> {
        self.commit_at(&format!("refs/heads/{branch}"))
    }

    /// A commit's tree.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid, RepoError> {
        Ok(git("read a commit", self.inner.find_commit(commit))?.tree_id())
    }

    /// A commit's parents.
    pub fn parents_of(&self, commit: Oid) -> Result<Vec<Oid>, RepoError> {
        Ok(git("read a commit", self.inner.find_commit(commit))?.parent_ids().collect())
    }

    /// A tree's entries by name.
    pub fn entries(&self, tree: Option<Oid>) -> Result<BTreeMap<String, Entry>, RepoError> {
        let Some(tree) = tree else {
            return Ok(BTreeMap::new());
        };
        let tree = git("read a tree", self.inner.find_tree(tree))?;
        // A name that is no UTF-8 fits no grammar; it is carried by the trees it stands in and never read.
        Ok(tree.iter().filter_map(|e| Some((e.name().ok()?.to_owned(), Entry { mode: e.filemode(), oid: e.id() }))).collect())
    }

    /// What stands at `path` below a tree.
    pub fn entry(&self, tree: Option<Oid>, path: &str) -> Result<Option<Entry>, RepoError> {
        let Some(tree) = tree else {
            return Ok(None);
        };
        let tree = git("read a tree", self.inner.find_tree(tree))?;
        let found: Result<TreeEntry<'static>, _> = tree.get_path(Path::new(path));
        match found {
            Ok(e) => Ok(Some(Entry { mode: e.filemode(), oid: e.id() })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(RepoError::Git { what: format!("look up {path}"), source }),
        }
    }

    /// The folder at `path` below a tree.
    pub fn folder(&self, tree: Option<Oid>, path: &str) -> Result<Option<Oid>, RepoError> {
        Ok(self.entry(tree, path)?.filter(|entry| entry.mode == FOLDER).map(|entry| entry.oid))
    }

    /// All blobs below the folder at `path`, sorted by path.
    pub fn blobs(&self, tree: Option<Oid>, path: &str) -> Result<Vec<Blob>, RepoError> {
        self.folder(tree, path)?.map_or(Ok(Vec::new()), |folder| self.blobs_below(folder, path))
    }

    /// All blobs of a tree, their paths below `prefix`.
    pub fn blobs_below(&self, tree: Oid, prefix: &str) -> Result<Vec<Blob>, RepoError> {
        let mut out = Vec::new();
        self.collect(tree, prefix, 0, &mut out)?;
        Ok(out)
    }

    fn collect(&self, tree: Oid, prefix: &str, depth: usize, out: &mut Vec<Blob>) -> Result<(), RepoError> {
        if depth > 16 {
            return Ok(());
        }
        for (name, entry) in self.entries(Some(tree))? {
            let path = format!("{prefix}/{name}");
            if entry.mode == FOLDER {
                self.collect(entry.oid, &path, depth + 1, out)?;
            } else {
                out.push(Blob { path, mode: entry.mode, oid: entry.oid });
            }
        }
        Ok(())
    }

    /// A blob's size, without reading it; none where the object is missing or no blob.
    pub fn blob_size(&self, oid: Oid) -> Option<usize> {
        let (size, kind) = self.inner.odb().and_then(|odb| odb.read_header(oid)).ok()?;
        (kind == ObjectType::Blob).then_some(size)
    }

    /// A blob's bytes.
    pub fn blob(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(sealed::open(self.seal.as_ref(), self.stored(oid)?)?)
    }

    /// A blob's bytes as they are stored, sealed or not.
    pub fn stored(&self, oid: Oid) -> Result<Vec<u8>, RepoError> {
        Ok(git("read a file", self.inner.find_blob(oid))?.content().to_vec())
    }

    /// Stores the file at `path`.
    pub fn write_file(&self, path: &str, bytes: &[u8]) -> Result<Oid, RepoError> {
        self.write_blob(&self.dress(path, bytes))
    }

    /// A file as it is stored.
    fn dress<'a>(&self, path: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.seal {
            Some(seal) if self.is_sealing() && path.starts_with("sync/") => Cow::Owned(seal.seal(path, bytes)),
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
        if self.inner.index().is_err() && std::fs::remove_file(self.inner.path().join("index")).is_ok() {
            broken += 1;
        }
        let objects = self.inner.commondir().join("objects");
        let Ok(odb) = self.inner.odb() else { return 0 };
        for folder in std::fs::read_dir(&objects).into_iter().flatten().flatten() {
            let Some(start) = folder.file_name().to_str().filter(|name| name.len() == 2).map(str::to_owned) else { continue };
            for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let Some(oid) = file.file_name().to_str().and_then(|rest| Oid::from_str(&format!("{start}{rest}")).ok()) else { continue };
                let young = file.metadata().and_then(|data| data.modified()).is_ok_and(|made| made >= began);
                if young && odb.read(oid).is_err() && std::fs::remove_file(file.path()).is_ok() {
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
            return all.iter().map(|(path, bytes)| self.write_file(path, bytes)).collect();
        }
        let place = self.inner.path();
        let open = || Repository::open(place);
        let store = |repo: &mut Result<Repository, git2::Error>, (path, bytes): &(&str, &[u8])| match repo {
            Ok(repo) => {
                let sealed = seal.as_ref().map(|seal| seal.seal(path, bytes));
                git("store a file", repo.blob(sealed.as_deref().unwrap_or(bytes)))
            }
            Err(error) => Err(RepoError::Open { path: place.to_owned(), source: git2::Error::from_str(error.message()) }),
        };
        all.par_iter().map_init(open, store).collect()
    }

    /// Stores the tree `base` with these entries added or replaced. Whatever else stands in it stays, odd names included.
    pub fn write_tree(&self, base: Option<Oid>, entries: &BTreeMap<String, Entry>) -> Result<Oid, RepoError> {
        let base = base.map(|oid| git("read a tree", self.inner.find_tree(oid))).transpose()?;
        let mut builder = git("start a tree", self.inner.treebuilder(base.as_ref()))?;
        for (name, entry) in entries {
            git("build a tree", builder.insert(name.as_str(), entry.oid, entry.mode).map(drop))?;
        }
        git("store a tree", builder.write())
    }

    /// Keeps all objects written from here on in memory: for a driver, which must leave nothing behind.
    ///
    /// Objects are then read as git reads them, checked by their zlib sums; hashing each anew would cost a tenth of a merge.
    pub fn write_in_memory(&self) -> Result<(), RepoError> {
        git2::opts::strict_hash_verification(false);
        let odb = git("open the objects", self.inner.odb())?;
        git("hold objects in memory", odb.add_new_mempack_backend(1000).map(drop))?;
        git("hold objects in memory", self.inner.set_odb(&odb))
    }

    /// A tree with some paths replaced. Folders are made as needed.
    pub fn replace(&self, tree: Option<Oid>, changes: &BTreeMap<String, Entry>) -> Result<Oid, RepoError> {
        let mut here = self.entries(tree)?;
        let mut below: BTreeMap<String, BTreeMap<String, Entry>> = BTreeMap::new();
        for (path, entry) in changes {
            match path.split_once('/') {
                Some((folder, rest)) => {
                    below.entry(folder.to_owned()).or_default().insert(rest.to_owned(), *entry);
                }
                None => {
                    here.insert(path.clone(), *entry);
                }
            }
        }
        for (folder, inner) in below {
            let old = here.get(&folder).filter(|entry| entry.mode == FOLDER).map(|entry| entry.oid);
            let oid = self.replace(old, &inner)?;
            here.insert(folder, Entry { mode: FOLDER, oid });
        }
        self.write_tree(tree, &here)
    }

    /// A tree without some paths. A folder in which nothing is left goes too.
    pub fn without(&self, tree: Oid, paths: &BTreeSet<String>) -> Result<Oid, RepoError> {
        self.cut(tree, paths)?.map_or_else(|| self.write_tree(None, &BTreeMap::new()), Ok)
    }

    fn cut(&self, tree: Oid, paths: &BTreeSet<String>) -> Result<Option<Oid>, RepoError> {
        if paths.is_empty() {
            return Ok(Some(tree));
        }
        let base = git("read a tree", self.inner.find_tree(tree))?;
        let mut builder = git("start a tree", self.inner.treebuilder(Some(&base)))?;
        let mut below: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for path in paths {
            match path.split_once('/') {
                Some((folder, rest)) => drop(below.entry(folder).or_default().insert(rest.to_owned())),
                None if base.get_name(path).is_some() => git("build a tree", builder.remove(path))?,
                None => {}
            }
        }
        for (folder, inner) in below {
            let Some(entry) = base.get_name(folder).filter(|entry| entry.filemode() == FOLDER) else { continue };
            match self.cut(entry.id(), &inner)? {
                Some(oid) => git("build a tree", builder.insert(folder, oid, FOLDER).map(drop))?,
                None => git("build a tree", builder.remove(folder))?,
            }
        }
        if builder.is_empty() { Ok(None) } else { git("store a tree", builder.write()).map(Some) }
    }

    /// Whom commits name as their author.
    pub fn author(&self) -> Result<String, RepoError> {
        let who = self.signature()?;
        Ok(format!("{} <{}>", String::from_utf8_lossy(who.name_bytes()), String::from_utf8_lossy(who.email_bytes())))
    }

    fn signature(&self) -> Result<Signature<'static>, RepoError> {
        match self.inner.signature() {
            Ok(who) => Ok(who),
            // No identity is configured: a commit must not fail for that, and must not guess a name or address either.
            Err(_) => git("make a signature", Signature::now("claude-sync", "claude-sync@localhost")),
        }
    }

    /// Makes a commit, signed where the user's configuration says so. No ref moves.
    pub fn commit(&self, process: &Git, tree: Oid, parents: &[Oid], message: &str) -> Result<Oid, RepoError> {
        if self.config()?.get_bool("commit.gpgsign").unwrap_or(false) {
            let parents: Vec<_> = parents.iter().map(Oid::to_string).collect();
            let id = process.commit_signed(&self.path, &tree.to_string(), &parents, message)?;
            return git("read the signed commit", Oid::from_str(&id));
        }
        let who = self.signature()?;
        let tree = git("read a tree", self.inner.find_tree(tree))?;
        let parents = parents.iter().map(|p| self.inner.find_commit(*p)).collect::<Result<Vec<_>, _>>();
        let parents = git("read a commit", parents)?;
        git("make a commit", self.inner.commit(None, &who, &who, message, &tree, &parents.iter().collect::<Vec<_>>()))
    }

    /// Moves a ref from `old` to `new`; fails if somebody else moved it meanwhile.
    pub fn move_ref(&self, name: &str, old: Option<Oid>, new: Oid, reason: &str) -> Result<(), RepoError> {
        if old == Some(new) {
            return Ok(());
        }
        let result = match old {
            Some(old) => self.inner.reference_matching(name, new, true, old, reason),
            None => self.inner.reference(name, new, false, reason),
        };
        git(&format!("move {name}"), result.map(drop))
    }

    /// Whether the files below `sync` in the work tree are those of a tree.
    pub fn shows(&self, tree: Oid) -> Result<bool, RepoError> {
        let tree = git("read a tree", self.inner.find_tree(tree))?;
        let mut options = git2::DiffOptions::new();
        options.pathspec("sync").disable_pathspec_match(true).ignore_submodules(true);
        let diff = git("compare the work tree", self.inner.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options)))?;
        Ok(diff.deltas().len() == 0)
    }

    /// Makes the work tree show a tree. What lies under `sync` is a projection and is overwritten; a user's own changes elsewhere stay.
    pub fn checkout(&self, tree: Oid) -> Result<(), RepoError> {
        let tree = git("read a tree", self.inner.find_tree(tree))?;
        let mut index = git("read the index", self.inner.index())?;
        let lost = index.is_empty();
        let mut safe = CheckoutBuilder::new();
        safe.safe().allow_conflicts(true).recreate_missing(true);
        git("write the work tree", self.inner.checkout_tree(tree.as_object(), Some(&mut safe)))?;
        let mut force = CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).path("sync");
        git("write the work tree", self.inner.checkout_tree(tree.as_object(), Some(&mut force)))?;
        if lost {
            // Deleted: with half of it, the next `git commit` by hand would delete the rest.
            git("write the index", index.read_tree(&tree).and_then(|()| index.write()))?;
        }
        Ok(())
    }

    /// Makes a work tree that shows `from` show `to`, touching only what differs. Whether it showed `from` is not looked at.
    ///
    /// Says false, having done nothing, where that takes more: files outside `sync` differ, files go away, or there is no index.
    pub fn advance(&self, from: Oid, to: Oid) -> Result<bool, RepoError> {
        let mut changed = Vec::new();
        if !self.gained(Some(from), Some(to), "", &mut changed)? || changed.iter().any(|path| !path.starts_with("sync/")) {
            return Ok(false);
        }
        let mut force = CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).update_index(true);
        for path in &changed {
            force.path(path);
        }
        let to = git("read a tree", self.inner.find_tree(to))?;
        if git("read the index", self.inner.index())?.is_empty() {
            return Ok(false);
        }
        // What is shown was written or fetched by this run, and hashed then. zlib's sums are still looked at.
        git2::opts::strict_hash_verification(false);
        let shown = self.inner.checkout_tree(to.as_object(), Some(&mut force));
        git2::opts::strict_hash_verification(true);
        git("write the work tree", shown)?;
        Ok(true)
    }

    /// The files of the tree `to` that `from` has not, or has otherwise.
    pub fn differing(&self, from: Option<Oid>, to: Oid) -> Result<Vec<(String, Entry)>, RepoError> {
        let mut paths = Vec::new();
        self.gained(from, Some(to), "", &mut paths)?;
        let entry = |path: String| Ok(self.entry(Some(to), &path)?.map(|entry| (path, entry)));
        paths.into_iter().map(entry).filter_map(Result::transpose).collect()
    }

    /// The files that `to` has and `from` has not, or has otherwise. False where `to` lacks something that `from` has.
    fn gained(&self, from: Option<Oid>, to: Option<Oid>, prefix: &str, out: &mut Vec<String>) -> Result<bool, RepoError> {
        let (old, new) = (self.entries(from)?, self.entries(to)?);
        let mut only_more = old.keys().all(|name| new.contains_key(name));
        for (name, entry) in new {
            let before = old.get(&name);
            if before == Some(&entry) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.mode == FOLDER {
                only_more &= before.is_none_or(|before| before.mode == FOLDER);
                let below = before.filter(|before| before.mode == FOLDER).map(|before| before.oid);
                only_more &= self.gained(below, Some(entry.oid), &format!("{path}/"), out)?;
            } else {
                only_more &= before.is_none_or(|before| before.mode == entry.mode);
                out.push(path);
            }
        }
        Ok(only_more)
    }

    /// Merges two texts line by line; where both changed the same lines, both stay.
    pub fn merge_text(base: Option<&[u8]>, ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
        let mut inputs = [base.unwrap_or_default(), ours, theirs].map(|bytes| {
            let mut input = git2::MergeFileInput::new();
            input.content(bytes);
            input
        });
        if [ours, theirs].iter().any(|bytes| bytes.contains(&0)) {
            return None;
        }
        let mut options = git2::MergeFileOptions::new();
        options.favor(git2::FileFavor::Union);
        let [base, ours, theirs] = &mut inputs;
        let result = git2::merge_file(base, ours, theirs, Some(&mut options)).ok()?;
        result.is_automergeable().then(|| result.content().to_vec())
    }

    /// Flushes everything written so far.
    pub fn flush(&self) -> Result<(), RepoError> {
        let path = self.inner.path().to_owned();
        crate::store::durable::sync_file_system(&path).map_err(|source| RepoError::Flush { path, source })
    }

    /// The addresses of the remote named `origin`, if there is one.
    pub fn remote(&self) -> Option<String> {
        self.inner.find_remote("origin").ok().and_then(|remote| remote.url().ok().map(str::to_owned))
    }
}
