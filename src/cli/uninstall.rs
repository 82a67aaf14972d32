//! `claude-sync uninstall`: takes back what `init` and `auto` did outside the repository.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use super::env::Env;
use super::error::CliError;
use super::{auto, exit, out, questions};
use crate::auto::ledger::{self, Ledger, delete};
use crate::base::text::printable;
use crate::cache::index::Index;
use crate::git::{Repo, hooks};
use crate::store::{lock, machine_id};
use crate::sync;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The repository stays: it holds your history. So does the fleet's key, without which what is encrypted cannot be read.
Running claude-sync init again takes up where this machine left off.")]
pub struct Args {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    if !args.yes {
        if !env.attended || !std::io::stdout().is_terminal() {
            let message = "this would take claude-sync's files outside the repository away, and automatic sync";
            return Err(CliError::plain(
                message,
                "claude_sync::usage",
                exit::USAGE,
                "say --yes if that is what you want",
            ));
        }
        if !questions::confirm(
            "Take away automatic sync, the machine's id, the index, and settings that init wrote?",
            false,
        )? {
            out("Nothing was changed.\n");
            return Ok(exit::OK);
        }
    }
    // Nobody may be at it meanwhile.
    let lock = lock::acquire(
        &places.state,
        &format!("pid {}, since {}\n", std::process::id(), env.now),
        Duration::ZERO,
    )
    .map_err(sync::SyncError::from)?;
    out(&auto::disable()?);
    let mut gone: Vec<PathBuf> = Vec::new();
    let mut remove = |path: PathBuf| -> Result<(), CliError> {
        if std::fs::symlink_metadata(&path).is_ok() {
            delete(&path)?;
            gone.push(path);
        }
        Ok(())
    };
    // The repository remembers whose it was, so that a later set-up goes on as the same machine.
    let id = machine_id::read(&places.machine_id).ok().flatten();
    let kept = id
        .as_ref()
        .is_some_and(|id| sync::leave_id(&places, id).is_ok());
    if kept || id.is_none() {
        remove(places.machine_id.clone())?;
        remove(places.machine_id.with_file_name("machine_id.host"))?;
    }
    // The repository's own hooks may stay with it; a folder that other repositories share is put back as it was.
    if let Ok(Some(repo)) = Repo::open(&places.repo) {
        let _ = hooks::remove(&repo);
    }
    let place = ledger::place(&places.config);
    let made = Ledger::read(&place).config;
    let ours = std::fs::read(&places.config)
        .is_ok_and(|bytes| made.as_deref() == Some(&ledger::sha256(&bytes)));
    if ours {
        remove(places.config.clone())?;
    }
    delete(&place)?;
    remove(places.state.join("index.sqlite"))?;
    Index::remove(&places.state);
    for name in ["auto.json", "auto.lock"] {
        remove(places.state.join(name))?;
    }
    drop(lock);
    remove(places.state.join("lock"))?;
    // Folders go where nothing else is in them.
    for folder in [Some(places.state.as_path()), places.config.parent()]
        .into_iter()
        .flatten()
    {
        let _ = std::fs::remove_dir(folder);
    }
    let show = |path: &std::path::Path| printable(&path.display().to_string(), 400);
    let mut text: String = gone.iter().fold(String::new(), |text, path| {
        text + &format!("Deleted {}\n", show(path))
    });
    let stays = [
        (&places.repo, "your history"),
        (&places.config, "your settings"),
        (&places.key, "the fleet's key"),
        (&places.machine_id, "this machine's id"),
    ];
    for (path, what) in stays.into_iter().filter(|(path, _)| path.exists()) {
        text.push_str(&format!("Kept {}: {what}\n", show(path)));
    }
    out(&text);
    Ok(exit::OK)
}
