//! Checks the files below a tree: whether they can be read, and whether what is derived from them
//! fits.

use std::collections::BTreeSet;

use super::finding::{Finding, Kind, found, stale};
use crate::base::ids::Interner;
use crate::base::progress::{Step, Watcher};
use crate::cache::{NoCache, overview};
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::read::{self, Content};
use crate::fleet::rules::Rules;
use crate::fleet::{self, DataError, Fleet};
use crate::format::dayfile::DayFile;
use crate::format::manifest::{Manifest, RULES};
use crate::format::syncfile::SyncFile;
use crate::front;
use crate::git::repo::{Blob, FILE, KNOWN, Repo};
use crate::git::{Git, Oid, Refusal, Unsound};
use crate::merge::guard;
use crate::store::layout::{self, MANIFEST, Path};
use crate::store::{Places, machine_id};
use crate::sync::error::SyncError;
use crate::sync::left_out;
use crate::sync::local::{Figures, stated};
use crate::sync::view::View;

/// Checks the commit's tree; with a watcher every file in it is read.
pub(super) fn check_data(
    repo: &Repo,
    git: &Git,
    root: Oid,
    places: &Places,
    read_data: Option<&Watcher>,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    derived(repo, git, root, out)?;
    unread(repo, root, read_data.is_none(), out)?;
    let rules = Rules::read(repo, root, |_, _| None)?;
    for path in breaking(repo, root, &rules, &CheckedNow::default())? {
        out.push(stale(&path, "has data that was forgotten, or details that retention takes away; claude-sync takes them out"));
    }
    let Some(watcher) = read_data else {
        return named_by_manifest(repo, root, out);
    };
    let mut names = Interner::default();
    let blobs: Vec<_> = repo
        .blobs(Some(root), "sync")?
        .into_iter()
        .filter(|blob| blob.mode == FILE)
        .collect();
    let doing = watcher.begin(Step::Files, blobs.len() as u64);
    for blob in blobs {
        doing.moved(1);
        check_file(repo, &blob, &mut names, out)?;
    }
    drop(doing);
    let _doing = watcher.begin(Step::Manifest, 0);
    counted(repo, root, out)?;
    own_totals(repo, root, places, &mut names, out)
}

/// What is computed from other files: manifest, work tree, front page.
fn derived(repo: &Repo, git: &Git, root: Oid, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    if !guard::is_fresh(repo, Some(root))? {
        out.push(stale(MANIFEST, "was not computed from the files beside it"));
    }
    // A work tree that cannot be brought along now is no defect: status and doctor report why.
    if repo.obstacle(&repo.target()?.branch)?.is_none() && !repo.is_shown(git, root)? {
        out.push(stale("the work tree", "does not show the commit"));
    }
    let there = front::There::read(repo, root)?;
    if there.split().is_some()
        && front::compute(repo, read::inputs(repo, Some(root))?, &there, &NoCache)?.is_some()
    {
        let what = "its front page was not computed from the files beside it";
        out.push(stale(layout::README, what));
    }
    Ok(())
}

/// Files that are not read. `new_only`: of those that may not be read, only what this clone has not
/// had before.
fn unread(repo: &Repo, root: Oid, new_only: bool, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    for breach in guard::foreign(repo, None, Some(root))? {
        if let guard::Breach::Foreign { path } = breach
            && path.starts_with("sync/")
        {
            let what = "is no sync data; it is carried along and never read";
            out.push(found(Kind::Foreign, path, what));
        }
    }
    let known = repo.commit_at(KNOWN)?.filter(|_| new_only);
    let known = known.map(|known| repo.tree_of(known)).transpose()?;
    for (path, refusal) in repo.screen(root, known, Unsound::Note)?.left_out {
        let what = Refusal::describe(refusal.code()).unwrap_or_default();
        out.push(found(Kind::LeftOut, path, format!("is left out: {what}")));
    }
    for one in left_out::read(repo) {
        let what = Refusal::describe(&one.code).unwrap_or("its format is newer than this tool");
        let day = one.at.get(..10).unwrap_or_default();
        let text = format!("was left out on {day}: {what}");
        out.push(found(Kind::LeftOut, one.path, text));
    }
    Ok(())
}

