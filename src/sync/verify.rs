//! Whether everything in and around the repository is as it should be.

use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, SystemTime};

use super::files::figures;
use super::{Options, SyncError, left_out};
use crate::base::ids::Interner;
use crate::base::progress::{Step, Watcher};
use crate::cache::index::Index;
use crate::cache::{NoCache, overview};
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::read::{self, Content};
use crate::fleet::rules::Rules;
use crate::fleet::{self, DataError, Fleet};
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::front;
use crate::git::repo::{Blob, FILE, KNOWN, Repo};
use crate::git::{Git, GitError, Unsound, hooks, setup, stale};
use crate::merge::guard;
use crate::record::Totals;
use crate::store::layout::{self, MANIFEST, Path};
use crate::store::{Places, key, machine_id};

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something that was left behind: locks, unfinished objects.
    Leftover,
    /// The local index.
    Index,
    /// The merge driver, the attributes, the hooks.
    SetUp,
    /// A derived file does not say what the others say, or the work tree not what the commit says.
    Stale,
    /// No sync data, below `sync`.
    Foreign,
    /// A file or a line that cannot be read, or a checksum that fails.
    Damaged,
    /// Git's own objects.
    Objects,
    /// Files that may not be read, or were left out: a pusher without the fleet's key may have made them.
    LeftOut,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// Which file or setting.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

fn found(kind: Kind, subject: impl Into<String>, what: impl Into<String>) -> Finding {
    Finding {
        kind,
        subject: subject.into(),
        what: what.into(),
    }
}

/// A lock of git's that is younger may belong to a command that works right now.
const OLD: Duration = Duration::from_mins(10);

/// Looks at everything. With `read_data` every object is read and everything derived is computed anew; without, what the commit and its
/// manifest tell is believed. Runs under the lock, writes nothing.
pub fn verify(
    places: &Places,
    options: &Options,
    read_data: bool,
) -> Result<Option<Vec<Finding>>, SyncError> {
    let (_lock, _) = super::settings::lock(places, options)?;
    let key = key::read(&places.key)?;
    let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(key.as_ref())) else {
        return Ok(None);
    };
    let git = Git::find(false)?.with_watcher(options.watcher.clone());
    let mut out = Vec::new();
    // What cannot be read because objects are gone is told below.
    match super::clear::needs_other_key(&repo) {
        Ok(None) => {}
        Ok(Some(mark)) => {
            return Err(SyncError::NoKey {
                why: format!("the repository is encrypted with the key {mark}"),
            });
        }
        Err(error) if error.lacks_objects() => {}
        Err(error) => return Err(error),
    }
    let fsck: &[&str] = if read_data {
        &["fsck", "--strict", "--no-dangling"]
    } else {
        &["fsck", "--connectivity-only", "--no-dangling"]
    };
    let doing = options.watcher.begin(Step::Objects, 0);
    let checked = git.run(repo.path(), fsck);
    drop(doing);
    if let Err(error) = checked
        // Nothing is wrong with a HEAD on a branch that has no commit yet.
        && !matches!(&error, GitError::Failed { message, .. } if message.lines().all(|line| line.starts_with("notice:")))
    {
        out.push(found(Kind::Objects, "git fsck", error.to_string()));
    }
    match repo
        .synced()
        .and_then(|head| head.map(|head| repo.tree_of(head)).transpose())
    {
        Ok(Some(root)) => {
            if let Err(error) = data_of(
                &repo,
                &git,
                root,
                places,
                read_data.then_some(&options.watcher),
                &mut out,
            ) {
                out.push(found(
                    Kind::Objects,
                    "what was synced last",
                    error.to_string(),
                ));
            }
        }
        Ok(None) => {}
        Err(error) => out.push(found(
            Kind::Objects,
            "what was synced last",
            error.to_string(),
        )),
    }
    out.extend(
        setup::defects(&repo, &options.program)
            .into_iter()
            .map(|(subject, what)| found(Kind::SetUp, subject, what)),
    );
    if let Some(missing) = hooks::missing(&repo, &git) {
        out.push(found(Kind::SetUp, missing, "is not installed"));
    }
    for path in leftovers(places) {
        out.push(found(
            Kind::Leftover,
            path.display().to_string(),
            "was left by a git command that was killed",
        ));
    }
    if let Some(what) = Index::defect(&places.state) {
        out.push(found(Kind::Index, "the local index", what));
    }
    out.sort();
    out.dedup();
    Ok(Some(out))
}

/// Checks the commit's tree; with a watcher every file in it is read.
fn data_of(
    repo: &Repo,
    git: &Git,
    root: crate::git::Oid,
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
        return told(repo, root, out);
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
        read_file(repo, &blob, &mut names, out)?;
    }
    drop(doing);
    let _doing = watcher.begin(Step::Manifest, 0);
    counted(repo, root, out)?;
    own_totals(repo, root, places, &mut names, out)
}

fn stale(subject: &str, what: &str) -> Finding {
    found(Kind::Stale, subject, what)
}

