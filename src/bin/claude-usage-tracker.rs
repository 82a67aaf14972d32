//! Report Claude Code usage of the whole fleet.

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_sync::cli::claude_usage_tracker()
}
