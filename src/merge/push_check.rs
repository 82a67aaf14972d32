//! What a push would break: asked before it leaves a machine (`pre-push`), and where it arrives
//! (`pre-receive`).
//!
//! Both compare what a branch held with what it is to hold. Damage that is there already is
//! nobody's fault today and stops nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::loss::{compare_days, compare_machine_files};
use crate::base::ids::{Interner, MachineId};
use crate::base::time::Day;
use crate::fleet::DataError;
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::read::{self, Content};
use crate::fleet::rules::Rules;
use crate::format::FormatError;
use crate::format::MAX_DAY_FILE;
use crate::format::dayfile::DayFile;
use crate::format::manifest::{BASIS, Manifest};
use crate::format::sealed;
use crate::format::syncfile::SyncFile;
use crate::git::repo::{Entry, FILE, FOLDER, Repo, RepoError};
use crate::git::{self, Oid};
use crate::store::layout::{ATTRIBUTES, MANIFEST, Path};

pub(crate) use super::breach::Breach;
#[cfg(test)]
pub(crate) use super::loss::lost;

/// A file as it was, and as it is.
type Versions = (Option<Entry>, Option<Entry>);

/// The files that differ between two root trees, by path. What is the same in both is not walked.
fn changed(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<BTreeMap<String, Versions>, DataError> {
    let gained = |from, to: Option<Oid>| {
        let gained = to.map(|to| repo.differing(from, to)).transpose();
        gained.map(Option::unwrap_or_default)
    };
    let mut out: BTreeMap<String, Versions> = BTreeMap::new();
    for (path, entry) in gained(new, old)? {
        out.entry(path).or_default().0 = Some(entry);
    }
    for (path, entry) in gained(old, new)? {
        out.entry(path).or_default().1 = Some(entry);
    }
    Ok(out)
}

/// The rules of all these root trees. Where each machine has a branch, that of one does not show
/// what others had forgotten.
pub(crate) fn rules(repo: &Repo, roots: impl IntoIterator<Item = Oid>) -> Result<Rules, DataError> {
    let roots: BTreeSet<Oid> = roots.into_iter().collect();
    roots.into_iter().try_fold(Rules::default(), |all, root| {
        match Rules::read(repo, root, |_, _| None) {
            // Encrypted, and this is a place without the key.
            Err(DataError::Repo(RepoError::Sealed(_))) => Ok(all),
            read => Ok(all.and(&read?)),
        }
    })
}

/// What a branch would lose or break by going from the tree `old` to the tree `new`; no tree is a
/// branch that is not there. What the rules take away is not lost.
pub(crate) fn breaches(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
    rules: &Rules,
) -> Result<Vec<Breach>, DataError> {
    if old == new {
        return Ok(Vec::new());
    }
    let mut comparison = Comparison {
        repo,
        rules,
        is_sealed: repo.sealed_mark()?.is_some(),
        out: Vec::new(),
    };
    for (path, (was, is)) in &changed(repo, old, new)? {
        comparison.path(path, *was, *is)?;
    }
    let mut out = comparison.out;
    let stale = |root: Option<Oid>| -> Result<bool, DataError> {
        Ok(root.is_some() && !is_fresh(repo, root)?)
    };
    if stale(new)? && !stale(old)? {
        out.push(Breach::Manifest);
    }
    Ok(out)
}

/// The paths at which `there` lacks something that `here` has, apart from what the rules take away.
pub(crate) fn lacking(
    repo: &Repo,
    here: Oid,
    there: Option<Oid>,
    rules: &Rules,
) -> Result<BTreeSet<String>, DataError> {
    let path = |breach| match breach {
        Breach::Lost { path, .. } | Breach::Unreadable { path } => Some(path),
        _ => None,
    };
    let breaches = breaches(repo, Some(here), there, rules)?;
    Ok(breaches.into_iter().filter_map(path).collect())
}

/// Compares the files of two trees that differ.
struct Comparison<'a> {
    repo: &'a Repo,
    rules: &'a Rules,
    /// The fleet is encrypted.
    is_sealed: bool,
    out: Vec<Breach>,
}

