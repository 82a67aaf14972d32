//! `claude-sync auto disable`: undoes `enable`.

use std::path::{Path, PathBuf};

use super::settings_files::settings_files;
use crate::auto::ledger::{self, Entries, Ledger, PutBack};
use crate::auto::schedule::{self, Scheduler};
use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::places;
use crate::store::Places;

/// Disables automatic sync, and returns what was done, in words. `entries`: what to remove from
/// Claude Code's settings.
pub(crate) fn disable(entries: Entries) -> Result<String, CliError> {
    let places = places::find()?;
    let text = remove_entries(&places, entries)? + &remove_timer(&places)?;
    if text.is_empty() {
        return Ok("Automatic sync was not enabled.\n".to_owned());
    }
    Ok(text)
}

/// Removes entries of ours from Claude Code's settings files, and returns what was done, in words.
pub(crate) fn remove_entries(places: &Places, entries: Entries) -> Result<String, CliError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let changed = ledger.settings.iter().map(|changed| changed.path.clone());
    let mut files: Vec<PathBuf> = changed.collect();
    let current = settings_files(places).into_iter();
    files.extend(current.map(|file| ledger::target(&file)));
    files.sort();
    files.dedup();
    let mut text = String::new();
    for file in files {
        let done = ledger.remove(&file, entries)?;
        ledger.write(&place)?;
        text.push_str(&removed(&file, done, entries));
    }
    Ok(text)
}

/// How entries were removed from a file, in words; empty if it had none.
fn removed(file: &Path, done: PutBack, entries: Entries) -> String {
    let file = printable(&file.display().to_string(), 400);
    match (done, entries) {
        (PutBack::Untouched, _) => String::new(),
        (PutBack::Restored, _) => format!("{file} is as it was before.\n"),
        (PutBack::Cleaned, _) => {
            format!("{file} was changed since: only claude-sync's entries were taken out.\n")
        }
        (PutBack::Partly, Entries::StatusLine) => {
            format!("{file}: the status line was taken out, the hooks stay.\n")
        }
        (PutBack::Partly, _) => {
            format!("{file}: the hooks were taken out, the status line stays.\n")
        }
    }
}

fn remove_timer(places: &Places) -> Result<String, CliError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let folders = places::system_folders()?;
    // Without a ledger, an installed timer is recognized by its name.
    let found = ledger.scheduler.or_else(|| {
        Scheduler::ALL
            .into_iter()
            .find(|kind| schedule::is_installed(*kind, &folders))
    });
    let Some(kind) = found else {
        return Ok(String::new());
    };
    schedule::remove(kind, &folders)?;
    ledger.scheduler = None;
    ledger.write(&place)?;
    Ok(format!("{} starts no syncs any more.\n", kind.name()))
}
