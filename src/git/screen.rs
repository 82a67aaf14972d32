//! A tree as it may be joined: without what may not be read, and without names that git refuses.

use std::collections::{BTreeMap, HashMap};

use git2::Oid;

use super::admit::Refusal;
use super::names::{DEEPEST, is_allowed};
use super::repo::{FILE, FOLDER, Repo, RepoError, git};
use crate::base::ids::{Interner, MachineId};
use crate::base::join::Join as _;
use crate::base::time::Day;
use crate::format::MAX_DAY_FILE;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::markers::sides;
use crate::store::layout::Path;

/// A tree without what may not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screened {
    /// The id of the root tree.
    pub(crate) root: Oid,
    /// What was left out, and files of which only the authentic lines count; each with its path.
    pub(crate) left_out: Vec<(String, Refusal)>,
}

/// What is done with day files that are not authentic as a whole, and of which the clone has no
/// better version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsound {
    /// They are named, and nothing is written.
    Note,
    /// Their sessions that are authentic as a whole are taken.
    Take,
    /// They are this clone's own, from before files were looked at: all is kept, and what is wrong
    /// is marked.
    Mark,
}

/// What becomes of a file.
enum Verdict {
    /// It stays, and is named.
    Stays(Refusal),
    /// It goes.
    Gone(Refusal),
    /// What can be taken of it stands here.
    Other(Refusal, Oid),
}

/// One entry of a tree, odd names included.
struct Raw {
    name: Vec<u8>,
    mode: i32,
    oid: Oid,
}

/// What becomes of the entries of a folder that do not stay.
#[derive(Default)]
struct Changes {
    /// Names of those that go.
    gone: Vec<Vec<u8>>,
    /// Those that become another object: name, object and mode.
    other: Vec<(Vec<u8>, Oid, i32)>,
}

/// A walk through one tree.
struct Walk<'a> {
    repo: &'a Repo,
    base: Option<Oid>,
    /// The fleet is encrypted: no file is taken that may not be read.
    is_marked: bool,
    unsound: Unsound,
    names: Interner,
    left_out: Vec<(String, Refusal)>,
}

impl Repo {
    /// A root tree without what may not be read. What stands in `base` as it does here is not
    /// looked at.
    pub(crate) fn screen(
        &self,
        root: Oid,
        base: Option<Oid>,
        unsound: Unsound,
    ) -> Result<Screened, RepoError> {
        let is_marked = self.sealed_mark()?.is_some();
        let mut walk = Walk {
            repo: self,
            base,
            is_marked,
            unsound,
            names: Interner::default(),
            left_out: Vec::new(),
        };
        let screened = walk.folder(root, base, "", 0)?;
        let root = match screened {
            Some(tree) => tree,
            None => self.write_tree(None, &BTreeMap::new())?,
        };
        Ok(Screened {
            root,
            left_out: walk.left_out,
        })
    }

    fn raw(&self, tree: Oid) -> Result<Vec<Raw>, RepoError> {
        let tree = git("read a tree", self.find_tree(tree))?;
        Ok(tree
            .iter()
            .map(|entry| Raw {
                name: entry.name_bytes().to_vec(),
                mode: entry.filemode(),
                oid: entry.id(),
            })
            .collect())
    }
}

impl Repo {
    /// A tree with changes, all other entries kept as they are, odd names and modes too.
    fn changed(&self, tree: Oid, changes: Changes) -> Result<Oid, RepoError> {
        let source = git("read a tree", self.find_tree(tree))?;
        let mut builder = git("start a tree", self.inner.treebuilder(Some(&source)))?;
        let stays = |name: &[u8]| !changes.gone.iter().any(|gone| gone == name);
        git(
            "build a tree",
            builder.filter(|entry| stays(entry.name_bytes())),
        )?;
        for (name, oid, mode) in changes.other {
            let inserted = builder.insert(bytes_to_path(&name), oid, mode);
            git("build a tree", inserted.map(drop))?;
        }
        git("store a tree", builder.write())
    }
}

