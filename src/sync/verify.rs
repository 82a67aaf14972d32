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
use crate::format::FormatError;
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::front;
use crate::git::repo::{FILE, KNOWN, Repo};
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

/// Looks at what the commit holds; reads every file where somebody is given who watches that.
fn data_of(
    repo: &Repo,
    git: &Git,
    root: crate::git::Oid,
    places: &Places,
    read_data: Option<&Watcher>,
    out: &mut Vec<Finding>,
) -> Result<(), SyncError> {
    let stale = |subject: &str, what: &str| found(Kind::Stale, subject, what);
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
        out.push(stale(
            layout::README,
            "its front page was not computed from the files beside it",
        ));
    }
    for breach in guard::foreign(repo, None, Some(root))? {
        if let guard::Breach::Foreign { path } = breach
            && path.starts_with("sync/")
        {
            out.push(found(
                Kind::Foreign,
                path,
                "is no sync data; it is carried along and never read",
            ));
        }
    }
    // What this clone has had was looked at when it came.
    let known = repo
        .commit_at(KNOWN)?
        .filter(|_| read_data.is_none())
        .map(|known| repo.tree_of(known))
        .transpose()?;
    for (path, refusal) in repo.screen(root, known, Unsound::Note)?.left_out {
        let what = crate::git::Refusal::describe(refusal.code()).unwrap_or_default();
        out.push(found(Kind::LeftOut, path, format!("is left out: {what}")));
    }
    for one in left_out::read(repo) {
        let what = crate::git::Refusal::describe(&one.code)
            .unwrap_or("its format is newer than this tool");
        out.push(found(
            Kind::LeftOut,
            one.path,
            format!(
                "was left out on {}: {what}",
                one.at.get(..10).unwrap_or_default()
            ),
        ));
    }
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
        let kind = Path::parse(&blob.path);
        if !matches!(kind, Path::Day(..) | Path::Machine(_)) {
            continue;
        }
        let bytes = match read::content(repo, &blob.path, blob.oid) {
            Ok(Content::Bytes(bytes)) => bytes,
            // Said above.
            Ok(Content::Refused(_)) => continue,
            Ok(Content::TooLarge(size)) => {
                out.push(found(
                    Kind::Damaged,
                    blob.path,
                    format!("has {size} bytes, more than are read"),
                ));
                continue;
            }
            Err(DataError::Repo(error)) if error.lacks_objects() => {
                out.push(found(
                    Kind::Objects,
                    blob.path,
                    "its object is missing or damaged",
                ));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let unreadable =
            |error: FormatError| found(Kind::Damaged, blob.path.as_str(), error.to_string());
        match &kind {
            Path::Day(machine, day, _) => match DayFile::read(machine, *day, &bytes, &mut names) {
                Ok((_, damage)) => {
                    if damage.lines > 0 {
                        out.push(found(
                            Kind::Damaged,
                            blob.path.as_str(),
                            format!("lines that cannot be read: {}", damage.lines),
                        ));
                    }
                    for session in &damage.checksums {
                        out.push(found(
                            Kind::Damaged,
                            blob.path.as_str(),
                            format!("the checksum of session {session} does not fit"),
                        ));
                    }
                }
                Err(error) => out.push(unreadable(error)),
            },
            Path::Machine(machine) => {
                if let Err(error) = SyncFile::read(machine, &bytes, &mut names) {
                    out.push(unreadable(error));
                }
            }
            _ => {}
        }
    }
    drop(doing);
    let _doing = watcher.begin(Step::Manifest, 0);
    let (machines, archive) = read::inputs(repo, Some(root))?;
    if let Some(entry) = repo.entry(Some(root), MANIFEST)? {
        let rules = crate::format::manifest::RULES;
        let text = overview::manifest(repo, machines, archive, rules, &NoCache)?.write();
        let whole = Fleet::count(read::load(repo, machines, archive)?);
        if text != fleet::manifest::compute(&whole, machines, archive, rules).write() {
            out.push(found(
                Kind::Index,
                "the manifest",
                "is computed differently from digests than from all files: please report it",
            ));
        }
        if repo
            .read(MANIFEST, entry.oid)?
            .is_ok_and(|there| there != text.as_bytes())
        {
            out.push(stale(MANIFEST, "does not say what the files beside it say"));
        }
    }
    if let Some(machine) = machine_id::read(&places.machine_id)?
        && let Some(entry) = repo.entry(Some(root), &layout::machine_path(&machine))?
        && let Ok(bytes) = repo.read(&layout::machine_path(&machine), entry.oid)?
        && let Ok(page) = SyncFile::read(&machine, &bytes, &mut names)
        && page.claimed.is_none()
        && told_by_page(&page.totals)
            != told_by_page(
                &figures(
                    repo,
                    root,
                    &machine,
                    std::collections::BTreeSet::new(),
                    &NoCache,
                )?
                .totals,
            )
    {
        out.push(stale(
            &layout::machine_path(&machine),
            "its totals are not the sums of this machine's records",
        ));
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
