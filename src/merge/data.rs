//! All that one machine has written, read from a tree: the join by id of all its files, never their sum.

use std::collections::{BTreeMap, BTreeSet};

use super::trees::MergeError;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::time::Day;
use crate::format::dayfile::DayFile;
use crate::format::line::{Summary, SummaryKey};
use crate::format::manifest::Conflict;
use crate::format::syncfile::SyncFile;
use crate::format::{FormatError, MAX_DAY_FILE, MAX_SYNC_FILE};
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, Repo};
use crate::records::RecordSet;
use crate::store::layout::{self, Path};

/// One machine's data.
#[derive(Debug, Clone)]
pub struct MachineData {
    /// Its id.
    pub id: MachineId,
    /// Its sync file; none where there is none, an error where it cannot be read.
    pub page: Option<Result<SyncFile, FormatError>>,
    /// Its records, each joined from all its copies in all its files.
    pub records: RecordSet,
    /// Its summary lines.
    pub summaries: BTreeMap<SummaryKey, Summary>,
    /// Files and lines that were left out.
    pub problems: Vec<Conflict>,
    /// Sessions with a checksum that does not fit.
    pub suspect: BTreeSet<SessionId>,
}

impl MachineData {
    /// A machine of which nothing is known yet.
    pub fn new(id: MachineId) -> Self {
        Self { id, page: None, records: RecordSet::default(), summaries: BTreeMap::new(), problems: Vec::new(), suspect: BTreeSet::new() }
    }

    /// The sync file, where it can be read.
    pub fn page(&self) -> Option<&SyncFile> {
        self.page.as_ref().and_then(|page| page.as_ref().ok())
    }

    fn add_page(&mut self, path: &str, page: Result<SyncFile, FormatError>) {
        match &page {
            Ok(page) => page.sessions.values().flat_map(|s| s.records.iter()).for_each(|r| self.records.add(r.clone())),
            Err(error) => self.problems.push(Conflict::about(error.code(), path, &self.id, 0)),
        }
        self.page = Some(page);
    }

    fn add_day(&mut self, path: &str, bytes: &[u8], day: Day, names: &mut Interner) {
        match DayFile::read(&self.id, day, bytes, names) {
            Ok((file, damage)) => {
                file.records.into_iter().for_each(|record| self.records.add(record));
                for (key, summary) in file.summaries {
                    let joined = match self.summaries.remove(&key) {
                        Some(known) => known.join(summary),
                        None => summary,
                    };
                    self.summaries.insert(key, joined);
                }
                if damage.lines > 0 {
                    self.problems.push(Conflict::about("damaged-lines", path, &self.id, damage.lines));
                }
                self.suspect.extend(damage.checksums);
            }
            Err(error) => self.problems.push(Conflict::about(error.code(), path, &self.id, 0)),
        }
    }
}

/// The ids of the trees that all figures come from, below a root tree.
pub fn inputs(repo: &Repo, root: Option<Oid>) -> Result<(Option<Oid>, Option<Oid>), MergeError> {
    Ok((repo.folder(root, layout::MACHINES)?, repo.folder(root, layout::ARCHIVE)?))
}

/// Reads all machines from the trees `sync/machines` and `sync/archive`.
///
/// Total: whatever does not parse is left out and named in the machine's `problems`; whatever fits no name is not looked at.
pub fn load(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>) -> Result<Vec<MachineData>, MergeError> {
    let mut fleet: BTreeMap<MachineId, MachineData> = BTreeMap::new();
    let mut names = Interner::default();
    let root = |prefix: &str, tree: Option<Oid>| -> Result<Vec<Blob>, MergeError> {
        Ok(match tree {
            Some(tree) => repo.blobs_below(tree, prefix)?,
            None => Vec::new(),
        })
    };
    let blobs = root(layout::MACHINES, machines)?.into_iter().chain(root(layout::ARCHIVE, archive)?);
    for blob in blobs.filter(|blob| blob.mode == FILE) {
        let (machine, day, most) = match Path::parse(&blob.path) {
            Path::Machine(machine) => (machine, None, MAX_SYNC_FILE),
            Path::Day(machine, day, _) => (machine, Some(day), MAX_DAY_FILE),
            _ => continue,
        };
        let data = fleet.entry(machine.clone()).or_insert_with(|| MachineData::new(machine.clone()));
        match (repo.blob_size(blob.oid), day) {
            (Some(size), None) if size > most => data.add_page(&blob.path, Err(FormatError::TooLarge { size, most })),
            (Some(size), Some(_)) if size > most => {
                data.problems.push(Conflict::about("too-large", blob.path, &machine, 0));
            }
            (Some(_), None) => data.add_page(&blob.path, SyncFile::read(&machine, &repo.blob(blob.oid)?, &mut names)),
            (Some(_), Some(day)) => data.add_day(&blob.path, &repo.blob(blob.oid)?, day, &mut names),
            (None, _) => data.problems.push(Conflict::about("missing-object", blob.path, &machine, 0)),
        }
    }
    Ok(fleet.into_values().collect())
}
