//! Files that were left out, and work trees that do not show the branch.

use std::path::Path;

use crate::base::text::{printable, printable_lines};
use crate::git::{Place, Refusal};

/// Reports a file that was left out, and why.
pub(crate) fn left_out(code: &str, path: &str) -> String {
    let path = printable(path, 300);
    match Refusal::describe(code) {
        Some(what) => format!(
            "{path}: left out ({code}): {what}. Somebody without the key may have pushed it; all other files count."
        ),
        None => {
            format!("{path}: left out: its format is newer than this tool. Update claude-sync.")
        }
    }
}

/// Why the work tree does not show the synced files, and what to do.
pub(crate) fn work_tree_warning(place: &Place, branch: &str) -> String {
    let branch = printable(branch, 100);
    let show = |path: &Path| printable(&path.display().to_string(), 300);
    let (why, what) = match place {
        Place::Elsewhere(Some(here)) => (
            format!("the repository is on the branch {}", printable(here, 100)),
            format!("back: claude-sync git switch {branch}"),
        ),
        Place::Elsewhere(None) => (
            "the repository is on no branch".to_owned(),
            format!("back: claude-sync git switch {branch}"),
        ),
        Place::Operation(name) => (
            format!("a {name} is unfinished there"),
            "finish it or undo it (claude-sync git status shows how), and run claude-sync again"
                .to_owned(),
        ),
        Place::Locked(lock) => (
            format!("git holds the lock {}", show(lock)),
            "wait for the git command that works there; if none does, delete that file".to_owned(),
        ),
        Place::Another(tree) => (
            format!(
                "{branch} is checked out in another work tree ({})",
                show(tree)
            ),
            "switch that one to another branch".to_owned(),
        ),
        Place::Obstacle(reason) => (
            format!("git reports: {}", printable_lines(reason, 4)),
            "see claude-sync git status".to_owned(),
        ),
    };
    format!(
        "The files in the work tree do not show what was synced to {branch}: {why}. Records are synced all the same; {what}."
    )
}
