//! May what a run makes leave in clear? Decided in one place (`decide`), and checked once more on the very commits that are pushed
//! ([`crate::merge::guard::clear`]).
//!
//! The attacker is a server, or a pusher, that shows an empty, rewound or plain repository to a machine of an encrypted fleet. So a
//! machine remembers that its fleet is encrypted: in the clone, and in `config.json` for the next clone.

use super::SyncError;
use super::run::Run;
use crate::auto::ledger::{self, Ledger};
use crate::base::key::Key;
use crate::git::Oid;
use crate::git::process::MACHINES;
use crate::git::repo::{KNOWN, Repo};
use crate::store::config::Config;
use crate::store::settings::Settings;
use crate::store::{Places, layout};

/// The mark of a clone that knows only that its fleet is encrypted, and not with which key.
const SOME_KEY: &str = "unknown";

/// How what a run makes may leave the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// Sealed by the fleet's key.
    Sealed,
    /// In clear: this fleet is not encrypted.
    Clear,
    /// Not at all: what the remote has is encrypted with the key of this mark, and that is not the one that is here.
    Locked(String),
    /// Not at all: this fleet is encrypted, the remote shows nothing of that, and the key is not here.
    Held,
}

/// What is known about how a fleet is encrypted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts<'a> {
    /// The mark of the key that is here.
    pub key: Option<&'a str>,
    /// The key of this mark replaced the one that is here, as somebody who had that one says.
    pub replaced: Option<&'a str>,
    /// What the clone remembers: the mark of the fleet's key.
    pub marked: Option<&'a str>,
    /// That key was replaced by the one that is here.
    pub marked_former: bool,
    /// `config.json` asks for encryption.
    pub asked: bool,
    /// The mark of the key that most of what the remote shows is sealed with; none where it shows nothing, or nothing sealed.
    pub shown: Option<&'a str>,
    /// That key was replaced by the one that is here.
    pub shown_former: bool,
}

/// How what a run makes may leave.
pub(super) fn decide(facts: Facts<'_>) -> Leave {
    let is_marked = facts.marked.is_some();
    let Some(key) = facts.key else {
        return match facts.shown {
            Some(mark) => Leave::Locked(mark.to_owned()),
            None if is_marked || facts.asked => Leave::Held,
            None => Leave::Clear,
        };
    };
    if let Some(new) = facts.replaced {
        return Leave::Locked(new.to_owned());
    }
    // This clone belongs to a fleet with another key.
    if let Some(mark) = facts
        .marked
        .filter(|mark| *mark != key && *mark != SOME_KEY && !facts.marked_former)
    {
        return Leave::Locked(
            facts
                .shown
                .filter(|shown| *shown != key)
                .unwrap_or(mark)
                .to_owned(),
        );
    }
    match facts.shown {
        // Somebody without the key can replace everything by files that claim another one. A fleet whose key changed says so.
        Some(mark) if mark != key && !facts.shown_former && !is_marked => {
            Leave::Locked(mark.to_owned())
        }
        Some(_) => Leave::Sealed,
        None if is_marked || facts.asked => Leave::Sealed,
        None => Leave::Clear,
    }
}

/// The setting of a clone that is being encrypted, until the remote has that: what the remote shows in clear is still taken in.
const CONVERTING: &str = "claude-sync.converting";
/// Set with the mark: what the clone has had may not have been looked at.
const UNSCREENED: &str = "claude-sync.unscreened";
/// The mark of the key that replaced the one of this clone.
const REPLACED: &str = "claude-sync.replaced";

fn text(repo: &Repo, name: &str) -> Result<Option<String>, SyncError> {
    Ok(repo
        .config()?
        .get_string(name)
        .ok()
        .filter(|text| !text.is_empty()))
}

/// Whether the clone's own tree may hold what an earlier version took over.
pub(super) fn is_unscreened(repo: &Repo) -> Result<bool, SyncError> {
    Ok(text(repo, UNSCREENED)?.is_some())
}

/// The clone's own tree was made by this version.
pub(super) fn note_screened(repo: &Repo) -> Result<(), SyncError> {
    if is_unscreened(repo)? {
        repo.set_setting(UNSCREENED, None)?;
    }
    Ok(())
}

