//! Report Claude Code usage of the whole fleet.
//!
//! Starts `claude-sync` from the same folder, which has the reports too. With the library in one
//! program only, both together take half the space and half the time to link.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The first argument, by which `claude-sync` runs as this program.
const AS_TRACKER: &str = "--claude-usage-tracker";

fn main() -> ExitCode {
    let name = format!("claude-sync{}", std::env::consts::EXE_SUFFIX);
    // Where the folder is not known, PATH decides.
    let program = std::env::current_exe().map_or_else(
        |_| OsString::from(&name),
        |own| own.with_file_name(&name).into_os_string(),
    );
    let mut command = Command::new(&program);
    command.arg(AS_TRACKER).args(std::env::args_os().skip(1));
    let error = start(&mut command);
    eprintln!(
        "Error: claude-usage-tracker cannot start {}: {error}\n  help: install claude-sync into the same folder; both programs come together",
        program.to_string_lossy().escape_debug()
    );
    ExitCode::FAILURE
}

/// Becomes the command. Returns if that fails.
#[cfg(unix)]
fn start(command: &mut Command) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    command.arg0("claude-usage-tracker").exec()
}

/// Runs the command and exits as it does. Returns if it cannot be started.
#[cfg(not(unix))]
fn start(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
