//! `claude-sync`: its arguments and commands.

pub(super) mod auto;
mod compact;
mod config;
mod conflicts;
mod decide;
mod demo;
mod diff;
mod doctor;
mod driver;
mod forget;
mod git;
mod hook;
mod import;
mod init;
mod key;
mod log;
mod machine;
mod migrate;
mod preview;
mod price;
mod resolve;
mod restore;
mod run;
mod screen;
mod status;
mod tags;
mod textconv;
mod uninstall;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use super::env::Env;
use super::error::CliError;
use super::finish::finish;
use super::globals::{self, GlobalOptions};
use super::{exit, shell, tracker};
use crate::store::private;

/// Sync Claude Code usage records between machines through a git repository of yours
///
/// Without a command: read what is new in this machine's transcripts, commit it, and exchange it
/// with the remote. With --quiet, a remote that failed recently is skipped for a while.
#[derive(Debug, Parser)]
#[command(name = "claude-sync", version, args_conflicts_with_subcommands = true, max_term_width = 100, after_help = exit::help())]
struct ClaudeSync {
    #[command(subcommand)]
    command: Option<SyncCommand>,
    #[command(flatten)]
    sync: run::Args,
    #[command(flatten)]
    globals: GlobalOptions,
}

#[derive(Debug, Subcommand)]
enum SyncCommand {
    /// Set this machine up, joining the repository at REMOTE if one is given
    Init(init::Args),
    /// Show the state of this machine and of the others
    ///
    /// Use it first: it shows what is not synced yet and when each machine last synced, contacts
    /// nothing, and changes nothing.
    Status(status::Args),
    /// Show what the next sync would commit and push, without doing it
    Preview(preview::Args),
    /// Show the history of syncs
    Log(log::Args),
    /// Show what changed in sessions and totals between two commits
    Diff(diff::Args),
    /// List conflicts that need review, and choose the authoritative machine
    Conflicts(conflicts::Args),
    /// List, rename, retire or merge machines, or give this one another id
    Machine(machine::Args),
    /// Check the repository, the index and the work tree, and repair them
    ///
    /// Use it if data may be damaged: after a full disk, a crash, a change by hand, or if doctor or
    /// a sync advises it.
    Verify(verify::Args),
    /// Find problems on this machine, and show how to fix them
    ///
    /// Use it if a sync fails or usage is missing: it checks programs, settings, folders, automatic
    /// sync and the remote.
    Doctor(doctor::Args),
    /// List older versions, and restore the records of one
    Restore(restore::Args),
    /// Import old transcripts, daily totals of ccusage, or Claude Code's own statistics
    Import(import::Args),
    /// Convert the repository to the format of this version
    Migrate(migrate::Args),
    /// Delete a session, a project, a machine or old data from the repository and its history
    Forget(forget::Args),
    /// Fold old commits into one a day, later one a month
    Compact(compact::Args),
    /// Show and set prices of models, for all machines
    Price(price::Args),
    /// Create, show, import or replace the key that encrypts the repository and hides project names
    Key(key::Args),
    /// Sync automatically
    Auto(auto::Args),
    /// Show and change settings
    Config(config::Args),
    /// Remove what `init` and `auto` made outside the repository
    Uninstall(uninstall::Args),
    /// Run git in the repository
    Git(git::Args),
    /// Finish an interrupted merge, and repair files that were merged without claude-sync
    ///
    /// Use it after a merge, rebase or pull by plain git, if you do not want to sync now: each sync
    /// begins with the same repairs.
    Resolve(resolve::Args),
    /// Sync two example machines in a temporary folder, and show the result
    Demo,
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages of both programs and all their commands
    Man(shell::ManArgs),
    /// Merge two versions of a file (called by git)
    #[command(hide = true)]
    MergeDriver(driver::Args),
    /// Show a file below sync as lines (called by git)
    #[command(hide = true)]
    Textconv(textconv::Args),
    /// Escape control characters in the output of git (called by git)
    #[command(hide = true)]
    Screen,
    /// Run a git hook, or install the hook of a bare repository on a server (called by git)
    #[command(hide = true)]
    Hook(hook::Args),
}

/// Runs `claude-sync`.
pub(super) fn claude_sync(args: Vec<OsString>) -> ExitCode {
    private::restrict();
    // Git runs the merge driver once per file and waits for it, so it skips parsing the command
    // line.
    if let Some(args) = driver::Args::from_git(args.iter().cloned()) {
        return ExitCode::from(driver::run(&args));
    }
    let (args, globals) = globals::parse::<ClaudeSync>(args);
    let env = Env::read().with_globals(globals);
    let result = env.check().and_then(|()| match &args.command {
        None => run::run(&args.sync, &env),
        Some(command) => command.run(&env),
    });
    finish(result, &env)
}

impl SyncCommand {
    fn run(&self, env: &Env) -> Result<u8, CliError> {
        match self {
            Self::Init(args) => init::run(args, env),
            Self::Status(args) => status::run(args, env),
            Self::Preview(args) => preview::run(args, env),
            Self::Log(args) => log::run(args, env),
            Self::Diff(args) => diff::run(args, env),
            Self::Conflicts(args) => conflicts::run(args, env),
            Self::Machine(args) => machine::run(args, env),
            Self::Verify(args) => verify::run(args, env),
            Self::Doctor(args) => doctor::run(args, env),
            Self::Restore(args) => restore::run(args, env),
            Self::Import(args) => import::run(args, env),
            Self::Migrate(args) => migrate::run(args, env),
            Self::Forget(args) => forget::run(args, env),
            Self::Compact(args) => compact::run(args, env),
            Self::Price(args) => price::run(args, env),
            Self::Key(args) => key::run(args, env),
            Self::Auto(args) => auto::run(args, env),
            Self::Config(args) => config::run(args),
            Self::Uninstall(args) => uninstall::run(args, env),
            Self::Git(args) => git::run(args, env),
            Self::Resolve(args) => resolve::run(args, env),
            Self::Demo => demo::run(env),
            Self::Completions(args) => Ok(shell::completions(args, ClaudeSync::command())),
            Self::Man(args) => {
                shell::man(args, vec![ClaudeSync::command(), tracker::Args::command()])
            }
            Self::MergeDriver(args) => Ok(driver::run(args)),
            Self::Textconv(args) => textconv::run(args),
            Self::Screen => Ok(screen::run()),
            Self::Hook(args) => hook::run(args),
        }
    }
}
