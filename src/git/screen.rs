//! A tree as it may be joined: without what may not be read, and without names that git refuses.

use git2::Oid;

use super::admit::Refusal;
use super::names::{DEEPEST, is_allowed};
use super::repo::{FILE, FOLDER, Repo, RepoError, git};
use crate::base::ids::Interner;
use crate::format::MAX_DAY_FILE;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::markers::sides;
use crate::store::layout::Path;

/// A tree without what may not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screened {
    /// The root tree.
    pub root: Oid,
    /// What was left out, and files of which only the authentic lines count; each with its path.
    pub left_out: Vec<(String, Refusal)>,
}

/// One entry of a tree, odd names included.
struct Raw {
    name: Vec<u8>,
    mode: i32,
    oid: Oid,
}

/// A walk through one tree.
struct Walk<'a> {
    repo: &'a Repo,
    base: Option<Oid>,
    /// The fleet is encrypted: no file is taken that may not be read.
    is_marked: bool,
    names: Interner,
    left_out: Vec<(String, Refusal)>,
}

impl Repo {
    /// A root tree without what may not be read. What stands in `base` as it does here is not looked at.
    pub fn screen(&self, root: Oid, base: Option<Oid>) -> Result<Screened, RepoError> {
        let is_marked = self.sealed_mark()?.is_some();
        let mut walk = Walk {
            repo: self,
            base,
            is_marked,
            names: Interner::default(),
            left_out: Vec::new(),
        };
        let screened = walk.folder(root, base, "", 0)?;
        let root = match screened {
            Some(tree) => tree,
            None => self.write_tree(None, &std::collections::BTreeMap::new())?,
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
        let old = base
            .map(|base| self.repo.raw(base))
            .transpose()?
            .unwrap_or_default();
        let old: std::collections::HashMap<&[u8], &Raw> =
            old.iter().map(|raw| (raw.name.as_slice(), raw)).collect();
        // What becomes of an entry: it stays, goes, or is another folder.
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        let all = self.repo.raw(tree)?;
        for raw in &all {
            let before = old.get(raw.name.as_slice());
            if before.is_some_and(|before| (before.mode, before.oid) == (raw.mode, raw.oid)) {
                continue;
            }
            let path = format!("{prefix}{}", String::from_utf8_lossy(&raw.name));
            if !is_allowed(&raw.name) || depth >= DEEPEST {
                self.left_out.push((path, Refusal::Name));
                gone.push(raw.name.clone());
            } else if raw.mode == FOLDER {
                let below = before
                    .filter(|before| before.mode == FOLDER)
                    .map(|before| before.oid);
                match self.folder(raw.oid, below, &format!("{path}/"), depth + 1)? {
                    Some(oid) if oid == raw.oid => {}
                    Some(oid) => changed.push((raw.name.clone(), oid)),
                    None => gone.push(raw.name.clone()),
                }
            } else if (self.is_marked || self.base.is_some())
                && raw.mode == FILE
                && path.starts_with("sync/")
            {
                let refusal = self.file(&path, raw.oid)?;
                if let Some((refusal, stays)) = refusal {
                    self.left_out.push((path, refusal));
                    if !stays {
                        gone.push(raw.name.clone());
                    }
                }
            }
        }
        if gone.is_empty() && changed.is_empty() {
            return Ok(Some(tree));
        }
        if gone.len() == all.len() {
            return Ok(None);
        }
        let source = git("read a tree", self.repo.find_tree(tree))?;
        let mut builder = git("start a tree", self.repo.inner.treebuilder(Some(&source)))?;
        git(
            "build a tree",
            builder.filter(|entry| !gone.iter().any(|name| name == entry.name_bytes())),
        )?;
        for (name, oid) in changed {
            git(
                "build a tree",
                builder.insert(bytes_to_path(&name), oid, FOLDER).map(drop),
            )?;
        }
        git("store a tree", builder.write()).map(Some)
    }

    /// Why a file is left out, or what is wrong with one that stays.
    fn file(&mut self, path: &str, oid: Oid) -> Result<Option<(Refusal, bool)>, RepoError> {
        if !self.repo.is_blob_within(oid, MAX_DAY_FILE)? {
            return Ok(self.is_marked.then_some((Refusal::Damaged, false)));
        }
        let known = self
            .repo
            .entry(self.base, path)?
            .filter(|known| known.mode == FILE);
        let opened = match self.repo.admit(path, oid, self.repo.stored(oid)?)? {
            Ok(opened) => opened,
            // In a fleet in clear it is carried, as other files that cannot be read, but where there is a version that can.
            Err(refusal) => return Ok(Some((refusal, !self.is_marked && known.is_none()))),
        };
        if !self.is_marked {
            return Ok(None);
        }
        let day = match Path::parse(path) {
            Path::Day(machine, day, _) => Some((machine, day)),
            _ => None,
        };
        let Some((machine, day)) = day else {
            return Ok((!opened.sound).then_some((Refusal::Damaged, false)));
        };
        let mut is_whole = |bytes: &[u8]| {
            DayFile::read(&machine, day, bytes, &mut self.names)
                .is_ok_and(|(_, damage)| damage == Damage::default())
        };
        let fits = match sides(&opened.bytes) {
            Some((ours, theirs)) => is_whole(&ours) && is_whole(&theirs),
            None => is_whole(&opened.bytes),
        };
        if opened.sound && fits {
            return Ok(None);
        }
        // What the clone has is better, or has the same fault already.
        if let Some(known) = known {
            let same = self
                .repo
                .read(path, known.oid)?
                .is_ok_and(|known| known == opened.bytes);
            return Ok((!same).then_some((Refusal::Damaged, false)));
        }
        // Nobody has it otherwise: its authentic lines count, if it is the file of its place.
        let is_readable = DayFile::read(&machine, day, &opened.bytes, &mut self.names).is_ok();
        Ok(Some((Refusal::Damaged, is_readable)))
    }
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
