//! Where commits go: the sync's branch and its remote. They are chosen at set-up, and do not follow
//! `HEAD`.

use git2::Oid;

use super::repo::{KNOWN, LATE, LATE_FROM, Repo, RepoError, git};

/// The setting that names the sync's branch.
const BRANCH: &str = "claude-sync.branch";

/// The settings that name branches which the sync had before the remote's default branch was
/// renamed.
const FORMER: &str = "claude-sync.formerBranch";

/// The reflog's message for a branch that follows the remote's.
const RENAMED: &str = "claude-sync: the remote's branch was renamed";

/// The branch and the remote that commits go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The sync's branch, here and on the remote.
    pub(crate) branch: String,
    /// The remote's name; none where history stays on this machine.
    pub(crate) remote: Option<String>,
}

impl Target {
    /// The full name of the local branch.
    pub(crate) fn local(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// Where one of the remote's branches was at the last fetch.
    pub(crate) fn tracking(&self, branch: &str) -> String {
        format!("{}{branch}", self.fetched())
    }

    /// What the refs begin with that a fetch writes.
    pub(crate) fn fetched(&self) -> String {
        format!(
            "refs/remotes/{}/",
            self.remote.as_deref().unwrap_or("origin")
        )
    }
}

impl Repo {
    /// Where commits go. Nothing is written: a clone in which nobody chose yet has the branch that
    /// `HEAD` names, or else the remote's.
    pub(crate) fn target(&self) -> Result<Target, RepoError> {
        let config = self.config()?;
        let chosen = config
            .get_string(BRANCH)
            .ok()
            .filter(|name| !name.is_empty());
        let branch = match chosen {
            Some(branch) => branch,
            None => self.likely_branch()?,
        };
        let remote = self.remote_of(&branch)?;
        Ok(Target { branch, remote })
    }

    /// The branch of a clone in which nobody chose one.
    fn likely_branch(&self) -> Result<String, RepoError> {
        let named = self.head_branch()?;
        if let Some(branch) = &named
            && self.head(branch).is_ok_and(|head| head.is_some())
        {
            return Ok(branch.clone());
        }
        // A clone of a remote whose HEAD names a branch that is not there: the name means nothing
        // where there are others.
        let usual = ["main", "master"].map(str::to_owned);
        let fetched = named
            .iter()
            .chain(&usual)
            .find(|branch| self.is_fetched(branch))
            .cloned();
        Ok(fetched
            .or(named)
            .or_else(|| self.rebased_branch())
            .or_else(|| self.default_branch())
            .unwrap_or_else(|| "main".to_owned()))
    }

    /// Whether some remote has this branch, by the last fetch.
    fn is_fetched(&self, branch: &str) -> bool {
        let found = self
            .inner
            .references_glob(&format!("refs/remotes/*/{branch}"));
        found.is_ok_and(|mut found| found.next().is_some())
    }

    /// The branch that is being rebased: `HEAD` is detached then.
    fn rebased_branch(&self) -> Option<String> {
        let path = self.inner.path().join("rebase-merge/head-name");
        let name = std::fs::read_to_string(path).ok()?;
        name.trim().strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// The default branch of the remote `origin`, as a clone by hand noted it.
    fn default_branch(&self) -> Option<String> {
        let head = self.inner.find_reference("refs/remotes/origin/HEAD").ok()?;
        let name = head.symbolic_target().ok()??;
        name.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }

    /// The remote of a branch: its own, else `origin`, else the only one. Fails where the user must
    /// choose.
    fn remote_of(&self, branch: &str) -> Result<Option<String>, RepoError> {
        let config = self.config()?;
        let names = git("list remotes", self.inner.remotes())?;
        let names: Vec<String> = names
            .iter()
            .flatten()
            .flatten()
            .map(str::to_owned)
            .collect();
        let own = config.get_string(&format!("branch.{branch}.remote")).ok();
        if let Some(own) = own.filter(|own| names.contains(own)) {
            return Ok(Some(own));
        }
        match names.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            all if all.iter().any(|name| name == "origin") => Ok(Some("origin".to_owned())),
            all => Err(RepoError::WhichRemote {
                branch: branch.to_owned(),
                names: all.to_vec(),
            }),
        }
    }

    /// Removes what a clone by hand noted as the remote's `HEAD`, where that branch is gone: git
    /// takes it for damage.
    pub(crate) fn drop_dangling_head(&self, remote: &str) {
        if let Ok(mut head) = self
            .inner
            .find_reference(&format!("refs/remotes/{remote}/HEAD"))
            && head.kind() == Some(git2::ReferenceType::Symbolic)
            && head.resolve().is_err()
        {
            // One that stays is an error to git fsck, and harms nobody else.
            let _ = head.delete();
        }
    }

