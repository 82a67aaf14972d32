//! `claude-sync resolve`: repairs that `claude-sync` does before a sync, without the sync.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::outcome::{self, repairs};
use crate::cli::{exit, places, source};
use crate::sync::{self, Options, Task};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let options = Options {
        task: Task::Resolve,
        ..env.options()
    };
    let places = places::find()?;
    source::require_repository(&places)?;
    let outcome = sync::run(&places, &options)?;
    let text = match (repairs(&outcome), outcome.commit.is_some()) {
        (text, false) if text.is_empty() => "Nothing to resolve.\n".to_owned(),
        (text, true) if text.is_empty() => {
            "The manifest and what this clone knew are up to date again.\n".to_owned()
        }
        (text, _) => text,
    };
    outcome::print(&outcome, env, args.json.then(Vec::new), || text);
    Ok(exit::OK)
}
