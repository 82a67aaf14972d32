//! The repository as such, and files in it that were left out.

use std::path::Path;

use super::check::Check;
use super::installation::Installation;
use super::text::{one_line, show};
use crate::base::text::{count, printable};
use crate::git::repo::{KNOWN, Repo, RepoError};
use crate::git::{Oid, Place, Unsound};
use crate::sync::left_out;
use crate::sync::repository::is_sync;

/// Files that runs left out, and those that the clone has and that may not be read.
pub(crate) fn left_out(here: &Installation) -> Check {
    const NAME: &str = "left_out";
    let (Some(repo), Some(root)) = (here.repo(), here.root()) else {
        return Check::skipped(NAME, "there is nothing to look at yet");
    };
    let all = all_left_out(repo, root);
    if all.is_empty() {
        return Check::ok(NAME, "every file that came was read");
    }
    let names: Vec<String> = all
        .iter()
        .take(5)
        .map(|(path, code)| format!("{path} ({code})"))
        .collect();
    let what = format!(
        "{} left out: {}",
        count(all.len() as u64, "file"),
        names.join(", ")
    );
    let advice = "find out who can push to the remote; claude-sync conflicts lists them, \
                  claude-sync verify --repair takes them off the list";
    Check::warning(NAME, what, advice)
}

/// Path and code of each, sorted.
fn all_left_out(repo: &Repo, root: Oid) -> Vec<(String, String)> {
    let known = repo
        .commit_at(KNOWN)
        .ok()
        .flatten()
        .and_then(|known| repo.tree_of(known).ok());
    let here = repo
        .screen(root, known, Unsound::Note)
        .map(|screened| screened.left_out)
        .unwrap_or_default();
    let mut all: Vec<(String, String)> = here
        .into_iter()
        .map(|(path, refusal)| (printable(&path, 300), refusal.code().to_owned()))
        .collect();
    let noted = left_out::read(repo).into_iter();
    all.extend(noted.map(|one| (one.path, one.code)));
    all.sort();
    all.dedup();
    all
}

/// The work tree does not show what is synced; records are synced all the same.
fn late(place: &Place, branch: &str) -> Check {
    let back = format!("to have its files follow: claude-sync git switch {branch}");
    let (what, advice) = match place {
        Place::Elsewhere(Some(here)) => {
            let what =
                format!("it is on the branch {here}, and {branch} is the one that is synced");
            (what, back)
        }
        Place::Elsewhere(None) => {
            let what = format!("it is on no branch, and {branch} is the one that is synced");
            (what, back)
        }
        Place::Operation(name) => {
            let advice = "claude-sync resolve ends it where only synced files are concerned; \
                          for details: claude-sync git status";
            let what = format!("git stopped in the middle of a {name}");
            (what, advice.to_owned())
        }
        Place::Locked(lock) => {
            let what = format!("git holds the lock {}", show(lock));
            let advice = "if no git command works there, delete that file";
            (what, advice.to_owned())
        }
        Place::Another(tree) => {
            let tree = show(tree);
            let what = format!("{branch} is checked out in another work tree too: {tree}");
            (what, back)
        }
        Place::Obstacle(reason) => {
            let advice = "for details: claude-sync git status";
            (reason.clone(), advice.to_owned())
        }
    };
    let what = format!("{what}; its files wait, records do not");
    Check::warning("repository", what, advice)
}

/// Whether there is a repository that a sync can work in.
pub(crate) fn repository(here: &Installation) -> Check {
    const NAME: &str = "repository";
    let place = &here.places.repo;
    let (what, advice) = match &here.repo {
        Err(error @ RepoError::Damaged { .. }) => (
            one_line(error),
            "claude-sync init ADDRESS makes it anew; what was synced stays",
        ),
        Err(error) => (
            one_line(error),
            "move it away and run claude-sync init ADDRESS again: the remote has the same data",
        ),
        Ok(None) if std::fs::read_dir(place).is_ok_and(|mut inside| inside.next().is_some()) => (
            format!("{} is no repository, and not empty", show(place)),
            "move it away and run claude-sync init again",
        ),
        Ok(None) => {
            let advice = "claude-sync init, or claude-sync init ADDRESS";
            return Check::warning(NAME, "there is none yet", advice);
        }
        Ok(Some(repo)) => return content(repo, place),
    };
    Check::error(NAME, what, advice)
}

/// Whether what a repository holds can be synced.
fn content(repo: &Repo, place: &Path) -> Check {
    const NAME: &str = "repository";
    let target = match repo.target() {
        Ok(target) => target,
        Err(error) => {
            let advice = "choose one: claude-sync git config branch.BRANCH.remote NAME";
            return Check::error(NAME, one_line(&error), advice);
        }
    };
    let branch = &target.branch;
    let root = repo
        .position(&target)
        .and_then(|head| head.map(|head| repo.tree_of(head)).transpose());
    let is_ours = root.map_err(|error| one_line(&error)).and_then(|root| {
        root.map_or(Ok(true), |root| {
            is_sync(repo, root).map_err(|e| one_line(&e))
        })
    });
    match is_ours {
        Ok(true) if let Some(place) = repo.obstacle(branch).ok().flatten() => late(&place, branch),
        Ok(true) => Check::ok(NAME, format!("{}, on the branch {branch}", show(place))),
        Ok(false) => Check::error(
            NAME,
            format!("{} has something else in it than syncs", show(place)),
            "give claude-sync a repository of its own",
        ),
        Err(error) => Check::error(
            NAME,
            error,
            "any claude-sync fetches them again; claude-sync verify lists what is damaged, \
             claude-sync verify --repair mends it",
        ),
    }
}
