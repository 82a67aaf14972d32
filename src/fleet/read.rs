//! All that one machine has written, read from a tree: the join by id of all its files, never their
//! sum.

use std::collections::{BTreeMap, BTreeSet};

use super::error::DataError;
use super::limits::{self, LeftOut, Part, Weight};
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::join::{Join as _, absorb};
use crate::base::time::Day;
use crate::format::dayfile::{DayFile, Forgotten};
use crate::format::manifest::{Code, Conflict, Inputs, ManifestMachine};
use crate::format::syncfile::SyncFile;
use crate::format::{FormatError, MAX_DAY_FILE, MAX_SYNC_FILE};
use crate::git::repo::{Blob, FILE, FOLDER, Repo};
use crate::git::{Oid, Refusal};
use crate::record::{RecordSet, Sum, SumKey};
use crate::store::layout::{self, Path};

/// One machine's data.
#[derive(Debug, Clone)]
pub(crate) struct MachineData {
    /// Its id.
    pub(crate) id: MachineId,
    /// Its machine file; none where there is none, an error where it cannot be read.
    pub(crate) machine_file: Option<Result<SyncFile, FormatError>>,
    /// Its entry in a manifest of version 1.0, where that is all there is of it.
    pub(crate) adopted: Option<ManifestMachine>,
    /// Its records, each joined from all its copies in all its files.
    pub(crate) records: RecordSet,
    /// Its sums; the claims of the machine file are not among them.
    pub(crate) sums: BTreeMap<SumKey, Sum>,
    /// Ids of forgotten records that it noted.
    pub(crate) forgotten: BTreeSet<Forgotten>,
    /// Ids of forgotten records that it brought back.
    pub(crate) kept: BTreeSet<RecordId>,
    /// Files and lines that were left out.
    pub(crate) problems: Vec<Conflict>,
    /// Sessions with a checksum that does not fit.
    pub(crate) suspect: BTreeSet<SessionId>,
    /// It has a file that may be read, or is known otherwise: a machine of which all files were
    /// refused is none.
    pub(crate) is_vouched: bool,
}

impl MachineData {
    /// A machine of which nothing is known yet.
    pub(crate) fn new(id: MachineId) -> Self {
        Self {
            id,
            machine_file: None,
            adopted: None,
            records: RecordSet::default(),
            sums: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            kept: BTreeSet::new(),
            problems: Vec::new(),
            suspect: BTreeSet::new(),
            is_vouched: false,
        }
    }

    /// Whether all that is there of it are files that may not be read.
    pub(crate) fn is_forged(&self) -> bool {
        !self.is_vouched
            && !self.problems.is_empty()
            && self.machine_file.is_none()
            && self.adopted.is_none()
            && self.records.is_empty()
    }

    /// The machine file, where it can be read.
    pub(crate) fn machine_file(&self) -> Option<&SyncFile> {
        self.machine_file
            .as_ref()
            .and_then(|file| file.as_ref().ok())
    }

    /// Takes over one of its files. Total: what does not parse is named in `problems`.
    pub(crate) fn add(&mut self, path: &str, kind: &Path, content: Content, names: &mut Interner) {
        let (day, most) = match kind {
            Path::Machine(_) => (None, MAX_SYNC_FILE),
            Path::Day(_, day, _) => (Some(*day), MAX_DAY_FILE),
            _ => return,
        };
        let machine = self.id.clone();
        self.is_vouched |= !matches!(content, Content::Refused(_));
        match (content, day) {
            (Content::Refused(refusal), _) => {
                self.problems
                    .push(Conflict::about((&refusal).into(), path, &machine, 0));
            }
            (Content::Bytes(bytes), Some(day)) => self.add_day(path, &bytes, day, names),
            (Content::Bytes(bytes), None) => {
                self.add_machine_file(path, SyncFile::read(&machine, &bytes, names));
            }
            (Content::TooLarge(size), None) => {
                self.add_machine_file(path, Err(FormatError::TooLarge { size, most }));
            }
            (Content::TooLarge(_), Some(_)) => {
                self.problems
                    .push(Conflict::about(Code::TooLarge, path, &machine, 0));
            }
        }
    }

    fn add_machine_file(&mut self, path: &str, file: Result<SyncFile, FormatError>) {
        match &file {
            Ok(file) => file
                .sessions
                .values()
                .flat_map(|s| s.records.iter())
                .for_each(|r| self.records.add(r)),
            Err(error) => self
                .problems
                .push(Conflict::about(error.code(), path, &self.id, 0)),
        }
        self.machine_file = Some(file);
    }

