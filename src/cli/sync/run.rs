//! `claude-sync`: one sync.

use std::time::Duration;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, outcome, places, source};
use crate::format::syncfile::Mode;
use crate::sync::{self, Options, Task};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Read only new lines of transcripts, or all. (--mode of claude-usage-tracker has another
    /// meaning: which cost counts.)
    #[arg(long, value_name = "MODE", default_value = "incremental", value_parser = ["full", "incremental"])]
    mode: String,
    /// Fetch the data of all machines without syncing this machine's
    #[arg(long, conflicts_with_all = ["summary_only", "snapshot", "offline"])]
    download_all: bool,
    /// Sync requests without their time of day
    #[arg(long)]
    summary_only: bool,
    /// Keep a copy of this version of the machine file
    #[arg(long)]
    snapshot: bool,
    /// With a branch per machine: push the merged main branch too
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    push_main: bool,
    /// Commit locally; neither fetch nor push
    #[arg(long)]
    offline: bool,
    /// Push unencrypted, although this fleet was encrypted; later syncs do so too
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    in_clear: bool,
    /// Wait up to SECONDS for another claude-sync to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if args.in_clear && env.quiet {
        return Err(CliError::plain(
            "only a person can have a run push in clear",
            "claude_sync::in_clear",
            exit::USAGE,
            "run claude-sync --in-clear yourself, without --quiet, if that is what you want",
        ));
    }
    let places = places::find()?;
    if args.download_all {
        source::require_repository(&places)?;
    }
    let options = args.options(env);
    let outcome = sync::run(&places, &options)?;
    let summary = || outcome::summary(&outcome, &options, &places.repo);
    let json = args.json.then(Vec::new);
    Ok(outcome::print(&outcome, env, json, summary))
}

impl Args {
    fn options(&self, env: &Env) -> Options {
        Options {
            mode: Mode::parse(&self.mode).unwrap_or(Mode::Incremental),
            summary_only: self.summary_only,
            snapshot: self.snapshot,
            push_main: self.push_main,
            offline: self.offline,
            task: if self.download_all {
                Task::Download
            } else {
                Task::Sync
            },
            attended: env.attended && !env.quiet,
            unattended: env.quiet,
            wait: Duration::from_secs(self.wait),
            in_clear: self.in_clear,
            ..env.options()
        }
    }
}
