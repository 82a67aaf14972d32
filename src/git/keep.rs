//! Keeps `git gc` away while a run makes objects that no ref leads to yet: `git gc --prune=now`
//! would take them.
//!
//! Git's own lock keeps them: a `gc.pid` with the name of this host and the id of a process that
//! lives. One that a killed run left behind stops nobody.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::repo::{FOLDER, Repo};

/// While it lives, `git gc` ends with "gc is already running".
#[derive(Debug)]
pub(crate) struct Kept {
    path: Option<PathBuf>,
}

impl Kept {
    /// Begins. Where a `git gc` runs already, it is left alone.
    pub(crate) fn begin(repo: &Repo) -> Self {
        let path = repo.common_folder().join("gc.pid");
        let text = format!("{} {}", std::process::id(), host());
        release(&path);
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        match made {
            Ok(()) => Self { path: Some(path) },
            // There is one already; or it was made and not written, on a full disk.
            Err(error) => {
                if error.kind() != std::io::ErrorKind::AlreadyExists {
                    let _ = fs::remove_file(&path);
                }
                Self { path: None }
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a lock whose process has ended, on this host.
pub(crate) fn release(path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let Some((pid, name)) = text.trim().split_once(' ') else {
        return;
    };
    if name == host() && is_gone(pid) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(unix)]
fn is_gone(pid: &str) -> bool {
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_gone(_: &str) -> bool {
    false
}

impl Repo {
    /// Whether a new commit and what its tree adds to its parents' are stored, looked at afresh.
    pub(crate) fn has_fresh(&self, commit: Oid, tree: Oid) -> bool {
        // A handle of its own: this one remembers objects that it read.
        let Ok(fresh) = Repository::open(self.path()) else {
            return false;
        };
        let Ok(odb) = fresh.odb() else { return false };
        let parents = self.parents_of(commit).unwrap_or_default();
        let old: Vec<Oid> = parents
            .iter()
            .filter_map(|parent| self.tree_of(*parent).ok())
            .collect();
        odb.exists(commit) && is_stored(&fresh, &odb, tree, &old, 0)
    }
}

fn is_stored(
    fresh: &Repository,
    odb: &git2::Odb<'_>,
    tree: Oid,
    old: &[Oid],
    depth: usize,
) -> bool {
    if old.contains(&tree) || depth > 16 {
        return true;
    }
    let Ok(tree) = fresh.find_tree(tree) else {
        return false;
    };
    let before: Vec<git2::Tree<'_>> = old
        .iter()
        .filter_map(|old| fresh.find_tree(*old).ok())
        .collect();
    tree.iter().all(|entry| {
        let same: Vec<Oid> = before
            .iter()
            .filter_map(|tree| Some(tree.get_name_bytes(entry.name_bytes())?.id()))
            .collect();
        match entry.filemode() {
            _ if same.contains(&entry.id()) => true,
            FOLDER => is_stored(fresh, odb, entry.id(), &same, depth + 1),
            // A submodule's commit is in another repository.
            0o160_000 => true,
            _ => odb.exists(entry.id()),
        }
    })
}
