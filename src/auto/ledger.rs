//! A record of the changes outside the repository, to undo them: `installed.json` beside the
//! settings, and a copy of each of Claude Code's settings files from before.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::AutoError;
pub(crate) use super::files::delete;
use super::{claude, schedule, status_line};
use crate::base::key::hex;
use crate::store::durable;

/// The changes outside the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// The version of this file's format.
    pub(crate) version: u32,
    /// Claude Code's settings files that were changed.
    #[serde(default)]
    pub(crate) settings: Vec<Changed>,
    /// The timer that was installed.
    #[serde(default)]
    pub(crate) scheduler: Option<schedule::Scheduler>,
    /// SHA-256 of the `config.json` that `init` made, if there was none.
    #[serde(default)]
    pub(crate) config: Option<String>,
}

/// A settings file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Its path.
    pub(crate) path: PathBuf,
    /// A copy from before the change; `None` if there was no file.
    pub(crate) backup: Option<PathBuf>,
    /// SHA-256 of the changed file.
    pub(crate) became: String,
}

/// Which of our entries are removed from settings files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entries {
    /// The hooks.
    Hooks,
    /// The status line.
    StatusLine,
    /// Both.
    All,
}

/// How entries were removed from a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutBack {
    /// It had none of these entries.
    Untouched,
    /// It is as it was before, byte for byte.
    Restored,
    /// Only our entries were removed: it was changed since, or the copy is gone.
    Cleaned,
    /// These entries were removed, and others of ours stay.
    Partly,
}

/// The ledger's place, beside `config.json`.
pub(crate) fn place(config: &Path) -> PathBuf {
    config.with_file_name("installed.json")
}

/// SHA-256 as text.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

impl Ledger {
    /// Reads the ledger. It is empty if the file is missing or damaged; our hooks are then
    /// recognized by their commands.
    pub(crate) fn read(path: &Path) -> Self {
        fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Writes it, or deletes it if nothing is left to undo.
    pub(crate) fn write(&self, path: &Path) -> Result<(), AutoError> {
        if self.settings.is_empty() && self.scheduler.is_none() && self.config.is_none() {
            return delete(path);
        }
        let text = serde_json::to_string_pretty(&Self {
            version: 1,
            ..self.clone()
        })
        .unwrap_or_default();
        Ok(durable::write(path, text.as_bytes())?)
    }

    /// Moves copies of settings files that an earlier version kept beside them to the state folder.
    /// Returns whether there were any.
    pub(crate) fn move_copies(&mut self, state: &Path) -> Result<bool, AutoError> {
        let mut moved = false;
        for changed in &mut self.settings {
            let wanted = backup_place(state, &changed.path);
            let Some(old) = changed.backup.clone().filter(|old| *old != wanted) else {
                continue;
            };
            if let Some(text) = read(&old)? {
                durable::write(&wanted, text.as_bytes())?;
                changed.backup = Some(wanted);
                delete(&old)?;
                moved = true;
            }
        }
        Ok(moved)
    }

    /// Adds our hooks to a settings file. Returns whether anything changed. `last`: at the end of a
    /// session Claude Code waits for the sync.
    pub(crate) fn add_hooks(
        &mut self,
        settings: &Path,
        command: &str,
        last: bool,
        state: &Path,
    ) -> Result<bool, AutoError> {
        self.change(settings, state, |text| {
            claude::with_hooks(text, command, last)
        })
    }

    /// Adds our status line to a settings file that has none. Returns whether anything changed.
    pub(crate) fn add_status_line(
        &mut self,
        settings: &Path,
        command: &str,
        state: &Path,
    ) -> Result<bool, AutoError> {
        self.change(settings, state, |text| {
            status_line::with_status_line(text, command)
        })
    }

    /// Changes a settings file, and keeps a copy without our entries in the state folder. `change`
    /// returns `None` if nothing is to change. Returns whether anything changed.
    fn change(
        &mut self,
        settings: &Path,
        state: &Path,
        change: impl Fn(&str) -> Result<Option<String>, String>,
    ) -> Result<bool, AutoError> {
        let path = target(settings);
        let before = read(&path)?;
        let changed = change(before.as_deref().unwrap_or_default());
        let Some(after) = changed.map_err(|reason| AutoError::settings(&path, reason))? else {
            return Ok(false);
        };
        let backup = self.backup(&path, before.as_deref(), state)?;
        durable::write(&path, after.as_bytes())?;
        self.settings.retain(|changed| changed.path != path);
        self.settings.push(Changed {
            path,
            backup,
            became: sha256(after.as_bytes()),
        });
        Ok(true)
    }

    /// The copy of a settings file without our entries, which is made if there is none of this
    /// text. `None`: there was no file.
    fn backup(
        &self,
        path: &Path,
        text: Option<&str>,
        state: &Path,
    ) -> Result<Option<PathBuf>, AutoError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let hash = sha256(text.as_bytes());
        let ours = |changed: &&Changed| changed.path == path && changed.became == hash;
        if let Some(known) = self.settings.iter().find(ours) {
            return Ok(known.backup.clone());
        }
        let without = without(text, Entries::All);
        let without = without.map_err(|reason| AutoError::settings(path, reason))?;
        let copy = backup_place(state, path);
        durable::write(&copy, without.as_deref().unwrap_or(text).as_bytes())?;
        Ok(Some(copy))
    }

