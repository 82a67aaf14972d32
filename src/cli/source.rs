//! The data source of reports: the synced repository, or this machine's transcripts.

use super::env::Env;
use super::error::CliError;
use super::{exit, host};
use std::path::Path;

use crate::base::ids::MachineId;
use crate::base::progress::Watcher;
use crate::base::text::{count, printable};
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::cache::{Cache, NoCache};
use crate::fleet::{DataError, Fleet, MachineView, Rows};
use crate::git::repo::KNOWN;
use crate::git::{Oid, Repo};
use crate::prices::PriceBook;
use crate::report;
use crate::store::{Places, config, key, machine_id};
use crate::transcripts::{Cursors, Folders, Reading, read_all_watched, read_recent};

/// Opens this machine's repository, with the fleet's key if there is one.
pub(crate) fn open(places: &Places) -> Result<Repo, CliError> {
    let key = key::read(&places.key)?;
    Ok(report::open(&places.repo)?
        .ok_or_else(no_data)?
        .with_key(key.as_ref()))
}

/// Fails if this machine has no repository yet.
pub(crate) fn require_repository(places: &Places) -> Result<(), CliError> {
    // A repository that cannot be opened is left to the run, which may repair it.
    if !matches!(Repo::open(&places.repo), Ok(None)) {
        return Ok(());
    }
    Err(CliError::plain(
        "there is no repository on this machine yet",
        "claude_sync::no_repository",
        exit::REPOSITORY,
        "set this machine up: claude-sync init, or claude-sync init ADDRESS to join other machines",
    ))
}

/// What is read of the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Rows before this may be left out.
    pub(crate) since: Option<Timestamp>,
    /// Rows have their ids: all files are read, since rows of the index have none.
    pub(crate) with_ids: bool,
    /// What this machine's transcripts have beyond its last sync is left out.
    pub(crate) synced_only: bool,
}

/// Reads what was synced, and calls `rows` for each row. Rows before `since` may be left out.
pub(crate) fn synced(
    places: &Places,
    since: Option<Timestamp>,
    rows: Rows,
) -> Result<Fleet, CliError> {
    let extent = Extent {
        since,
        synced_only: true,
        ..Extent::default()
    };
    let clock = (Timestamp::EPOCH, &Watcher::default());
    fleet(places, clock, extent, rows)?.ok_or_else(no_data)
}

/// Reads the fleet: what was synced, and what this machine's transcripts have beyond that. Calls
/// `rows` for each row. None where nothing was synced yet.
pub(crate) fn fleet(
    places: &Places,
    clock: (Timestamp, &Watcher),
    extent: Extent,
    rows: Rows,
) -> Result<Option<Fleet>, CliError> {
    let key = key::read(&places.key)?;
    let Some(repo) = report::open(&places.repo)? else {
        return Ok(None);
    };
    let repo = repo.with_key(key.as_ref());
    let Some(head) = repo.synced().map_err(DataError::from)? else {
        return Ok(None);
    };
    let head = newest(&repo, head);
    if key.is_none() && repo.sealed_mark()?.is_some() {
        crate::sync::opens(&repo)?;
    }
    let index = Index::peek(&places.state);
    let mut root = repo.tree_of(head)?;
    if !extent.synced_only {
        root = with_unsynced(places, &repo, root, index.as_ref(), clock);
    }
    let cache: &dyn Cache = match &index {
        Some(index) if !extent.with_ids => index,
        _ => &NoCache,
    };
    let mut fleet = report::from_tree(&repo, root, cache, extent.since, rows)?;
    if fleet.records == 0 {
        crate::sync::opens(&repo)?;
    }
    if !extent.synced_only {
        name_new_machine(places, &mut fleet);
    }
    Ok(Some(fleet))
}

/// The commit to report: the branch's, or what this machine synced last where somebody reset the
/// branch to before that. Without both there is a warning until the next sync joins them.
fn newest(repo: &Repo, head: Oid) -> Oid {
    let Ok(Some(known)) = repo.commit_at(KNOWN) else {
        return head;
    };
    // A shallow clone may lack the history that would show it.
    match (repo.contains(head, known), repo.contains(known, head)) {
        (Ok(false), Ok(true)) => known,
        (Ok(false), Ok(false)) => {
            eprintln!(
                "warning: the clone's branch lacks what this machine synced last: some usage is left out. Next: claude-sync"
            );
            head
        }
        _ => head,
    }
}

/// The tree to report: with this machine's usage since its last sync. Where that fails, a warning
/// is printed, and what was synced is reported.
fn with_unsynced(
    places: &Places,
    repo: &Repo,
    root: Oid,
    index: Option<&Index>,
    clock: (Timestamp, &Watcher),
) -> Oid {
    crate::sync::with_unsynced(places, repo, root, index, clock).unwrap_or_else(|error| {
        let error = CliError::from(error);
        eprintln!("warning: this machine's usage since its last sync is left out: {error}");
        root
    })
}

