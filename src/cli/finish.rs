//! The end of both programs: prints the error, and returns the exit code.

use std::process::ExitCode;

use super::env::Env;
use super::error::CliError;
use super::{exit, print};

/// Turns the result of a command into the exit code of the process. A command that succeeds fails
/// after all if its output could not be written.
pub(crate) fn finish(result: Result<u8, CliError>, env: &Env) -> ExitCode {
    let result = result.and_then(|code| match print::failure() {
        Some(reason) if code == exit::OK => Err(not_printed(reason)),
        _ => Ok(code),
    });
    ExitCode::from(result.unwrap_or_else(|error| {
        eprint!("{}", error.render(env.colors, env.message_width()));
        error.exit
    }))
}

fn not_printed(reason: &str) -> CliError {
    CliError::plain(
        &format!("failed to write to standard output: {reason}"),
        "claude_sync::output",
        exit::FAILURE,
        "make room where the output goes, or write it elsewhere",
    )
}
