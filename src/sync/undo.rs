//! What `forget` took away, kept for a while on the machine that forgot, so that `forget --undo` brings it back.
//!
//! `undo/TIME.bundle` in the state folder holds the files as they were, as git packs them (sealed, where they are); `undo/TIME.json` names
//! the tombstones. Where one of these is taken back, by whichever machine, the next run here brings the files back. After [`KEPT_DAYS`]
//! both are deleted, and a tombstone can be taken back no more.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SyncError;
use super::run::Run;
use super::tree::rules_of;
use crate::base::time::Timestamp;
use crate::cache::Cache;
use crate::fleet::authority::UNDONE;
use crate::fleet::decisions::{FORGOTTEN, Intent};
use crate::git::Oid;
use crate::store::durable;

/// For so many days what was forgotten can be taken back.
pub const KEPT_DAYS: i64 = 7;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The ref under which git packs and unpacks what is kept.
const REF: &str = "refs/claude-sync/undo";

/// What was forgotten at one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    made: String,
    subjects: Vec<String>,
}

fn folder(state: &Path) -> PathBuf {
    state.join("undo")
}

/// Whether a tombstone that was made then can still be taken back.
pub fn is_in_time(made: Timestamp, now: Timestamp) -> bool {
    now.since(made) <= KEPT_DAYS * DAY
}

/// All that is kept, by the place of its bundle. What cannot be read is none.
fn all(state: &Path) -> Vec<(PathBuf, Kept)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder(state)).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "json")
            && let Ok(bytes) = fs::read(&path)
            && let Ok(kept) = serde_json::from_slice(&bytes)
        {
            out.push((path.with_extension("bundle"), kept));
        }
    }
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    out
}

fn remove(bundle: &Path) {
    let _ = fs::remove_file(bundle);
    let _ = fs::remove_file(bundle.with_extension("json"));
}

/// Deletes what can be taken back no more.
pub(super) fn expire(state: &Path, now: Timestamp) {
    for (bundle, kept) in all(state) {
        if Timestamp::parse(&kept.made).is_none_or(|made| !is_in_time(made, now)) {
            remove(&bundle);
        }
    }
}

impl Run<'_> {
    /// Keeps what this run had forgotten, before the old history leaves the clone. Where that fails, nothing is kept: forgetting goes on.
    pub(super) fn keep_undo(&self) -> Result<(), SyncError> {
        let Some(tree) = self.taken.take().filter(|_| self.options.keep_undo) else {
            return Ok(());
        };
        let subjects: Vec<String> = forgotten(&self.options.intents)
            .map(|intent| intent.subject.clone())
            .collect();
        let place = folder(self.state);
        let fail = |source| {
            SyncError::Write(durable::WriteError {
                path: place.clone(),
                source,
            })
        };
        fs::create_dir_all(&place).map_err(fail)?;
        let bundle = place.join(format!("{}.bundle", self.options.now.compact()));
        let commit = self
            .repo
            .commit(&self.git, tree, &[], "what was forgotten\n")?;
        self.repo
            .move_ref(REF, self.repo.commit_at(REF)?, commit, "claude-sync forget")?;
        let made = self.git.run(
            self.repo.path(),
            &["bundle", "create", "-q", &bundle.display().to_string(), REF],
        );
        self.repo.delete_ref(REF)?;
        if made.is_ok() {
            let kept = Kept {
                made: self.options.now.to_string(),
                subjects,
            };
            durable::write(
                &bundle.with_extension("json"),
                &serde_json::to_vec_pretty(&kept).unwrap_or_default(),
            )?;
        }
        Ok(())
    }

    /// Commits with what was forgotten here and is taken back: by this run, or by another machine.
    pub(super) fn undone(
        &self,
        from: Option<Oid>,
        cache: &dyn Cache,
    ) -> Result<Vec<Oid>, SyncError> {
        let kept = all(self.state);
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let rules = from
            .map(|commit| rules_of(&self.repo, self.repo.tree_of(commit)?, cache))
            .transpose()?
            .unwrap_or_default();
        let undone = |subject: &String| {
            let here = self.options.intents.iter().any(|intent| {
                intent.kind == FORGOTTEN && intent.key == UNDONE && intent.subject == *subject
            });
            here || rules.is_undone(subject)
        };
        let mut out = Vec::new();
        for (bundle, _) in kept
            .into_iter()
            .filter(|(_, kept)| kept.subjects.iter().any(undone))
        {
            let path = bundle.display().to_string();
            // One that cannot be unpacked brings nothing back.
            let Ok(told) = self
                .git
                .run(self.repo.path(), &["bundle", "unbundle", &path])
            else {
                continue;
            };
            let id = told
                .lines()
                .find_map(|line| Oid::from_str(line.split_whitespace().next()?).ok());
            out.extend(id);
        }
        Ok(out)
    }

    /// What was brought back is in the tree now.
    pub(super) fn drop_undone(&self) -> Result<(), SyncError> {
        let kept = all(self.state);
        if let Some(known) = self
            .repo
            .commit_at(crate::git::repo::KNOWN)?
            .filter(|_| !kept.is_empty())
        {
            let rules = rules_of(
                &self.repo,
                self.repo.tree_of(known)?,
                &crate::cache::NoCache,
            )?;
            kept.iter()
                .filter(|(_, kept)| kept.subjects.iter().all(|subject| rules.is_undone(subject)))
                .for_each(|(path, _)| remove(path));
        }
        Ok(())
    }
}

/// The decisions of a run that have something forgotten.
fn forgotten(intents: &[Intent]) -> impl Iterator<Item = &Intent> {
    intents
        .iter()
        .filter(|intent| intent.kind == FORGOTTEN && intent.key != UNDONE)
}
