//! What a clone, and `config.json`, remember of their fleet's encryption.

use crate::auto::ledger::{self, Ledger};
use crate::base::key::Key;
use crate::git::Oid;
use crate::git::repo::{KNOWN, Repo};
use crate::store::config::{self, Config};
use crate::store::settings::{SettingError, Settings};
use crate::store::{Places, layout};
use crate::sync::error::SyncError;

/// The setting of a clone that is being encrypted, until the remote has that: what the remote shows
/// in clear is still taken in.
pub(super) const CONVERTING: &str = "claude-sync.converting";
/// Set with the mark: what the clone has had may not have been looked at.
pub(super) const UNSCREENED: &str = "claude-sync.unscreened";
/// The mark of the key that replaced the one of this clone.
pub(crate) const REPLACED: &str = "claude-sync.replaced";

pub(crate) fn text(repo: &Repo, name: &str) -> Result<Option<String>, SyncError> {
    Ok(repo
        .config()?
        .get_string(name)
        .ok()
        .filter(|text| !text.is_empty()))
}

/// Whether the clone's own tree may hold what an earlier version took over.
pub(crate) fn is_unscreened(repo: &Repo) -> Result<bool, SyncError> {
    Ok(text(repo, UNSCREENED)?.is_some())
}

/// The clone's own tree was made by this version.
pub(crate) fn note_screened(repo: &Repo) -> Result<(), SyncError> {
    if is_unscreened(repo)? {
        repo.set_setting(UNSCREENED, None)?;
    }
    Ok(())
}

/// Remembers that the fleet is encrypted: in the clone, and in `config.json` for a clone that is
/// made anew.
pub(crate) fn mark(
    repo: &Repo,
    places: &Places,
    config: &Config,
    key: &str,
) -> Result<(), SyncError> {
    if repo.sealed_mark()?.as_deref() != Some(key) {
        repo.set_setting(UNSCREENED, Some("true"))?;
        repo.set_sealed_mark(Some(key))?;
    }
    if text(repo, CONVERTING)?.is_some() {
        repo.set_setting(CONVERTING, None)?;
    }
    // The clone's mark holds where the settings cannot be written.
    if !(config.sealed || config.encrypt) {
        let _ = set_in_config(places, true);
    }
    Ok(())
}

/// Writes down in `config.json` that the fleet is encrypted, or that it is not. A file that is made
/// for that is noted as ours.
pub(crate) fn set_in_config(places: &Places, sealed: bool) -> Result<(), SettingError> {
    let is_new = !places.config.exists();
    if is_new && !sealed {
        return Ok(());
    }
    Settings::open(&places.config)?
        .set("privacy_settings.sealed", sealed.then_some(true.into()))?;
    if is_new {
        let place = ledger::place(&places.config);
        let mut ledger = Ledger::read(&place);
        ledger.config = std::fs::read(&places.config)
            .ok()
            .map(|bytes| ledger::sha256(&bytes));
        // Without it `uninstall` leaves the file.
        let _ = ledger.write(&place);
    }
    Ok(())
}

/// The mark of the key that the clone's own tree is sealed with.
pub(super) fn own_seal(repo: &Repo) -> Result<Option<String>, SyncError> {
    let commit = match repo.commit_at(KNOWN)? {
        Some(known) => Some(known),
        None => repo.synced()?,
    };
    Ok(commit
        .map(|commit| repo.seal_of(repo.tree_of(commit)?))
        .transpose()?
        .flatten())
}

/// The mark of the key that what this clone has is sealed with, where that cannot be opened here.
pub(crate) fn needs_other_key(repo: &Repo) -> Result<Option<String>, SyncError> {
    Ok(own_seal(repo)?.filter(|mark| !opens(repo, mark)))
}

/// Whether what is sealed with the key of this mark can be opened here.
pub(super) fn opens(repo: &Repo, mark: &str) -> bool {
    repo.seal()
        .is_some_and(|seal| seal.mark() == mark || seal.is_former(mark))
}

/// The mark of the key that replaced the one that is here, by the statement in a commit.
pub(crate) fn replaced_in(repo: &Repo, commit: Option<Oid>) -> Result<Option<String>, SyncError> {
    let Some(seal) = repo.seal() else {
        return Ok(None);
    };
    let path = crate::format::sealed::statement_path(seal.mark());
    Ok(statement_in(repo, commit, &path)?.and_then(|text| seal.replaced_by(&text)))
}

/// The mark of the key that another machine put in the place of the former one, at the same time as
/// this machine.
pub(crate) fn rival_in(repo: &Repo, commit: Option<Oid>) -> Result<Option<String>, SyncError> {
    let Some((seal, path)) = repo
        .seal()
        .and_then(|seal| Some((seal, seal.former_statement()?)))
    else {
        return Ok(None);
    };
    Ok(statement_in(repo, commit, &path)?.and_then(|text| seal.rival_in(&text)))
}

/// The stored text of a statement, if a commit has that.
fn statement_in(
    repo: &Repo,
    commit: Option<Oid>,
    path: &str,
) -> Result<Option<Vec<u8>>, SyncError> {
    debug_assert_eq!(layout::Path::parse(path), layout::Path::Statement);
    let Some(commit) = commit else {
        return Ok(None);
    };
    match repo.entry(Some(repo.tree_of(commit)?), path)? {
        Some(entry) if repo.is_blob_within(entry.oid, 1000)? => Ok(Some(repo.stored(entry.oid)?)),
        _ => Ok(None),
    }
}

/// Remembers that this machine's fleet is encrypted with a key: in the clone, if there is one, and
/// in the settings.
pub(crate) fn remember_key(places: &Places, key: &Key) -> Result<(), SyncError> {
    let config = config::read(&places.config)?;
    if let Some(repo) = Repo::open(&places.repo)? {
        return mark(&repo, places, &config, &key.mark());
    }
    if config.encrypt || config.sealed {
        return Ok(());
    }
    set_in_config(places, true).map_err(|error| SyncError::Settings(Box::new(error)))
}

/// The mark of the key that replaced the one that is here, as this clone has seen it.
pub(crate) fn replaced_by(places: &Places, key: &Key) -> Result<Option<String>, SyncError> {
    let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(Some(key))) else {
        return Ok(None);
    };
    if let Some((old, new)) = text(&repo, REPLACED)?
        .as_deref()
        .and_then(|noted| noted.split_once(' '))
        && old == key.mark()
    {
        return Ok(Some(new.to_owned()));
    }
    for commit in repo.tips()? {
        if let Some(new) = replaced_in(&repo, Some(commit))? {
            return Ok(Some(new));
        }
    }
    Ok(None)
}
