//! Running the tools of the system's schedulers.

use std::process::{Command, Stdio};

use super::error::AutoError;
use crate::base::text::printable_lines;

/// Runs a tool. Its error output is the reason of the error.
pub(super) fn run(program: &str, args: &[&str]) -> Result<(), AutoError> {
    let command = || format!("{program} {}", args.join(" "));
    let out = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&command(), &error.to_string()))?;
    if out.status.success() {
        Ok(())
    } else {
        let reason = String::from_utf8_lossy(&out.stderr);
        Err(failed(&command(), reason.trim()))
    }
}

/// The error of a tool that failed.
pub(super) fn failed(command: &str, reason: &str) -> AutoError {
    AutoError::Tool {
        command: command.to_owned(),
        reason: printable_lines(reason, 6),
    }
}
