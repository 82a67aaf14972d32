//! Stage 5: the tree of the next commit: what is joined, this machine's new records in it, and the
//! manifest of all that.

mod adopt;
mod front_page;
mod job;
mod join;
mod markers;
mod open;
mod rules;
mod seal;
mod write;

use self::front_page::front_page;
pub(crate) use self::job::Assembly;
use self::join::{Joined, LeftOut, join, keep_readable};
use self::markers::{has_markers, resolve_markers};
use self::open::open;
use self::rules::{Enforced, enforce};
use self::write::{Written, write, write_own, write_records};
use crate::base::ids::MachineId;
use crate::base::progress::Watcher;
use crate::cache::Cache;
use crate::fleet::authority::Effect;
use crate::format::manifest::{Basis, Conflict, Manifest};
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::record::RecordSet;
use crate::store::layout::MANIFEST;
use crate::sync::brought::Brought;
use crate::sync::error::SyncError;
use crate::sync::host::Stamp;
use crate::sync::import::Imported;
use crate::sync::manifest::{Derived, Stored, count_only, derive, with_fitting_manifest};
use crate::sync::options::{Options, Task};
use crate::sync::repository::furnish;
use crate::sync::starts::Starts;
use crate::sync::view::View;

/// The next commit's tree.
pub(crate) struct Assembled {
    pub(crate) tree: Oid,
    /// This machine's files changed.
    pub(crate) own_changed: bool,
    /// This machine had no file before.
    pub(crate) first: bool,
    pub(crate) problems: Vec<Conflict>,
    /// Files that may not be read: path and code.
    pub(crate) left_out: LeftOut,
    /// Files in which conflict markers stood.
    pub(crate) mended: Vec<String>,
    pub(crate) newer: Option<Basis>,
    pub(crate) machines: usize,
    /// What an import added.
    pub(crate) imported: Imported,
    /// How many tombstones name something by the fleet's key, which is not here.
    pub(crate) unknown_names: usize,
    /// Requests of this machine's transcripts that were kept out, because they are forgotten.
    pub(crate) held_back: u64,
    /// Tombstones that do nothing, because they name days after the one on which they were made.
    pub(crate) ahead: Vec<String>,
    /// What this run had forgotten: files as they were before, below a root tree.
    pub(crate) taken: Option<Oid>,
}

/// Builds the tree of the next commit.
pub(crate) fn assemble(
    job: Assembly<'_>,
    starts: &Starts,
    brought: &Brought,
) -> Result<Assembled, SyncError> {
    let Joined {
        root,
        restored,
        mut left_out,
    } = join(job.repo, starts)?;
    let root = furnish(job.repo, root, job.options.front_page)?;
    let (root, newer) = keep_readable(job.repo, root, starts, job.machine)?;
    left_out.extend(newer);
    let kept = enforce(job, root, brought, &restored)?;
    let view = job.view(kept.root);
    let stored = Stored::read(view)?;
    let mut written = Written::default();
    if job.options.task == Task::Sync {
        let foreign = stored.readable().filter(|manifest| manifest.is_foreign());
        written = write_own(job, starts, &kept, foreign)?;
    }
    let view = view.at(written.tree.unwrap_or(kept.root));
    let (view, stored) = with_fitting_manifest(view, stored, starts, job.options.basis)?;
    let mut mended = markers_in_manifest(job, starts)?;
    let derived = derive_all(view, &stored, job.options, &left_out, &mut mended)?;
    Ok(Assembled {
        tree: derived.tree,
        own_changed: written.tree.is_some(),
        first: written.first,
        problems: derived.problems,
        left_out,
        mended,
        newer: derived.newer,
        machines: derived.machines,
        imported: written.imported,
        unknown_names: kept.rules.unknown_names(),
        held_back: kept.held_back,
        ahead: ahead(&kept),
        taken: kept.taken,
    })
}

