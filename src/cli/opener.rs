//! Opens a file in the program that the user has for it.

use std::path::Path;
use std::process::Stdio;

use super::error::CliError;
use super::exit;
use super::host::has_program;
use crate::base::text::printable;
use crate::store::private;

/// The system's command that opens a file.
const COMMAND: &str = if cfg!(windows) {
    "explorer"
} else if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Opens a file, and does not wait for the program.
pub(crate) fn open(path: &Path) -> Result<(), CliError> {
    let failed = |reason: &str| {
        let path = printable(&path.display().to_string(), 400);
        CliError::plain(
            &format!("failed to open {path}: {COMMAND}: {reason}"),
            "claude_sync::output",
            exit::FAILURE,
            "the page is written: open this file in a browser",
        )
    };
    if !has_program(COMMAND) {
        return Err(failed("there is no such program"));
    }
    let mut command = private::user_command(Path::new(COMMAND));
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null());
    let started = command.stderr(Stdio::null()).spawn();
    started
        .map(drop)
        .map_err(|error| failed(&error.to_string()))
}
