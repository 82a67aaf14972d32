//! `claude-sync textconv FILE`: shows a file below `sync` as readable lines. Git calls it for
//! `git diff` and `git log -p`.

use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, places};
use crate::format::MAX_DAY_FILE;
use crate::format::sealed::{self, Seal};
use crate::report::lines;
use crate::store::key;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, as git wrote it to disk
    file: std::path::PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<u8, CliError> {
    let name = args.file.display().to_string();
    let fail = |what: &str| {
        CliError::plain(
            &format!("failed to read {name}: {what}"),
            "claude_sync::textconv",
            exit::FAILURE,
            "git diff --no-textconv shows the file as it is",
        )
    };
    let size = std::fs::metadata(&args.file)
        .map_err(|e| fail(&e.to_string()))?
        .len();
    if size > MAX_DAY_FILE as u64 {
        return Err(fail("it is larger than any file of the format"));
    }
    let bytes = std::fs::read(&args.file).map_err(|e| fail(&e.to_string()))?;
    let seal = places::find()
        .ok()
        .and_then(|places| key::read(&places.key).ok().flatten())
        .map(|key| Seal::new(&key));
    match sealed::open(seal.as_ref(), bytes) {
        Ok(bytes) => out(&lines::render(&bytes)),
        Err(error) => out(&format!("{error}\n")),
    }
    Ok(exit::OK)
}
