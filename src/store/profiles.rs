//! Claude Code's profiles that runs have seen: `profiles` in the state folder, a path a line.
//!
//! `CLAUDE_CONFIG_DIR` names a profile to what Claude Code and a shell start; a timer does not have
//! it. So a run remembers what it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::durable::{self, WriteError};

/// Nobody has more profiles.
const MOST: usize = 100;

fn place(state: &Path) -> PathBuf {
    state.join("profiles")
}

/// The profiles that are remembered and still exist.
pub(crate) fn read(state: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(place(state)).unwrap_or_default();
    text.lines()
        .take(MOST)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && path.is_dir())
        .collect()
}

/// Remembers profiles. A path that is no text is not remembered.
pub(crate) fn remember(state: &Path, profiles: &[PathBuf]) -> Result<(), WriteError> {
    let absolute = profiles
        .iter()
        .filter_map(|path| std::path::absolute(path).ok());
    let new: BTreeSet<String> = absolute
        .filter_map(|path| path.to_str().map(str::to_owned))
        .filter(|path| !path.contains('\n'))
        .collect();
    let text = fs::read_to_string(place(state)).unwrap_or_default();
    let known: BTreeSet<&str> = text.lines().collect();
    let new: Vec<&String> = new
        .iter()
        .filter(|path| !known.contains(path.as_str()))
        .collect();
    if new.is_empty() || known.len() >= MOST {
        return Ok(());
    }
    let text: String = known
        .into_iter()
        .chain(new.into_iter().map(String::as_str))
        .flat_map(|path| [path, "\n"])
        .collect();
    durable::write(&place(state), text.as_bytes())
}
