//! Checks everything in and around the repository, under the lock.

use super::data::check_data;
use super::finding::{Finding, Kind, found};
use super::leftovers::leftovers;
use crate::base::progress::Step;
use crate::cache::NoCache;
use crate::cache::index::Index;
use crate::git::repo::Repo;
use crate::git::{Git, GitError, hooks, setup};
use crate::store::{Places, key};
use crate::sync::clear::needs_other_key;
use crate::sync::error::SyncError;
use crate::sync::options::Options;
use crate::sync::settings::lock;
use crate::sync::view::View;

/// Looks at everything. With `read_data` every object is read and everything derived is computed
/// anew; without, the commit and its manifest are believed. Runs under the lock, writes
/// nothing.
pub(crate) fn verify(
    places: &Places,
    options: &Options,
    read_data: bool,
) -> Result<Option<Vec<Finding>>, SyncError> {
    let (_lock, _) = lock(places, options)?;
    let key = key::read(&places.key)?;
    let Some(repo) = Repo::open(&places.repo)?.map(|repo| repo.with_key(key.as_ref())) else {
        return Ok(None);
    };
    let git = Git::find(false)?.with_watcher(options.watcher.clone());
    let mut out = Vec::new();
    check_key(&repo)?;
    check_objects(&repo, &git, options, read_data, &mut out);
    let watcher = read_data.then_some(&options.watcher);
    let head = repo.synced().map_err(SyncError::from);
    let root = head.and_then(|head| Ok(head.map(|head| repo.tree_of(head)).transpose()?));
    let checked = root.and_then(|root| match root {
        Some(root) => {
            let view = View::new(&repo, root, &NoCache);
            check_data(view, &git, places, watcher, &mut out)
        }
        None => Ok(()),
    });
    if let Err(error) = checked {
        let what = error.to_string();
        out.push(found(Kind::Objects, "what was synced last", what));
    }
    check_set_up(&repo, &git, options, &mut out);
    for path in leftovers(places) {
        let what = "was left by a git command that was killed";
        out.push(found(Kind::Leftover, path.display().to_string(), what));
    }
    if let Some(what) = Index::defect(&places.state) {
        out.push(found(Kind::Index, "the local index", what));
    }
    out.sort();
    out.dedup();
    Ok(Some(out))
}

/// Fails where the repository is encrypted with a key that is not here.
fn check_key(repo: &Repo) -> Result<(), SyncError> {
    match needs_other_key(repo) {
        Ok(None) => Ok(()),
        Ok(Some(mark)) => Err(SyncError::NoKey {
            why: format!("the repository is encrypted with the key {mark}"),
        }),
        // What cannot be read because objects are gone is a finding.
        Err(error) if error.lacks_objects() => Ok(()),
        Err(error) => Err(error),
    }
}

fn check_objects(
    repo: &Repo,
    git: &Git,
    options: &Options,
    read_data: bool,
    out: &mut Vec<Finding>,
) {
    let fsck: &[&str] = if read_data {
        &["fsck", "--strict", "--no-dangling"]
    } else {
        &["fsck", "--connectivity-only", "--no-dangling"]
    };
    let _doing = options.watcher.begin(Step::Objects, 0);
    // Nothing is wrong with a HEAD on a branch that has no commit yet.
    let is_notice = |message: &str| message.lines().all(|line| line.starts_with("notice:"));
    match git.run(repo.path(), fsck) {
        Err(GitError::Failed { message, .. }) if is_notice(&message) => {}
        Err(error) => out.push(found(Kind::Objects, "git fsck", error.to_string())),
        Ok(_) => {}
    }
}

/// The merge driver, the attributes and the hooks.
fn check_set_up(repo: &Repo, git: &Git, options: &Options, out: &mut Vec<Finding>) {
    let defects = setup::defects(repo, &options.program).into_iter();
    out.extend(defects.map(|(subject, what)| found(Kind::SetUp, subject, what)));
    if let Some(missing) = hooks::missing(repo, git) {
        out.push(found(Kind::SetUp, missing, "is not installed"));
    }
}
