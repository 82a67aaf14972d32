//! `claude-sync git …`: the user's git, in the repository.

use std::ffi::OsString;

use super::env::Env;
use super::error::CliError;
use super::{exit, screen, source};
use crate::git::{Git, Repo};
use crate::store::private;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal git's pager shows no control characters of names and messages that others pushed. With --no-pager, or where git's output \
goes elsewhere, they come as they are.

Examples:
  claude-sync git log --stat
  claude-sync git remote set-url origin git@github.com:me/usage.git")]
pub struct Args {
    /// What git is given
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    args: Vec<OsString>,
}

/// Ends with git's own exit code.
pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let repo = Env::places()?.repo;
    // Where git would not know it as a repository, it would look for another one.
    if Repo::open(&repo)?.is_none() {
        return Err(source::no_data());
    }
    let program = super::env::program();
    let status = Git::find(env.attended)?
        .hand_over(&repo, &args.args, |users| screen::pager(&program, users))?;
    // Git writes the work tree by the umask of whoever runs it.
    private::close_folder(&repo);
    Ok(status.code().map_or(exit::FAILURE, |code| {
        u8::try_from(code).unwrap_or(exit::FAILURE)
    }))
}
