//! What a push would break: asked before it leaves a machine (`pre-push`), and where it arrives (`pre-receive`).
//!
//! Both compare what a branch held with what it is to hold. Damage that is there already is nobody's fault today and stops nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::base::ids::{Interner, MachineId};
use crate::base::join::Join as _;
use crate::base::text::{count, printable};
use crate::fleet::DataError;
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::read::{self, Content};
use crate::fleet::rules::Rules;
use crate::format::FormatError;
use crate::format::MAX_DAY_FILE;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::manifest::{Manifest, RULES};
use crate::format::sealed;
use crate::format::syncfile::SyncFile;
use crate::git::repo::{Entry, FILE, FOLDER, Repo, RepoError};
use crate::git::{self, Oid};
use crate::record::{Record, Sum};
use crate::store::layout::{ATTRIBUTES, MANIFEST, Path};

/// One thing that a push would break.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// Records, summary lines, claims or decisions would be gone or lowered.
    Lost {
        /// The file.
        path: String,
        /// How many.
        what: u64,
    },
    /// A file that could be read could be read no more.
    Unreadable {
        /// The file.
        path: String,
    },
    /// Conflict markers or broken lines would come in.
    Damaged {
        /// The file.
        path: String,
        /// How many lines.
        lines: u64,
    },
    /// Checksums would fail that did not.
    Checksum {
        /// The file.
        path: String,
        /// In how many sessions.
        sessions: u64,
    },
    /// The manifest would not tell of the files beside it.
    Manifest,
    /// Something that is no sync data.
    Foreign {
        /// The path.
        path: String,
    },
    /// The remote has commits that are not here.
    Unseen {
        /// The ref.
        name: String,
    },
    /// Forgotten data would come back, or into the history.
    Forgotten {
        /// The commit that has it.
        commit: Oid,
        /// The first file with it.
        path: String,
    },
    /// A file would leave in clear, and the fleet is encrypted.
    Clear {
        /// The commit that has it.
        commit: Oid,
        /// The file.
        path: String,
    },
    /// Another user's machine.
    Forged {
        /// The file.
        path: String,
        /// The user that the server maps the machine to.
        owner: String,
    },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |path: &str| printable(path, 200);
        match self {
            Self::Lost { path, what } => write!(
                f,
                "{}: {} would be lost or lowered",
                show(path),
                count(*what, "record")
            ),
            Self::Unreadable { path } => {
                write!(f, "{}: would not be readable any more", show(path))
            }
            Self::Damaged { path, lines } => {
                write!(
                    f,
                    "{}: {} that are no records, such as conflict markers",
                    show(path),
                    count(*lines, "line")
                )
            }
            Self::Checksum { path, sessions } => write!(
                f,
                "{}: checksums would fail in {}",
                show(path),
                count(*sessions, "session")
            ),
            Self::Manifest => write!(f, "{MANIFEST}: would not tell of the files beside it"),
            Self::Foreign { path } => write!(f, "{}: is no sync data", show(path)),
            Self::Unseen { name } => write!(
                f,
                "{}: the remote has commits that were never fetched here",
                show(name)
            ),
            Self::Forgotten { commit, path } => write!(
                f,
                "{}: commit {commit:.10} has data that was forgotten",
                show(path)
            ),
            Self::Clear { commit, path } => write!(
                f,
                "{}: commit {commit:.10} has it in clear, and this fleet is encrypted",
                show(path)
            ),
            Self::Forged { path, owner } => {
                write!(f, "{}: belongs to a machine of {}", show(path), show(owner))
            }
        }
    }
}

/// All files of a root tree that is to be compared.
fn files(repo: &Repo, root: Option<Oid>) -> Result<BTreeMap<String, Entry>, DataError> {
    let mut out = BTreeMap::new();
    for (name, entry) in repo.entries(root)? {
        if entry.mode == FOLDER {
            out.extend(repo.blobs_below(entry.oid, &name)?.into_iter().map(|b| {
                (
                    b.path,
                    Entry {
                        mode: b.mode,
                        oid: b.oid,
                    },
                )
            }));
        } else {
            out.insert(name, entry);
        }
    }
    Ok(out)
}

/// The rules of all these root trees. Where each machine has a branch, that of one does not tell what others had forgotten.
pub fn rules(repo: &Repo, roots: impl IntoIterator<Item = Oid>) -> Result<Rules, DataError> {
    let roots: BTreeSet<Oid> = roots.into_iter().collect();
    roots.into_iter().try_fold(Rules::default(), |all, root| {
        match Rules::read(repo, root, |_, _| None) {
            // Encrypted, and this is a place without the key.
            Err(DataError::Repo(RepoError::Sealed(_))) => Ok(all),
            read => Ok(all.and(&read?)),
        }
    })
}

