//! `claude-sync resolve`: what `claude-sync` would put right first, and nothing else.

use super::env::Env;
use super::error::CliError;
use super::sync::{repairs, warnings};
use super::{exit, out};
use crate::sync::{self, Options, Task};

pub fn run(env: &Env) -> Result<u8, CliError> {
    let options = Options { task: Task::Resolve, ..env.options() };
    let outcome = sync::run(&Env::places()?, &options)?;
    let mut text = repairs(&outcome);
    match (text.is_empty(), outcome.commit.is_some()) {
        (true, false) => text.push_str("Nothing to resolve.\n"),
        (true, true) => text.push_str("The manifest and what this clone knew are up to date again.\n"),
        (false, _) => {}
    }
    out(&text);
    eprint!("{}", warnings(&outcome, false));
    Ok(exit::OK)
}
