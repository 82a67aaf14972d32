//! Puts a clone right whose objects are missing or damaged: what is damaged is moved aside, the remote is fetched from as if nothing was
//! here, and refs that still lead to nothing go back to a commit that is whole.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid};

use super::process::Git;
use super::repo::{FOLDER, KNOWN, LATE, LATE_FROM, Repo, RepoError, git};
use super::target::Target;

/// What was done about a clone whose objects were missing or damaged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healed {
    /// Damaged objects and packs that were moved aside.
    pub damaged: u64,
    /// All objects were fetched again.
    pub fetched: bool,
    /// Refs that led to nothing and were moved or removed: transcripts are read anew.
    pub refs: Vec<String>,
    /// Refs of the user's that led to an object which nobody has: git fetches nothing while they are there. They were moved aside.
    pub lost: Vec<String>,
}

impl Healed {
    /// Whether anything was done.
    pub fn is_something(&self) -> bool {
        *self != Self::default()
    }
}

/// The folder in `.git` that keeps what was damaged.
const ASIDE: &str = "claude-sync-damaged";

/// What the clone is to be put right from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// The remote may be asked.
    pub remote: bool,
    /// Where no commit is whole any more, history begins anew from transcripts.
    pub anew: bool,
}

impl Repo {
    /// Puts the clone right, as far as the means allow it. The repository is to be opened again afterwards.
    ///
    /// Fails, and leaves the refs as they were, where the remote is needed and not reached.
    pub fn heal(&self, process: &Git, target: &Target, means: Means) -> Result<Healed, RepoError> {
        let mut out = Healed {
            damaged: self.set_aside_loose() + self.set_aside_packs(process),
            ..Healed::default()
        };
        let own = [
            target.local(),
            KNOWN.to_owned(),
            LATE.to_owned(),
            LATE_FROM.to_owned(),
        ];
        let mut before: Vec<(String, Option<Oid>)> = Vec::new();
        let names: Vec<String> = self.ref_names(&target.fetched())?;
        // Git refuses to fetch where a ref leads to no commit.
        for name in own.iter().chain(&names) {
            let value = self.raw_target(name);
            let leads = value.is_some_and(|oid| self.find_commit(oid).is_ok());
            if !leads && self.exists(name) {
                self.remove_ref(name);
                before.push((name.clone(), value));
            }
        }
        let theirs = self.hide_broken(&own, target)?;
        let restore = |before: &[(String, Option<Oid>)]| {
            theirs
                .iter()
                .for_each(|(name, text)| self.show_again(name, text));
            for (name, value) in before
                .iter()
                .filter_map(|(name, value)| Some((name, (*value)?)))
            {
                // By hand: the object that it names may be missing.
                let path = self.common_folder().join(name);
                let _ = path.parent().map(fs::create_dir_all);
                let _ = fs::write(path, format!("{value}\n"));
            }
        };
        if let Some(remote) = target.remote.as_deref().filter(|_| means.remote) {
            if let Err(error) = process.fetch_again(self.path(), remote) {
                restore(&before);
                return Err(error.into());
            }
            out.fetched = true;
            self.forget_filter(remote)?;
        }
        let Some(repo) = Self::open(self.path())? else {
            return Ok(out);
        };
        for (name, text) in &theirs {
            if Oid::from_str(text.trim()).is_ok_and(|oid| repo.has_object(oid)) {
                self.show_again(name, text);
            } else {
                self.keep_aside(name, text);
                out.lost.push(name.clone());
            }
        }
        for name in own {
            let gone = before
                .iter()
                .find(|(gone, _)| *gone == name)
                .map(|(_, value)| *value);
            let value = gone.unwrap_or_else(|| repo.raw_target(&name));
            if gone.is_none() && value.is_none() {
                continue;
            }
            if let Some(value) = value.filter(|value| repo.is_whole(*value)) {
                if gone.is_some() {
                    repo.move_ref(&name, None, value, "claude-sync: healed")?;
                }
                continue;
            }
            let is_branch = name == target.local();
            let found = if is_branch {
                repo.whole_before(target)
            } else {
                None
            };
            if found.is_none() && is_branch && !out.fetched && !means.anew {
                restore(&before);
                return Err(RepoError::Missing(value.unwrap_or(Oid::ZERO_SHA1)));
            }
            repo.remove_ref(&name);
            if let Some(found) = found {
                repo.move_ref(&name, None, found, "claude-sync: healed")?;
            }
            out.refs.push(name);
        }
        if out.is_something() {
            // Entries of reflogs that lead to nothing are errors to `git fsck`. That some stay harms nobody else.
            let stale = [
                "reflog",
                "expire",
                "--stale-fix",
                "--expire=never",
                "--expire-unreachable=never",
                "--all",
            ];
            let _ = process.run(self.path(), &stale);
        }
        Ok(out)
    }