impl Walk<'_> {
    /// The folder without what may not be read; none where nothing is left.
    fn folder(
        &mut self,
        tree: Oid,
        base: Option<Oid>,
        prefix: &str,
        depth: usize,
    ) -> Result<Option<Oid>, RepoError> {
        if Some(tree) == base {
            return Ok(Some(tree));
        }
        let old = base.map(|base| self.repo.raw(base)).transpose()?;
        let old = old.unwrap_or_default();
        let old: HashMap<&[u8], &Raw> = old.iter().map(|raw| (raw.name.as_slice(), raw)).collect();
        let mut changes = Changes::default();
        let all = self.repo.raw(tree)?;
        for raw in &all {
            let before = old.get(raw.name.as_slice()).copied();
            if before.is_some_and(|before| (before.mode, before.oid) == (raw.mode, raw.oid)) {
                continue;
            }
            let path = format!("{prefix}{}", String::from_utf8_lossy(&raw.name));
            self.entry(raw, before, path, depth, &mut changes)?;
        }
        if changes.gone.is_empty() && changes.other.is_empty() {
            return Ok(Some(tree));
        }
        if changes.gone.len() == all.len() {
            return Ok(None);
        }
        self.repo.changed(tree, changes).map(Some)
    }

    /// Decides about an entry that is not as it was in the base.
    fn entry(
        &mut self,
        raw: &Raw,
        before: Option<&Raw>,
        path: String,
        depth: usize,
        changes: &mut Changes,
    ) -> Result<(), RepoError> {
        if !is_allowed(&raw.name) || depth >= DEEPEST {
            self.left_out.push((path, Refusal::Name));
            changes.gone.push(raw.name.clone());
        } else if raw.mode == FOLDER {
            let below = before
                .filter(|before| before.mode == FOLDER)
                .map(|before| before.oid);
            match self.folder(raw.oid, below, &format!("{path}/"), depth + 1)? {
                Some(oid) if oid == raw.oid => {}
                Some(oid) => changes.other.push((raw.name.clone(), oid, FOLDER)),
                None => changes.gone.push(raw.name.clone()),
            }
        } else if (self.is_marked || self.base.is_some())
            && raw.mode == FILE
            && path.starts_with("sync/")
            && let Some(verdict) = self.file(&path, raw.oid)?
        {
            let refusal = match verdict {
                Verdict::Stays(refusal) => refusal,
                Verdict::Gone(refusal) => {
                    changes.gone.push(raw.name.clone());
                    refusal
                }
                Verdict::Other(refusal, oid) => {
                    changes.other.push((raw.name.clone(), oid, FILE));
                    refusal
                }
            };
            self.left_out.push((path, refusal));
        }
        Ok(())
    }

    /// The clone's own version of a file.
    fn known(&self, path: &str) -> Result<Option<Oid>, RepoError> {
        let known = self.repo.entry(self.base, path)?;
        Ok(known
            .filter(|known| known.mode == FILE)
            .map(|known| known.oid))
    }

    /// What becomes of a file; none where it stays as it is.
    fn file(&mut self, path: &str, oid: Oid) -> Result<Option<Verdict>, RepoError> {
        if !self.repo.is_blob_within(oid, MAX_DAY_FILE)? {
            return Ok(self.is_marked.then_some(Verdict::Gone(Refusal::Damaged)));
        }
        let known = self.known(path)?;
        let opened = match self.repo.admit(path, oid, self.repo.stored(oid)?)? {
            Ok(opened) => opened,
            // In a fleet in clear it is carried, as other files that cannot be read, but where
            // there is a version that can.
            Err(refusal) if !self.is_marked && known.is_none() => {
                return Ok(Some(Verdict::Stays(refusal)));
            }
            Err(refusal) => return Ok(Some(Verdict::Gone(refusal))),
        };
        if !self.is_marked {
            return Ok(None);
        }
        let Path::Day(machine, day, _) = Path::parse(path) else {
            return Ok((!opened.sound).then_some(Verdict::Gone(Refusal::Damaged)));
        };
        let sides = versions(&opened.bytes);
        let read = |side: &Vec<u8>| DayFile::read(&machine, day, side, &mut self.names).ok();
        let versions: Vec<_> = sides.iter().map(read).collect();
        let is_whole = |version: &Option<(DayFile, Damage)>| {
            let damage = version.as_ref().map(|(_, damage)| damage);
            damage == Some(&Damage::default())
        };
        if opened.sound && versions.iter().all(is_whole) {
            return Ok(None);
        }
        // What the clone has is better, or has the same fault already.
        if let Some(known) = known {
            let known = self.repo.read(path, known)?;
            let same = known.is_ok_and(|known| known == opened.bytes);
            return Ok((!same).then_some(Verdict::Gone(Refusal::Damaged)));
        }
        self.unsound_day(path, versions.into_iter().flatten())
            .map(Some)
    }

    /// What becomes of a day file that is not authentic as a whole, by its versions that can be
    /// read.
    fn unsound_day(
        &self,
        path: &str,
        versions: impl Iterator<Item = (DayFile, Damage)>,
    ) -> Result<Verdict, RepoError> {
        let take = match self.unsound {
            Unsound::Note => return Ok(Verdict::Stays(Refusal::Damaged)),
            Unsound::Mark => marked,
            Unsound::Take => authentic,
        };
        let taken = versions
            .map(|(file, damage)| take(file, &damage))
            .reduce(DayFile::join)
            .filter(|file| !file.is_empty());
        Ok(match taken {
            Some(file) => {
                let oid = self.repo.write_file(path, file.write().0.as_bytes())?;
                Verdict::Other(Refusal::Damaged, oid)
            }
            None => Verdict::Gone(Refusal::Damaged),
        })
    }
}

/// Both sides where conflict markers stand in a text, else the text.
fn versions(text: &[u8]) -> Vec<Vec<u8>> {
    match sides(text) {
        Some((ours, theirs)) => vec![ours, theirs],
        None => vec![text.to_vec()],
    }
}

/// What is authentic of one side of a day file. A session's line and checksum vouch for all of its
/// lines: without them a record may be one of another project.
fn authentic(mut file: DayFile, damage: &Damage) -> DayFile {
    file.drop_sessions(&damage.checksums);
    file
}

/// One side of a day file, with a mark at the sessions that are not authentic.
fn marked(mut file: DayFile, damage: &Damage) -> DayFile {
    for id in &damage.checksums {
        if file.sessions.contains_key(id) {
            file.mark_suspect(id);
        }
    }
    file
}

/// What is authentic of a sealed day file's text: of each side of a conflict that which holds by
/// itself.
pub(crate) fn authentic_day(
    machine: &MachineId,
    day: Day,
    text: &[u8],
    names: &mut Interner,
) -> Option<DayFile> {
    versions(text)
        .iter()
        .filter_map(|side| DayFile::read(machine, day, side, names).ok())
        .map(|(file, damage)| authentic(file, &damage))
        .reduce(DayFile::join)
}

#[cfg(unix)]
fn bytes_to_path(name: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn bytes_to_path(name: &[u8]) -> std::path::PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
