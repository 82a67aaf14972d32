//! Puts a clone right whose objects are missing or damaged: what is damaged is moved aside, the
//! remote is fetched from as if nothing was here, and refs that still lead to nothing go back to a
//! commit that is whole.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use git2::{ErrorCode, ObjectType, Oid};

use super::process::Git;
use super::repo::{FOLDER, KNOWN, LATE, LATE_FROM, Repo, RepoError, git};
use super::target::Target;

/// What was done about a clone whose objects were missing or damaged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Healed {
    /// Damaged objects and packs that were moved aside.
    pub(crate) damaged: u64,
    /// All objects were fetched again.
    pub(crate) fetched: bool,
    /// Refs that led to nothing and were moved or removed: transcripts are read anew.
    pub(crate) refs: Vec<String>,
    /// Refs of the user's that led to an object which nobody has: git fetches nothing while they
    /// are there. They were moved aside.
    pub(crate) lost: Vec<String>,
}

impl Healed {
    /// Whether anything was done.
    pub(crate) fn is_something(&self) -> bool {
        *self != Self::default()
    }
}

/// What the clone is to be put right from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// The remote may be asked.
    pub(crate) remote: bool,
    /// Where no commit is whole any more, history begins anew from transcripts.
    pub(crate) anew: bool,
}

/// Refs that were taken away for a fetch.
struct Hidden {
    /// Claude-sync's own refs and those of the last fetch, each with the id that it held, where
    /// that could be read.
    removed: BTreeMap<String, Option<Oid>>,
    /// The user's refs and a detached `HEAD`, each with the text of its file.
    foreign: Vec<(String, String)>,
}

/// What became of one of claude-sync's refs.
enum Settled {
    /// It is absent as before, or leads to a whole commit.
    Whole,
    /// It lost its commit: it leads to an earlier one now, or is gone.
    Moved,
    /// The branch has no whole commit, and history must not begin anew.
    NothingLeft(Oid),
}

impl Repo {
    /// Puts the clone right, as far as the means allow it. The repository is to be opened again
    /// afterwards.
    ///
    /// Fails, and leaves the refs as they were, where the remote is needed and not reached.
    pub(crate) fn heal(
        &self,
        process: &Git,
        target: &Target,
        means: Means,
    ) -> Result<Healed, RepoError> {
        let mut out = Healed {
            damaged: self.set_aside_loose() + self.set_aside_packs(process),
            ..Healed::default()
        };
        let own = [&target.local(), KNOWN, LATE, LATE_FROM].map(str::to_owned);
        let hidden = self.hide_dangling(&own, target)?;
        if let Some(remote) = target.remote.as_deref().filter(|_| means.remote) {
            if let Err(error) = process.fetch_again(self.path(), remote) {
                self.put_back(&hidden);
                return Err(error.into());
            }
            out.fetched = true;
            self.forget_filter(remote)?;
        }
        // Opened again: libgit2 keeps in mind which objects it did not find.
        let Some(repo) = Self::open(self.path())? else {
            return Ok(out);
        };
        out.lost = repo.settle_foreign(&hidden.foreign);
        for name in own {
            match repo.settle_own(&name, &hidden, target, out.fetched || means.anew)? {
                Settled::Whole => {}
                Settled::Moved => out.refs.push(name),
                Settled::NothingLeft(missing) => {
                    self.put_back(&hidden);
                    return Err(RepoError::Missing(missing));
                }
            }
        }
        if out.is_something() {
            process.expire_stale_reflogs(self.path());
        }
        Ok(out)
    }

    /// Takes refs away that lead to no commit: git refuses to fetch while they are there.
    fn hide_dangling(&self, own: &[String], target: &Target) -> Result<Hidden, RepoError> {
        let mut removed = BTreeMap::new();
        let fetched: Vec<String> = self.ref_names(&target.fetched())?;
        for name in own.iter().chain(&fetched) {
            let value = self.raw_target(name);
            let leads = value.is_some_and(|oid| self.find_commit(oid).is_ok());
            if !leads && self.exists(name) {
                self.remove_ref(name);
                removed.insert(name.clone(), value);
            }
        }
        Ok(Hidden {
            removed,
            foreign: self.hide_broken(own, target)?,
        })
    }

    /// Takes back [`Self::hide_dangling`].
    fn put_back(&self, hidden: &Hidden) {
        for (name, text) in &hidden.foreign {
            self.show_again(name, text);
        }
        for (name, value) in &hidden.removed {
            if let Some(value) = value {
                // By hand: the object that it names may be missing.
                let path = self.common_folder().join(name);
                let _ = path.parent().map(fs::create_dir_all);
                let _ = fs::write(path, format!("{value}\n"));
            }
        }
    }

    /// Puts refs of the user's back whose object came with the fetch, and keeps the others aside.
    /// Returns the names of these.
    fn settle_foreign(&self, foreign: &[(String, String)]) -> Vec<String> {
        let mut lost = Vec::new();
        for (name, text) in foreign {
            if Oid::from_str(text.trim()).is_ok_and(|oid| self.has_object(oid)) {
                self.show_again(name, text);
            } else {
                self.keep_aside(name, text);
                lost.push(name.clone());
            }
        }
        lost
    }

    /// Leaves one of claude-sync's refs at its commit where that is whole, else moves it to an
    /// earlier whole one or removes it.
    fn settle_own(
        &self,
        name: &str,
        hidden: &Hidden,
        target: &Target,
        may_begin_anew: bool,
    ) -> Result<Settled, RepoError> {
        let removed = hidden.removed.get(name);
        let value = removed.map_or_else(|| self.raw_target(name), |value| *value);
        if removed.is_none() && value.is_none() {
            return Ok(Settled::Whole);
        }
        if let Some(value) = value.filter(|value| self.is_whole(*value)) {
            if removed.is_some() {
                self.move_ref(name, None, value, "claude-sync: healed")?;
            }
            return Ok(Settled::Whole);
        }
        let is_branch = name == target.local();
        let found = if is_branch {
            self.whole_before(target)
        } else {
            None
        };
        if found.is_none() && is_branch && !may_begin_anew {
            return Ok(Settled::NothingLeft(value.unwrap_or(Oid::ZERO_SHA1)));
        }
        self.remove_ref(name);
        if let Some(found) = found {
            self.move_ref(name, None, found, "claude-sync: healed")?;
        }
        Ok(Settled::Moved)
    }

    /// Takes refs of the user's away that lead to an object which is not here, and a detached
    /// `HEAD` that does: git refuses to fetch while they are there. Returns each with the text of
    /// its file.
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
