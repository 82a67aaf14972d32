//! The manifest of two trees, from digests where nothing changed.
//!
//! Most files have nothing to do with each other: no record of one is in another, and their sums add up. Those that share a record,
//! or whose figures depend on others' (summary lines, claims, records without an id), are *entangled*: they are read whole and go
//! through [`Fleet::join`]. The result is the same as if all had been read; a property test holds it to that.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::data::{self, Content, MachineData};
use super::digest::{Digested, Ids, Memory, digest};
use super::fleet::Fleet;
use super::manifest;
use super::trees::MergeError;
use crate::base::ids::{Interner, MachineId, Name, SessionId};
use crate::format::manifest::{Conflict, Manifest};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, Repo};
use crate::store::layout::{self, Path};

/// A file on its way into the fleet.
struct Item {
    blob: Blob,
    kind: Path,
    /// None where it cannot be read: then it is entangled, to be reported as whole reading does.
    digested: Option<Digested>,
}

impl Item {
    fn machine(&self) -> Option<&MachineId> {
        match &self.kind {
            Path::Machine(machine) | Path::Day(machine, ..) => Some(machine),
            _ => None,
        }
    }
}

/// What was held to compute a manifest. A process that ends right after may forget it: freeing all of it takes longer than computing.
pub struct Scraps {
    _items: Vec<Item>,
    _fleet: Fleet,
}

/// Computes the manifest of the trees `sync/machines` and `sync/archive`.
pub fn manifest(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>, rules: u64, memory: &dyn Memory) -> Result<Manifest, MergeError> {
    manifest_and_scraps(repo, machines, archive, rules, memory).map(|(manifest, _)| manifest)
}

/// As [`manifest()`], with what was held.
pub fn manifest_and_scraps(
    repo: &Repo,
    machines: Option<Oid>,
    archive: Option<Oid>,
    rules: u64,
    memory: &dyn Memory,
) -> Result<(Manifest, Scraps), MergeError> {
    let items = items(repo, machines, archive, memory)?;
    let entangled = entangled(&items, memory);
    let mut fleet: BTreeMap<MachineId, MachineData> = BTreeMap::new();
    let mut names = Interner::default();
    let mut clean = Vec::new();
    for (item, entangled) in items.iter().zip(entangled) {
        let Some(machine) = item.machine() else { continue };
        let data = fleet.entry(machine.clone()).or_insert_with(|| MachineData::new(machine.clone()));
        match item.digested.as_ref().filter(|_| !entangled) {
            None => data.add(&item.blob.path, &item.kind, data::content(repo, item.blob.oid)?, &mut names),
            Some(Digested { digest, .. }) => {
                if let Some(page) = &digest.page {
                    data.page = Some(SyncFile::read(machine, page.as_bytes(), &mut names));
                }
                if digest.damaged > 0 {
                    data.problems.push(Conflict::about("damaged-lines", item.blob.path.as_str(), machine, digest.damaged));
                }
                data.suspect.extend(digest.suspects.iter().map(|id| SessionId::new(names.name(id))));
                clean.push((machine, digest));
            }
        }
    }
    let mut joined = Fleet::join(fleet.into_values().collect());
    for (machine, digest) in clean {
        let projects: Vec<Name> = digest.projects.iter().map(|project| names.name(project)).collect();
        joined.add_clean(machine, &digest.sessions, &projects);
    }
    let manifest = manifest::compute(&joined, machines, archive, rules);
    Ok((manifest, Scraps { _items: items, _fleet: joined }))
}

/// All files that count, with their digests: remembered, or made now.
fn items(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>, memory: &dyn Memory) -> Result<Vec<Item>, MergeError> {
    let mut known = memory.recall();
    let mut names = Interner::default();
    let mut out = Vec::new();
    let mut new = Vec::new();
    for (prefix, tree) in [(layout::MACHINES, machines), (layout::ARCHIVE, archive)] {
        let blobs = tree.map(|tree| repo.blobs_below(tree, prefix)).transpose()?.unwrap_or_default();
        for blob in blobs.into_iter().filter(|blob| blob.mode == FILE) {
            let kind = Path::parse(&blob.path);
            if !matches!(kind, Path::Machine(_) | Path::Day(..)) {
                continue;
            }
            let digested = match known.remove(&blob.path).filter(|(oid, _)| *oid == blob.oid) {
                Some((_, digested)) => Some(digested),
                None => match data::content(repo, blob.oid)? {
                    Content::Bytes(bytes) => {
                        digest(&kind, &bytes, &mut names).inspect(|made| new.push((blob.path.clone(), blob.oid, made.clone())))
                    }
                    Content::TooLarge(_) | Content::Missing => None,
                },
            };
            out.push(Item { blob, kind, digested });
        }
    }
    memory.keep(&new);
    Ok(out)
}

