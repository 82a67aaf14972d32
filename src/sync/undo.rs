//! What `forget` took away, kept for a while on the machine that forgot, so that `forget --undo`
//! brings it back.
//!
//! `undo/TIME.bundle` in the state folder holds the files as they were, as git packs them (sealed,
//! where they are); `undo/TIME.json` names the tombstones. Where one of these is taken back, by
//! whichever machine, the next run here brings the files back. After [`KEPT_DAYS`] both are
//! deleted, and a tombstone can be taken back no more.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SyncError;
use super::options::Options;
use super::view::View;
use crate::base::time::Timestamp;
use crate::cache::{Cache, NoCache};
use crate::fleet::authority::UNDONE;
use crate::fleet::decisions::{FORGOTTEN, Intent};
use crate::git::repo::{KNOWN, Repo};
use crate::git::{Git, Oid};
use crate::store::durable;

/// For so many days what was forgotten can be taken back.
pub(crate) const KEPT_DAYS: i64 = 7;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The ref under which git packs and unpacks what is kept.
const REF: &str = "refs/claude-sync/undo";

/// What was forgotten at one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bundle {
    made: String,
    subjects: Vec<String>,
}

fn folder(state: &Path) -> PathBuf {
    state.join("undo")
}

/// Whether a tombstone that was made then can still be taken back.
pub(crate) fn is_in_time(made: Timestamp, now: Timestamp) -> bool {
    now.since(made) <= KEPT_DAYS * DAY
}

/// All that is kept, by the place of its bundle. What cannot be read is none.
fn all(state: &Path) -> Vec<(PathBuf, Bundle)> {
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

/// Keeps `tree`, what a run had forgotten, before the old history leaves the clone. Where git
/// cannot pack it, nothing is kept: forgetting goes on.
pub(super) fn keep(
    repo: &Repo,
    git: &Git,
    state: &Path,
    tree: Oid,
    options: &Options,
) -> Result<(), SyncError> {
    let subjects: Vec<String> = forgotten(&options.intents)
        .map(|intent| intent.subject.clone())
        .collect();
    let place = folder(state);
    let fail = |source| {
        SyncError::Write(durable::WriteError {
            path: place.clone(),
            source,
        })
    };
    fs::create_dir_all(&place).map_err(fail)?;
    let bundle = place.join(format!("{}.bundle", options.now.compact()));
    let commit = repo.commit(git, tree, &[], "what was forgotten\n")?;
    repo.move_ref(REF, repo.commit_at(REF)?, commit, "claude-sync forget")?;
    let made = git.run(
        repo.path(),
        &["bundle", "create", "-q", &bundle.display().to_string(), REF],
    );
    repo.delete_ref(REF)?;
    if made.is_ok() {
        let kept = Bundle {
            made: options.now.to_string(),
            subjects,
        };
        durable::write(
            &bundle.with_extension("json"),
            &serde_json::to_vec_pretty(&kept).unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// Commits with what was forgotten here and is taken back: by this run, or by another machine in
/// the data at `from`.
pub(super) fn undone(
    repo: &Repo,
    git: &Git,
    state: &Path,
    from: Option<Oid>,
    options: &Options,
    cache: &dyn Cache,
) -> Result<Vec<Oid>, SyncError> {
    let kept = all(state);
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let rules = from
        .map(|commit| View::of_commit(repo, commit, cache)?.rules())
        .transpose()?
        .unwrap_or_default();
    let undone = |subject: &String| {
        let here = options.intents.iter().any(|intent| {
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
        let Ok(refs) = git.run(repo.path(), &["bundle", "unbundle", &path]) else {
            continue;
        };
        let id = refs
            .lines()
            .find_map(|line| Oid::from_str(line.split_whitespace().next()?).ok());
        out.extend(id);
    }
    Ok(out)
}

/// Deletes what was brought back: it is in the tree now.
pub(super) fn drop_undone(repo: &Repo, state: &Path) -> Result<(), SyncError> {
    let kept = all(state);
    if let Some(known) = repo.commit_at(KNOWN)?.filter(|_| !kept.is_empty()) {
        let rules = View::of_commit(repo, known, &NoCache)?.rules()?;
        kept.iter()
            .filter(|(_, kept)| kept.subjects.iter().all(|subject| rules.is_undone(subject)))
            .for_each(|(path, _)| remove(path));
    }
    Ok(())
}

/// The decisions of a run that have something forgotten.
fn forgotten(intents: &[Intent]) -> impl Iterator<Item = &Intent> {
    intents
        .iter()
        .filter(|intent| intent.kind == FORGOTTEN && intent.key != UNDONE)
}