/// Names this machine, where it has no machine file before its first sync.
fn name_new_machine(places: &Places, fleet: &mut Fleet) {
    let Ok(Some(id)) = machine_id::read(&places.machine_id) else {
        return;
    };
    let own = fleet.machines.iter_mut().find(|machine| machine.id == id);
    if let Some(machine) = own.filter(|own| own.machine_file.is_none() && own.error.is_none()) {
        machine.label = host::host().hostname;
    }
}

/// The note on a report of a machine that was not set up.
pub(crate) const ALONE: &str =
    "Only this machine: claude-sync is not set up. To add machines: claude-sync init";

/// The error if there is no repository, or it is empty.
pub(crate) fn no_data() -> CliError {
    CliError::plain(
        "there is no synced data on this machine",
        "claude_sync::no_data",
        exit::REPOSITORY,
        "run claude-sync first; or report this machine's transcripts only: claude-usage-tracker --source=local",
    )
}

/// The fleet's price book; an empty one if the repository cannot be read.
fn book(places: &Places) -> PriceBook {
    let repo = open(places).ok();
    PriceBook(
        repo.and_then(|repo| report::price_rules(&repo).ok())
            .unwrap_or_default(),
    )
}

/// Warns about entries of `transcripts.folders` that match no transcripts.
pub(crate) fn unmatched(folders: &Folders) {
    for pattern in &folders.unmatched {
        eprintln!(
            "warning: transcripts.folders: there are no transcripts in {}",
            printable(pattern, 300)
        );
    }
}

/// Reads this machine's transcripts as a fleet of one machine, and calls `rows` for each row.
pub(crate) fn local(places: &Places, env: &Env, rows: Rows) -> Result<Fleet, CliError> {
    let config = config::read(&places.config)?;
    let naming = crate::sync::naming(&config, key::read(&places.key)?.as_ref())?;
    let folders = places.folders();
    unmatched(&folders);
    let reading = read_all_watched(&folders, &Cursors::new(), &naming, &env.watcher());
    warn(&reading, places);
    Ok(alone(places, reading, rows))
}

/// Like [`local`], but reads only transcripts that were written since a time, and warns of nothing.
pub(crate) fn recent(places: &Places, since: Timestamp, rows: Rows) -> Result<Fleet, CliError> {
    let config = config::read(&places.config)?;
    let naming = crate::sync::naming(&config, key::read(&places.key)?.as_ref())?;
    let reading = read_recent(&places.folders(), since, &naming);
    Ok(alone(places, reading, rows))
}

/// The fleet of this machine alone.
fn alone(places: &Places, reading: Reading, rows: Rows) -> Fleet {
    let machine = machine_id::read(&places.machine_id)
        .ok()
        .flatten()
        .unwrap_or_else(MachineId::random);
    let records = crate::sync::with_increments(&machine, reading.records, &reading.states);
    let mut fleet = report::from_records(machine, records, book(places), rows);
    let name = host::host().hostname;
    fleet
        .machines
        .iter_mut()
        .for_each(|machine| machine.label.clone_from(&name));
    fleet
}

/// When the figures of other machines are from, if there are other machines: when a sync of this
/// machine last reached the remote. Where that is not known, the newest sync of any machine.
pub(crate) fn others_as_of(places: &Places, fleet: &Fleet) -> Option<Timestamp> {
    let own = machine_id::read(&places.machine_id).ok().flatten();
    let is_other = |machine: &&MachineView| Some(&machine.id) != own.as_ref() && !machine.retired;
    fleet.machines.iter().find(is_other)?;
    let files = fleet.machines.iter();
    let newest = files.filter_map(|machine| Some(machine.machine_file.as_ref()?.last_sync()));
    let exchanged = Index::peek(&places.state).and_then(|index| index.exchanged());
    exchanged.or_else(|| newest.max())
}

/// Warns about transcripts and lines that could not be read.
fn warn(reading: &Reading, places: &Places) {
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    for (path, reason) in &reading.unreadable {
        let reason = printable(reason, 200);
        eprintln!("warning: {}: skipped: {reason}", show(path));
    }
    // The first lines show the problem; the count covers the rest.
    for bad in reading.bad.iter().take(10) {
        let (path, line, error) = (show(&bad.path), bad.line, &bad.error);
        eprintln!("warning: {path}:{line}: skipped: {error}");
    }
    if reading.bad_total > 0 {
        let lines = count(reading.bad_total, "line");
        eprintln!("warning: {lines} of transcripts could not be read and were skipped.");
    }
    if reading.files == 0 {
        let folders = places.claude.iter();
        let folders: Vec<_> = folders.map(|path| show(&path.join("projects"))).collect();
        eprintln!("warning: no transcripts found in {}", folders.join(", "));
    }
}