/// The subjects of tombstones that do nothing, because they name days after the one on which they
/// were made.
fn ahead(kept: &Enforced) -> Vec<String> {
    let stones = kept.rules.stones();
    stones
        .filter(|stone| stone.effect == Effect::Ahead)
        .map(|stone| stone.subject)
        .collect()
}

/// The manifest's path, if conflict markers stand in it: all machines write that file, so that a
/// merge of text puts them there first.
fn markers_in_manifest(job: Assembly<'_>, starts: &Starts) -> Result<Vec<String>, SyncError> {
    for commit in [starts.tip, starts.head].into_iter().flatten() {
        if has_markers(View::of_commit(job.repo, commit, job.cache)?, MANIFEST)? {
            return Ok(vec![MANIFEST.to_owned()]);
        }
    }
    Ok(Vec::new())
}

/// Computes what is derived from the tree: the manifest, and the front page if there is one. Files
/// that turn out to have conflict markers are put right first, and added to `mended`.
fn derive_all(
    view: View<'_>,
    stored: &Stored,
    options: &Options,
    left_out: &LeftOut,
    mended: &mut Vec<String>,
) -> Result<Derived, SyncError> {
    if matches!(stored, Stored::Newer) {
        return count_only(view, options.basis);
    }
    let derived = derive_one(view, stored.readable(), options)?;
    if derived.newer.is_some() {
        return Ok(derived);
    }
    let view = view.at(derived.tree);
    let changes = resolve_markers(view, &derived.problems, left_out)?;
    if changes.is_empty() {
        return Ok(derived);
    }
    mended.extend(changes.keys().cloned());
    derive_one(view.with(&changes)?, None, options)
}

fn derive_one(
    view: View<'_>,
    old: Option<&Manifest>,
    options: &Options,
) -> Result<Derived, SyncError> {
    let mut derived = derive(view, old, options)?;
    if derived.newer.is_none() {
        derived.tree = front_page(view.at(derived.tree))?;
    }
    Ok(derived)
}

/// The root tree of the commit that a run would make, without transcripts, remote and work tree.
pub(crate) fn assemble_for(
    repo: &Repo,
    starts: &Starts,
    machine: &MachineId,
    brought: &Brought,
    options: &Options,
    cache: &dyn Cache,
) -> Result<Oid, SyncError> {
    let job = Assembly {
        repo,
        machine,
        options,
        cache,
    };
    Ok(assemble(job, starts, brought)?.tree)
}

/// A root tree with what this machine brings, as a run would keep it, for reports: without
/// retention, and without what a run computes from it.
pub(crate) fn add_brought(
    job: Assembly<'_>,
    root: Oid,
    brought: &Brought,
) -> Result<Oid, SyncError> {
    let kept = enforce(job, root, brought, &[])?;
    if !kept.brings() {
        return Ok(kept.root);
    }
    let view = job.view(kept.root);
    let (mut own, _) = open(view, job.machine, &kept, job.options.summary_only)?;
    own.apply(&kept.rules);
    if own.is_changed() {
        write_records(view, own, &job.options.watcher)
    } else {
        Ok(kept.root)
    }
}

/// The root tree that a report counts: with what this machine's transcripts have beyond it.
#[cfg(test)]
pub(crate) fn with_brought(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    brought: &Brought,
    options: &Options,
    cache: &dyn Cache,
) -> Result<Oid, SyncError> {
    let options = Options {
        retention_days: None,
        intents: Vec::new(),
        ..options.clone()
    };
    let job = Assembly {
        repo,
        machine,
        options: &options,
        cache,
    };
    add_brought(job, root, brought)
}

/// A root tree after a machine added records to it, the manifest apart.
pub(crate) fn add(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    records: &RecordSet,
    stamp: &Stamp,
    cache: &dyn Cache,
) -> Result<Oid, SyncError> {
    let view = View::new(repo, root, cache);
    let mut kept = Enforced::all(root);
    kept.brought.records = records.clone();
    let (own, _) = open(view, machine, &kept, false)?;
    write(view, own, stamp, false, &Watcher::default())
}
