//! What one machine's day files gained between two trees.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::SyncError;
use super::local::{day_files_in, month_folders};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::money::Money;
use crate::base::time::Day;
use crate::cache::Cache;
use crate::fleet::read::{self, Content};
use crate::format::dayfile::DayFile;
use crate::git::Oid;
use crate::git::repo::{Blob, Repo};
use crate::record::Source;

/// What changed in one machine's day files between two trees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Delta {
    /// Requests that are new.
    pub(crate) added: u64,
    /// Records that grew.
    pub(crate) grown: u64,
    /// The sessions of both.
    pub(crate) sessions: BTreeSet<SessionId>,
    /// What all that costs, by this version's prices.
    pub(crate) cost: Money,
    /// Days of which imported totals are new.
    pub(crate) imported: BTreeMap<Source, BTreeSet<Day>>,
    /// Day files that changed without any of that: their records have less detail, or other names
    /// of projects.
    pub(crate) rewritten: u64,
}

impl Delta {
    /// Whether there is no new usage.
    pub(super) fn is_empty(&self) -> bool {
        self.added == 0 && self.grown == 0 && self.imported.is_empty()
    }
}

/// A day file that differs between two trees.
struct Changed {
    previous: Option<Oid>,
    blob: Blob,
    day: Day,
}

impl Changed {
    /// A version of the file; an empty one where there is none that can be read.
    fn read(
        &self,
        repo: &Repo,
        oid: Option<Oid>,
        machine: &MachineId,
        names: &mut Interner,
    ) -> Result<DayFile, SyncError> {
        let content = oid.map(|oid| read::content(repo, &self.blob.path, oid));
        let bytes = match content.transpose()? {
            Some(Content::Bytes(bytes)) => bytes,
            Some(Content::TooLarge(_) | Content::Refused(_)) | None => Vec::new(),
        };
        Ok(match DayFile::read(machine, self.day, &bytes, names) {
            Ok((file, _)) => file,
            Err(_) => DayFile::new(machine.clone(), self.day),
        })
    }
}

/// Compares the machine's day files below two root trees. Months and files with equal ids are not
/// opened, and new files are counted by their digests.
pub(crate) fn delta(
    repo: &Repo,
    before: Option<Oid>,
    after: Option<Oid>,
    machine: &MachineId,
    cache: &dyn Cache,
) -> Result<Delta, SyncError> {
    let mut out = Delta::default();
    let mut names = Interner::default();
    let mut cost = (Money::ZERO, Money::ZERO);
    for file in changed(repo, before, after, machine)? {
        let path = &file.blob.path;
        let digest = if file.previous.is_none() {
            cache.file(path, file.blob.oid)
        } else {
            None
        };
        if let Some(file) = digest.filter(|file| file.digest.sums.is_none()) {
            out.added = out.added.saturating_add(file.digest.records);
            cost.0 = cost.0.plus(file.digest.totals().cost.amount);
            let ids = file.sessions.iter();
            out.sessions
                .extend(ids.map(|sum| SessionId::new(names.name(&sum.id))));
            continue;
        }
        let was = file.read(repo, file.previous, machine, &mut names)?;
        let is = file.read(repo, Some(file.blob.oid), machine, &mut names)?;
        if !out.compare(&was, &is, &mut cost) {
            out.rewritten += 1;
        }
    }
    out.cost = cost.0.minus(cost.1);
    Ok(out)
}

/// The day files that are new or differ.
fn changed(
    repo: &Repo,
    before: Option<Oid>,
    after: Option<Oid>,
    machine: &MachineId,
) -> Result<Vec<Changed>, SyncError> {
    let known = month_folders(repo, before, machine)?;
    let mut out = Vec::new();
    for (path, folder) in month_folders(repo, after, machine)? {
        let old = known.get(&path);
        if old == Some(&folder) {
            continue;
        }
        let old = old.map_or(Ok(Vec::new()), |old| day_files_in(repo, &path, *old))?;
        let old: HashMap<String, Oid> = old
            .into_iter()
            .map(|(blob, ..)| (blob.path, blob.oid))
            .collect();
        for (blob, day, _) in day_files_in(repo, &path, folder)? {
            let previous = old.get(&blob.path).copied();
            if previous != Some(blob.oid) {
                out.push(Changed {
                    previous,
                    blob,
                    day,
                });
            }
        }
    }
    Ok(out)
}

impl Delta {
    /// Adds what a version of a day file has beyond an earlier one, if it has anything. `cost`: of
    /// what it has, and of what the earlier one had of that.
    fn compare(&mut self, was: &DayFile, is: &DayFile, cost: &mut (Money, Money)) -> bool {
        let mut has_news = false;
        for record in is.records.iter() {
            match was.records.get(record.id) {
                // Less detail, or an earlier copy in another session, is no usage.
                Some(known) if known.fast == record.fast && known.body.same_row(&record.body) => {
                    continue;
                }
                Some(known) => {
                    self.grown += 1;
                    cost.1 = cost.1.plus(known.cost().amount);
                }
                None => self.added += 1,
            }
            has_news = true;
            cost.0 = cost.0.plus(record.cost().amount);
            self.sessions.insert(record.origin.session.clone());
        }
        for (key, sum) in is
            .sums
            .iter()
            .filter(|(key, _)| key.source != Source::Claim)
        {
            if was.sums.get(key).map(|sum| sum.totals) != Some(sum.totals) {
                self.imported.entry(key.source).or_default().insert(key.day);
                has_news = true;
            }
        }
        has_news
    }
}
