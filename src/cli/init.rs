//! `claude-sync init`: set this machine up.

use super::env::Env;
use super::error::CliError;
use super::{exit, out};
use crate::base::text::printable;
use crate::git::hooks::Installed;
use crate::store::config;
use crate::sync::{self, Options};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync init                                  keep history on this machine
  claude-sync init git@github.com:me/usage.git      share it through a private repository")]
pub struct Args {
    /// The repository to join: any address that git understands, empty or made by claude-sync
    remote: Option<String>,
    /// Let each machine push a branch of its own, never rejected, in place of one that all share
    #[arg(long)]
    branch_per_machine: bool,
    /// Show this month, the last months and the machines on the repository's front page: tables and charts in README.md
    #[arg(long)]
    front_page: bool,
    /// Take the front page out again
    #[arg(long, conflicts_with = "front_page")]
    no_front_page: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    if let Some(remote) = &args.remote
        && (remote.is_empty() || remote.starts_with('-'))
    {
        return Err(CliError::plain(
            "the remote's address is empty or looks like an option",
            "claude_sync::usage",
            exit::USAGE,
            "give an address that git understands",
        ));
    }
    if args.front_page && config::read(&places.config)?.encrypt {
        let message = "a front page would tell in clear what encryption hides";
        return Err(CliError::plain(
            message,
            "claude_sync::usage",
            exit::USAGE,
            "leave --front-page out; claude-usage-tracker html shows more",
        ));
    }
    let front_page = (args.front_page || args.no_front_page).then_some(args.front_page);
    let options = Options { front_page, ..env.options() };
    let done = sync::init(&places, &options, args.remote.as_deref(), args.branch_per_machine)?;
    let show = |path: &std::path::Path| printable(&path.display().to_string(), 400);
    let mut text = format!("This machine is {}{}.\n", done.machine, if done.new_id { " (a new id)" } else { "" });
    let made = if done.new_repo { "made" } else { "ready" };
    text.push_str(&format!("Repository {made}: {}\n", show(&places.repo)));
    match (&done.remote, done.joined) {
        (Some(remote), true) => text.push_str(&format!("Joined {}, which has data already.\n", printable(remote, 400))),
        (Some(remote), false) => text.push_str(&format!("Remote: {}, still empty.\n", printable(remote, 400))),
        (None, _) => text.push_str("No remote: history is kept on this machine. To share it later: claude-sync init ADDRESS\n"),
    }
    if done.per_machine {
        text.push_str("Each machine pushes a branch of its own, and main is joined here.\n");
    }
    match &done.hooks {
        Installed::Here(_) => {}
        Installed::Shared(folder) => text.push_str(&format!(
            "Your git has one folder of hooks for all repositories, {}: it was left alone. To have claude-sync's checks, call them there: claude-sync hook pre-push \"$@\"\n",
            show(folder)
        )),
        Installed::Failed(folder) => text.push_str(&format!("No hooks were installed: {} cannot be written.\n", show(folder))),
    }
    match front_page {
        Some(true) => text.push_str("The next sync puts the front page into README.md.\n"),
        Some(false) => text.push_str("The next sync takes the front page out of README.md.\n"),
        None => {}
    }
    text.push_str("Next: claude-sync\n");
    out(&text);
    Ok(exit::OK)
}