/// What is computed from other files: manifest, work tree, front page.
fn derived(
    repo: &Repo,
    git: &Git,
    root: crate::git::Oid,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    if !guard::is_fresh(repo, Some(root))? {
        out.push(stale(MANIFEST, "was not computed from the files beside it"));
    }
    // A work tree that cannot be brought along now is no defect: status and doctor say why.
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

/// Files that are not read. `new_only`: of those that may not be read, only what this clone has not had before.
fn unread(
    repo: &Repo,
    root: crate::git::Oid,
    new_only: bool,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
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
        let what = crate::git::Refusal::describe(refusal.code()).unwrap_or_default();
        out.push(found(Kind::LeftOut, path, format!("is left out: {what}")));
    }
    for one in left_out::read(repo) {
        let what = crate::git::Refusal::describe(&one.code)
            .unwrap_or("its format is newer than this tool");
        let day = one.at.get(..10).unwrap_or_default();
        let text = format!("was left out on {day}: {what}");
        out.push(found(Kind::LeftOut, one.path, text));
    }
    Ok(())
}

/// Reads a file and names what is damaged in it.
fn read_file(
    repo: &Repo,
    blob: &Blob,
    names: &mut Interner,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    let path = blob.path.as_str();
    let mut damaged = |what: String| out.push(found(Kind::Damaged, path, what));
    let kind = Path::parse(path);
    if !matches!(kind, Path::Day(..) | Path::Machine(_)) {
        return Ok(());
    }
    let bytes = match read::content(repo, path, blob.oid) {
        Ok(Content::Bytes(bytes)) => bytes,
        // Named with the other files that may not be read.
        Ok(Content::Refused(_)) => return Ok(()),
        Ok(Content::TooLarge(size)) => {
            damaged(format!("has {size} bytes, more than are read"));
            return Ok(());
        }
        Err(DataError::Repo(error)) if error.lacks_objects() => {
            let what = "its object is missing or damaged";
            out.push(found(Kind::Objects, path, what));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    match &kind {
        Path::Day(machine, day, _) => match DayFile::read(machine, *day, &bytes, names) {
            Ok((_, damage)) => {
                if damage.lines > 0 {
                    damaged(format!("lines that cannot be read: {}", damage.lines));
                }
                for session in &damage.checksums {
                    damaged(format!("the checksum of session {session} does not fit"));
                }
            }
            Err(error) => damaged(error.to_string()),
        },
        Path::Machine(machine) => {
            if let Err(error) = SyncFile::read(machine, &bytes, names) {
                damaged(error.to_string());
            }
        }
        _ => {}
    }
    Ok(())
}

/// Counts everything from all files, and compares the result with that from digests and with the manifest.
fn counted(repo: &Repo, root: crate::git::Oid, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(entry) = repo.entry(Some(root), MANIFEST)? else {
        return Ok(());
    };
    let trees = read::inputs(repo, Some(root))?;
    let rules = crate::format::manifest::RULES;
    let text = overview::manifest(repo, trees, rules, &NoCache)?.write();
    let whole = Fleet::count(read::load(repo, trees)?);
    if text != fleet::manifest::compute(&whole, trees, rules).write() {
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
    root: crate::git::Oid,
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
        && let Ok(page) = SyncFile::read(&machine, &bytes, names)
        && page.claimed.is_none()
    {
        let none = std::collections::BTreeSet::new();
        let own = figures(repo, root, &machine, none, &NoCache)?;
        if told_by_page(&page.totals) != told_by_page(&own.totals) {
            let what = "its totals are not the sums of this machine's records";
            out.push(stale(&path, what));
        }
    }
    Ok(())
}

/// The figures that a page has: the format knows no others.
fn told_by_page(totals: &Totals) -> [u64; 5] {
    let c = &totals.counters;
    [
        totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
    ]
}

/// What the manifest tells of files that were left out.
fn told(repo: &Repo, root: crate::git::Oid, out: &mut Vec<Finding>) -> Result<(), SyncError> {
    let Some(entry) = repo.entry(Some(root), MANIFEST)? else {
        return Ok(());
    };
    let Ok(bytes) = repo.read(MANIFEST, entry.oid)? else {
        return Ok(());
    };
    if let Ok(manifest) = crate::format::manifest::Manifest::read(&bytes) {
        let quiet = |code: &str| {
            ["joined", "unequal-records"].contains(&code)
                || crate::git::Refusal::describe(code).is_some()
        };
        for conflict in manifest
            .conflicts
            .iter()
            .filter(|conflict| !quiet(conflict.code.as_str()))
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

fn leftovers(places: &Places) -> Vec<PathBuf> {
    let git_dir = places.repo.join(".git");
    let old = SystemTime::now().checked_sub(OLD);
    let is_old = |path: &FilePath| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
            .is_some_and(|at| old.is_some_and(|old| at < old))
    };
    stale::find(&git_dir)
        .into_iter()
        .filter(|path| is_old(path))
        .collect()
}

/// Removes locks and unfinished objects that nobody has touched for ten minutes, and an index that is damaged or that is not trusted.
pub fn clear_leftovers(
    places: &Places,
    options: &Options,
    index: bool,
) -> Result<Vec<PathBuf>, SyncError> {
    let (_lock, _) = super::settings::lock(places, options)?;
    if index || Index::defect(&places.state).is_some() {
        Index::remove(&places.state);
    }
    Ok(leftovers(places)
        .into_iter()
        .filter(|path| std::fs::remove_file(path).is_ok())
        .collect())
}
