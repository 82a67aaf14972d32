//! Applies the rules to trees, and asks whether a tree keeps them.
//!
//! No tree is trusted to keep them because another one did: each machine file and each machine's
//! month is looked at, unless the very object was found to keep them before ([`Checked`]).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::error::DataError;
use super::read::{Content, Portion, content, inputs, load, portions, standing};
use super::rules::Rules;
use crate::base::ids::{Interner, RecordId};
use crate::format::dayfile::{Damage, DayFile, Forgotten};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{Entry, FILE, Repo};
use crate::store::layout::{self, Path};

/// Knows which machine files and months keep which rules.
pub(crate) trait Checked {
    /// What it knows is asked of a clone where this decides what may be read: [`Repo::admission`].
    fn bind(&self, _admission: &str) {}
    /// Whether this object keeps the rules. False where that is not known.
    fn keeps(&self, portion: &Portion, rules: &Rules) -> bool;
    /// This object keeps the rules.
    fn note(&self, portion: &Portion, rules: &Rules);
}

/// Knows what was noted since it was made.
#[derive(Debug, Default)]
pub(crate) struct CheckedNow(RefCell<HashSet<(Oid, u64)>>);

impl Checked for CheckedNow {
    fn keeps(&self, portion: &Portion, rules: &Rules) -> bool {
        self.0
            .borrow()
            .contains(&(portion.oid, rules.fingerprint(Some(&portion.machine))))
    }

    fn note(&self, portion: &Portion, rules: &Rules) {
        self.0
            .borrow_mut()
            .insert((portion.oid, rules.fingerprint(Some(&portion.machine))));
    }
}

/// A tree with the rules applied.
#[derive(Debug)]
pub(crate) struct Enforced {
    /// The id of the root tree.
    pub(crate) root: Oid,
    /// Ids of records that went with their session or project. They are to be noted as forgotten.
    pub(crate) forgotten: BTreeSet<Forgotten>,
}

/// What becomes of a file.
enum Change {
    Write(String),
    Remove,
}

/// A root tree with the rules applied.
pub(crate) fn enforce(
    repo: &Repo,
    root: Oid,
    rules: &mut Rules,
    checked: &dyn Checked,
) -> Result<Enforced, DataError> {
    let mut out = Enforced {
        root,
        forgotten: BTreeSet::new(),
    };
    if rules.is_empty() {
        return Ok(out);
    }
    loop {
        let (mut changes, mut removed) = (BTreeMap::new(), BTreeSet::new());
        let Gone { forgotten, passed } =
            sweep(repo, out.root, rules, checked, &mut |path, change| {
                match change {
                    Change::Write(text) => {
                        let oid = repo.write_file(path, text.as_bytes())?;
                        changes.insert(path.to_owned(), Entry { mode: FILE, oid });
                    }
                    Change::Remove => drop(removed.insert(path.to_owned())),
                }
                Ok(())
            })?;
        out.root = repo.without(repo.replace(Some(out.root), &changes)?, &removed)?;
        // The same requests may stand elsewhere, under another session or with a later time: once
        // more, with what is known now.
        let more = rules.pass(passed);
        if forgotten.is_empty() && !more {
            return Ok(out);
        }
        rules.forget_ids(forgotten.iter().copied());
        out.forgotten.extend(forgotten);
    }
}

/// The files of a root tree that do not keep the rules: those that applying the rules would change.
pub(crate) fn breaking(
    repo: &Repo,
    root: Oid,
    rules: &Rules,
    checked: &dyn Checked,
) -> Result<Vec<String>, DataError> {
    let mut out = Vec::new();
    if !rules.is_empty() {
        sweep(repo, root, rules, checked, &mut |path, _| {
            out.push(path.to_owned());
            Ok(())
        })?;
    }
    Ok(out)
}

/// Ids of records that went.
#[derive(Default)]
struct Gone {
    /// To be noted as forgotten.
    forgotten: BTreeSet<Forgotten>,
    /// Those of which one copy went because of its day, with the tombstones.
    passed: BTreeMap<RecordId, BTreeSet<RecordId>>,
}

