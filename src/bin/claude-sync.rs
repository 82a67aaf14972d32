//! Sync Claude Code usage between machines through git.

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_sync::cli::run()
}
