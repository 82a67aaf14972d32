//! The usage of this machine beyond its last sync, for reports: added to a tree that was synced, in
//! memory. Nothing is written.

use super::clear::needs_other_key;
use super::error::SyncError;
use super::options::Options;
use super::settings::{binding, naming, reader_by};
use super::stages::assemble::{Assembly, add_brought};
use super::stages::read::read_from;
use super::view::View;
use crate::base::ids::MachineId;
use crate::base::progress::Watcher;
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::cache::{Cache, NoCache};
use crate::git::repo::Repo;
use crate::git::{Oid, setup as clone};
use crate::store::{Places, config, key, machine_id};
use crate::transcripts::Cursors;

/// A root tree with the usage of this machine's transcripts that the last sync did not see. `root`:
/// what was synced. Where nothing is new, it is the same tree, and only the transcripts' sizes and
/// times are looked at.
pub(crate) fn with_unsynced(
    places: &Places,
    repo: &Repo,
    root: Oid,
    index: Option<&Index>,
    (now, watcher): (Timestamp, &Watcher),
) -> Result<Oid, SyncError> {
    let config = config::read(&places.config)?;
    let naming = naming(&config, key::read(&places.key)?.as_ref())?;
    let cache: &dyn Cache = index.map_or(&NoCache, |index| index);
    let machine = machine(places, repo)?;
    let rules = View::new(repo, root, cache).rules().ok();
    let reader = reader_by(rules.as_ref(), &naming, config.summary_only);
    let binding = binding(repo, Some(&machine), reader)?;
    let cursors = match index {
        Some(index) => index.cursors(&binding).unwrap_or_default(),
        None => Cursors::new(),
    };
    let options = Options {
        summary_only: config.summary_only,
        watcher: watcher.clone(),
        ..Options::new(now)
    };
    let read = read_from(&places.folders(), &cursors, &naming, &options);
    if read.brought.is_empty() {
        return Ok(root);
    }
    if let Some(mark) = repo.sealed_mark()? {
        // What is written in clear counts for nothing in an encrypted fleet.
        if repo.seal().is_none() {
            return Err(SyncError::NoKey {
                why: format!("the fleet is encrypted with the key {mark}"),
            });
        }
        repo.start_sealing();
    }
    repo.write_in_memory()?;
    let job = Assembly {
        repo,
        machine: &machine,
        options: &options,
        cache,
    };
    add_brought(job, root, &read.brought)
}

/// This machine's id, as its next sync would have it.
fn machine(places: &Places, repo: &Repo) -> Result<MachineId, SyncError> {
    if let Some(machine) = machine_id::read(&places.machine_id)? {
        return Ok(machine);
    }
    let left = clone::machine(repo)?.and_then(|id| MachineId::parse(&id).ok());
    Ok(left.unwrap_or_else(MachineId::random))
}

/// Fails where what was synced is encrypted with a key that is not here.
pub(crate) fn opens(repo: &Repo) -> Result<(), SyncError> {
    match needs_other_key(repo)? {
        Some(mark) => Err(SyncError::NoKey {
            why: format!("the repository is encrypted with the key {mark}"),
        }),
        None => Ok(()),
    }
}
