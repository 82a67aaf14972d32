//! The settings that `init` writes, and the key that they need.

use serde_json::Value;

use super::project_names::ProjectNames;
use super::questions::Answers;
use crate::auto::ledger::{self, Ledger};
use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::out;
use crate::cli::sync::key;
use crate::store::Places;
use crate::store::settings::Settings;
use crate::sync::Init;

/// Writes the chosen settings. Makes the fleet's key if they need one and the fleet is new.
pub(crate) fn apply(answers: &Answers, done: &Init, places: &Places) -> Result<(), CliError> {
    let chosen = chosen(answers);
    if chosen.is_empty() {
        return Ok(());
    }
    let needs_key = answers.encrypt || answers.project_names == Some(ProjectNames::Hash);
    if needs_key && !places.key.exists() {
        make_key(done, places)?;
    }
    let is_new = !places.config.exists();
    let mut file = Settings::open(&places.config)?;
    for (name, value) in chosen {
        file.set(&format!("privacy_settings.{name}"), Some(value))?;
    }
    let path = printable(&places.config.display().to_string(), 400);
    out(&format!("Settings: {path}\n"));
    if is_new {
        record(places)?;
    }
    Ok(())
}

/// The chosen settings below `privacy_settings`, with their values.
fn chosen(answers: &Answers) -> Vec<(&'static str, Value)> {
    let mut chosen: Vec<(&str, Value)> = Vec::new();
    match answers.project_names {
        Some(ProjectNames::Last) => chosen.push(("project_names", "last".into())),
        Some(ProjectNames::Hash) => chosen.push(("project_names", "hash".into())),
        Some(ProjectNames::None) => chosen.push(("exclude_project_names", true.into())),
        None => {}
    }
    if answers.anonymize_hostname {
        chosen.push(("anonymize_hostname", true.into()));
    }
    if answers.encrypt {
        chosen.push(("encryption", "at-rest".into()));
    }
    let days = answers.retention_days;
    chosen.extend(days.map(|days| ("retention_days", days.into())));
    chosen
}

/// Makes the fleet's key. Fails in a fleet that has data: it may have a key already.
fn make_key(done: &Init, places: &Places) -> Result<(), CliError> {
    if done.joined && !done.sealed {
        return Err(CliError::plain(
            "this fleet has no key: its data is not encrypted",
            "claude_sync::no_key",
            exit::CONFIG,
            "this machine joined it. To go on as the others do: claude-sync. To give the fleet a key: claude-sync key init, then claude-sync init again with these options, and claude-sync key import on the other machines",
        ));
    }
    if done.joined {
        return Err(CliError::plain(
            "this fleet's key is not on this machine",
            "claude_sync::no_key",
            exit::CONFIG,
            "on a machine that has it: claude-sync key show; then here: claude-sync key import, and this again",
        ));
    }
    out(&key::about(&key::make(places)?, places));
    Ok(())
}

/// Records that `init` made the settings, so that `uninstall` may delete them.
fn record(places: &Places) -> Result<(), CliError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let settings = std::fs::read(&places.config).ok();
    ledger.config = settings.map(|bytes| ledger::sha256(&bytes));
    Ok(ledger.write(&place)?)
}