    /// Takes refs of the user's away that lead to an object which is not here, and a detached `HEAD` that does: git refuses to fetch while
    /// they are there. Returns each with the text of its file.
    fn hide_broken(
        &self,
        own: &[String],
        target: &Target,
    ) -> Result<Vec<(String, String)>, RepoError> {
        let mut out = Vec::new();
        for name in self.ref_names("refs/")? {
            let foreign = !own.contains(&name) && !name.starts_with(&target.fetched());
            if foreign
                && self.exists(&name)
                && let Some(oid) = self.raw_target(&name).filter(|oid| !self.has_object(*oid))
            {
                self.remove_ref(&name);
                out.push((name, format!("{oid}\n")));
            }
        }
        let head = self.inner.path().join("HEAD");
        let text = fs::read_to_string(&head).unwrap_or_default();
        if Oid::from_str(text.trim()).is_ok_and(|oid| !self.has_object(oid))
            && fs::write(&head, format!("ref: {}\n", target.local())).is_ok()
        {
            out.push(("HEAD".to_owned(), text));
        }
        Ok(out)
    }

    /// Takes back [`Self::hide_broken`].
    fn show_again(&self, name: &str, text: &str) {
        let folder = if name == "HEAD" {
            self.inner.path()
        } else {
            self.common_folder()
        };
        let path = folder.join(name);
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, text);
    }

    /// Writes down what a ref was that leads to nothing.
    fn keep_aside(&self, name: &str, text: &str) {
        let path = self.aside().join(name);
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, text);
    }

    /// Whether an object of any kind is here.
    fn has_object(&self, oid: Oid) -> bool {
        self.inner.odb().is_ok_and(|odb| odb.exists(oid))
    }

    /// A commit that is whole: one that the branch was at before, or the remote's.
    fn whole_before(&self, target: &Target) -> Option<Oid> {
        let mut all: Vec<Oid> = Vec::new();
        for name in [target.local(), "HEAD".to_owned()] {
            if let Ok(log) = self.inner.reflog(&name) {
                all.extend(log.iter().map(|entry| entry.id_new()));
            }
        }
        all.extend(
            self.commit_at(&target.tracking(&target.branch))
                .ok()
                .flatten(),
        );
        let mut seen = HashSet::new();
        all.into_iter()
            .filter(|oid| !oid.is_zero() && seen.insert(*oid))
            .find(|oid| self.is_whole(*oid))
    }

    /// Whether a commit, all commits before it, and all files of its tree are here.
    fn is_whole(&self, commit: Oid) -> bool {
        let history = || -> Result<(), git2::Error> {
            self.check_history(&[commit])?;
            let mut walk = self.inner.revwalk()?;
            walk.push(commit)?;
            walk.try_for_each(|oid| self.find_commit(oid?).map(drop))
        };
        let tree = self.find_commit(commit).map(|commit| commit.tree_id());
        history().is_ok() && tree.is_ok_and(|tree| self.is_whole_tree(tree, &mut HashSet::new()))
    }

    fn is_whole_tree(&self, tree: Oid, seen: &mut HashSet<Oid>) -> bool {
        if !seen.insert(tree) {
            return true;
        }
        let Ok(tree) = self.find_tree(tree) else {
            return false;
        };
        tree.iter().all(|entry| match entry.kind() {
            Some(ObjectType::Tree) if entry.filemode() == FOLDER => {
                self.is_whole_tree(entry.id(), seen)
            }
            Some(ObjectType::Blob) => self
                .check(entry.id())
                .and_then(|()| self.inner.find_blob(entry.id()))
                .is_ok(),
            _ => true,
        })
    }

    /// Moves loose objects aside that cannot be read whole. Git takes them for what they are named after, also when they are fetched again.
    fn set_aside_loose(&self) -> u64 {
        let objects = self.common_folder().join("objects");
        let Ok(odb) = self.inner.odb() else { return 0 };
        let mut count = 0;
        for folder in fs::read_dir(&objects).into_iter().flatten().flatten() {
            let Some(start) = folder
                .file_name()
                .to_str()
                .filter(|name| name.len() == 2)
                .map(str::to_owned)
            else {
                continue;
            };
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let Some(oid) = file
                    .file_name()
                    .to_str()
                    .and_then(|rest| Oid::from_str(&format!("{start}{rest}")).ok())
                else {
                    continue;
                };
                if self
                    .check(oid)
                    .and_then(|()| odb.read(oid).map(drop))
                    .is_err()
                {
                    count += u64::from(self.set_aside(&file.path(), &oid.to_string()));
                }
            }
        }
        count
    }

    /// Moves packs aside that are damaged, and unpacks what can still be read of them.
    fn set_aside_packs(&self, process: &Git) -> u64 {
        let mut count = 0;
        let packs = fs::read_dir(self.common_folder().join("objects/pack"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path());
        for pack in packs
            .filter(|path| path.extension().is_some_and(|end| end == "pack"))
            .collect::<Vec<_>>()
        {
            let index = pack.with_extension("idx").display().to_string();
            if process.run(self.path(), &["verify-pack", &index]).is_ok() {
                continue;
            }
            let name = pack
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            for end in ["idx", "rev", "mtimes", "bitmap", "promisor", "keep"] {
                self.set_aside(&pack.with_extension(end), &format!("{name}.{end}"));
            }
            if self.set_aside(&pack, &format!("{name}.pack")) {
                count += 1;
                // It tells of each object that it cannot read; what it could read is here.
                let _ = process.run_with_input(
                    self.path(),
                    &["unpack-objects", "-q", "-r"],
                    &self.aside().join(format!("{name}.pack")),
                );
            }
        }
        count
    }

    fn aside(&self) -> PathBuf {
        self.common_folder().join(ASIDE)
    }

    pub(super) fn set_aside(&self, path: &Path, name: &str) -> bool {
        path.exists()
            && fs::create_dir_all(self.aside()).is_ok()
            && fs::rename(path, self.aside().join(name)).is_ok()
    }

    /// Names of all refs that begin with `prefix`, be what they lead to here or not.
    fn ref_names(&self, prefix: &str) -> Result<Vec<String>, RepoError> {
        let refs = git(
            "list refs",
            self.inner.references_glob(&format!("{prefix}*")),
        )?;
        Ok(refs
            .flatten()
            .filter_map(|found| found.name().ok().map(str::to_owned))
            .collect())
    }

    /// The id that a ref holds, be that object here or not.
    fn raw_target(&self, name: &str) -> Option<Oid> {
        self.inner
            .find_reference(name)
            .and_then(|found| found.resolve())
            .ok()?
            .target()
    }

    /// Whether there is a ref of this name, readable or not.
    fn exists(&self, name: &str) -> bool {
        match self.inner.find_reference(name) {
            Ok(found) => found.kind() != Some(git2::ReferenceType::Symbolic),
            Err(error) => error.code() != ErrorCode::NotFound,
        }
    }

    fn remove_ref(&self, name: &str) {
        if self
            .inner
            .find_reference(name)
            .and_then(|mut found| found.delete())
            .is_err()
        {
            // A file that is no ref.
            let _ = fs::remove_file(self.common_folder().join(name));
        }
    }

    /// Has later fetches bring all objects: reports read every file.
    fn forget_filter(&self, remote: &str) -> Result<(), RepoError> {
        let name = format!("remote.{remote}.partialclonefilter");
        let mut config = self.config()?;
        match config.remove(&name) {
            Err(error) if error.code() != ErrorCode::NotFound => Err(RepoError::Git {
                what: format!("remove {name}"),
                source: error,
            }),
            _ => Ok(()),
        }
    }
}
