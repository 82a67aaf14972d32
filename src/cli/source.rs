//! Where figures come from: the synced repository, or this machine's transcripts.

use super::env::Env;
use super::error::CliError;
use super::exit;
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
use crate::transcripts::{Cursors, Folders, read_all_watched};

/// The repository of this machine, with the fleet's key if there is one.
pub fn open(places: &Places) -> Result<Repo, CliError> {
    let key = key::read(&places.key)?;
    Ok(report::open(&places.repo)?
        .ok_or_else(no_data)?
        .with_key(key.as_ref()))
}

/// The fleet as this machine's repository has it, and each of its rows, or at least each that is not before `since`.
pub fn synced(places: &Places, since: Option<Timestamp>, rows: Rows) -> Result<Fleet, CliError> {
    match Index::peek(&places.state) {
        Some(index) => read(places, &index, since, rows),
        None => read(places, &NoCache, since, rows),
    }
}

/// As [`synced`], straight from the files: rows of the index have no ids.
pub fn synced_with_ids(
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

/// There is no repository, or nothing in it.
pub fn no_data() -> CliError {
    CliError::plain(
        "there is no synced data on this machine",
        "claude_sync::no_data",
        exit::REPOSITORY,
        "run claude-sync first; or look at this machine's transcripts alone: claude-usage-tracker --source=local",
    )
}

/// The fleet's price book, where this machine has a repository that can be read.
fn book(places: &Places) -> PriceBook {
    let repo = open(places).ok();
    PriceBook(
        repo.and_then(|repo| report::price_rules(&repo).ok())
            .unwrap_or_default(),
    )
}

/// Warns of entries of `transcripts.folders` that find nothing.
pub fn unmatched(folders: &Folders) {
    for pattern in &folders.unmatched {
        eprintln!(
            "warning: transcripts.folders: there are no transcripts in {}",
            printable(pattern, 300)
        );
    }
}

pub fn local(places: &Places, env: &Env, rows: Rows) -> Result<Fleet, CliError> {
    let config = config::read(&places.config)?;
    let naming = crate::sync::naming(&config, key::read(&places.key)?.as_ref())?;
    let folders = places.folders();
    unmatched(&folders);
    let reading = read_all_watched(&folders, &Cursors::new(), &naming, &env.watcher());
    for (path, reason) in &reading.unreadable {
        eprintln!(
            "warning: {}: skipped: {}",
            printable(&path.display().to_string(), 400),
            printable(reason, 200)
        );
    }
    for bad in reading.bad.iter().take(10) {
        eprintln!(
            "warning: {}:{}: skipped: {}",
            printable(&bad.path.display().to_string(), 400),
            bad.line,
            bad.error
        );
    }
    if reading.bad_total > 0 {
        eprintln!(
            "warning: {} of transcripts could not be read and were skipped.",
            count(reading.bad_total, "line")
        );
    }
    if reading.files == 0 {
        let folders: Vec<_> = places
            .claude
            .iter()
            .map(|path| printable(&path.join("projects").display().to_string(), 300))
            .collect();
        eprintln!("warning: no transcripts found in {}", folders.join(", "));
    }
    let machine = machine_id::read(&places.machine_id)
        .ok()
        .flatten()
        .unwrap_or_else(MachineId::random);
    let records = crate::sync::with_increments(&machine, reading.records, &reading.states);
    let mut fleet = report::from_records(machine, records, book(places), rows);
    let name = super::env::host().hostname;
    fleet
        .machines
        .iter_mut()
        .for_each(|machine| machine.label.clone_from(&name));
    Ok(fleet)
}
