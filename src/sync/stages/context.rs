//! What all stages of a run share.

use std::collections::BTreeSet;

use crate::base::ids::MachineId;
use crate::cache::index::{Binding, Index};
use crate::git::repo::{KNOWN, Repo, RepoError};
use crate::git::{Git, Oid, Target};
use crate::store::Places;
use crate::store::config::Config;
use crate::sync::clear::{mark, note_screened};
use crate::sync::compact::Onto;
use crate::sync::error::SyncError;
use crate::sync::options::Options;
use crate::sync::settings::binding;
use crate::transcripts::Naming;

/// An open run: this machine, its clone, the remote's branch, and what was asked for.
pub(crate) struct Run<'a> {
    pub(crate) places: &'a Places,
    pub(crate) config: Config,
    pub(crate) options: Options,
    pub(crate) machine: MachineId,
    pub(crate) repo: Repo,
    pub(crate) git: Git,
    pub(crate) index: Index,
    /// Where commits go: a branch shared by all machines, or a local join of their branches.
    pub(crate) target: Target,
    /// Each machine pushes a branch of its own.
    pub(crate) per_machine: bool,
    pub(crate) naming: Naming,
    /// What makes this run's reading of a transcript differ from another's, as it was when the run
    /// began.
    pub(crate) reader: String,
    /// The run begins a new history: it was asked for, or the remote's has data that was forgotten.
    pub(crate) reroot: bool,
    /// The days to keep of a history that this run compacts.
    pub(crate) compact: Option<u32>,
    /// The history that takes the place of the remote's.
    pub(crate) onto: Option<Onto>,
    /// The branches that are pushed over what the remote has, because their history was replaced.
    pub(crate) replaced: BTreeSet<String>,
    /// Why this run's commit is not signed, though it should be.
    pub(crate) unsigned: Option<String>,
    /// Damaged objects were repaired already, so that a fetch that meets more fails for another
    /// reason.
    pub(crate) healed: bool,
}

impl Run<'_> {
    /// The remote's branch at the last fetch.
    pub(crate) fn tip(&self, branch: &str) -> Result<Option<Oid>, SyncError> {
        Ok(self.repo.commit_at(&self.target.tracking(branch))?)
    }

    /// The remote's address; none where there is no remote.
    pub(crate) fn address(&self) -> Option<String> {
        self.repo.address(self.target.remote.as_deref())
    }

    /// The refs of this clone that a run moves.
    pub(crate) fn refs(&self) -> Vec<String> {
        let local = [self.target.local(), KNOWN.to_owned(), "HEAD".to_owned()];
        let tracking = self.target.tracking(&self.target.branch);
        local.into_iter().chain([tracking]).collect()
    }

    /// What the index is bound to: it must never know more than the repository has.
    pub(crate) fn binding(&self) -> Result<Binding, SyncError> {
        binding(&self.repo, Some(&self.machine), self.reader.clone())
    }

    /// Makes a commit, signed where that is asked for. Where signing fails, it is not, and the run
    /// must not push it.
    pub(crate) fn make_commit(
        &mut self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, SyncError> {
        if self.config.sign && self.unsigned.is_none() {
            match self.repo.commit_signed(&self.git, tree, parents, message) {
                Err(RepoError::Process(error)) => self.unsigned = Some(error.to_string()),
                made => return Ok(made?),
            }
        }
        Ok(self.repo.commit(&self.git, tree, parents, message)?)
    }

    /// Marks the fleet as encrypted, once the remote has what this run sealed: from here on nothing
    /// in clear is taken in.
    pub(crate) fn note_sealed(&self) -> Result<(), SyncError> {
        let is_unmarked = || self.repo.sealed_mark().is_ok_and(|mark| mark.is_none());
        match self.repo.seal() {
            Some(seal) if self.repo.is_sealing() && is_unmarked() => {
                mark(&self.repo, self.places, &self.config, seal.mark())?;
                // All of it was sealed by this run.
                note_screened(&self.repo)
            }
            _ => Ok(()),
        }
    }
}
