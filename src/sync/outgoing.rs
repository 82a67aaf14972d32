//! What a run sends to the remote, and when it tries again.

use std::time::Duration;

use super::SyncError;
use super::delta::{Story, delta};
use super::run::Run;
use super::tree::own_tree;
use crate::base::time::Timestamp;
use crate::cache::Cache;
use crate::cache::index::Index;
use crate::git::process::MACHINES;
use crate::git::repo::KNOWN;
use crate::git::{GitError, Oid, Push};
use crate::merge::guard;

impl Run<'_> {
    pub(super) fn push(&self, commit: Oid, branch: &str) -> Result<Push, GitError> {
        let over = if self.reroot.get() {
            self.tip(branch).ok().flatten()
        } else {
            None
        };
        let over = over.map(|old| old.to_string());
        let remote = self.target.remote.as_deref().unwrap_or("origin");
        self.git.push(
            self.repo.path(),
            remote,
            &commit.to_string(),
            branch,
            over.as_deref(),
        )
    }

    /// What pushing these would break on the remote, no matter whose it is: nothing ever should.
    pub(super) fn breaks(&self, outgoing: &[(Oid, String)]) -> Result<Option<String>, SyncError> {
        let mut breaches = Vec::new();
        // A machine's own branch does not tell what others had forgotten.
        let here = [self.repo.synced()?, self.repo.commit_at(KNOWN)?]
            .into_iter()
            .flatten();
        let all = here.chain(outgoing.iter().map(|(commit, _)| *commit));
        let roots = all
            .map(|commit| self.repo.tree_of(commit))
            .collect::<Result<Vec<_>, _>>()?;
        let rules = guard::rules(&self.repo, roots)?;
        for (commit, branch) in outgoing {
            let (new, old) = (self.repo.tree_of(*commit)?, self.tip(branch)?);
            let known: Vec<Oid> = self
                .repo
                .tips_below("refs/remotes/")?
                .into_values()
                .collect();
            let old = old
                .filter(|_| !self.reroot.get())
                .map(|old| self.repo.tree_of(old))
                .transpose()?;
            breaches.extend(guard::breaches(&self.repo, old, Some(new), &rules)?);
            let new = self.repo.new_commits(*commit, &known)?;
            breaches.extend(guard::forgotten(&self.repo, &rules, &new)?);
            if self.repo.is_sealing() || self.repo.sealed_mark()?.is_some() {
                breaches.extend(guard::clear(&self.repo, &new)?);
            }
        }
        if breaches.is_empty() {
            return Ok(None);
        }
        let lines = breaches
            .iter()
            .take(10)
            .fold(String::new(), |text, breach| {
                text + "\n  " + &breach.to_string()
            });
        Ok(Some(format!(
            "this push would break what the remote has, and was not sent:{lines}"
        )))
    }

    /// When runs that nobody attends may try the remote again; none where it did not fail.
    pub(super) fn next_try(&self, index: &Index) -> Result<Option<Timestamp>, SyncError> {
        let Some((failures, last)) = index.failures()? else {
            return Ok(None);
        };
        let pause =
            i64::try_from(self.failures.pause(failures).saturating_mul(1000)).unwrap_or(i64::MAX);
        // A failure in the future was noted by a wrong clock.
        Ok(if last > self.options.now {
            None
        } else {
            Timestamp::from_millis(last.millis().saturating_add(pause))
        })
    }

    /// What the remote lacks: commits, with the branches they go to.
    pub(super) fn outgoing(
        &self,
        head: Oid,
        cache: &dyn Cache,
    ) -> Result<Vec<(Oid, String)>, SyncError> {
        let mut all = Vec::new();
        if self.per_machine {
            all.push((
                self.own_branch(head, cache)?,
                format!("{MACHINES}{}", self.machine),
            ));
        }
        if !self.per_machine || self.options.push_main {
            all.push((head, self.target.branch.clone()));
        }
        let mut missing = Vec::new();
        for (commit, branch) in all {
            if self.tip(&branch)? != Some(commit) {
                missing.push((commit, branch));
            }
        }
        Ok(missing)
    }

    /// The commit of this machine's own branch: its files out of the joined ones, and nothing of others'.
    fn own_branch(&self, head: Oid, cache: &dyn Cache) -> Result<Oid, SyncError> {
        let name = format!("refs/heads/{MACHINES}{}", self.machine);
        let tree = own_tree(&self.repo, self.repo.tree_of(head)?, &self.machine)?;
        let local = self.repo.commit_at(&name)?;
        let parent = self.tip(&format!("{MACHINES}{}", self.machine))?;
        let parent = parent.or(local);
        for there in [parent, local].into_iter().flatten() {
            let waits = Some(there) == parent
                || parent
                    .is_none_or(|parent| self.repo.parents_of(there).is_ok_and(|p| p == [parent]));
            if waits && self.repo.tree_of(there)? == tree {
                self.repo.move_ref(&name, local, there, "claude-sync")?;
                return Ok(there);
            }
        }
        let before = parent.map(|commit| self.repo.tree_of(commit)).transpose()?;
        let delta = delta(&self.repo, before, Some(tree), &self.machine, cache)?;
        let story = Story {
            machine: &self.machine,
            hostname: &self.options.host.hostname,
            mode: Some(self.options.mode),
            delta: &delta,
            imported: None,
            first: before.is_none(),
            reroot: false,
            rotated: false,
            folded: &[],
        };
        let commit = self.make_commit(tree, parent.as_slice(), &self.said(&story))?;
        self.repo.flush()?;
        self.repo.move_ref(&name, local, commit, "claude-sync")?;
        Ok(commit)
    }
}

/// A random wait of up to 50 ms, doubling with each rejection up to 3 s, so that machines which collided do not collide again.
pub(super) fn jitter(rejected: u32) -> Duration {
    let most = 50_u64.saturating_mul(1 << rejected.min(6)).min(3000);
    let random = uuid::Uuid::new_v4().as_u64_pair().0;
    Duration::from_millis(random % most)
}
