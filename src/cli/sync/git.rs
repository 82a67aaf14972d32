//! `claude-sync git …`: the user's git, in the repository.

use super::screen;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, host, places, source};
use std::ffi::OsString;

use crate::git::{Git, Repo};
use crate::store::private;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal, control characters in names and messages that others pushed are escaped. With --no-pager, or if git's output is \
redirected, they are not.

Examples:
  claude-sync git log --stat
  claude-sync git remote set-url origin git@github.com:me/usage.git")]
pub(crate) struct Args {
    /// The arguments of git
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    args: Vec<OsString>,
}

/// Ends with git's own exit code.
pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let repo = places::find()?.repo;
    // Git would look for a repository in a parent folder.
    if Repo::open(&repo)?.is_none() {
        return Err(source::no_data());
    }
    let program = host::program();
    let status = Git::find(env.attended)?
        .hand_over(&repo, &args.args, |users| screen::pager(&program, users))?;
    // Git creates files with the umask of the user who runs it.
    private::close_folder(&repo);
    Ok(status.code().map_or(exit::FAILURE, |code| {
        u8::try_from(code).unwrap_or(exit::FAILURE)
    }))
}