/// Remembers that the fleet is encrypted: in the clone, and in `config.json` for a clone that is made anew.
pub(super) fn mark(
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

/// Writes down in `config.json` that the fleet is encrypted, or that it is not. A file that is made for that is noted as ours.
pub fn set_in_config(
    places: &Places,
    sealed: bool,
) -> Result<(), crate::store::settings::SettingError> {
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

/// Takes the marks away, because a person says that the fleet is not encrypted any more. What the clone has must be in clear.
pub(super) fn release(repo: &Repo, places: &Places, config: &Config) -> Result<(), SyncError> {
    if config.encrypt || own_seal(repo)?.is_some() {
        return Err(SyncError::Sealed);
    }
    for name in [UNSCREENED, CONVERTING, REPLACED] {
        repo.set_setting(name, None)?;
    }
    repo.set_sealed_mark(None)?;
    set_in_config(places, false).map_err(|error| SyncError::Settings(Box::new(error)))
}

/// The mark of the key that the clone's own tree is sealed with.
fn own_seal(repo: &Repo) -> Result<Option<String>, SyncError> {
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
pub fn needs_other_key(repo: &Repo) -> Result<Option<String>, SyncError> {
    let opens = |mark: &String| {
        repo.seal()
            .is_some_and(|seal| seal.mark() == mark || seal.is_former(mark))
    };
    Ok(own_seal(repo)?.filter(|mark| !opens(mark)))
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Files are encrypted with it: nothing leaves in clear.
    Sealing,
    /// Project names are hidden by it, and nothing else.
    Names,
}

/// What a key that is imported seems to be for, by the settings and by what the clone has: for names where only these need one.
pub fn likely_purpose(places: &Places) -> Result<Purpose, SyncError> {
    let config = crate::store::config::read(&places.config)?;
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

/// Remembers that this machine's fleet is encrypted with a key: in the clone, if there is one, and in the settings.
pub fn remember_key(places: &Places, key: &Key) -> Result<(), SyncError> {
    let config = crate::store::config::read(&places.config)?;
    if let Some(repo) = Repo::open(&places.repo)? {
        return mark(&repo, places, &config, &key.mark());
    }
    if config.encrypt || config.sealed {
        return Ok(());
    }
    set_in_config(places, true).map_err(|error| SyncError::Settings(Box::new(error)))
}

/// The mark of the key that replaced the one that is here, as this clone has seen it.
pub fn replaced_by(places: &Places, key: &Key) -> Result<Option<String>, SyncError> {
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

/// Has a clone know what it is before a run: it seals where its fleet is encrypted. An error where what it has cannot be opened here.
pub(super) fn prepare(
    repo: &Repo,
    places: &Places,
    config: &Config,
    key: Option<&Key>,
) -> Result<(), SyncError> {
    let own = own_seal(repo)?;
    let opens = |mark: &str| {
        repo.seal()
            .is_some_and(|seal| seal.mark() == mark || seal.is_former(mark))
    };
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
    // With the key of another fleet nothing leaves, and what is committed meanwhile is better left readable.
    let fits = match repo.sealed_mark()? {
        Some(mark) => mark == SOME_KEY || opens(&mark),
        None => config.encrypt,
    };
    if key.is_some() && fits {
        repo.start_sealing();
    }
    Ok(())
}

impl Run<'_> {
    /// How this run's work may leave, now that the remote was fetched. What the fleet is encrypted with is remembered.
    pub(super) fn leave(&self, places: &Places, config: &Config) -> Result<Leave, SyncError> {
        let tip = self.tip(&self.target.branch)?;
        let shown = self.shown(tip)?;
        let marked = self.repo.sealed_mark()?;
        let seal = self.repo.seal();
        let is_former = |mark: &Option<String>| {
            mark.as_deref()
                .is_some_and(|mark| seal.is_some_and(|seal| seal.is_former(mark)))
        };
        let replaced = self.replaced(tip)?;
        let leave = decide(Facts {
            key: seal.map(crate::format::sealed::Seal::mark),
            replaced: replaced.as_deref(),
            marked: marked.as_deref(),
            marked_former: is_former(&marked),
            asked: config.encrypt,
            shown: shown.as_deref(),
            shown_former: is_former(&shown),
        });
        match (&leave, marked, seal) {
            // What is being encrypted is marked once the remote has it.
            (Leave::Sealed, None, Some(seal)) if shown.as_deref() == Some(seal.mark()) => {
                mark(&self.repo, places, config, seal.mark())?;
            }
            (Leave::Sealed, Some(there), Some(seal)) if there != seal.mark() => {
                mark(&self.repo, places, config, seal.mark())?;
            }
            (Leave::Locked(with), None, _) => mark(&self.repo, places, config, with)?,
            _ => {}
        }
        if leave == Leave::Sealed {
            self.repo.start_sealing();
        }
        Ok(leave)
    }

    /// What is sealed here left as such, and the remote has it: from here on nothing in clear is taken in.
    pub(super) fn note_sealed(&self, places: &Places, config: &Config) -> Result<(), SyncError> {
        match self.repo.seal().filter(|_| {
            self.repo.is_sealing() && self.repo.sealed_mark().is_ok_and(|mark| mark.is_none())
        }) {
            Some(seal) => {
                mark(&self.repo, places, config, seal.mark())?;
                // All of it was sealed by this run.
                note_screened(&self.repo)
            }
            None => Ok(()),
        }
    }

    /// The mark of the key that what the remote shows is sealed with. Where each machine has a branch, that of most of them.
    fn shown(&self, tip: Option<Oid>) -> Result<Option<String>, SyncError> {
        if let Some(tip) = tip.filter(|_| !self.per_machine) {
            return Ok(self.repo.seal_of(self.repo.tree_of(tip)?)?);
        }
        let mut seals = Vec::new();
        for commit in self
            .repo
            .tips_below(&self.target.tracking(MACHINES))?
            .into_values()
            .chain(tip)
        {
            seals.push(self.repo.seal_of(self.repo.tree_of(commit)?)?);
        }
        let sealed: Vec<String> = seals.iter().flatten().cloned().collect();
        Ok(if sealed.len() * 2 >= seals.len() {
            sealed.into_iter().next()
        } else {
            None
        })
    }

    /// The mark of the key that replaced the one that is here. Once somebody who has this one said so, that holds for good.
    fn replaced(&self, tip: Option<Oid>) -> Result<Option<String>, SyncError> {
        let Some(seal) = self.repo.seal() else {
            return Ok(None);
        };
        let noted = text(&self.repo, REPLACED)?;
        if let Some((old, new)) = noted.as_deref().and_then(|noted| noted.split_once(' ')) {
            if old == seal.mark() {
                return Ok(Some(new.to_owned()));
            }
            self.repo.set_setting(REPLACED, None)?;
        }
        let Some(new) = replaced_in(&self.repo, tip)? else {
            return Ok(None);
        };
        self.repo
            .set_setting(REPLACED, Some(&format!("{} {new}", seal.mark())))?;
        Ok(Some(new))
    }
}

/// The mark of the key that replaced the one that is here, as a commit says it.
fn replaced_in(repo: &Repo, commit: Option<Oid>) -> Result<Option<String>, SyncError> {
    let (Some(seal), Some(commit)) = (repo.seal(), commit) else {
        return Ok(None);
    };
    let path = crate::format::sealed::statement_path(seal.mark());
    debug_assert_eq!(layout::Path::parse(&path), layout::Path::Statement);
    match repo.entry(Some(repo.tree_of(commit)?), &path)? {
        Some(entry) if repo.is_blob_within(entry.oid, 1000)? => {
            Ok(seal.replaced_by(&repo.stored(entry.oid)?))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: Option<&str> = Some("key");

    #[test]
    fn nothing_leaves_in_clear_where_the_fleet_was_ever_encrypted() {
        let plain = Facts::default();
        assert_eq!(decide(plain), Leave::Clear);
        assert_eq!(
            decide(Facts { key: K, ..plain }),
            Leave::Clear,
            "a key for names alone"
        );
        for marked in [K, Some(SOME_KEY), Some("other")] {
            for (key, shown) in [
                (None, None),
                (None, K),
                (None, Some("other")),
                (K, None),
                (K, K),
                (K, Some("other")),
            ] {
                let leave = decide(Facts {
                    key,
                    marked,
                    shown,
                    ..plain
                });
                assert_ne!(leave, Leave::Clear, "{key:?} {shown:?} {marked:?}");
                assert_eq!(
                    leave == Leave::Sealed,
                    key.is_some() && marked != Some("other"),
                    "{key:?} {shown:?} {marked:?}"
                );
            }
        }
    }

    #[test]
    fn another_key_locks_out_newcomers_and_stops_nobody_who_belongs_to_the_fleet() {
        let facts = Facts {
            key: K,
            shown: Some("other"),
            ..Facts::default()
        };
        let locked = Leave::Locked("other".to_owned());
        assert_eq!(decide(facts), locked);
        assert_eq!(decide(Facts { marked: K, ..facts }), Leave::Sealed);
        assert_eq!(
            decide(Facts {
                marked: K,
                replaced: Some("other"),
                ..facts
            }),
            locked
        );
        assert_eq!(
            decide(Facts {
                shown: Some("old"),
                shown_former: true,
                ..facts
            }),
            Leave::Sealed
        );
        assert_eq!(
            decide(Facts {
                marked: Some("old"),
                marked_former: true,
                shown: None,
                ..facts
            }),
            Leave::Sealed
        );
    }
}
