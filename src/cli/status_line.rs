//! Claude Code's status line: `init` and `statusline --install` add it, `uninstall` and `statusline
//! --remove` remove it.

use std::path::Path;

use super::error::CliError;
use super::host;
use super::sync::auto::{remove_entries, settings_files};
use crate::auto::claude;
use crate::auto::ledger::{self, Entries, Ledger};
use crate::auto::status_line::{self, StatusLine};
use crate::base::text::printable;
use crate::store::Places;

/// Whether `init` asks: one of Claude Code's settings files has no status line.
pub(crate) fn is_missing(places: &Places) -> bool {
    let files = settings_files(places);
    files
        .iter()
        .any(|file| status_line::find(&text(file)) == StatusLine::Missing)
}

/// Adds the status line to all settings files that have none, and returns what was done, in words.
pub(crate) fn install(places: &Places) -> Result<String, CliError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let command = command();
    let mut out = String::new();
    for file in settings_files(places) {
        let changed = ledger.add_status_line(&file, &command, &places.state)?;
        // Written at once, so that it can be undone even if the next file fails.
        ledger.write(&place)?;
        out.push_str(&installed(&file, changed, &command));
    }
    out.push_str("To take it back: claude-usage-tracker statusline --remove\n");
    Ok(out)
}

/// Removes the status line, and returns what was done, in words.
pub(crate) fn remove(places: &Places) -> Result<String, CliError> {
    let text = remove_entries(places, Entries::StatusLine)?;
    if text.is_empty() {
        return Ok("claude-sync added no status line.\n".to_owned());
    }
    Ok(text)
}

/// The command of the status line.
fn command() -> String {
    let name = format!("claude-usage-tracker{}", std::env::consts::EXE_SUFFIX);
    status_line::command(&host::program().with_file_name(name))
}

/// What a settings file has now.
fn installed(file: &Path, changed: bool, command: &str) -> String {
    let text = text(file);
    let shown = printable(&file.display().to_string(), 400);
    let disabled = if claude::disables_hooks(&text) {
        "But \"disableAllHooks\" is set there: as long as it is, Claude Code shows no status line.\n"
    } else {
        ""
    };
    match status_line::find(&text) {
        StatusLine::Other(other) => format!(
            "Claude Code has another status line, which stays: {}\nTo use ours, replace its command in {shown} by: {command}\n",
            printable(&other, 200)
        ),
        _ if changed => format!(
            "Claude Code now shows usage and plan limits in its status line: {shown}\n{disabled}"
        ),
        _ => format!("Claude Code shows our status line already: {shown}\n{disabled}"),
    }
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
