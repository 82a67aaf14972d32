//! `claude-sync auto disable`: undoes `enable`.

use std::path::{Path, PathBuf};

use super::settings_files::settings_files;
use crate::auto::ledger::{self, Ledger, PutBack};
use crate::auto::schedule::{self, Scheduler};
use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::places;
use crate::store::Places;

/// Disables automatic sync, and returns what was done, in words.
pub(crate) fn disable() -> Result<String, CliError> {
    let places = places::find()?;
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let text = remove_hooks(&places, &mut ledger, &place)? + &remove_timer(&mut ledger, &place)?;
    if text.is_empty() {
        return Ok("Automatic sync was not enabled.\n".to_owned());
    }
    Ok(text)
}

fn remove_hooks(places: &Places, ledger: &mut Ledger, place: &Path) -> Result<String, CliError> {
    let changed = ledger.settings.iter().map(|changed| changed.path.clone());
    let mut files: Vec<PathBuf> = changed.collect();
    let current = settings_files(places).into_iter();
    files.extend(current.map(|file| ledger::target(&file)));
    files.sort();
    files.dedup();
    let mut text = String::new();
    for file in files {
        let done = ledger.remove_hooks(&file)?;
        ledger.write(place)?;
        let file = printable(&file.display().to_string(), 400);
        match done {
            PutBack::Untouched => {}
            PutBack::Restored => text.push_str(&format!("{file} is as it was before.\n")),
            PutBack::Cleaned => text.push_str(&format!(
                "{file} was changed since: only claude-sync's entries were taken out.\n"
            )),
        }
    }
    Ok(text)
}

fn remove_timer(ledger: &mut Ledger, place: &Path) -> Result<String, CliError> {
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
    ledger.write(place)?;
    Ok(format!("{} starts no syncs any more.\n", kind.name()))
}
