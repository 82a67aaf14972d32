//! The data source of reports: the synced repository, or this machine's transcripts.

use super::env::Env;
use super::error::CliError;
use super::{exit, host};
use std::path::Path;

use crate::base::ids::MachineId;
use crate::base::text::{count, printable};
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::cache::{Cache, NoCache};
use crate::fleet::{Fleet, Rows};
use crate::git::Repo;
use crate::prices::PriceBook;
use crate::report;
use crate::store::{Places, config, key, machine_id};
use crate::transcripts::{Cursors, Folders, Reading, read_all_watched};

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

/// Reads the fleet from the repository, and calls `rows` for each row. Rows before `since` may be
/// left out.
pub(crate) fn synced(
    places: &Places,
    since: Option<Timestamp>,
    rows: Rows,
) -> Result<Fleet, CliError> {
    match Index::peek(&places.state) {
        Some(index) => read(places, &index, since, rows),
        None => read(places, &NoCache, since, rows),
    }
}

/// Like [`synced`], but reads all files: rows of the index have no ids.
pub(crate) fn synced_with_ids(
    places: &Places,
    since: Option<Timestamp>,
    rows: Rows,
) -> Result<Fleet, CliError> {
    read(places, &NoCache, since, rows)
}

fn read(
    places: &Places,
    cache: &dyn Cache,
    since: Option<Timestamp>,
    rows: Rows,
) -> Result<Fleet, CliError> {
    report::from_repo(&open(places)?, cache, since, rows)?.ok_or_else(no_data)
}

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
    Ok(fleet)
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