/// What a branch would lose or break by going from the tree `old` to the tree `new`; no tree is a branch that is not there. What the
/// rules take away is not lost.
pub fn breaches(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
    rules: &Rules,
) -> Result<Vec<Breach>, DataError> {
    if old == new {
        return Ok(Vec::new());
    }
    let (before, after) = (files(repo, old)?, files(repo, new)?);
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let is_sealed = repo.sealed_mark()?.is_some();
    let mut out = Vec::new();
    for path in paths {
        let (was, is) = (before.get(path).copied(), after.get(path).copied());
        if was == is {
            continue;
        }
        if is_locked(repo, was)? || is_locked(repo, is)? {
            // Encrypted, and this is a place without the key, such as a server: nobody here can tell more.
            if is.is_none() {
                out.push(Breach::Lost {
                    path: path.clone(),
                    what: 1,
                });
            }
            continue;
        }
        let bytes = |entry: Option<Entry>| -> Result<Option<Vec<u8>>, DataError> {
            let Some(entry) = entry.filter(|entry| entry.mode == FILE) else {
                return Ok(None);
            };
            Ok(match read::content(repo, path, entry.oid)? {
                Content::Bytes(bytes) => Some(bytes),
                Content::TooLarge(_) | Content::Refused(_) => None,
            })
        };
        match Path::parse(path) {
            Path::Day(machine, day, _) => {
                let read = |bytes: Option<Vec<u8>>| {
                    DayFile::read(&machine, day, &bytes?, &mut Interner::default()).ok()
                };
                let was = bytes(was)?;
                let mut old = read(was.clone());
                if let Some((file, _)) = &mut old {
                    // What somebody without the key changed is left out by everybody: it is not lost.
                    if let Some(text) = was.filter(|_| is_sealed) {
                        let names = &mut Interner::default();
                        let authentic = git::authentic_day(&machine, day, &text, names);
                        *file = authentic.unwrap_or_else(|| DayFile::new(machine.clone(), day));
                    }
                }
                compare_days(path, old, rules, is.is_some(), read(bytes(is)?), &mut out);
            }
            Path::Machine(machine) => {
                let read = |bytes: Option<Vec<u8>>| {
                    SyncFile::read(&machine, &bytes?, &mut Interner::default()).ok()
                };
                let mut old = read(bytes(was)?);
                if let Some(page) = &mut old {
                    rules.apply_page(page);
                }
                compare_pages(path, old, is.is_some(), read(bytes(is)?), &mut out);
            }
            _ => {}
        }
    }
    let stale = |root: Option<Oid>| -> Result<bool, DataError> {
        Ok(root.is_some() && !is_fresh(repo, root)?)
    };
    if stale(new)? && !stale(old)? {
        out.push(Breach::Manifest);
    }
    Ok(out)
}

fn is_locked(repo: &Repo, entry: Option<Entry>) -> Result<bool, DataError> {
    Ok(match entry.filter(|entry| entry.mode == FILE) {
        Some(entry) => repo.is_locked(entry.oid)?,
        None => false,
    })
}

/// What the rules leave of a day file.
fn under(rules: &Rules, file: &DayFile) -> DayFile {
    let mut left = file.clone();
    let _ = rules.apply_day(&mut left);
    left
}

/// How much a version of a day file lacks of an earlier one that the rules leave. It lacks nothing that it has as the rules leave it, nor
/// what it has as it stood: a record that was shortened here keeps its own time when it is joined with one that was not.
pub fn lost(old: &DayFile, rules: &Rules, new: &DayFile) -> u64 {
    let left = under(rules, old);
    let has = |record: &Record| {
        new.records
            .get(record.id)
            .is_some_and(|now| now.covers(record))
    };
    let gone = left
        .records
        .iter()
        .filter(|record| !has(record) && !old.records.get(record.id).is_some_and(|old| has(&old)))
        .count();
    let covered = |now: &Sum, old: &Sum| now.clone().join(old.clone()) == *now;
    let lowered = left
        .sums
        .iter()
        .filter(|(key, sum)| !new.sums.get(*key).is_some_and(|now| covered(now, sum)))
        .count();
    let forgotten = left.forgotten.difference(&new.forgotten).count();
    (gone + lowered + forgotten + left.unknown.difference(&new.unknown).count()) as u64
}

fn compare_days(
    path: &str,
    was: Option<(DayFile, Damage)>,
    rules: &Rules,
    there: bool,
    is: Option<(DayFile, Damage)>,
    out: &mut Vec<Breach>,
) {
    let path = path.to_owned();
    let (old, harm) = was.unwrap_or_else(|| {
        // Nothing to lose; and whatever damage comes is new.
        let none = is.as_ref().map_or_else(
            || {
                (
                    MachineId::random(),
                    crate::base::time::Timestamp::EPOCH.day(),
                )
            },
            |(f, _)| (f.machine.clone(), f.day),
        );
        (DayFile::new(none.0, none.1), Damage::default())
    });
    let Some((new, damage)) = is else {
        let left = under(rules, &old);
        let held = (left.records.len() + left.sums.len() + left.forgotten.len()) as u64;
        match (held, there) {
            (0, _) => {}
            (_, true) => out.push(Breach::Unreadable { path }),
            (what, false) => out.push(Breach::Lost { path, what }),
        }
        return;
    };
    let what = lost(&old, rules, &new);
    if what > 0 {
        out.push(Breach::Lost {
            path: path.clone(),
            what,
        });
    }
    if damage.lines > harm.lines {
        out.push(Breach::Damaged {
            path: path.clone(),
            lines: damage.lines,
        });
    }
    let sessions = damage.checksums.difference(&harm.checksums).count() as u64;
    if sessions > 0 {
        out.push(Breach::Checksum { path, sessions });
    }
}

