//! `claude-sync auto`: automatic sync, started by Claude Code and by the system's timer.

mod disable;
mod due;
mod enable;
mod hook;
mod last;
mod run;
mod settings_files;
mod state;
mod trigger;

use crate::auto::ledger::Entries;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::out;

pub(crate) use disable::{disable, remove_entries};
pub(crate) use enable::{EnableArgs, enable};
pub(crate) use settings_files::settings_files;
pub(crate) use state::AutoState;
use trigger::Trigger;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync auto enable              after each answer and session of Claude Code, and every hour
  claude-sync auto enable --print      show the files that would be written, and change nothing
  claude-sync auto status
  claude-sync auto disable             remove the hooks and the timer")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Let Claude Code and the system start syncs
    Enable(EnableArgs),
    /// Show what starts syncs, and the result of the last one
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sync like the timer: quietly, and not if the remote failed recently
    Run {
        /// What started the sync
        #[arg(long, value_enum, default_value = "hand")]
        trigger: Trigger,
        /// Sync for the last time before this machine goes away: wait for a running sync, and retry
        /// the remote
        #[arg(long)]
        last: bool,
        /// With --last: stop after this number of seconds
        #[arg(long, value_name = "SECONDS", default_value_t = last::WITHIN, requires = "last")]
        within: u64,
        /// A session ended: the machine may go to sleep next
        #[arg(long, hide = true)]
        session_end: bool,
    },
    /// Undo `enable`
    Disable,
    /// Start a sync and return (called by Claude Code)
    #[command(hide = true)]
    Hook {
        /// Wait for the end of the sync, because the machine may go away next
        #[arg(long)]
        last: bool,
    },
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    match &args.action {
        Action::Enable(args) => {
            out(&enable(args)?);
            Ok(exit::OK)
        }
        Action::Status { json } => state::run(env, *json),
        Action::Run {
            trigger,
            last: true,
            within,
            ..
        } => last::run(*trigger, *within, env),
        Action::Run {
            trigger,
            session_end,
            ..
        } => run::run(*trigger, *session_end, env),
        Action::Disable => {
            out(&disable(Entries::Hooks)?);
            Ok(exit::OK)
        }
        Action::Hook { last } => Ok(hook::run(*last, env)),
    }
}