    /// Removes entries of ours from a settings file.
    pub(crate) fn remove(
        &mut self,
        settings: &Path,
        entries: Entries,
    ) -> Result<PutBack, AutoError> {
        let path = target(settings);
        let without = |text: &str, entries| {
            without(text, entries).map_err(|reason| AutoError::settings(&path, reason))
        };
        let text = read(&path)?.unwrap_or_default();
        let Some(after) = without(&text, entries)? else {
            if without(&text, Entries::All)?.is_none() {
                self.drop_known(&path)?;
            }
            return Ok(PutBack::Untouched);
        };
        let hash = sha256(text.as_bytes());
        if without(&after, Entries::All)?.is_some() {
            durable::write(&path, after.as_bytes())?;
            let ours = |known: &&mut Changed| known.path == path && known.became == hash;
            if let Some(known) = self.settings.iter_mut().find(ours) {
                known.became = sha256(after.as_bytes());
            }
            return Ok(PutBack::Partly);
        }
        let known = self.settings.iter().find(|known| known.path == path);
        let same = known.is_some_and(|known| known.became == hash);
        let copy = known.and_then(|known| known.backup.as_deref());
        let done = put_back(&path, &after, same, copy)?;
        self.drop_known(&path)?;
        Ok(done)
    }

    /// Forgets a settings file without entries of ours, and deletes its copy.
    fn drop_known(&mut self, path: &Path) -> Result<(), AutoError> {
        let known = self.settings.iter().position(|known| known.path == path);
        let copy = known.and_then(|at| self.settings.remove(at).backup);
        copy.iter().try_for_each(|copy| delete(copy))
    }
}

/// Restores a settings file from its copy if it was not changed since (`same`), else writes
/// `cleaned`. Without a copy there was no file.
fn put_back(
    path: &Path,
    cleaned: &str,
    same: bool,
    copy: Option<&Path>,
) -> Result<PutBack, AutoError> {
    let before = copy.map(read).transpose()?;
    match (same, before) {
        (true, Some(Some(before))) => durable::write(path, before.as_bytes())?,
        (true, None) => delete(path)?,
        _ => {
            durable::write(path, cleaned.as_bytes())?;
            return Ok(PutBack::Cleaned);
        }
    }
    Ok(PutBack::Restored)
}

/// The settings without entries of ours, or `None` if they have none. The error is the reason.
fn without(text: &str, entries: Entries) -> Result<Option<String>, String> {
    let mut after = None;
    if entries != Entries::StatusLine {
        after = claude::without_hooks(text)?;
    }
    if entries != Entries::Hooks {
        let text = after.as_deref().unwrap_or(text);
        after = status_line::without_status_line(text)?.or(after);
    }
    Ok(after)
}

/// The file that a path leads to, also if it does not exist yet: users link to settings in other
/// folders.
pub(crate) fn target(settings: &Path) -> PathBuf {
    let mut path = settings.to_owned();
    for _ in 0..16 {
        if let Ok(real) = dunce::canonicalize(&path) {
            return real;
        }
        let Ok(next) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    match (path.parent().map(dunce::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The path of the copy of a settings file. Settings may hold secrets, and the file may lie in a
/// repository of dotfiles: a copy beside it would be committed and pushed if the user adds all
/// files there.
fn backup_place(state: &Path, path: &Path) -> PathBuf {
    let name = sha256(path.to_string_lossy().as_bytes());
    state
        .join("settings-before")
        .join(format!("{}.json", &name[..16]))
}

/// The text of a file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<String>, AutoError> {
    let fail = |source| AutoError::Read {
        path: path.to_owned(),
        source,
    };
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|error| fail(std::io::Error::new(std::io::ErrorKind::InvalidData, error))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(fail(source)),
    }
}
