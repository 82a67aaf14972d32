//! What a sync needs, looked at piece by piece: each piece is a [`Check`] that says how it is and what to do.
//!
//! Nothing is written and no lock is taken: a patient who is being looked at goes on working.

mod place;
mod programs;
mod remote;
mod storage;
mod transcripts;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use super::Options;
use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::git::repo::{Repo, RepoError};
use crate::git::{Git, GitError, Oid};
use crate::store::config::{self, Config, ConfigError};
use crate::store::key::{self, KeyError};
use crate::store::machine_id::{self, IdError};
use crate::store::{Places, layout};

/// How a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was not looked at, or there was nothing to look at.
    Skipped,
    /// As it should be.
    Ok,
    /// It works; somebody may want to know.
    Note,
    /// It works, and may stop working or lose something.
    Warning,
    /// It does not work, or tells others what they should not know.
    Error,
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, the same in every version: `machine_id`.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub what: String,
    /// What to do about it; empty where there is nothing to do.
    pub advice: String,
}

impl Check {
    fn new(
        name: &'static str,
        status: Status,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status,
            what: what.into(),
            advice: advice.into(),
        }
    }

    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, what, "")
    }

    fn skipped(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, what, "")
    }
}

/// How long the remote may be silent, at most: somebody is waiting for the answer.
const SILENCE: u64 = 30;

/// What all checks look at, opened once.
struct Patient<'a> {
    places: &'a Places,
    options: &'a Options,
    git: Result<Git, GitError>,
    config: Result<Config, ConfigError>,
    key: Result<Option<Key>, KeyError>,
    machine: Result<Option<MachineId>, IdError>,
    repo: Result<Option<Repo>, RepoError>,
}

impl<'a> Patient<'a> {
    fn look(places: &'a Places, options: &'a Options) -> Self {
        let config = config::read(&places.config);
        let silence = config
            .as_ref()
            .map_or(SILENCE, |config| config.failures.silence.min(SILENCE));
        let key = key::read(&places.key);
        let seal = key.as_ref().ok().and_then(Option::as_ref);
        Self {
            git: Git::find(false).map(|git| git.with_silence(Duration::from_secs(silence))),
            repo: Repo::open(&places.repo).map(|repo| repo.map(|repo| repo.with_key(seal))),
            machine: machine_id::read(&places.machine_id),
            places,
            options,
            config,
            key,
        }
    }

    /// The repository, where it can be used at all.
    fn repo(&self) -> Option<&Repo> {
        self.repo.as_ref().ok().and_then(Option::as_ref)
    }

    /// The tree of what was synced last.
    fn root(&self) -> Option<Oid> {
        let repo = self.repo()?;
        repo.synced()
            .ok()
            .flatten()
            .and_then(|head| repo.tree_of(head).ok())
    }

    /// A file of what was synced last, in clear.
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let repo = self.repo()?;
        let entry = repo.entry(Some(self.root()?), path).ok().flatten()?;
        repo.is_blob_within(entry.oid, crate::format::MAX_SYNC_FILE)
            .ok()
            .filter(|fits| *fits)?;
        repo.blob(entry.oid).ok()
    }

    /// The manifest of what was synced last.
    fn manifest(&self) -> Option<crate::format::manifest::Manifest> {
        crate::format::manifest::Manifest::read(&self.file(layout::MANIFEST)?).ok()
    }
}

/// Looks at everything. With `offline` among the options the remote is not asked.
pub fn examine(places: &Places, options: &Options) -> Vec<Check> {
    let patient = Patient::look(places, options);
    let reachable = remote::reachable(&patient);
    let push = remote::push(&patient, reachable.status);
    vec![
        programs::git(&patient),
        place::settings(&patient),
        place::permissions(&patient),
        place::disk(&patient),
        place::clock(&patient),
        place::machine_id(&patient),
        place::key(&patient),
        place::repository(&patient),
        place::left_out(&patient),
        programs::identity(&patient),
        programs::driver(&patient),
        programs::hooks(&patient),
        remote::remote(&patient),
        reachable,
        push,
        remote::privacy(&patient),
        transcripts::transcripts(&patient),
        transcripts::folders(&patient),
        transcripts::retention(&patient),
        storage::size(&patient),
        storage::index(&patient),
    ]
}

/// What an error says, with its causes, on one line.
fn tell(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