/// Reads a file and names what is damaged in it.
fn check_file(
    repo: &Repo,
    blob: &Blob,
    names: &mut Interner,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    let path = blob.path.as_str();
    let kind = Path::parse(path);
    if !matches!(kind, Path::Day(..) | Path::Machine(_)) {
        return Ok(());
    }
    match read::content(repo, path, blob.oid) {
        Ok(Content::Bytes(bytes)) => {
            let damage = damage(&kind, &bytes, names).into_iter();
            out.extend(damage.map(|what| found(Kind::Damaged, path, what)));
        }
        // Named with the other files that may not be read.
        Ok(Content::Refused(_)) => {}
        Ok(Content::TooLarge(size)) => {
            let what = format!("has {size} bytes, more than are read");
            out.push(found(Kind::Damaged, path, what));
        }
        Err(DataError::Repo(error)) if error.lacks_objects() => {
            let what = "its object is missing or damaged";
            out.push(found(Kind::Objects, path, what));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What is damaged in a file's content.
fn damage(kind: &Path, bytes: &[u8], names: &mut Interner) -> Vec<String> {
    let mut out = Vec::new();
    match kind {
        Path::Day(machine, day, _) => match DayFile::read(machine, *day, bytes, names) {
            Ok((_, damage)) => {
                if damage.lines > 0 {
                    out.push(format!("lines that cannot be read: {}", damage.lines));
                }
                let sessions = damage.checksums.iter();
                out.extend(
                    sessions
                        .map(|session| format!("the checksum of session {session} does not fit")),
                );
            }
            Err(error) => out.push(error.to_string()),
        },
        Path::Machine(machine) => {
            if let Err(error) = SyncFile::read(machine, bytes, names) {
                out.push(error.to_string());
            }
        }
        _ => {}
    }
    out
}

/// Counts everything from all files, and compares the result with that from digests and with the
/// manifest.
fn counted(repo: &Repo, root: Oid, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(entry) = repo.entry(Some(root), MANIFEST)? else {
        return Ok(());
    };
    let (machines, archive) = read::inputs(repo, Some(root))?;
    let rules = RULES;
    let text = overview::manifest(repo, machines, archive, rules, &NoCache)?.write();
    let whole = Fleet::count(read::load(repo, machines, archive)?);
    if text != fleet::manifest::compute(&whole, machines, archive, rules).write() {
        let what = "is computed differently from digests than from all files: please report it";
        out.push(found(Kind::Index, "the manifest", what));
    }
    let there = repo.read(MANIFEST, entry.oid)?;
    if there.is_ok_and(|there| there != text.as_bytes()) {
        out.push(stale(MANIFEST, "does not say what the files beside it say"));
    }
    Ok(())
}

/// Compares the totals of this machine's file with its records.
fn own_totals(
    repo: &Repo,
    root: Oid,
    places: &Places,
    names: &mut Interner,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    let Some(machine) = machine_id::read(&places.machine_id)? else {
        return Ok(());
    };
    let path = layout::machine_path(&machine);
    if let Some(entry) = repo.entry(Some(root), &path)?
        && let Ok(bytes) = repo.read(&path, entry.oid)?
        && let Ok(file) = SyncFile::read(&machine, &bytes, names)
        && file.claimed.is_none()
    {
        let view = View::new(repo, root, &NoCache);
        let own = Figures::read(view, &machine, BTreeSet::new())?;
        if stated(&file.totals) != stated(&own.totals) {
            let what = "its totals are not the sums of this machine's records";
            out.push(stale(&path, what));
        }
    }
    Ok(())
}

/// Conflicts in the manifest about files that were left out.
fn named_by_manifest(repo: &Repo, root: Oid, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(entry) = repo.entry(Some(root), MANIFEST)? else {
        return Ok(());
    };
    let Ok(bytes) = repo.read(MANIFEST, entry.oid)? else {
        return Ok(());
    };
    if let Ok(manifest) = Manifest::read(&bytes) {
        let quiet = |code: &str| {
            ["joined", "unequal-records"].contains(&code) || Refusal::describe(code).is_some()
        };
        for conflict in manifest
            .conflicts
            .iter()
            .filter(|conflict| !quiet(&conflict.code))
        {
            out.push(found(
                Kind::Damaged,
                conflict.subject.as_str(),
                format!("the manifest names it: {}", conflict.code),
            ));
        }
    }
    Ok(())
}