/// The files that may share an id with another file, by the lower halves of ids; and all pages with what they may repeat.
fn suspected(items: &[Item]) -> BTreeSet<usize> {
    let all = || {
        let files = items.iter().enumerate().filter_map(|(at, item)| Some((at, &item.kind, item.digested.as_ref()?)));
        files.flat_map(|(at, kind, d)| d.marks.iter().map(move |mark| (*mark, at, matches!(kind, Path::Machine(_)))))
    };
    // Two small sets of bits say which marks stand in one place only, as most do. What is left is sorted.
    let bits = (all().count().max(64) * 16).next_power_of_two();
    let place = |mark: u32| mark as usize & (bits - 1);
    let (mut once, mut again) = (vec![0_u64; bits / 64], vec![0_u64; bits / 64]);
    for (mark, _, page) in all() {
        let (word, bit) = (place(mark) / 64, 1 << (place(mark) % 64));
        if page || once[word] & bit != 0 {
            again[word] |= bit;
        }
        once[word] |= bit;
    }
    let twice = |mark: u32| again[place(mark) / 64] & 1 << (place(mark) % 64) != 0;
    let mut left: Vec<_> = all().filter(|(mark, ..)| twice(*mark)).collect();
    left.sort_unstable();
    let groups = left.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1 || group.iter().any(|(_, _, page)| *page));
    groups.flatten().map(|(_, at, _)| *at).collect()
}

/// The ids that stand in those files, sorted, with the file and what is said there. None where a file's ids are not to be had.
fn ids(items: &[Item], files: &BTreeSet<usize>, memory: &dyn Memory) -> Option<Vec<(u64, usize, u64)>> {
    let mut out = Vec::new();
    for at in files {
        let mut add = |ids: &Ids| out.extend(ids.iter().map(|(id, said)| (*id, *at, *said)));
        match items[*at].digested.as_ref()?.ids.as_ref() {
            Some(ids) => add(ids),
            None => add(&memory.ids(&items[*at].blob.path)?),
        }
    }
    out.sort_unstable();
    Some(out)
}

/// Which files must be read whole.
fn entangled(items: &[Item], memory: &dyn Memory) -> Vec<bool> {
    let digests = || items.iter().enumerate().filter_map(|(at, item)| Some((at, item.digested.as_ref()?)));
    if digests().any(|(_, d)| d.digest.derived) {
        // A record without an id is hidden by any record that says the same, wherever that is.
        return vec![true; items.len()];
    }
    let mut out: Vec<bool> = items.iter().map(|item| item.digested.is_none()).collect();
    let Some(ids) = ids(items, &suspected(items), memory) else {
        return vec![true; items.len()];
    };
    for group in ids.chunk_by(|a, b| a.0 == b.0) {
        let is_page = |at: usize| matches!(items[at].kind, Path::Machine(_));
        let days = || group.iter().filter(|(_, at, _)| !is_page(*at));
        let mut shared = days().count() > 1;
        // A page repeats what its machine's day files say. Where it says anything else, both are read.
        for (_, at, said) in group.iter().filter(|(_, at, _)| is_page(*at)) {
            shared |= !days().any(|(_, day, there)| items[*day].machine() == items[*at].machine() && there == said);
        }
        if shared {
            group.iter().for_each(|(_, at, _)| out[*at] = true);
        }
    }
    let claims: BTreeSet<_> = digests().filter(|(_, d)| d.digest.claims).filter_map(|(at, _)| items[at].machine()).collect();
    let sessions: HashSet<&str> = digests().flat_map(|(_, d)| d.digest.summaries.iter().map(String::as_str)).collect();
    for (at, digested) in digests() {
        let of_claims = items[at].machine().is_some_and(|machine| claims.contains(machine));
        let of_sums = !digested.digest.summaries.is_empty() || digested.digest.sessions.iter().any(|s| sessions.contains(s.id.as_str()));
        out[at] |= of_claims || of_sums;
    }
    out
}
