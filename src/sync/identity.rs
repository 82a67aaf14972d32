//! Who this machine is: a new id, an id adopted, and signs that another computer uses it.

use super::tree::Starts;
use super::{Options, SyncError};
use crate::base::ids::{Interner, MachineId};
use crate::fleet::read::{self, Content};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::store::{Places, layout, lock, machine_id};

/// Gives this computer a new id, and returns the old one and the new one. What the old one wrote stays as it is.
pub fn new_id(
    places: &Places,
    options: &Options,
) -> Result<(Option<MachineId>, MachineId), SyncError> {
    let _lock = lock::acquire(
        &places.state,
        &super::settings::label(options),
        options.wait,
    )?;
    let old = machine_id::read(&places.machine_id)?;
    Ok((
        old,
        machine_id::renew(&places.machine_id, &options.host.fingerprint)?,
    ))
}

/// Says that this computer is the one that its id names.
pub fn adopt(places: &Places, options: &Options) -> Result<MachineId, SyncError> {
    let _lock = lock::acquire(
        &places.state,
        &super::settings::label(options),
        options.wait,
    )?;
    let (machine, _) = machine_id::read_or_create(&places.machine_id)?;
    machine_id::adopt(&places.machine_id, &options.host.fingerprint)?;
    Ok(machine)
}

/// Whether the remote has a version of this machine's page that it did not get from here. Only the machine itself counts the revision
/// up; others at most join versions that exist.
pub(super) fn another_wrote(
    repo: &Repo,
    starts: Starts<'_>,
    machine: &MachineId,
) -> Result<bool, SyncError> {
    let rank = |page: &SyncFile| (page.machine.revision, page.machine.updated_at);
    let Some(known) = page(repo, starts.known, machine)?.as_ref().map(rank) else {
        return Ok(false);
    };
    let here = page(repo, starts.head, machine)?.as_ref().map(rank);
    for tip in starts.tip.iter().chain(starts.others) {
        let there = page(repo, Some(*tip), machine)?.as_ref().map(rank);
        if there.is_some_and(|there| there.0 >= known.0 && there != known) && there != here {
            return Ok(true);
        }
    }
    Ok(false)
}

fn page(
    repo: &Repo,
    commit: Option<Oid>,
    machine: &MachineId,
) -> Result<Option<SyncFile>, SyncError> {
    let tree = commit.map(|commit| repo.tree_of(commit)).transpose()?;
    let path = layout::machine_path(machine);
    let Some(entry) = repo.entry(tree, &path)? else {
        return Ok(None);
    };
    Ok(match read::content(repo, &path, entry.oid)? {
        Content::Bytes(bytes) => SyncFile::read(machine, &bytes, &mut Interner::default()).ok(),
        Content::TooLarge(_) | Content::Refused(_) => None,
    })
}
