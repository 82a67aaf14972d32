//! `claude-sync`: one sync.

use std::time::Duration;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, outcome, places};
use crate::format::syncfile::Mode;
use crate::sync::{self, Options, Task};

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Read only what is new, or everything
    #[arg(long, value_name = "MODE", default_value = "incremental", value_parser = ["full", "incremental"])]
    mode: String,
    /// Bring every machine's data without writing this machine's
    #[arg(long, conflicts_with_all = ["summary_only", "snapshot", "offline"])]
    download_all: bool,
    /// Sync requests without their time of day
    #[arg(long)]
    summary_only: bool,
    /// Keep a copy of this version of the machine's page
    #[arg(long)]
    snapshot: bool,
    /// With a branch per machine: push the joined branch too, for people who look at the remote
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    push_main: bool,
    /// Commit here, and neither fetch nor push
    #[arg(long)]
    offline: bool,
    /// Push in clear though this fleet was encrypted: from now on it is taken for one that is not
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    in_clear: bool,
    /// Wait so long for another claude-sync to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if args.in_clear && env.quiet {
        let help = "run claude-sync --in-clear yourself, without --quiet, if that is what you want";
        return Err(CliError::plain(
            "only a person can have a run push in clear",
            "claude_sync::in_clear",
            exit::USAGE,
            help,
        ));
    }
    let options = Options {
        mode: Mode::parse(&args.mode).unwrap_or(Mode::Incremental),
        summary_only: args.summary_only,
        snapshot: args.snapshot,
        push_main: args.push_main,
        offline: args.offline,
        task: if args.download_all {
            Task::Download
        } else {
            Task::Sync
        },
        attended: env.attended && !env.quiet,
        unattended: env.quiet,
        wait: Duration::from_secs(args.wait),
        in_clear: args.in_clear,
        ..env.options()
    };
    let places = places::find()?;
    let outcome = sync::run(&places, &options)?;
    Ok(outcome::print(
        &outcome,
        env,
        args.json.then(Vec::new),
        || outcome::summary(&outcome, &options, &places.repo),
    ))
}
