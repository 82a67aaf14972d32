//! Finds out before a run whether its clone seals what it writes.

use super::decide::SOME_KEY;
use super::marks::{
    CONVERTING, REPLACED, UNSCREENED, mark, needs_other_key, opens, own_seal, set_in_config, text,
};
use crate::base::key::Key;
use crate::git::repo::Repo;
use crate::store::Places;
use crate::store::config::{self, Config};
use crate::sync::error::SyncError;

/// Takes the marks away, because the user decides that the fleet is not encrypted any more. The
/// clone's data must be in clear.
pub(crate) fn release(repo: &Repo, places: &Places, config: &Config) -> Result<(), SyncError> {
    if config.encrypt || own_seal(repo)?.is_some() {
        return Err(SyncError::Sealed);
    }
    for name in [UNSCREENED, CONVERTING, REPLACED] {
        repo.set_setting(name, None)?;
    }
    repo.set_sealed_mark(None)?;
    set_in_config(places, false).map_err(|error| SyncError::Settings(Box::new(error)))
}

/// Has the clone seal what it writes, where its fleet is encrypted. Fails where its data cannot be
/// opened here.
pub(crate) fn prepare(
    repo: &Repo,
    places: &Places,
    config: &Config,
    key: Option<&Key>,
) -> Result<(), SyncError> {
    let own = own_seal(repo)?;
    if let Some(mark) = needs_other_key(repo)? {
        return Err(SyncError::NoKey {
            why: format!("the repository is encrypted with the key {mark}"),
        });
    }
    let converting = text(repo, CONVERTING)?.is_some();
    match (repo.sealed_mark()?, &own) {
        // A clone of an earlier version.
        (None, Some(own)) if !converting => mark(repo, places, config, own)?,
        (None, _) if config.sealed => mark(
            repo,
            places,
            config,
            &key.map_or_else(|| SOME_KEY.to_owned(), Key::mark),
        )?,
        (None, None) if config.encrypt && !converting => {
            repo.set_setting(CONVERTING, Some("true"))?;
        }
        _ => {}
    }
    // With the key of another fleet nothing leaves, and what is committed meanwhile is better left
    // readable.
    let fits = match repo.sealed_mark()? {
        Some(mark) => mark == SOME_KEY || opens(repo, &mark),
        None => config.encrypt,
    };
    if key.is_some() && fits {
        repo.start_sealing();
    }
    Ok(())
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Files are encrypted with it: nothing leaves in clear.
    Sealing,
    /// Project names are hidden by it, and nothing else.
    Names,
}

/// What a key that is imported seems to be for, by the settings and by what the clone has: for
/// names where only these need one.
pub(crate) fn likely_purpose(places: &Places) -> Result<Purpose, SyncError> {
    let config = config::read(&places.config)?;
    let mut sealed = config.encrypt || config.sealed || !config.hash_project_names;
    if let Some(repo) = Repo::open(&places.repo)? {
        sealed |= repo.sealed_mark()?.is_some();
        for commit in repo.tips()? {
            sealed |= repo.seal_of(repo.tree_of(commit)?)?.is_some();
        }
    }
    Ok(if sealed {
        Purpose::Sealing
    } else {
        Purpose::Names
    })
}