    fn add_day(&mut self, path: &str, bytes: &[u8], day: Day, names: &mut Interner) {
        match DayFile::read(&self.id, day, bytes, names) {
            Ok((file, damage)) => {
                if damage.lines > 0 {
                    self.problems.push(Conflict::about(
                        Code::DamagedLines,
                        path,
                        &self.id,
                        damage.lines,
                    ));
                }
                self.suspect.extend(damage.checksums);
                self.add_file(file);
            }
            Err(error) => self
                .problems
                .push(Conflict::about(error.code(), path, &self.id, 0)),
        }
    }

    /// Takes over a day file.
    pub(crate) fn add_file(&mut self, file: DayFile) {
        self.suspect.extend(file.suspects().cloned());
        self.kept.extend(file.kept());
        self.records = std::mem::take(&mut self.records).join(file.records);
        file.sums
            .into_iter()
            .for_each(|(key, sum)| absorb(&mut self.sums, key, sum));
        self.forgotten.extend(file.forgotten);
    }
}

/// The trees that all figures come from. None where a version of the repository has no such folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InputTrees {
    /// `sync/machines`.
    pub(crate) machines: Option<Oid>,
    /// `sync/archive`.
    pub(crate) archive: Option<Oid>,
}

impl InputTrees {
    /// Without day files: machine files state names and decisions.
    #[must_use]
    pub(crate) fn machine_files(self) -> Self {
        Self {
            archive: None,
            ..self
        }
    }

    /// As a manifest names them.
    pub(crate) fn inputs(self) -> Inputs {
        Inputs {
            machines: self.machines.map(|id| id.to_string()),
            archive: self.archive.map(|id| id.to_string()),
        }
    }
}

/// The trees that all figures come from, below a root tree.
pub(crate) fn inputs(repo: &Repo, root: Option<Oid>) -> Result<InputTrees, DataError> {
    Ok(InputTrees {
        machines: repo.folder(root, layout::MACHINES)?,
        archive: repo.folder(root, layout::ARCHIVE)?,
    })
}

/// What a file holds, as far as it may be looked at.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of its bytes.
    Bytes(Vec<u8>),
    /// It is longer than the format allows.
    TooLarge(usize),
    /// It may not be read: a pusher without the fleet's key may have made it.
    Refused(Refusal),
}

/// Sorts files to the machines that wrote them.
///
/// Total: any file that does not parse is left out and named in the machine's `problems`; files
/// without a place in the layout are ignored.
#[derive(Debug, Default)]
struct Reader {
    fleet: BTreeMap<MachineId, MachineData>,
    names: Interner,
}

impl Reader {
    fn add(&mut self, path: &str, kind: &Path, content: Content) {
        let (Path::Machine(machine) | Path::Day(machine, ..)) = kind else {
            return;
        };
        let data = self
            .fleet
            .entry(machine.clone())
            .or_insert_with(|| MachineData::new(machine.clone()));
        data.add(path, kind, content, &mut self.names);
    }
}

/// Reads all machines from files in memory.
#[cfg(test)]
pub(crate) fn read(tree: &BTreeMap<String, Vec<u8>>) -> Vec<MachineData> {
    let mut reader = Reader::default();
    for (path, bytes) in tree {
        reader.add(path, &Path::parse(path), Content::Bytes(bytes.clone()));
    }
    reader.fleet.into_values().collect()
}

/// Reads all machines.
pub(crate) fn load(repo: &Repo, trees: InputTrees) -> Result<Vec<MachineData>, DataError> {
    let mut reader = Reader::default();
    let weighed = portions(repo, trees)?.into_iter().map(|portion| {
        let weight = portion.weight(repo)?;
        Ok((portion, weight))
    });
    let (kept, left) = limits::split(weighed.collect::<Result<_, DataError>>()?, None);
    for (portion, _) in kept {
        for (blob, kind) in portion.files(repo)? {
            reader.add(&blob.path, &kind, content(repo, &blob.path, blob.oid)?);
        }
    }
    name_left_out(left, &mut reader.fleet);
    Ok(reader.fleet.into_values().collect())
}

/// Names what is left out among the problems of the machines concerned.
pub(crate) fn name_left_out(left: LeftOut, fleet: &mut BTreeMap<MachineId, MachineData>) {
    for (machine, path) in left.portions {
        let data = fleet
            .entry(machine.clone())
            .or_insert_with(|| MachineData::new(machine.clone()));
        data.problems
            .push(Conflict::about(Code::TooLarge, path, &machine, 0));
    }
    if let Some(first) = fleet.values_mut().next().filter(|_| left.machines > 0) {
        first.problems.push(Conflict {
            code: Code::TooManyMachines,
            subject: layout::ROOT.to_owned(),
            machines: Vec::new(),
            count: left.machines,
        });
    }
}

