//! What `config.json` sets for a run, and the lock that it takes.

use std::path::PathBuf;

use super::error::SyncError;
use super::options::Options;
use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::base::time::Timestamp;
use crate::cache::index::Binding;
use crate::fleet::rules::Rules;
use crate::git::repo::{KNOWN, Repo};
use crate::git::setup::SetupError;
use crate::git::{setup, stale};
use crate::store::failures::Failures;
use crate::store::lock::Lock;
use crate::store::{Places, config, lock, private};
use crate::transcripts::{Naming, Shown};

/// Counts up when the reader learns to see more in a transcript: then everything is read again.
const READER: u32 = 5;

/// Takes the lock, and clears away what a killed run left in `.git`.
pub(super) fn lock(places: &Places, options: &Options) -> Result<(Lock, Vec<PathBuf>), SyncError> {
    let mut lock = lock::acquire(&places.state, &label(options), options.wait)?;
    let mut cleared = Vec::new();
    if let Some(began) = lock.killed() {
        crate::git::keep::release(&places.repo.join(".git/gc.pid"));
        cleared = stale::clear(&places.repo.join(".git"), began);
        // An object that is gone is fetched or made again; one that is broken stands in its own
        // way.
        if let Ok(Some(repo)) = Repo::open(&places.repo) {
            repo.drop_broken(began);
        }
    }
    lock.cleared();
    Ok((lock, cleared))
}

/// Puts the clone's configuration right, and shuts others off from what an earlier version wrote
/// where they could read it.
pub(super) fn configure(places: &Places, repo: &Repo, options: &Options) -> Result<(), SetupError> {
    let private = setup::is_private(repo)?;
    setup::configure(repo, &options.program)?;
    if !private || private::is_open(places) {
        private::close(places);
    }
    Ok(())
}

/// What projects are called.
pub(crate) fn naming(config: &config::Config, key: Option<&Key>) -> Result<Naming, SyncError> {
    let shown = match (config.exclude_project_names, config.hash_project_names, key) {
        (true, ..) => Shown::Nothing,
        (false, false, _) => Shown::LastComponent,
        (false, true, Some(key)) => Shown::Hashed(key.derive("project names")),
        (false, true, None) => {
            return Err(SyncError::NoKey {
                why: "privacy_settings.project_names is \"hash\"".to_owned(),
            });
        }
    };
    Ok(Naming {
        shown,
        aliases: config.aliases.clone(),
    })
}

/// What makes one reading of a transcript differ from another: the settings, and what is forgotten.
/// After somebody has something forgotten everything is read once more, since rows that were read
/// before may identify pruned records that are meant.
pub(super) fn reader(
    repo: &Repo,
    naming: &Naming,
    summary_only: bool,
) -> Result<String, SyncError> {
    let root = repo.synced()?.map(|head| repo.tree_of(head)).transpose()?;
    let rules = root.map(|root| Rules::read(repo, root, |_, _| None));
    // Encrypted, and the key is not here: nothing is read by it.
    let rules = rules.and_then(Result::ok);
    Ok(reader_by(rules.as_ref(), naming, summary_only))
}

/// As [`reader`], by the rules of what was synced, where they can be read.
pub(super) fn reader_by(rules: Option<&Rules>, naming: &Naming, summary_only: bool) -> String {
    let forgotten = rules
        .filter(|rules| rules.forget_something())
        .map_or(0, |rules| rules.fingerprint(None));
    format!(
        "{READER} {} {} {forgotten:x}",
        naming.mark(),
        if summary_only { "daily" } else { "full" }
    )
}

/// What the index is bound to, for a reading of transcripts as [`reader`] describes it: the commit
/// that the clone had last, and this machine.
pub(super) fn binding(
    repo: &Repo,
    machine: Option<&MachineId>,
    reader: String,
) -> Result<Binding, SyncError> {
    let known = repo.commit_at(KNOWN)?.map(|id| id.to_string());
    Ok(Binding {
        known: known.unwrap_or_default(),
        machine: machine.map(ToString::to_string).unwrap_or_default(),
        reader,
    })
}

/// When runs that nobody attends try the remote again, after it failed so often in a row, the last
/// time at `last`.
pub(super) fn next_try(failures: &Failures, (count, last): (u64, Timestamp)) -> Option<Timestamp> {
    let pause = failures.pause(count).saturating_mul(1000);
    let pause = i64::try_from(pause).unwrap_or(i64::MAX);
    Timestamp::from_millis(last.millis().saturating_add(pause))
}

/// The text of the lock file, for other runs.
pub(super) fn label(options: &Options) -> String {
    format!("pid {}, since {}\n", std::process::id(), options.now)
}
