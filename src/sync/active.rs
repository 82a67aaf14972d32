//! How many machines push: what the pace of automatic runs depends on.

use super::error::SyncError;
use super::manifest::Stored;
use super::view::View;
use crate::base::time::Timestamp;
use crate::cache::NoCache;
use crate::format::manifest::{Manifest, ManifestMachine};
use crate::git::repo::Repo;
use crate::store::{Places, key};

/// A machine pushes if it synced within this time, in milliseconds: seven days.
const RECENT: i64 = 7 * 24 * 60 * 60 * 1000;

/// How many machines synced in the last seven days, by the manifest as it is here; none where there
/// is none, or it cannot be read.
pub(crate) fn active_machines(places: &Places, now: Timestamp) -> Option<u64> {
    let manifest = manifest(places).ok().flatten()?;
    let is_active = |machine: &&ManifestMachine| {
        !machine.retired
            && machine.merged_into.is_none()
            && machine
                .last_sync
                .is_some_and(|last| now.since(last) <= RECENT)
    };
    Some(manifest.machines.values().filter(is_active).count() as u64)
}

fn manifest(places: &Places) -> Result<Option<Box<Manifest>>, SyncError> {
    let key = key::read(&places.key)?;
    let Some(repo) = Repo::open(&places.repo)? else {
        return Ok(None);
    };
    let repo = repo.with_key(key.as_ref());
    let Some(commit) = repo.synced()? else {
        return Ok(None);
    };
    Ok(
        match Stored::read(View::of_commit(&repo, commit, &NoCache)?)? {
            Stored::Readable(manifest) => Some(manifest),
            Stored::Unreadable | Stored::Newer => None,
        },
    )
}
