//! Writes this machine's files, where the run brings something for them.

use std::collections::{BTreeMap, BTreeSet};

use super::adopt::adopt;
use super::job::Assembly;
use super::open::open;
use super::rules::{Enforced, decision};
use crate::base::join::Join as _;
use crate::base::progress::{Step, Watcher};
use crate::fleet::decisions::Decisions;
use crate::fleet::read::{self, MachineData};
use crate::format::manifest::Manifest;
use crate::format::syncfile::Mode;
use crate::git::Oid;
use crate::git::repo::{Entry, FILE};
use crate::store::layout;
use crate::sync::error::SyncError;
use crate::sync::host::Stamp;
use crate::sync::import::Imported;
use crate::sync::local::{Checksums, Figures, LocalFiles};
use crate::sync::options::Options;
use crate::sync::starts::Starts;
use crate::sync::view::View;

/// A heartbeat comes at most this often, in milliseconds.
const HEARTBEAT: i64 = 24 * 60 * 60 * 1000;

/// Plan limits alone renew the machine file at most this often, in milliseconds.
const LIMITS_PAUSE: i64 = 60 * 60 * 1000;

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    /// The root tree; none where nothing was to be written.
    pub(crate) tree: Option<Oid>,
    /// What an import added.
    pub(crate) imported: Imported,
    /// This machine had no file before.
    pub(crate) first: bool,
}

/// Writes this machine's files, if there is a reason to. `foreign`: a manifest that another tool
/// made.
pub(super) fn write_own(
    job: Assembly<'_>,
    starts: &Starts,
    kept: &Enforced,
    foreign: Option<&Manifest>,
) -> Result<Written, SyncError> {
    let (machine, options) = (job.machine, job.options);
    let view = job.view(kept.root);
    let first = view.entry(&layout::machine_path(machine))?.is_none();
    let stamp = stamp(options, first);
    let due = is_heartbeat_due(view, job)? || are_limits_due(view, job, kept)?;
    let swept = !first && kept.swept;
    let joined = options.shared_id && starts.tip.is_some() && starts.tip != starts.known;
    let asked = first || joined || due || foreign.is_some() || !options.intents.is_empty();
    let mut out = Written {
        first,
        ..Written::default()
    };
    if !(asked || swept || kept.brings() || kept.prunes) {
        return Ok(out);
    }
    let (mut own, imported) = open(view, machine, kept, options.summary_only)?;
    out.imported = imported;
    let is_new = own.is_new();
    let adopted = foreign.is_some_and(|manifest| adopt(&mut own, &stamp, manifest, view));
    let decided = decide(view, &mut own, &stamp, options)?;
    own.add_limits(&stamp, kept.brought.limits.clone());
    own.apply(&kept.rules);
    // Of two that wrote under one id at once, each counted its own records.
    let uncounted =
        options.shared_id && !own.is_counted(&Figures::read(view, machine, BTreeSet::new())?);
    if is_new || swept || adopted || decided || due || own.is_changed() || uncounted {
        let tree = write(view, own, &stamp, options.snapshot, &options.watcher)?;
        out.tree = Some(tree);
    }
    Ok(out)
}

fn stamp(options: &Options, first: bool) -> Stamp<'_> {
    Stamp {
        now: options.now,
        // A machine's first run reads everything in either mode.
        mode: if first { Mode::Full } else { options.mode },
        host: &options.host,
    }
}

/// Whether the machine file is so old that it is renewed though nothing is new.
fn is_heartbeat_due(view: View<'_>, job: Assembly<'_>) -> Result<bool, SyncError> {
    let file = view.machine_file(job.machine)?;
    Ok(file.is_some_and(|file| job.options.now.since(file.last_sync()) >= HEARTBEAT))
}