impl Comparison<'_> {
    fn path(&mut self, path: &str, was: Option<Entry>, is: Option<Entry>) -> Result<(), DataError> {
        if is_locked(self.repo, was)? || is_locked(self.repo, is)? {
            // Encrypted, and this is a place without the key, such as a server: nobody here can
            // know more.
            if is.is_none() {
                self.out.push(Breach::Lost {
                    path: path.to_owned(),
                    what: 1,
                });
            }
            return Ok(());
        }
        match Path::parse(path) {
            Path::Day(machine, day, _) => self.day(path, (&machine, day), was, is),
            Path::Machine(machine) => self.machine_file(path, &machine, was, is),
            _ => Ok(()),
        }
    }

    fn day(
        &mut self,
        path: &str,
        (machine, day): (&MachineId, Day),
        was: Option<Entry>,
        is: Option<Entry>,
    ) -> Result<(), DataError> {
        let names = &mut Interner::default();
        let before = self.bytes(path, was)?;
        let read = |bytes: Option<&Vec<u8>>, names: &mut Interner| {
            DayFile::read(machine, day, bytes?, names).ok()
        };
        let mut old = read(before.as_ref(), names);
        if let Some((file, _)) = &mut old
            && let Some(text) = before.filter(|_| self.is_sealed)
        {
            // What somebody without the key changed is left out by everybody: it is not lost.
            let authentic = git::authentic_day(machine, day, &text, names);
            *file = authentic.unwrap_or_else(|| DayFile::new(machine.clone(), day));
        }
        let new = read(self.bytes(path, is)?.as_ref(), names);
        compare_days(path, old, self.rules, is.is_some(), new, &mut self.out);
        Ok(())
    }

    fn machine_file(
        &mut self,
        path: &str,
        machine: &MachineId,
        was: Option<Entry>,
        is: Option<Entry>,
    ) -> Result<(), DataError> {
        let read = |bytes: Option<Vec<u8>>| {
            SyncFile::read(machine, &bytes?, &mut Interner::default()).ok()
        };
        let mut old = read(self.bytes(path, was)?);
        if let Some(file) = &mut old {
            self.rules.apply_machine_file(file);
        }
        let new = read(self.bytes(path, is)?);
        compare_machine_files(path, old, is.is_some(), new, &mut self.out);
        Ok(())
    }

    /// The text of a version of a file, as far as it may be read.
    fn bytes(&self, path: &str, entry: Option<Entry>) -> Result<Option<Vec<u8>>, DataError> {
        let Some(entry) = entry.filter(|entry| entry.mode == FILE) else {
            return Ok(None);
        };
        Ok(match read::content(self.repo, path, entry.oid)? {
            Content::Bytes(bytes) => Some(bytes),
            Content::TooLarge(_) | Content::Refused(_) => None,
        })
    }
}

fn is_locked(repo: &Repo, entry: Option<Entry>) -> Result<bool, DataError> {
    Ok(match entry.filter(|entry| entry.mode == FILE) {
        Some(entry) => repo.is_locked(entry.oid)?,
        None => false,
    })
}

/// Whether the manifest of a root tree was computed from the trees beside it. One of later rules or
/// prices is another tool's business, and a branch without shared files has none.
pub(crate) fn is_fresh(repo: &Repo, root: Option<Oid>) -> Result<bool, DataError> {
    let trees = read::inputs(repo, root)?;
    let Some(entry) = repo.entry(root, MANIFEST)? else {
        return Ok(true);
    };
    if repo.is_locked(entry.oid)? {
        return Ok(true);
    }
    let Content::Bytes(bytes) = read::content(repo, MANIFEST, entry.oid)? else {
        return Ok(false);
    };
    Ok(match Manifest::read(&bytes) {
        Ok(manifest) => manifest.basis > BASIS || manifest.inputs == Some(trees.inputs()),
        // Of a later format: another tool's business too.
        Err(FormatError::Newer(_)) => true,
        Err(_) => false,
    })
}