    /// Writes down which branch is the sync's, where nobody did yet.
    pub(crate) fn keep_branch(&self, branch: &str) -> Result<(), RepoError> {
        let mut config = self.config()?;
        match config.get_string(BRANCH) {
            Ok(name) if name == branch => Ok(()),
            _ => config
                .set_str(BRANCH, branch)
                .map_err(|source| RepoError::Git {
                    what: format!("set {BRANCH}"),
                    source,
                }),
        }
    }

    /// Branches that were the sync's before.
    pub(crate) fn former_branches(&self) -> Result<Vec<String>, RepoError> {
        let config = self.config()?;
        let mut out = Vec::new();
        if let Ok(mut all) = config.multivar(FORMER, None) {
            while let Some(Ok(entry)) = all.next() {
                out.extend(entry.value().ok().map(str::to_owned));
            }
        }
        Ok(out)
    }

    /// Makes another branch the sync's, as the remote has it, and takes `HEAD` along where it was
    /// on the old one.
    pub(crate) fn follow(&self, target: &Target, branch: &str) -> Result<(), RepoError> {
        let position = self.position(target)?;
        let new = Target {
            branch: branch.to_owned(),
            ..target.clone()
        };
        self.note_renamed(target, &new)?;
        self.rename_branch(target, &new)?;
        if self.position(&new)? != position
            && let Some(position) = position
            && self.head(branch)?.is_none()
        {
            self.move_ref(&new.local(), None, position, RENAMED)?;
        }
        self.keep_branch(branch)
    }

    /// Writes down the former branch, and which of the remote's the new one follows.
    fn note_renamed(&self, old: &Target, new: &Target) -> Result<(), RepoError> {
        let set = |what: &str, result: Result<(), git2::Error>| {
            result.map_err(|source| RepoError::Git {
                what: format!("set {what}"),
                source,
            })
        };
        let mut config = self.config()?;
        if !self.former_branches()?.contains(&old.branch) {
            set(FORMER, config.set_multivar(FORMER, "^$", &old.branch))?;
        }
        if let Some(remote) = &new.remote {
            let (what, branch) = ("the branch's remote", &new.branch);
            set(
                what,
                config.set_str(&format!("branch.{branch}.remote"), remote),
            )?;
            set(
                what,
                config.set_str(&format!("branch.{branch}.merge"), &new.local()),
            )?;
        }
        Ok(())
    }

    /// Renames the local branch where `HEAD` is on it, nothing is left half-done, and no branch has
    /// the new name.
    fn rename_branch(&self, old: &Target, new: &Target) -> Result<(), RepoError> {
        if self.head_branch()?.as_ref() != Some(&old.branch)
            || self.operation().is_some()
            || self.head(&new.branch)?.is_some()
        {
            return Ok(());
        }
        let commit = self.head(&old.branch)?;
        if let Some(commit) = commit {
            self.move_ref(&new.local(), None, commit, RENAMED)?;
        }
        git("name the branch", self.inner.set_head(&new.local()))?;
        if commit.is_some() {
            let removed = self
                .inner
                .find_reference(&old.local())
                .and_then(|mut old| old.delete());
            git("rename the branch", removed)?;
        }
        Ok(())
    }

    /// The commit that the sync's branch is at. It is ahead of the branch as git shows it where the
    /// work tree could not be brought along yet ([`LATE`]).
    pub(crate) fn position(&self, target: &Target) -> Result<Option<Oid>, RepoError> {
        let head = self.commit_at(&target.local())?;
        let late = self.commit_at(LATE)?;
        if late.is_some() && self.commit_at(LATE_FROM)? == head {
            return Ok(late);
        }
        // Where there is no branch, it was renamed or deleted here.
        if head.is_some() {
            Ok(head)
        } else {
            self.commit_at(KNOWN)
        }
    }

    /// The commit that was synced last: what reports, `status` and `verify` look at, with any
    /// branch checked out.
    pub(crate) fn synced(&self) -> Result<Option<Oid>, RepoError> {
        let chosen = self
            .config()?
            .get_string(BRANCH)
            .ok()
            .filter(|name| !name.is_empty());
        let branch = chosen.map_or_else(|| self.likely_branch(), Ok)?;
        self.position(&Target {
            branch,
            remote: None,
        })
    }
}