/// Whether plan limits alone are a reason to renew the machine file: Claude Code stated something
/// new, and the file was not written within the hour. With new usage they go along at any time.
fn are_limits_due(view: View<'_>, job: Assembly<'_>, kept: &Enforced) -> Result<bool, SyncError> {
    let Some(file) = view.machine_file(job.machine)? else {
        return Ok(false);
    };
    // A file of the future was stamped by a clock that was ahead.
    let age = job.options.now.since(file.last_sync());
    let is_new = || {
        let joined = file.limits.clone().join(kept.brought.limits.clone());
        joined != file.limits
    };
    Ok(!(0..LIMITS_PAUSE).contains(&age) && is_new())
}

/// Writes what a person decided with this run into the machine file.
fn decide(
    view: View<'_>,
    own: &mut LocalFiles,
    stamp: &Stamp,
    options: &Options,
) -> Result<bool, SyncError> {
    if options.intents.is_empty() {
        return Ok(false);
    }
    let files = read::load(view.repo, view.inputs()?.machine_files())?;
    let known = Decisions::gather(files.iter().filter_map(MachineData::machine_file));
    let mut new = false;
    for intent in &options.intents {
        let (key, _) = known.next(intent);
        new |= own.decide(stamp, key, decision(intent, stamp.now));
    }
    Ok(new)
}

/// The tree with the day files that changed, and a machine file that states their figures.
pub(super) fn write(
    view: View<'_>,
    own: LocalFiles,
    stamp: &Stamp,
    snapshot: bool,
    watcher: &Watcher,
) -> Result<Oid, SyncError> {
    let machine = own.machine().clone();
    let path = layout::machine_path(&machine);
    let file = |text: &str, path: &str| -> Result<Entry, SyncError> {
        let oid = view.repo.write_file(path, text.as_bytes())?;
        Ok(Entry { mode: FILE, oid })
    };
    let mut changes = BTreeMap::new();
    let checksums = write_parts(view, &own, watcher, &mut changes)?;
    if let Some(draft) = own.draft() {
        changes.insert(path.clone(), file(&draft, &path)?);
    }
    let view = view.with(&changes)?;
    let figures = Figures::read(view, &machine, own.views())?;
    let text = own.write_machine_file(&figures, checksums, stamp);
    let mut changes = BTreeMap::from([(path.clone(), file(&text, &path)?)]);
    if snapshot {
        let copy = layout::snapshot_path(&machine, stamp.now);
        let entry = file(&text, &copy)?;
        changes.insert(copy, entry);
    }
    Ok(view.with(&changes)?.root)
}

/// A tree with the day files that changed, and the machine file without copies of records that
/// these have now. What the machine file states besides is as it was.
pub(super) fn write_records(
    view: View<'_>,
    mut own: LocalFiles,
    watcher: &Watcher,
) -> Result<Oid, SyncError> {
    let mut changes = BTreeMap::new();
    own.leave_checksums_out();
    write_parts(view, &own, watcher, &mut changes)?;
    if let Some(text) = own.without_copies() {
        let path = layout::machine_path(own.machine());
        let oid = view.repo.write_file(&path, text.as_bytes())?;
        changes.insert(path, Entry { mode: FILE, oid });
    }
    Ok(view.with(&changes)?.root)
}

/// Writes the day files that changed, and keeps their digests.
fn write_parts(
    view: View<'_>,
    own: &LocalFiles,
    watcher: &Watcher,
    changes: &mut BTreeMap<String, Entry>,
) -> Result<Checksums, SyncError> {
    let doing = watcher.begin(Step::Days, own.changed_parts());
    own.write_parts(|files| {
        let texts: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_bytes()))
            .collect();
        let oids = view.repo.write_files(&texts)?;
        let files: Vec<_> = files
            .into_iter()
            .zip(oids)
            .map(|(file, oid)| (file.path, oid, file.digest))
            .collect();
        view.cache.keep_files(&files);
        for (path, oid, _) in &files {
            watcher.did(|| format!("wrote {path} as {oid}"));
        }
        doing.moved(files.len() as u64);
        let entry = |oid| Entry { mode: FILE, oid };
        changes.extend(files.into_iter().map(|(path, oid, _)| (path, entry(oid))));
        Ok(())
    })
}