/// Shows what applying the rules would change, and returns the ids of records that would go.
fn sweep(
    repo: &Repo,
    root: Oid,
    rules: &Rules,
    checked: &dyn Checked,
    show: Show,
) -> Result<Gone, DataError> {
    let mut sweep = Sweep {
        repo,
        rules,
        gone: Gone::default(),
        names: Interner::default(),
    };
    checked.bind(&repo.admission()?);
    let trees = inputs(repo, Some(root))?;
    for portion in portions(repo, trees)? {
        if !checked.keeps(&portion, rules) && sweep.portion(&portion, show)? {
            checked.note(&portion, rules);
        }
    }
    for (path, oid) in snapshots(repo, trees.machines)? {
        sweep.snapshot(&path, oid, show)?;
    }
    Ok(sweep.gone)
}

/// Takes what applying the rules changes, by path.
type Show<'s> = &'s mut dyn FnMut(&str, Change) -> Result<(), DataError>;

/// Applies the rules to one file after the other.
struct Sweep<'a> {
    repo: &'a Repo,
    rules: &'a Rules,
    gone: Gone,
    names: Interner,
}

impl Sweep<'_> {
    /// Shows what changes in a machine file or a month, and returns whether it keeps the rules, now
    /// and whenever it is looked at again.
    fn portion(&mut self, portion: &Portion, show: Show) -> Result<bool, DataError> {
        let mut kept = true;
        for (blob, kind) in portion.files(self.repo)? {
            let (content, always) = standing(self.repo, &blob.path, blob.oid)?;
            kept &= always;
            if let Content::Bytes(bytes) = content
                && let Some(change) = self.change(&kind, &bytes)
            {
                kept = false;
                show(&blob.path, change)?;
            }
        }
        Ok(kept)
    }

    /// Shows what changes in a file that may be a snapshot.
    fn snapshot(&mut self, path: &str, oid: Oid, show: Show) -> Result<(), DataError> {
        let kind = Path::parse(path);
        if matches!(kind, Path::Snapshot(_))
            && let Content::Bytes(bytes) = content(self.repo, path, oid)?
            && let Some(change) = self.change(&kind, &bytes)
        {
            show(path, change)?;
        }
        Ok(())
    }

    /// What applying the rules changes in a file; none where it changes nothing, or the file cannot
    /// be read.
    fn change(&mut self, kind: &Path, bytes: &[u8]) -> Option<Change> {
        match kind {
            Path::Day(machine, day, _) => {
                let (file, damage) = DayFile::read(machine, *day, bytes, &mut self.names).ok()?;
                self.change_day(file, damage)
            }
            Path::Machine(machine) | Path::Snapshot(machine) => {
                let mut file = SyncFile::read(machine, bytes, &mut self.names).ok()?;
                let changed = self.rules.apply_machine_file(&mut file);
                changed.then(|| Change::Write(file.write()))
            }
            _ => None,
        }
    }

    fn change_day(&mut self, mut file: DayFile, damage: Damage) -> Option<Change> {
        let applied = self.rules.apply_day(&mut file);
        self.gone.forgotten.extend(applied.forgotten);
        for (id, why) in applied.passed {
            self.gone.passed.entry(id).or_default().extend(why);
        }
        if !applied.changed {
            return None;
        }
        // A new checksum must not hide that an old one failed.
        for session in damage.checksums {
            if file.sessions.contains_key(&session) {
                file.mark_suspect(&session);
            }
        }
        Some(if file.is_empty() {
            Change::Remove
        } else {
            Change::Write(file.write().0)
        })
    }
}

/// Ids of records below a root tree that are forgotten without a tombstone, of any copy: noted by
/// an earlier version on behalf of a tombstone that is void now.
pub(crate) fn unexplained(
    repo: &Repo,
    root: Oid,
    rules: &Rules,
) -> Result<BTreeSet<RecordId>, DataError> {
    let (mut open, mut explained) = (BTreeSet::new(), BTreeSet::new());
    let trees = inputs(repo, Some(root))?;
    for data in load(repo, trees)? {
        let (some, others) = rules.unexplained(&data.id, &data.records);
        open.extend(some);
        explained.extend(others);
    }
    Ok(open.difference(&explained).copied().collect())
}

fn snapshots(repo: &Repo, machines: Option<Oid>) -> Result<Vec<(String, Oid)>, DataError> {
    let all = repo
        .entries(machines)?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE);
    Ok(all
        .map(|(name, entry)| (format!("{}/{name}", layout::MACHINES), entry.oid))
        .collect())
}
