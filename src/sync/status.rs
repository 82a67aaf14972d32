//! How things stand: what waits on this machine, and when the others last synced. Nothing is asked
//! of the remote, nothing is written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;

use super::error::SyncError;
use super::left_out::{self, LeftOut};
use super::settings::{binding, naming, next_try, reader};
use super::view::View;
use crate::base::ids::MachineId;
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::cache::overview::Overview;
use crate::cache::{Cache, NoCache};
use crate::fleet::MachineView;
use crate::format::syncfile::SyncFile;
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::Repo;
use crate::git::{Place, Target, setup as clone};
use crate::store::config::{self, Config};
use crate::store::{Places, key, machine_id};
use crate::transcripts::{self, Cursors, Extent, Folder, Folders, TranscriptFile};

/// How things stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    /// This machine; none where it has no id yet.
    pub(crate) machine: Option<MachineId>,
    /// There is a repository.
    pub(crate) set_up: bool,
    /// The remote's address, its secrets hidden.
    pub(crate) remote: Option<String>,
    /// The branch that is synced.
    pub(crate) branch: Option<String>,
    /// Why the work tree does not show what was synced; none where it does.
    pub(crate) late: Option<Place>,
    /// Why the last run could not push, as git or the remote put it.
    pub(crate) reason: Option<String>,
    /// Commits that the remote lacks, by the last fetch.
    pub(crate) unpushed: u64,
    /// How often the remote failed in a row, and when runs that nobody attends try again.
    pub(crate) retry: Option<(u64, Timestamp)>,
    /// When a run last reached the remote, also one that found nothing new; none where that is not
    /// known.
    pub(crate) exchanged: Option<Timestamp>,
    /// What the next sync would read.
    pub(crate) unsynced: Unsynced,
    /// Requests that count for this machine by what was synced; none where there is no repository.
    pub(crate) synced: Option<u64>,
    /// Why syncs fail without the fleet's key; none where they do not.
    pub(crate) lacks_key: Option<String>,
    /// Sessions that need review.
    pub(crate) pending: u64,
    /// Files that runs left out, and that nobody has seen to yet.
    pub(crate) left_out: Vec<LeftOut>,
    /// All machines.
    pub(crate) machines: Vec<Known>,
    /// The folders that are read, with their transcripts.
    pub(crate) folders: Vec<(Folder, Extent)>,
    /// Folders that look as if Claude Code kept transcripts there, and are not read.
    pub(crate) unread: Vec<PathBuf>,
    /// Entries of `transcripts.folders` that find nothing.
    pub(crate) unmatched: Vec<String>,
}

/// Transcripts that have something new since the last sync.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsynced {
    /// How many.
    pub(crate) files: u64,
    /// The sessions they are of.
    pub(crate) sessions: u64,
    /// When the oldest of them was last written.
    pub(crate) oldest: Option<Timestamp>,
    /// Transcripts there are.
    pub(crate) all: u64,
}

/// A machine of the fleet.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its id.
    pub(crate) id: MachineId,
    /// What it is called.
    pub(crate) label: String,
    /// Its group; empty where it has none.
    pub(crate) group: String,
    /// The person who uses it; empty if it was not stated.
    pub(crate) user: String,
    /// When it last synced.
    pub(crate) last_sync: Option<Timestamp>,
    /// It will not sync again, or was merged into another one.
    pub(crate) retired: bool,
    /// Why its machine file cannot be read.
    pub(crate) error: Option<String>,
    /// Requests that count for it.
    requests: u64,
}

