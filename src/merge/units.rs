//! The units of a fleet: pages and machines' months, each with its digest, remembered or made now.

use std::rc::Rc;

use super::data::{self, Content};
use super::digest::{Digest, FileDigest, Memory, SessionSum, UnitDigest, digest};
use super::marks::Marks;
use super::trees::MergeError;
use crate::base::ids::{Interner, MachineId};
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, FOLDER, Repo};
use crate::store::layout::{self, Path};

/// A page, or one machine's month.
#[derive(Debug)]
pub struct Unit {
    /// Its path.
    pub path: String,
    /// Whose it is.
    pub machine: MachineId,
    /// It is a page.
    pub is_page: bool,
    /// The blob or tree.
    pub oid: Oid,
    /// It shares no record with any other unit of which that is remembered.
    pub compared: bool,
    /// Figures.
    pub digest: Digest,
    /// The lower half of each record's id.
    pub(super) marks: Marks,
    /// A hash of each session's id, sorted.
    pub names: Rc<[u64]>,
    /// Its sessions, packed, where it was digested now; else the memory has them. Of a large fleet's, few are asked for.
    sessions: Option<Box<[u8]>>,
}

impl Unit {
    /// Its sessions.
    pub fn sessions(&self, repo: &Repo, memory: &dyn Memory) -> Result<Vec<SessionSum>, MergeError> {
        let packed = self.sessions.as_ref().and_then(|packed| postcard::from_bytes(packed).ok());
        match packed.or_else(|| memory.sessions(&self.path, self.oid)) {
            Some(sessions) => Ok(sessions),
            None => Ok(self.again(repo, memory)?.sessions),
        }
    }

    /// Its digest, made once more: the memory has it no longer.
    pub(super) fn again(&self, repo: &Repo, memory: &dyn Memory) -> Result<UnitDigest, MergeError> {
        make(repo, memory, &self.path, self.oid, self.is_page)
    }

    /// Its files.
    pub fn files(&self, repo: &Repo) -> Result<Vec<(Blob, Path)>, MergeError> {
        files(repo, &self.path, self.oid, self.is_page)
    }
}

/// All units below the trees `sync/machines` and `sync/archive`, and those that were there before.
pub fn units(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>, memory: &dyn Memory) -> Result<(Vec<Unit>, Gone), MergeError> {
    let mut known = memory.units();
    let mut out = Vec::new();
    for (path, machine, is_page, oid) in list(repo, machines, archive)? {
        let unit = match known.remove(&path) {
            Some(known) if known.oid == oid => Unit {
                path,
                machine,
                is_page,
                oid,
                compared: known.compared,
                digest: known.digest,
                marks: Marks::Kept(known.marks),
                names: known.names,
                sessions: None,
            },
            before => {
                let made = make(repo, memory, &path, oid, is_page)?;
                let marks = Marks::made(&made, before.as_ref(), &path, memory);
                memory.keep_unit(&path, oid, &made);
                let UnitDigest { digest, names, sessions, .. } = made;
                let sessions = postcard::to_allocvec(&sessions).ok().map(Vec::into_boxed_slice);
                Unit { path, machine, is_page, oid, compared: false, digest, marks, names: names.into(), sessions }
            }
        };
        out.push(unit);
    }
    let gone = known.into_iter().filter(|(_, known)| known.compared).map(|(path, _)| path).collect();
    Ok((out, Gone(gone)))
}

/// Paths of units that were compared with the others, and are not there any more.
#[derive(Debug, Default)]
pub struct Gone(pub Vec<String>);

fn list(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>) -> Result<Vec<(String, MachineId, bool, Oid)>, MergeError> {
    let mut out = Vec::new();
    for (name, entry) in repo.entries(machines)?.into_iter().filter(|(_, entry)| entry.mode == FILE) {
        let path = format!("{}/{name}", layout::MACHINES);
        if let Path::Machine(machine) = Path::parse(&path) {
            out.push((path, machine, true, entry.oid));
        }
    }
    let folders = |tree: Option<Oid>| -> Result<Vec<(String, Oid)>, MergeError> {
        Ok(repo.entries(tree)?.into_iter().filter(|(_, entry)| entry.mode == FOLDER).map(|(name, entry)| (name, entry.oid)).collect())
    };
    for (year, months) in folders(archive)? {
        for (month, all) in folders(Some(months))? {
            for (name, oid) in folders(Some(all))? {
                if let Some(machine) = layout::month_of(&year, &month, &name) {
                    out.push((format!("{}/{year}/{month}/{name}", layout::ARCHIVE), machine, false, oid));
                }
            }
        }
    }
    Ok(out)
}

fn files(repo: &Repo, path: &str, oid: Oid, is_page: bool) -> Result<Vec<(Blob, Path)>, MergeError> {
    if is_page {
        return Ok(vec![(Blob { path: path.to_owned(), mode: FILE, oid }, Path::parse(path))]);
    }
    let entries = repo.entries(Some(oid))?.into_iter().filter(|(_, entry)| entry.mode == FILE);
    let blobs = entries.map(|(name, entry)| Blob { path: format!("{path}/{name}"), mode: entry.mode, oid: entry.oid });
    Ok(blobs.map(|blob| (Path::parse(&blob.path), blob)).filter(|(kind, _)| matches!(kind, Path::Day(..))).map(|(k, b)| (b, k)).collect())
}

/// A file's digest, remembered or made now. None where it cannot be read.
pub fn file(repo: &Repo, memory: &dyn Memory, blob: &Blob, kind: &Path, names: &mut Interner) -> Result<Option<FileDigest>, MergeError> {
    match memory.file(&blob.path, blob.oid) {
        Some(known) => Ok(Some(known)),
        None => read(repo, blob, kind, names),
    }
}

/// A file's digest, made now.
pub fn read(repo: &Repo, blob: &Blob, kind: &Path, names: &mut Interner) -> Result<Option<FileDigest>, MergeError> {
    Ok(match data::content(repo, blob.oid)? {
        Content::Bytes(bytes) => digest(&blob.path, kind, &bytes, names),
        Content::TooLarge(_) | Content::Missing => None,
    })
}

fn make(repo: &Repo, memory: &dyn Memory, path: &str, oid: Oid, is_page: bool) -> Result<UnitDigest, MergeError> {
    let mut names = Interner::default();
    let (mut all, mut new) = (Vec::new(), Vec::new());
    for (blob, kind) in files(repo, path, oid, is_page)? {
        let mut made = memory.file(&blob.path, blob.oid);
        if made.is_none() {
            made = read(repo, &blob, &kind, &mut names)?;
            new.extend(made.clone().map(|made| (blob.path, blob.oid, made)));
        }
        all.push(made.map(|made| FileDigest { rows: Vec::new(), ..made }));
    }
    memory.keep_files(&new);
    Ok(UnitDigest::of(all))
}
