//! How things stand: what waits on this machine, and when the others last synced. Nothing is asked of the remote, nothing is written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;

use super::left_out::{self, LeftOut};
use super::settings::reader;
use super::{SyncError, naming};
use crate::base::ids::MachineId;
use crate::base::time::Timestamp;
use crate::cache::index::{Binding, Index};
use crate::cache::overview::Overview;
use crate::cache::{Cache, NoCache};
use crate::fleet::read;
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::{KNOWN, Repo};
use crate::git::{Place, setup as clone};
use crate::store::{Places, config, key, machine_id};
use crate::transcripts::{self, Cursors, Extent, Folder, Folders, TranscriptFile};

/// How things stand.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// This machine; none where it has no id yet.
    pub machine: Option<MachineId>,
    /// There is a repository.
    pub set_up: bool,
    /// The remote's address, its secrets hidden.
    pub remote: Option<String>,
    /// The branch that is synced.
    pub branch: Option<String>,
    /// Why the work tree does not show what was synced; none where it does.
    pub late: Option<Place>,
    /// Why the last run could not push, as git or the remote put it.
    pub reason: Option<String>,
    /// Commits that the remote lacks, as far as the last fetch tells.
    pub unpushed: u64,
    /// How often the remote failed in a row, and when runs that nobody attends try again.
    pub retry: Option<(u64, Timestamp)>,
    /// What the next sync would read.
    pub unsynced: Unsynced,
    /// Sessions that a person must look at.
    pub pending: u64,
    /// Files that runs left out, and that nobody has seen to yet.
    pub left_out: Vec<LeftOut>,
    /// All machines.
    pub machines: Vec<Known>,
    /// The folders that are read, with their transcripts.
    pub folders: Vec<(Folder, Extent)>,
    /// Folders that look as if Claude Code kept transcripts there, and are not read.
    pub unread: Vec<PathBuf>,
    /// Entries of `transcripts.folders` that find nothing.
    pub unmatched: Vec<String>,
}

/// Transcripts that have something new since the last sync.
#[derive(Debug, Clone, Default)]
pub struct Unsynced {
    /// How many.
    pub files: u64,
    /// The sessions they are of.
    pub sessions: u64,
    /// When the oldest of them was last written.
    pub oldest: Option<Timestamp>,
    /// Transcripts there are.
    pub all: u64,
}

/// A machine of the fleet.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its id.
    pub id: MachineId,
    /// What it is called.
    pub label: String,
    /// When it last synced.
    pub last_sync: Option<Timestamp>,
    /// It will not sync again, or is another's past.
    pub retired: bool,
    /// Why its page cannot be read.
    pub error: Option<String>,
}

/// Looks.
pub fn status(places: &Places) -> Result<Status, SyncError> {
    let config = config::read(&places.config)?;
    let key = key::read(&places.key)?;
    let found = places.folders();
    let unread = places.search.unread(&found);
    let mut out = Status {
        machine: machine_id::read(&places.machine_id)?,
        unread,
        ..Status::default()
    };
    let unsynced = |cursors: &Cursors| unsynced(&found, cursors);
    let index = Index::peek(&places.state);
    let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(key.as_ref())) else {
        out.unsynced = unsynced(&Cursors::new());
        return Ok(with_folders(out, found));
    };
    out.set_up = true;
    out.left_out = left_out::read(&repo);
    let target = repo.target()?;
    out.remote = repo
        .address(target.remote.as_deref())
        .map(|address| hide_secrets(&address));
    out.branch = Some(target.branch.clone());
    out.late = repo.obstacle(&target.branch)?;
    if let Some(index) = &index {
        let naming = naming(&config, key.as_ref())?;
        let known = repo
            .commit_at(KNOWN)?
            .map(|id| id.to_string())
            .unwrap_or_default();
        let machine = out
            .machine
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let binding = Binding {
            known,
            machine,
            reader: reader(&repo, &naming, config.summary_only)?,
        };
        out.unsynced = unsynced(&index.cursors(&binding).unwrap_or_default());
        out.reason = index.failure_reason().ok().flatten();
        if let Some((failures, last)) = index.failures().ok().flatten() {
            let pause = i64::try_from(config.failures.pause(failures).saturating_mul(1000))
                .unwrap_or(i64::MAX);
            out.retry = Timestamp::from_millis(last.millis().saturating_add(pause))
                .map(|next| (failures, next));
        }
    } else {
        out.unsynced = unsynced(&Cursors::new());
    }
    let own = out
        .machine
        .as_ref()
        .filter(|_| clone::is_per_machine(&repo).unwrap_or(false))
        .map(|id| format!("{MACHINES}{id}"));
    let (position, pushed) = match own {
        Some(own) => (repo.head(&own)?, own),
        None => (repo.position(&target)?, target.branch.clone()),
    };
    if out.remote.is_some()
        && let Some(head) = position
    {
        let there = repo.commit_at(&target.tracking(&pushed))?;
        out.unpushed = repo.new_commits(head, there.as_slice())?.len() as u64;
    }
    let Some(head) = repo.position(&target)? else {
        return Ok(with_folders(out, found));
    };
    let cache: &dyn Cache = index.as_ref().map_or(&NoCache, |index| index);
    let trees = read::inputs(&repo, Some(repo.tree_of(head)?))?;
    let fleet = Overview::read(&repo, trees, None, cache, &mut |_| {})?.fleet;
    out.pending = fleet
        .sessions
        .values()
        .filter(|session| session.pending)
        .count() as u64;
    let labels = fleet.labels();
    let known = |(machine, label): (&crate::fleet::MachineView, String)| Known {
        id: machine.id.clone(),
        label,
        last_sync: machine
            .machine_file
            .as_ref()
            .map(crate::format::syncfile::SyncFile::last_sync),
        retired: machine.retired || machine.merged_into.is_some(),
        error: machine.error.clone(),
    };
    out.machines = fleet.machines.iter().zip(labels).map(known).collect();
    Ok(with_folders(out, found))
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

/// The session that a transcript is of, by its path: subagents lie in a folder of their session's name.
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
