//! `claude-sync uninstall`: removes what `init` and `auto` made outside the repository.

use super::auto;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, places, prompt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::auto::ledger::{self, Entries, Ledger, delete};
use crate::base::text::printable;
use crate::cache::index::Index;
use crate::git::{Repo, hooks};
use crate::store::{Places, lock, machine_id};
use crate::sync;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The repository is kept, because it contains your history. The fleet's key is kept, because encrypted data cannot be read without it.
To set this machine up again, with the same machine id: claude-sync init")]
pub(crate) struct Args {
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    if !args.yes && !confirm(env)? {
        out("Nothing was changed.\n");
        return Ok(exit::OK);
    }
    // No sync may run meanwhile.
    let lock = lock::acquire(
        &places.state,
        &format!("pid {}, since {}\n", std::process::id(), env.now),
        Duration::ZERO,
    )
    .map_err(sync::SyncError::from)?;
    out(&auto::disable(Entries::All)?);
    let mut deleted = Deleted::default();
    deleted.machine_id(&places)?;
    // The repository's own hooks may stay with it. A hooks folder that other repositories share is
    // restored.
    if let Ok(Some(repo)) = Repo::open(&places.repo) {
        let _ = hooks::remove(&repo);
    }
    deleted.settings(&places)?;
    deleted.state(&places)?;
    drop(lock);
    deleted.file(places.state.join("lock"))?;
    let folders = [Some(places.state.as_path()), places.config.parent()];
    for folder in folders.into_iter().flatten() {
        // Fails if the folder contains anything else, which then stays.
        let _ = std::fs::remove_dir(folder);
    }
    out(&summary(&deleted, &places));
    Ok(exit::OK)
}

/// Asks for confirmation. Fails without a terminal.
fn confirm(env: &Env) -> Result<bool, CliError> {
    const WHAT: &str = "automatic sync, the status line, the machine id, the index, and the settings that init wrote";
    let would = format!("this would remove {WHAT}");
    prompt::confirm_or_refuse(env, &would, &format!("Remove {WHAT}?"))
}

/// The files deleted so far.
#[derive(Default)]
struct Deleted(Vec<PathBuf>);

impl Deleted {
    /// Deletes a file if it exists.
    fn file(&mut self, path: PathBuf) -> Result<(), CliError> {
        if std::fs::symlink_metadata(&path).is_ok() {
            delete(&path)?;
            self.0.push(path);
        }
        Ok(())
    }

    /// Deletes the machine id, once the repository contains it: a later `init` restores it from
    /// there.
    fn machine_id(&mut self, places: &Places) -> Result<(), CliError> {
        let id = machine_id::read(&places.machine_id).ok().flatten();
        let stored = id
            .as_ref()
            .is_none_or(|id| sync::leave_id(places, id).is_ok());
        if stored {
            self.file(places.machine_id.clone())?;
            self.file(places.machine_id.with_file_name("machine_id.host"))?;
        }
        Ok(())
    }

    /// Deletes the settings if they are as `init` wrote them, and the ledger.
    fn settings(&mut self, places: &Places) -> Result<(), CliError> {
        let ledger = ledger::place(&places.config);
        let written = Ledger::read(&ledger).config;
        let unchanged = std::fs::read(&places.config)
            .is_ok_and(|bytes| written.as_deref() == Some(&ledger::sha256(&bytes)));
        if unchanged {
            self.file(places.config.clone())?;
        }
        Ok(delete(&ledger)?)
    }

    /// Deletes the index and the state of automatic runs.
    fn state(&mut self, places: &Places) -> Result<(), CliError> {
        self.file(places.state.join("index.sqlite"))?;
        Index::remove(&places.state);
        self.file(places.state.join("usage.html"))?;
        self.file(places.state.join("auto.json"))?;
        self.file(places.state.join("auto.lock"))
    }
}

/// The deleted files, and those that are kept.
fn summary(deleted: &Deleted, places: &Places) -> String {
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    let mut text = String::new();
    for path in &deleted.0 {
        text.push_str(&format!("Deleted {}\n", show(path)));
    }
    let kept = [
        (&places.repo, "your history"),
        (&places.config, "your settings"),
        (&places.key, "the fleet's key"),
        (&places.machine_id, "this machine's id"),
    ];
    for (path, what) in kept.into_iter().filter(|(path, _)| path.exists()) {
        text.push_str(&format!("Kept {}: {what}\n", show(path)));
    }
    text
}
