//! What every sync repository contains beside data: README.md and `.gitattributes`; and how one is
//! recognized.

use std::collections::BTreeMap;

use super::error::SyncError;
use crate::front::{self, There};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, Repo};
use crate::store::layout::{self, ATTRIBUTE_LINE, ATTRIBUTES, MANIFEST, README_LINE};

const README: &str = "# Claude Code usage of my machines

Written by `claude-sync`: token counts and costs per request, no conversation content.
`git log` is the history of syncs; `claude-usage-tracker` shows the figures.

| path | what it holds |
|---|---|
| `sync/manifest.json` | all machines and their totals, computed from the files below |
| `sync/machines/` | a file for each machine: its totals and what its last sync brought |
| `sync/archive/YYYY/MM/MACHINE/DD.jsonl` | every usage record, by day |
";

/// Whether a tree has usage data in it.
pub(super) fn has_data(repo: &Repo, root: Oid) -> Result<bool, SyncError> {
    Ok(repo.entry(Some(root), MANIFEST)?.is_some()
        || repo.folder(Some(root), layout::MACHINES)?.is_some())
}

/// Whether a tree is one of ours, or has nothing in it that could be somebody else's.
pub(super) fn is_sync(repo: &Repo, root: Oid) -> Result<bool, SyncError> {
    let entries = repo.entries(Some(root))?;
    let marked = || -> Result<bool, SyncError> {
        let Some(entry) = entries.get(ATTRIBUTES) else {
            return Ok(false);
        };
        let small = repo.is_blob_within(entry.oid, 1 << 20)?;
        Ok(small
            && String::from_utf8_lossy(&repo.blob(entry.oid)?)
                .lines()
                .any(|line| line == ATTRIBUTE_LINE))
    };
    Ok(entries.is_empty()
        || repo.entry(Some(root), MANIFEST)?.is_some()
        || repo.folder(Some(root), "sync/machines")?.is_some()
        || marked()?)
}

/// A root tree with what every sync repository has, and otherwise as it was. `front_page`: whether
/// README.md is to have one; without, that stays as it is.
pub(super) fn furnish(
    repo: &Repo,
    root: Option<Oid>,
    front_page: Option<bool>,
) -> Result<Oid, SyncError> {
    let mut changes = BTreeMap::new();
    let there = root
        .map(|root| There::read(repo, root))
        .transpose()?
        .unwrap_or_default();
    // A README.md that is no text stays as it is.
    let no_text = there.readme.is_none() && repo.entry(root, layout::README)?.is_some();
    let may_add = !no_text && !repo.is_sealing();
    let wanted = readme(&there, root.is_none(), front_page, may_add);
    if there.readme.as_deref() != Some(&wanted) && !(wanted.is_empty() || no_text) {
        let oid = repo.write_blob(wanted.as_bytes())?;
        changes.insert(layout::README.to_owned(), Entry { mode: FILE, oid });
    }
    let has_front_page = front::Split::of(&wanted).is_some();
    if let Some(text) = attributes(repo, root, has_front_page)? {
        let oid = repo.write_blob(text.as_bytes())?;
        changes.insert(ATTRIBUTES.to_owned(), Entry { mode: FILE, oid });
    }
    match (root, changes.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Ok(repo.replace(root, &changes)?),
    }
}

/// The text of README.md: with a front page where one is asked for, without where none is.
fn readme(there: &There, is_new: bool, front_page: Option<bool>, may_add: bool) -> String {
    let text = there.readme.clone();
    let readme = text.unwrap_or_else(|| if is_new { README } else { "" }.to_owned());
    match (front_page, there.split()) {
        (Some(true), None) if may_add => {
            // Below the title, where people see it first.
            let title = readme
                .split_inclusive('\n')
                .next()
                .filter(|line| line.starts_with("# "))
                .unwrap_or_default();
            let gap = if title.is_empty() { "" } else { "\n" };
            format!("{title}{gap}{}{}", front::EMPTY, &readme[title.len()..])
        }
        (Some(false), Some(split)) => split.with(""),
        _ => readme,
    }
}

/// The text of `.gitattributes` with the lines that it lacks; none where it has them all.
fn attributes(
    repo: &Repo,
    root: Option<Oid>,
    has_front_page: bool,
) -> Result<Option<String>, SyncError> {
    let old = repo
        .entry(root, ATTRIBUTES)?
        .filter(|entry| entry.mode == FILE);
    let text = match old {
        Some(entry) => String::from_utf8_lossy(&repo.blob(entry.oid)?).into_owned(),
        None => String::new(),
    };
    // README.md is the user's, and git's to merge, where there is no front page in it.
    let lines = [Some(ATTRIBUTE_LINE), has_front_page.then_some(README_LINE)];
    let missing: Vec<&str> = lines
        .into_iter()
        .flatten()
        .filter(|wanted| !text.lines().any(|line| line == *wanted))
        .collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(Some(format!("{text}{gap}{}\n", missing.join("\n"))))
}
