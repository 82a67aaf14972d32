//! Checks the files below a tree: whether they can be read, and whether what is derived from them
//! fits.

use std::collections::BTreeSet;

use super::finding::{Finding, Kind, found, stale};
use crate::base::ids::Interner;
use crate::base::progress::{Step, Watcher};
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::read::{self, Content};
use crate::fleet::rules::Rules;
use crate::fleet::{self, DataError, Fleet};
use crate::format::conflict::{Code, Concern};
use crate::format::dayfile::DayFile;
use crate::format::manifest::{BASIS, Manifest};
use crate::format::syncfile::SyncFile;
use crate::front;
use crate::git::repo::{Blob, FILE, KNOWN, Repo};
use crate::git::{Git, Refusal, Unsound};
use crate::merge::push_check;
use crate::store::layout::{self, MANIFEST, Path};
use crate::store::{Places, machine_id};
use crate::sync::error::SyncError;
use crate::sync::left_out;
use crate::sync::local::{Figures, stated};
use crate::sync::view::View;

/// Checks the commit's tree; with a watcher every file in it is read.
pub(super) fn check_data(
    view: View<'_>,
    git: &Git,
    places: &Places,
    read_data: Option<&Watcher>,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    let (repo, root) = (view.repo, view.root);
    derived(view, git, out)?;
    unread(view, read_data.is_none(), out)?;
    let rules = Rules::read(repo, root, |_, _| None)?;
    for path in breaking(repo, root, &rules, &CheckedNow::default())? {
        let what = "has data that was forgotten, or details that retention takes away; \
                    claude-sync takes them out";
        out.push(stale(&path, what));
    }
    let Some(watcher) = read_data else {
        return named_by_manifest(view, out);
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
    counted(view, out)?;
    own_totals(view, places, out)
}

/// What is computed from other files: manifest, work tree, front page.
fn derived(view: View<'_>, git: &Git, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let (repo, root) = (view.repo, view.root);
    if !push_check::is_fresh(repo, Some(root))? {
        out.push(stale(MANIFEST, "was not computed from the files beside it"));
    }
    // A work tree that cannot be brought along now is no defect: status and doctor report why.
    if repo.obstacle(&repo.target()?.branch)?.is_none() && !repo.is_shown(git, root)? {
        out.push(stale("the work tree", "does not show the commit"));
    }
    let there = front::There::read(repo, root)?;
    if there.split().is_some()
        && front::compute(repo, view.inputs()?, &there, view.cache)?.is_some()
    {
        let what = "its front page was not computed from the files beside it";
        out.push(stale(layout::README, what));
    }
    Ok(())
}

/// Files that are not read. `new_only`: of those that may not be read, only what this clone has not
/// had before.
fn unread(view: View<'_>, new_only: bool, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let repo = view.repo;
    for breach in push_check::foreign(repo, None, Some(view.root))? {
        if let push_check::Breach::Foreign { path } = breach
            && path.starts_with("sync/")
        {
            let what = "is no sync data; it is carried along and never read";
            out.push(found(Kind::Foreign, path, what));
        }
    }
    let known = repo.commit_at(KNOWN)?.filter(|_| new_only);
    let known = known.map(|known| repo.tree_of(known)).transpose()?;
    for (path, refusal) in repo.screen(view.root, known, Unsound::Note)?.left_out {
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
fn counted(view: View<'_>, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    if view.entry(MANIFEST)?.is_none() {
        return Ok(());
    }
    let text = view.manifest(BASIS)?.write();
    let whole = Fleet::count(view.load()?);
    if text != fleet::manifest::compute(&whole, view.inputs()?, BASIS).write() {
        let what = "is computed differently from digests than from all files: please report it";
        out.push(found(Kind::Index, "the manifest", what));
    }
    let stored = view.whole(MANIFEST)?;
    // A later version computes it by other rules or prices.
    if !view.has_newer_manifest(BASIS) && stored.is_some_and(|stored| stored != text.as_bytes()) {
        out.push(stale(MANIFEST, "does not match the files beside it"));
    }
    Ok(())
}

/// Compares the totals of this machine's file with its records.
fn own_totals(view: View<'_>, places: &Places, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(machine) = machine_id::read(&places.machine_id)? else {
        return Ok(());
    };
    let path = layout::machine_path(&machine);
    if let Some(bytes) = view.whole(&path)?
        && let Ok(file) = SyncFile::read(&machine, &bytes, &mut Interner::default())
        && file.claimed.is_none()
    {
        let own = Figures::read(view, &machine, BTreeSet::new())?;
        if stated(&file.totals) != stated(&own.totals) {
            let what = "its totals are not the sums of this machine's records";
            out.push(stale(&path, what));
        }
    }
    Ok(())
}

/// Conflicts in the manifest about files that were left out.
fn named_by_manifest(view: View<'_>, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(bytes) = view.whole(MANIFEST)? else {
        return Ok(());
    };
    if let Ok(manifest) = Manifest::read(&bytes) {
        // Files that may not be read are found without the manifest.
        let is_damage = |code: &Code| match code.concern() {
            Concern::File => Refusal::describe(code.as_str()).is_none(),
            Concern::Session => *code == Code::Checksum,
            Concern::Join | Concern::Unknown => false,
        };
        let conflicts = manifest.conflicts.iter();
        for conflict in conflicts.filter(|conflict| is_damage(&conflict.code)) {
            let what = format!("the manifest names it: {}", conflict.code);
            out.push(found(Kind::Damaged, conflict.subject.as_str(), what));
        }
    }
    Ok(())
}
