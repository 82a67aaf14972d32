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
use crate::store::{Places, lock, machine_id};

/// Gives this computer a new id, and returns the old one and the new one. What the old one wrote stays as it is.
pub fn new_id(
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

/// Says that this computer is the one that its id names.
pub fn adopt(places: &Places, options: &Options) -> Result<MachineId, SyncError> {
    let _lock = lock::acquire(&places.state, &label(options), options.wait)?;
    let (machine, _) = machine_id::read_or_create(&places.machine_id)?;
    machine_id::adopt(&places.machine_id, &options.host.fingerprint)?;
    Ok(machine)
}

/// Whether the remote has a version of this machine's file that it did not get from here. Only the machine itself counts the revision
/// up; others at most join versions that exist.
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
