//! A record of the changes outside the repository, to undo them: `installed.json` beside the settings,
//! and a copy of each of Claude Code's settings files from before.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::AutoError;
pub(crate) use super::files::delete;
use super::{claude, schedule};
use crate::base::key::hex;
use crate::store::durable;

/// The changes outside the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
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

/// How a settings file was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutBack {
    /// It had none of our hooks.
    Untouched,
    /// It is as it was before, byte for byte.
    Restored,
    /// It was changed since: only our hooks were removed.
    Cleaned,
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
    /// Reads the ledger. It is empty if the file is missing or damaged; our hooks are then recognized by their commands.
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

    /// Moves copies of settings files that an earlier version kept beside them to the state folder. Returns whether there were any.
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

    /// Adds our hooks to a settings file, and keeps a copy of it in the state folder. Returns whether
    /// anything changed. `last`: at the end of a session Claude Code waits for the sync.
    pub(crate) fn add_hooks(
        &mut self,
        settings: &Path,
        command: &str,
        last: bool,
        state: &Path,
    ) -> Result<bool, AutoError> {
        let path = target(settings);
        let before = read(&path)?;
        let text = before.clone().unwrap_or_default();
        let problem = |reason| AutoError::Settings {
            path: path.clone(),
            reason,
        };
        let Some(after) = claude::with_hooks(&text, command, last).map_err(problem)? else {
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

    /// The copy of a settings file as it was before our hooks, which is made if there is none yet. `None`: there was no file.
    fn backup(
        &self,
        path: &Path,
        text: Option<&str>,
        state: &Path,
    ) -> Result<Option<PathBuf>, AutoError> {
        let known = self.settings.iter().find(|changed| changed.path == path);
        let has_hooks = claude::has_hooks(text.unwrap_or_default());
        match (known, text) {
            (Some(known), _) if has_hooks => Ok(known.backup.clone()),
            (_, Some(text)) if !has_hooks => {
                let copy = backup_place(state, path);
                durable::write(&copy, text.as_bytes())?;
                Ok(Some(copy))
            }
            _ => Ok(None),
        }
    }

    /// Removes our hooks from a settings file.
    pub(crate) fn remove_hooks(&mut self, settings: &Path) -> Result<PutBack, AutoError> {
        let path = target(settings);
        let known = self
            .settings
            .iter()
            .position(|changed| changed.path == path)
            .map(|at| self.settings.remove(at));
        let Some(text) = read(&path)? else {
            return Ok(PutBack::Untouched);
        };
        let same = known
            .as_ref()
            .is_some_and(|known| known.became == sha256(text.as_bytes()));
        let backup = known.and_then(|known| known.backup);
        let before = backup.as_ref().map(|copy| read(copy)).transpose()?;
        let done = match (same, before) {
            (true, Some(Some(before))) => {
                durable::write(&path, before.as_bytes())?;
                PutBack::Restored
            }
            (true, None) => {
                delete(&path)?;
                PutBack::Restored
            }
            // Changed since, or the copy is gone.
            _ => match claude::without_hooks(&text).map_err(|reason| AutoError::Settings {
                path: path.clone(),
                reason,
            })? {
                None => PutBack::Untouched,
                Some(after) => {
                    durable::write(&path, after.as_bytes())?;
                    PutBack::Cleaned
                }
            },
        };
        backup.iter().try_for_each(|copy| delete(copy))?;
        Ok(done)
    }
}

/// The file that a path leads to, also if it does not exist yet: users link to settings in other folders.
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

/// The path of the copy of a settings file. Settings may hold secrets, and the file may lie in a repository of dotfiles: a copy beside it
/// would be committed and pushed if the user adds all files there.
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
