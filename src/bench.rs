//! What the benchmarks in `benches` use: they write fleets of any size with it, and count them.
//!
//! A benchmark that needs more of the crate gets a function here, so that all else stays private.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use crate::cache::memo::{Cache, NoCache};
use crate::cache::overview;
use crate::fleet::read;
use crate::format::dayfile::DayFile;
use crate::format::manifest::{BASIS, Manifest};
use crate::format::syncfile::Mode;
use crate::git::repo::{Entry, FILE};
use crate::prices::prices;
use crate::store::layout;
use crate::sync::{self, Brought, Host, Options, Stamp, Starts};

pub use crate::base::ids::{MachineId, RecordId, SessionId};
pub use crate::base::json::Extra;
pub use crate::base::money::Cost;
pub use crate::base::time::Timestamp;
pub use crate::cache::index::Index;
pub use crate::git::repo::Repo;
pub use crate::git::{Git, Oid};
pub use crate::record::{Body, Client, Counters, Level, Origin, Record};

/// Why a tree could not be made.
pub type Failed = Box<dyn Error>;

/// A machine that syncs at a time.
#[derive(Debug)]
pub struct Syncing<'a> {
    /// The machine.
    pub machine: &'a MachineId,
    /// Its name.
    pub hostname: String,
    /// The time.
    pub now: Timestamp,
}

impl Syncing<'_> {
    fn host(&self) -> Host {
        Host {
            hostname: self.hostname.clone(),
            platform: "linux".into(),
            os_version: "1".into(),
            fingerprint: String::new(),
        }
    }

    /// The options of a run without a remote.
    fn options(&self, program: &Path) -> Options {
        Options {
            offline: true,
            host: self.host(),
            program: program.to_owned(),
            ..Options::new(self.now)
        }
    }
}

/// The price of a request by the built-in table.
pub fn cost(model: &str, at: Timestamp, counters: &Counters) -> Cost {
    prices().cost(model, at, counters, false, None)
}

/// Stores a day file with a machine's requests of a day. Returns its path.
pub fn write_day(
    repo: &Repo,
    machine: &MachineId,
    day: Timestamp,
    records: impl IntoIterator<Item = Record>,
) -> Result<(String, Oid), Failed> {
    let day = day.day();
    let mut file = DayFile::new(machine.clone(), day);
    records
        .into_iter()
        .for_each(|record| file.records.add(record));
    let oid = repo.write_blob(file.write().0.as_bytes())?;
    Ok((layout::day_path(machine, day, 1), oid))
}

/// A root tree with files at these paths.
pub fn place(repo: &Repo, root: Option<Oid>, files: BTreeMap<String, Oid>) -> Result<Oid, Failed> {
    let entry = |(path, oid)| (path, Entry { mode: FILE, oid });
    Ok(repo.replace(root, &files.into_iter().map(entry).collect())?)
}

/// A root tree after a machine added requests to it, its manifest as it was.
pub fn add(
    repo: &Repo,
    root: Oid,
    syncing: &Syncing<'_>,
    records: impl IntoIterator<Item = Record>,
    index: &Index,
) -> Result<Oid, Failed> {
    let stamp = Stamp {
        now: syncing.now,
        mode: Mode::Incremental,
        host: &syncing.host(),
    };
    let records = records.into_iter().collect();
    Ok(sync::add(
        repo,
        root,
        syncing.machine,
        &records,
        &stamp,
        index,
    )?)
}

/// The root tree of the commit that a run would make after `head`.
pub fn assemble(
    repo: &Repo,
    head: Oid,
    syncing: &Syncing<'_>,
    records: impl IntoIterator<Item = Record>,
    program: &Path,
    index: &Index,
) -> Result<Oid, Failed> {
    let starts = Starts {
        head: Some(head),
        known: Some(head),
        ..Starts::default()
    };
    let brought = Brought {
        records: records.into_iter().collect(),
        ..Brought::default()
    };
    let options = syncing.options(program);
    Ok(sync::assemble_for(
        repo,
        &starts,
        syncing.machine,
        &brought,
        &options,
        index,
    )?)
}

/// A root tree with the manifest that its other files imply.
pub fn derive(repo: &Repo, root: Oid, index: &Index) -> Result<Oid, Failed> {
    let manifest = manifest(repo, root, Some(index))?;
    let oid = repo.write_blob(manifest.write().as_bytes())?;
    place(
        repo,
        Some(root),
        BTreeMap::from([(layout::MANIFEST.to_owned(), oid)]),
    )
}

/// The requests that the manifest of a root tree counts: with digests of an index, or from the
/// files alone.
pub fn requests(repo: &Repo, root: Oid, index: Option<&Index>) -> Result<u64, Failed> {
    Ok(manifest(repo, root, index)?.totals.requests)
}

fn manifest(repo: &Repo, root: Oid, index: Option<&Index>) -> Result<Manifest, Failed> {
    let cache: &dyn Cache = match index {
        Some(index) => index,
        None => &NoCache,
    };
    let trees = read::inputs(repo, Some(root))?;
    Ok(overview::manifest(repo, trees, BASIS, cache)?)
}
