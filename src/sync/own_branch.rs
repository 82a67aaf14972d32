//! What a machine pushes to a branch of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::error::SyncError;
use super::local::day_files;
use crate::base::ids::MachineId;
use crate::git::Oid;
use crate::git::repo::{Blob, Entry, FOLDER, Repo};
use crate::merge::{push_check, trees};
use crate::store::layout::{self, Path};

/// The folder of all sync data.
const SYNC: &str = "sync";

/// The tree of a machine's own branch, out of a joined root tree: its files, and those of other
/// machines that this clone alone has. It has no manifest, which is about all machines.
///
/// A clone can be the only one that has some records: a branch was rewound or deleted, or `forget`
/// was undone. Only this branch can bring them to the other machines. `before` is the branch's
/// present tree, `others` are the root trees of all other branches.
pub(crate) fn own_tree(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    before: Option<Oid>,
    others: &[Oid],
) -> Result<Oid, SyncError> {
    let mut files = own_files(repo, root, machine)?;
    for path in others_files(repo, root, machine, before, others)? {
        if let Some(entry) = repo.entry(Some(root), &path)? {
            files.insert(path, entry);
        }
    }
    if let Some(entry) = repo.entry(Some(root), layout::ATTRIBUTES)? {
        files.insert(layout::ATTRIBUTES.to_owned(), entry);
    }
    Ok(repo.replace(None, &files)?)
}

fn own_files(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
) -> Result<BTreeMap<String, Entry>, SyncError> {
    let mut out = Vec::new();
    for blob in repo.blobs(Some(root), layout::MACHINES)? {
        if let Path::Machine(id) | Path::Snapshot(id) = Path::parse(&blob.path)
            && id == *machine
        {
            out.push(blob);
        }
    }
    let days = day_files(repo, Some(root), machine)?;
    out.extend(days.into_iter().map(|(blob, ..)| blob));
    Ok(by_path(out))
}

fn by_path(blobs: Vec<Blob>) -> BTreeMap<String, Entry> {
    let entry = |blob: Blob| {
        let entry = Entry {
            mode: blob.mode,
            oid: blob.oid,
        };
        (blob.path, entry)
    };
    blobs.into_iter().map(entry).collect()
}

/// Paths of other machines' files that the branch must have: those of which other branches lack
/// something, and those that it has already, so that no push takes anything away.
fn others_files(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    before: Option<Oid>,
    others: &[Oid],
) -> Result<BTreeSet<String>, SyncError> {
    let is_foreign = |path: &str| match Path::parse(path) {
        Path::Machine(id) | Path::Day(id, ..) => id != *machine,
        _ => false,
    };
    let mut out: BTreeSet<String> = repo
        .blobs(before, SYNC)?
        .into_iter()
        .map(|blob| blob.path)
        .filter(|path| is_foreign(path))
        .collect();
    let mut unmatched = BTreeMap::new();
    let sync = |root| repo.folder(Some(root), SYNC);
    if let Some(here) = sync(root)? {
        let there = others.iter().copied().map(sync);
        let there: Vec<Oid> = there
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        collect_unmatched(repo, SYNC, here, &there, machine, &mut unmatched)?;
    }
    unmatched.retain(|path, _| is_foreign(path));
    if unmatched.is_empty() {
        return Ok(out);
    }
    let there = others.iter().try_fold(None, |all, root| {
        trees::join_roots(repo, None, all, Some(*root))
    })?;
    let here = repo.replace(None, &unmatched)?;
    let rules = push_check::rules(repo, [root])?;
    let lacking = push_check::lacking(repo, here, there, &rules)?;
    out.extend(
        lacking
            .into_iter()
            .filter(|path| unmatched.contains_key(path)),
    );
    Ok(out)
}

/// Collects the files below `here` that stand in none of the other trees as they are, without those
/// of `machine`.
fn collect_unmatched(
    repo: &Repo,
    path: &str,
    here: Oid,
    others: &[Oid],
    machine: &MachineId,
    out: &mut BTreeMap<String, Entry>,
) -> Result<(), SyncError> {
    if others.contains(&here) {
        return Ok(());
    }
    let others = others
        .iter()
        .map(|other| repo.entries(Some(*other)))
        .collect::<Result<Vec<_>, _>>()?;
    for (name, entry) in repo.entries(Some(here))? {
        let there: Vec<Entry> = others
            .iter()
            .filter_map(|o| o.get(&name))
            .copied()
            .collect();
        let path = format!("{path}/{name}");
        if there.contains(&entry) || name.starts_with(machine.as_str()) {
            continue;
        }
        if entry.mode == FOLDER {
            let folders = there.into_iter().filter(|one| one.mode == FOLDER);
            let folders: Vec<Oid> = folders.map(|folder| folder.oid).collect();
            collect_unmatched(repo, &path, entry.oid, &folders, machine, out)?;
        } else {
            out.insert(path, entry);
        }
    }
    Ok(())
}
