//! Claude Code's settings files.

use std::path::PathBuf;

use crate::auto::AutoError;
use crate::auto::ledger::{self, Ledger};
use crate::store::Places;

/// The settings files of the existing profiles, or of the first profile if none exists.
pub(crate) fn settings_files(places: &Places) -> Vec<PathBuf> {
    let file = |folder: &PathBuf| folder.join("settings.json");
    let existing: Vec<PathBuf> = places
        .claude
        .iter()
        .filter(|folder| folder.is_dir())
        .map(file)
        .collect();
    if existing.is_empty() {
        places.claude.iter().take(1).map(file).collect()
    } else {
        existing
    }
}

/// Moves copies of settings files out of Claude Code's folders, which some users keep in git.
pub(crate) fn move_copies(places: &Places) -> Result<(), AutoError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    if ledger.move_copies(&places.state)? {
        ledger.write(&place)
    } else {
        Ok(())
    }
}