/// Which of these commits have data that is forgotten. All of them are looked at: what one adds and
/// the next removes would stay in the history.
pub(crate) fn forgotten(
    repo: &Repo,
    rules: &Rules,
    commits: &[Oid],
) -> Result<Vec<Breach>, DataError> {
    let rules = rules.without_retention();
    let mut out = Vec::new();
    if rules.forget_something() {
        let checked = CheckedNow::default();
        for commit in commits {
            let broken = breaking(repo, repo.tree_of(*commit)?, &rules, &checked)?;
            out.extend(broken.into_iter().next().map(|path| Breach::Forgotten {
                commit: *commit,
                path,
            }));
        }
    }
    Ok(out)
}

/// What these commits have in clear below `sync`, that the commits before them do not have. Nothing
/// of that leaves an encrypted fleet.
pub(crate) fn clear(repo: &Repo, commits: &[Oid]) -> Result<Vec<Breach>, DataError> {
    let mut out = Vec::new();
    for commit in commits {
        let parents = repo.parents_of(*commit)?;
        let before = parents
            .iter()
            .map(|parent| repo.tree_of(*parent))
            .collect::<Result<Vec<_>, _>>()?;
        for (path, entry) in repo.differing(before.first().copied(), repo.tree_of(*commit)?)? {
            let is_data = entry.mode != FOLDER && path.starts_with("sync/") && repo.has(entry.oid);
            let is_known = before.iter().skip(1).any(|tree| {
                repo.entry(Some(*tree), &path)
                    .is_ok_and(|there| there == Some(entry))
            });
            if !is_data
                || is_known
                || repo.seal().is_some_and(|seal| {
                    repo.stored(entry.oid)
                        .is_ok_and(|bytes| seal.is_statement(&path, &bytes))
                })
            {
                continue;
            }
            // Of what is too large to look at nobody here wrote anything.
            let is_sealed = !repo.is_blob_within(entry.oid, MAX_DAY_FILE)?
                || sealed::is_sealed(&repo.stored(entry.oid)?);
            if !is_sealed {
                out.push(Breach::Clear {
                    commit: *commit,
                    path,
                });
                break;
            }
        }
    }
    Ok(out)
}

/// Whether a root tree has files in clear below `sync`.
pub(crate) fn has_clear(repo: &Repo, root: Oid) -> Result<bool, DataError> {
    for blob in repo.blobs(Some(root), "sync")? {
        let is_sealed = !repo.is_blob_within(blob.oid, MAX_DAY_FILE)? || {
            let bytes = repo.stored(blob.oid)?;
            let is_statement = |seal: &sealed::Seal| seal.is_statement(&blob.path, &bytes);
            sealed::is_sealed(&bytes) || repo.seal().is_some_and(is_statement)
        };
        if !is_sealed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What in `new` is no sync data and was not in `old`.
pub(crate) fn foreign(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<Vec<Breach>, DataError> {
    let odd = |path: &str, entry: &Entry| {
        let named = !matches!(Path::parse(path), Path::Unknown | Path::Outside)
            || [ATTRIBUTES, "README.md"].contains(&path);
        !named || entry.mode != FILE
    };
    let all = changed(repo, old, new)?.into_iter();
    Ok(all
        .filter(|(path, (_, is))| is.is_some_and(|entry| odd(path, &entry)))
        .map(|(path, _)| Breach::Foreign { path })
        .collect())
}

/// Files that changed and belong to machines of other users. A version that the server has already,
/// on any branch (`known`), is carried along by everybody who merges.
pub(crate) fn forged(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
    known: &[Oid],
    owner: &dyn Fn(&MachineId) -> Option<String>,
) -> Result<Vec<Breach>, DataError> {
    let mut out = Vec::new();
    for (path, (_, is)) in changed(repo, old, new)? {
        let Some(entry) = is else { continue };
        let (Path::Day(machine, ..) | Path::Machine(machine) | Path::Snapshot(machine)) =
            Path::parse(&path)
        else {
            continue;
        };
        let Some(owner) = owner(&machine) else {
            continue;
        };
        let mut carried = false;
        for root in known {
            carried |= repo.entry(Some(*root), &path)? == Some(entry);
        }
        if !carried {
            out.push(Breach::Forged { path, owner });
        }
    }
    Ok(out)
}