/// Looks.
pub(crate) fn status(places: &Places) -> Result<Status, SyncError> {
    let config = config::read(&places.config)?;
    let key = key::read(&places.key)?;
    let found = places.folders();
    let mut out = Status {
        machine: machine_id::read(&places.machine_id)?,
        unread: places.search.unread(&found),
        lacks_key: config.needs_key().filter(|_| key.is_none()).map(|setting| {
            format!("{setting} needs the fleet's key, which is not on this machine")
        }),
        ..Status::default()
    };
    let index = Index::peek(&places.state);
    let mut cursors = Cursors::new();
    if let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(key.as_ref())) {
        out.set_up = true;
        if let Some(mark) = repo.sealed_mark()?
            && key.as_ref().is_none_or(|key| key.mark() != mark)
        {
            out.lacks_key = Some(format!(
                "the fleet is encrypted with the key {mark}, which is not on this machine"
            ));
        }
        out.left_out = left_out::read(&repo);
        let target = repo.target()?;
        let address = repo.address(target.remote.as_deref());
        out.remote = address.map(|address| hide_secrets(&address));
        out.branch = Some(target.branch.clone());
        out.late = repo.obstacle(&target.branch)?;
        if let Some(index) = &index {
            let naming = naming(&config, key.as_ref())?;
            let reader = reader(&repo, &naming, config.summary_only)?;
            let binding = binding(&repo, out.machine.as_ref(), reader)?;
            cursors = index.cursors(&binding).unwrap_or_default();
            out.reason = index.failure_reason().ok().flatten();
            out.exchanged = index.exchanged();
            out.retry = retry(index, &config);
        }
        out.unpushed = unpushed(&repo, &target, &out)?;
        if let Some(head) = repo.position(&target)? {
            let cache: &dyn Cache = index.as_ref().map_or(&NoCache, |index| index);
            (out.machines, out.pending) = fleet(View::of_commit(&repo, head, cache)?)?;
        }
        let mut machines = out.machines.iter();
        let own = machines.find(|machine| Some(&machine.id) == out.machine.as_ref());
        out.synced = Some(own.map_or(0, |own| own.requests));
    }
    out.unsynced = unsynced(&found, &cursors);
    Ok(with_folders(out, found))
}

/// How often the remote failed in a row, and when runs that nobody attends try again.
fn retry(index: &Index, config: &Config) -> Option<(u64, Timestamp)> {
    let failures = index.failures().ok().flatten()?;
    next_try(&config.failures, failures).map(|next| (failures.0, next))
}

/// How many commits the remote lacks: those of this machine's own branch, where it has one.
fn unpushed(repo: &Repo, target: &Target, status: &Status) -> Result<u64, SyncError> {
    let own = status
        .machine
        .as_ref()
        .filter(|_| clone::is_per_machine(repo).unwrap_or(false))
        .map(|id| format!("{MACHINES}{id}"));
    let (position, branch) = match own {
        Some(own) => (repo.head(&own)?, own),
        None => (repo.position(target)?, target.branch.clone()),
    };
    let Some(head) = position.filter(|_| status.remote.is_some()) else {
        return Ok(0);
    };
    let there = repo.commit_at(&target.tracking(&branch))?;
    Ok(repo.new_commits(head, there.as_slice())?.len() as u64)
}

/// All machines, and the number of sessions that need review.
fn fleet(view: View<'_>) -> Result<(Vec<Known>, u64), SyncError> {
    let inputs = view.inputs()?;
    let fleet = Overview::read(view.repo, inputs, None, view.cache, &mut |_| {})?.fleet;
    let pending = fleet.sessions.values().filter(|session| session.pending);
    let known = |(machine, label): (&MachineView, String)| Known {
        id: machine.id.clone(),
        label,
        group: machine.group.clone(),
        user: machine.user.clone(),
        last_sync: machine.machine_file.as_ref().map(SyncFile::last_sync),
        retired: machine.retired || machine.merged_into.is_some(),
        error: machine.error.clone(),
        requests: machine.totals.requests,
    };
    let machines = fleet.machines.iter().zip(fleet.labels()).map(known);
    Ok((machines.collect(), pending.count() as u64))
}

fn with_folders(status: Status, found: Folders) -> Status {
    let folders = found
        .folders
        .into_par_iter()
        .map(|folder| (folder.extent(), folder))
        .map(|(extent, folder)| (folder, extent));
    Status {
        folders: folders.collect(),
        unmatched: found.unmatched,
        ..status
    }
}

fn unsynced(folders: &Folders, cursors: &Cursors) -> Unsynced {
    let files = folders.discover().files;
    let is_new = |file: &&TranscriptFile| {
        cursors
            .get(&transcripts::mark(&file.path))
            .is_none_or(|cursor| !cursor.is_current(file))
    };
    let new: Vec<&TranscriptFile> = files.iter().filter(is_new).collect();
    let sessions: BTreeSet<String> = new.iter().map(|file| session(file)).collect();
    let oldest = new
        .iter()
        .map(|file| file.modified / 1_000_000)
        .min()
        .and_then(Timestamp::from_millis);
    Unsynced {
        files: new.len() as u64,
        sessions: sessions.len() as u64,
        oldest,
        all: files.len() as u64,
    }
}

/// The session that a transcript is of, by its path: subagents lie in a folder of their session's
/// name.
fn session(file: &TranscriptFile) -> String {
    let parts: Vec<String> = file
        .path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let above = parts
        .iter()
        .position(|part| part == "subagents")
        .and_then(|at| parts.get(at.checked_sub(1)?));
    above.cloned().unwrap_or_else(|| {
        file.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    })
}
