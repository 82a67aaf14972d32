//! Fetches or restores objects that are missing or damaged in the clone.

use super::error::SyncError;
use super::options::{Options, Task};
use super::settings::lock;
use crate::git::process::hide_secrets;
use crate::git::repo::{Repo, RepoError};
use crate::git::{Git, Healed, Means};
use crate::store::Places;

/// Repairs the clone after an error about missing or damaged objects.
pub(super) fn repair(
    places: &Places,
    options: &Options,
    git: &Git,
    error: SyncError,
) -> Result<Healed, SyncError> {
    let Some(repo) = Repo::open(&places.repo)? else {
        return Err(error);
    };
    let target = repo.target()?;
    if target.remote.is_some() && (options.offline || options.task == Task::Resolve) {
        return Err(error);
    }
    let means = Means {
        remote: true,
        anew: false,
    };
    match repo.heal(git, &target, means) {
        Ok(healed) if healed.is_something() => Ok(healed),
        Ok(_) | Err(RepoError::Missing(_)) => Err(error),
        Err(RepoError::Process(source)) => {
            let address = repo.address(target.remote.as_deref()).unwrap_or_default();
            Err(SyncError::Incomplete {
                address: hide_secrets(&address),
                source,
            })
        }
        Err(other) => Err(other.into()),
    }
}

/// Repairs the clone for `verify --repair`. Where there is no remote and no commit is whole,
/// history begins anew.
pub(crate) fn repair_objects(places: &Places, options: &Options) -> Result<Healed, SyncError> {
    let (_lock, _) = lock(places, options)?;
    let Some(repo) = Repo::open(&places.repo)? else {
        return Err(SyncError::NoRemote);
    };
    let git = Git::find(options.attended)?.with_watcher(options.watcher.clone());
    let target = repo.target()?;
    let heal = |remote, anew| repo.heal(&git, &target, Means { remote, anew });
    match heal(true, true) {
        // A remote that is away is no reason to leave the rest as it is.
        Err(RepoError::Process(_)) => Ok(heal(false, false).unwrap_or_default()),
        other => Ok(other?),
    }
}
