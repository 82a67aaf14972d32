//! `claude-sync resolve`: what `claude-sync` would put right first, and nothing else.

use super::env::Env;
use super::error::CliError;
use super::sync::repairs;
use super::{exit, outcome};
use crate::sync::{self, Options, Task};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let options = Options {
        task: Task::Resolve,
        ..env.options()
    };
    let outcome = sync::run(&Env::places()?, &options)?;
    let text = match (repairs(&outcome), outcome.commit.is_some()) {
        (text, false) if text.is_empty() => "Nothing to resolve.\n".to_owned(),
        (text, true) if text.is_empty() => {
            "The manifest and what this clone knew are up to date again.\n".to_owned()
        }
        (text, _) => text,
    };
    outcome::tell(&outcome, env, args.json.then(Vec::new), || text);
    Ok(exit::OK)
}