fn compare_pages(
    path: &str,
    was: Option<SyncFile>,
    there: bool,
    is: Option<SyncFile>,
    out: &mut Vec<Breach>,
) {
    let path = path.to_owned();
    match (was, is) {
        (Some(old), Some(new)) => {
            let claims = |page: &SyncFile| -> BTreeMap<_, _> {
                let sessions = page
                    .sessions
                    .iter()
                    .filter_map(|(id, s)| Some((Some(id.clone()), s.claimed?)));
                sessions
                    .chain(page.claimed.map(|claim| (None, claim.totals)))
                    .collect()
            };
            let kept = claims(&new);
            let lost = claims(&old)
                .into_iter()
                .filter(|(id, claim)| kept.get(id).is_none_or(|now| now.join(*claim) != *now))
                .count();
            let undone = old
                .decisions
                .keys()
                .filter(|key| !new.decisions.contains_key(*key))
                .count();
            let what = (lost + undone) as u64;
            if what > 0 {
                out.push(Breach::Lost { path, what });
            }
        }
        (Some(_), None) if there => out.push(Breach::Unreadable { path }),
        (Some(_), None) => out.push(Breach::Lost { path, what: 1 }),
        // One that was broken before, or is new and broken: a newer format perhaps. Its day files are what counts.
        (None, _) => {}
    }
}

/// Whether the manifest of a root tree was computed from the trees beside it. One of newer rules is another tool's business, and a
/// branch without shared files has none.
pub fn is_fresh(repo: &Repo, root: Option<Oid>) -> Result<bool, DataError> {
    let (machines, archive) = read::inputs(repo, root)?;
    let Some(entry) = repo.entry(root, MANIFEST)? else {
        return Ok(true);
    };
    if repo.is_locked(entry.oid)? {
        return Ok(true);
    }
    let Content::Bytes(bytes) = read::content(repo, MANIFEST, entry.oid)? else {
        return Ok(false);
    };
    let id = |oid: Option<Oid>| oid.map(|oid| oid.to_string());
    Ok(match Manifest::read(&bytes) {
        Ok(manifest) => {
            manifest.rules > RULES
                || manifest.inputs.is_some_and(|inputs| {
                    (inputs.machines, inputs.archive) == (id(machines), id(archive))
                })
        }
        // Of a later format: another tool's business too.
        Err(FormatError::Newer(_)) => true,
        Err(_) => false,
    })
}

/// Which of these commits have data that is forgotten. All of them are looked at: what one adds and the next removes would stay in the
/// history.
pub fn forgotten(repo: &Repo, rules: &Rules, commits: &[Oid]) -> Result<Vec<Breach>, DataError> {
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

/// What these commits have in clear below `sync`, that the commits before them do not have. Nothing of that leaves an encrypted fleet.
pub fn clear(repo: &Repo, commits: &[Oid]) -> Result<Vec<Breach>, DataError> {
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

/// What in `new` is no sync data and was not in `old`.
pub fn foreign(repo: &Repo, old: Option<Oid>, new: Option<Oid>) -> Result<Vec<Breach>, DataError> {
    let (before, after) = (files(repo, old)?, files(repo, new)?);
    let odd = |path: &str, entry: &Entry| {
        let named = !matches!(Path::parse(path), Path::Unknown | Path::Outside)
            || [ATTRIBUTES, "README.md"].contains(&path);
        !named || entry.mode != FILE
    };
    let new = after
        .iter()
        .filter(|(path, entry)| before.get(*path) != Some(entry) && odd(path, entry));
    Ok(new
        .map(|(path, _)| Breach::Foreign { path: path.clone() })
        .collect())
}

/// Files that changed and belong to machines of other users. A version that the server has already, on whatever branch (`known`), is
/// carried along by everybody who merges.
pub fn forged(
    repo: &Repo,
    old: Option<Oid>,
    new: Option<Oid>,
    known: &[Oid],
    owner: &dyn Fn(&MachineId) -> Option<String>,
) -> Result<Vec<Breach>, DataError> {
    let (before, after) = (files(repo, old)?, files(repo, new)?);
    let mut out = Vec::new();
    for (path, entry) in after
        .iter()
        .filter(|(path, entry)| before.get(*path) != Some(entry))
    {
        let (Path::Day(machine, ..) | Path::Machine(machine) | Path::Snapshot(machine)) =
            Path::parse(path)
        else {
            continue;
        };
        let Some(owner) = owner(&machine) else {
            continue;
        };
        let mut carried = false;
        for root in known {
            carried |= repo.entry(Some(*root), path)? == Some(*entry);
        }
        if !carried {
            out.push(Breach::Forged {
                path: path.clone(),
                owner,
            });
        }
    }
    Ok(out)
}