/// The content of the file at `path`, as far as it may be read. Checks its size first. Fails where
/// the object is missing: figures without it would be wrong figures.
pub(crate) fn content(repo: &Repo, path: &str, oid: Oid) -> Result<Content, DataError> {
    standing(repo, path, oid).map(|(content, _)| content)
}

/// As [`content()`], and whether that is always so: see [`crate::git::admit::Admitted::always`].
pub(crate) fn standing(repo: &Repo, path: &str, oid: Oid) -> Result<(Content, bool), DataError> {
    Ok(match repo.blob_size(oid)? {
        Some(size) if size > MAX_DAY_FILE.max(MAX_SYNC_FILE) => (Content::TooLarge(size), true),
        _ => match repo.admit(path, oid, repo.stored(oid)?)? {
            Ok(file) => (Content::Bytes(file.bytes), file.always),
            Err(refusal) => (Content::Refused(refusal), false),
        },
    })
}

/// A machine file, or one machine's month: what digests are made of and rules are asked about, as
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Its path in the repository: a file, or a month's folder.
    pub(crate) path: String,
    /// Whose it is.
    pub(crate) machine: MachineId,
    /// It is a machine file.
    pub(crate) is_machine_file: bool,
    /// The blob or tree.
    pub(crate) oid: Oid,
}

impl Part for Portion {
    fn machine(&self) -> &MachineId {
        &self.machine
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn is_machine_file(&self) -> bool {
        self.is_machine_file
    }
}

impl Portion {
    /// What reading it costs. A file that is too large is never read.
    pub(crate) fn weight(&self, repo: &Repo) -> Result<Weight, DataError> {
        let mut out = Weight::default();
        for (blob, _) in self.files(repo)? {
            let size = repo
                .blob_size(blob.oid)?
                .filter(|size| *size <= MAX_DAY_FILE.max(MAX_SYNC_FILE))
                .unwrap_or(0);
            out.bytes = out.bytes.saturating_add(size as u64);
            out.files = out.files.saturating_add(1);
        }
        Ok(out)
    }

    /// Its files, each with its kind.
    pub(crate) fn files(&self, repo: &Repo) -> Result<Vec<(Blob, Path)>, DataError> {
        if self.is_machine_file {
            return Ok(vec![(
                Blob {
                    path: self.path.clone(),
                    mode: FILE,
                    oid: self.oid,
                },
                Path::Machine(self.machine.clone()),
            )]);
        }
        let entries = repo
            .entries(Some(self.oid))?
            .into_iter()
            .filter(|(_, entry)| entry.mode == FILE);
        let blobs = entries.map(|(name, entry)| Blob {
            path: format!("{}/{name}", self.path),
            mode: entry.mode,
            oid: entry.oid,
        });
        Ok(blobs
            .map(|blob| (Path::parse(&blob.path), blob))
            .filter(|(kind, _)| matches!(kind, Path::Day(..)))
            .map(|(k, b)| (b, k))
            .collect())
    }
}

/// All machine files and machines' months.
pub(crate) fn portions(repo: &Repo, trees: InputTrees) -> Result<Vec<Portion>, DataError> {
    let mut out = Vec::new();
    for (name, entry) in repo.entries(trees.machines)? {
        let path = format!("{}/{name}", layout::MACHINES);
        if entry.mode == FILE
            && let Path::Machine(machine) = Path::parse(&path)
        {
            out.push(Portion {
                path,
                machine,
                is_machine_file: true,
                oid: entry.oid,
            });
        }
    }
    for (year, months) in folders(repo, trees.archive)? {
        for (month, all) in folders(repo, Some(months))? {
            for (name, oid) in folders(repo, Some(all))? {
                if let Some(machine) = layout::month_of(&year, &month, &name) {
                    out.push(Portion {
                        path: format!("{}/{year}/{month}/{name}", layout::ARCHIVE),
                        machine,
                        is_machine_file: false,
                        oid,
                    });
                }
            }
        }
    }
    Ok(out)
}

/// The folders in a tree, by name.
fn folders(repo: &Repo, tree: Option<Oid>) -> Result<Vec<(String, Oid)>, DataError> {
    let entries = repo.entries(tree)?.into_iter();
    Ok(entries
        .filter(|(_, entry)| entry.mode == FOLDER)
        .map(|(name, entry)| (name, entry.oid))
        .collect())
}
