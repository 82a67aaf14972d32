//! `claude-sync textconv FILE`: git calls it to show files below `sync` in `git diff` and `git log -p`.

use super::error::CliError;
use super::{exit, out};
use crate::format::MAX_DAY_FILE;
use crate::report::lines;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A version of a file, as git wrote it to disk
    file: std::path::PathBuf,
}

pub fn run(args: &Args) -> Result<u8, CliError> {
    let name = args.file.display().to_string();
    let fail = |what: &str| {
        CliError::plain(
            &format!("failed to read {name}: {what}"),
            "claude_sync::textconv",
            exit::FAILURE,
            "git diff --no-textconv shows the file as it is",
        )
    };
    let size = std::fs::metadata(&args.file).map_err(|e| fail(&e.to_string()))?.len();
    if size > MAX_DAY_FILE as u64 {
        return Err(fail("it is larger than any file of the format"));
    }
    let bytes = std::fs::read(&args.file).map_err(|e| fail(&e.to_string()))?;
    out(&lines::render(&bytes));
    Ok(exit::OK)
}
