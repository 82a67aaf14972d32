//! Who this machine is: a new id, an id adopted, and signs that another computer uses it.

use super::error::SyncError;
use super::options::Options;
use super::settings::label;
use super::starts::Starts;
use super::view::View;
use crate::base::ids::MachineId;
use crate::cache::NoCache;
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::git::setup as clone;
use crate::store::{Places, lock, machine_id};

/// Gives this computer a new id, and returns the old one and the new one. What the old one wrote
/// stays as it is.
pub(crate) fn new_id(
    places: &Places,
    options: &Options,
) -> Result<(Option<MachineId>, MachineId), SyncError> {
    let _lock = lock::acquire(&places.state, &label(options), options.wait)?;
    let old = machine_id::read(&places.machine_id)?;
    Ok((
        old,
        machine_id::renew(&places.machine_id, &options.host.fingerprint)?,
    ))
}

/// Takes over the machine id as this computer's own.
pub(crate) fn adopt(places: &Places, options: &Options) -> Result<MachineId, SyncError> {
    let _lock = lock::acquire(&places.state, &label(options), options.wait)?;
    let (machine, _) = machine_id::read_or_create(&places.machine_id)?;
    machine_id::adopt(&places.machine_id, &options.host.fingerprint)?;
    Ok(machine)
}

/// Makes this machine one of the short-lived machines of a name, before it is set up: its id comes
/// from the name. An id that is there already stays another machine's.
pub(crate) fn become_ephemeral(places: &Places, name: &str) -> Result<MachineId, SyncError> {
    let id = MachineId::of_name(name);
    match machine_id::read(&places.machine_id)? {
        Some(there) if there != id => {
            return Err(SyncError::HasId {
                path: places.machine_id.clone(),
            });
        }
        Some(_) => {}
        None => machine_id::write(&places.machine_id, &id)?,
    }
    Ok(id)
}

/// Has the repository remember the name of [`become_ephemeral`].
pub(crate) fn keep_ephemeral(places: &Places, name: &str) -> Result<(), SyncError> {
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?;
    Ok(clone::set_ephemeral(&repo, name)?)
}

/// Has the repository remember this machine's id, before the machine forgets it. An error where
/// there is no repository.
pub(crate) fn leave_id(places: &Places, machine: &MachineId) -> Result<(), SyncError> {
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?;
    Ok(clone::set_machine(&repo, Some(machine.as_str()))?)
}

/// A machine that was uninstalled here goes on under its id.
pub(super) fn take_up_id(places: &Places) -> Result<(), SyncError> {
    if machine_id::read(&places.machine_id)?.is_none()
        && let Some(repo) = Repo::open(&places.repo)?
        && let Some(machine) = clone::machine(&repo)?.and_then(|id| MachineId::parse(&id).ok())
    {
        machine_id::write(&places.machine_id, &machine)?;
        clone::set_machine(&repo, None)?;
    }
    Ok(())
}

/// Whether the remote has a version of this machine's file that it did not get from here. Only the
/// machine itself counts the revision up; others at most join versions that exist.
pub(super) fn another_wrote(
    repo: &Repo,
    starts: &Starts,
    machine: &MachineId,
) -> Result<bool, SyncError> {
    let rank = |file: &SyncFile| (file.machine.revision, file.machine.updated_at);
    let Some(known) = machine_file(repo, starts.known, machine)?
        .as_ref()
        .map(rank)
    else {
        return Ok(false);
    };
    let here = machine_file(repo, starts.head, machine)?.as_ref().map(rank);
    for tip in starts.tip.iter().chain(&starts.others) {
        let there = machine_file(repo, Some(*tip), machine)?.as_ref().map(rank);
        if there.is_some_and(|there| there.0 >= known.0 && there != known) && there != here {
            return Ok(true);
        }
    }
    Ok(false)
}

fn machine_file(
    repo: &Repo,
    commit: Option<Oid>,
    machine: &MachineId,
) -> Result<Option<SyncFile>, SyncError> {
    match commit {
        Some(commit) => View::of_commit(repo, commit, &NoCache)?.machine_file(machine),
        None => Ok(None),
    }
}
