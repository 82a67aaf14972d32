//! Files that runs left out, kept in `.git` until the user has seen them: an unattended run has
//! nobody to report to, and the next tree does not contain them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::SyncError;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::git::repo::Repo;
use crate::store::durable;

/// So many are kept. A pusher can make any number.
const MOST: usize = 100;

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// Why: a code of [`crate::git::Refusal::code`], or `newer-version`.
    pub(crate) code: String,
    /// Its path in the repository, escaped.
    pub(crate) path: String,
    /// When that was seen.
    pub(crate) at: String,
}

fn place(repo: &Repo) -> PathBuf {
    repo.common_folder().join("claude-sync-left-out.json")
}

/// Adds one to a list, if it is not there yet.
pub(super) fn add(all: &mut Vec<LeftOut>, code: &str, path: &str, now: Timestamp) {
    let (code, path) = (code.to_owned(), printable(path, 300));
    if !all
        .iter()
        .any(|known| (&known.code, &known.path) == (&code, &path))
    {
        all.push(LeftOut {
            code,
            path,
            at: now.to_string(),
        });
    }
}

/// What was left out and nobody has seen to yet. A list that cannot be read is empty.
pub(crate) fn read(repo: &Repo) -> Vec<LeftOut> {
    let bytes = std::fs::read(place(repo)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Keeps what a run left out.
pub(super) fn note(repo: &Repo, new: &[LeftOut]) -> Result<(), SyncError> {
    let before = read(repo);
    let mut all = before.clone();
    for one in new {
        if !all
            .iter()
            .any(|known| (&known.code, &known.path) == (&one.code, &one.path))
        {
            all.push(one.clone());
        }
    }
    // The first ones show best where it began.
    all.truncate(MOST);
    if all != before {
        let text = serde_json::to_vec_pretty(&all).unwrap_or_default();
        durable::write(&place(repo), &text)?;
    }
    Ok(())
}

/// Deletes the list, because the user has seen it. Returns how many files it had.
pub(crate) fn dismiss(repo: &Repo) -> usize {
    let count = read(repo).len();
    let _ = std::fs::remove_file(place(repo));
    count
}
