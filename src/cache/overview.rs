//! The fleet from digests: what did not change is not read again.
//!
//! Overlapping portions are read whole and counted by [`Fleet::count`]; of all others the totals
//! are added. The result is the same as if all had been read; a property test compares the two.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::memo::Cache;
use super::months::{Digested, digested};
use super::overlap::overlapping;
use super::rows as packed;
use super::session::{SessionSum, name};
use crate::base::id_set::SmallIdSet;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::time::Timestamp;
use crate::fleet::decisions::PRICE;
use crate::fleet::read::{self, Content, InputTrees, MachineData};
use crate::fleet::{DataError, Fleet, Row, Rows, book, manifest};
use crate::format::dayfile::DayFile;
use crate::format::manifest::{Basis, Conflict, MAX_SESSIONS, Manifest};
use crate::format::syncfile::SyncFile;
use crate::git::repo::Repo;
use crate::prices::{PriceBook, Prices};
use crate::store::layout::Path;

/// A fleet on its way out of the digests.
pub(crate) struct Overview<'a> {
    repo: &'a Repo,
    cache: &'a dyn Cache,
    /// The portions that share nothing with any other.
    independent: Vec<Digested>,
    /// Totals are those of all portions. Sessions are those of overlapping portions, with what
    /// these have of them.
    pub(crate) fleet: Fleet,
}

impl<'a> Overview<'a> {
    /// Reads all machines, or one as if it were alone. Rows of overlapping portions are shown.
    pub(crate) fn read(
        repo: &'a Repo,
        trees: InputTrees,
        only: Option<&MachineId>,
        cache: &'a dyn Cache,
        rows: Rows,
    ) -> Result<Self, DataError> {
        let (portions, gone, left) = digested(repo, trees, None, cache)?;
        let mut overlapping = overlapping(repo, &portions, &gone, cache)?;
        // A machine's own figures are by the built-in prices, as its machine file states them.
        let book = if only.is_none() {
            price_book(&portions)
        } else {
            PriceBook::default()
        };
        add_repriced(&mut overlapping, &portions, &book, repo, cache)?;
        let all = portions.into_iter().zip(overlapping);
        let wanted = all.filter(|(one, _)| only.is_none_or(|id| *id == one.portion.machine));
        let (mut machines, independent) = gather(repo, wanted)?;
        if only.is_none() {
            read::name_left_out(left, &mut machines);
        }
        let mut fleet = Fleet::count_by(machines.into_values().collect(), book, rows);
        for one in &independent {
            fleet.records = fleet.records.saturating_add(one.digest.records);
            let place = fleet.place(&one.portion.machine);
            if let Some((at, window)) = place.zip(one.digest.span()) {
                fleet.count_for(at, one.digest.totals(), window);
            }
        }
        Ok(Self {
            repo,
            cache,
            independent,
            fleet,
        })
    }

    /// Completes the views of the sessions that overlapping portions have, and adds those that were
    /// used last; the fleet then knows how many there are.
    pub(crate) fn add_latest_sessions(&mut self) -> Result<(), DataError> {
        let mut chosen: BTreeSet<SessionId> = self.fleet.sessions.keys().cloned().collect();
        let mut months: Vec<(Timestamp, &Digested)> = self
            .independent
            .iter()
            .filter_map(|one| Some((one.digest.span()?.last, one)))
            .collect();
        months.sort_by_key(|(last, _)| std::cmp::Reverse(*last));
        let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (last, one) in months {
            if later(&seen, last) >= MAX_SESSIONS {
                break;
            }
            for sum in one.sessions(self.repo, self.cache)? {
                let known = seen.entry(sum.id.clone()).or_insert(Timestamp::EPOCH);
                *known = (*known).max(sum.last());
            }
        }
        let mut latest: Vec<(Timestamp, String)> =
            seen.into_iter().map(|(id, last)| (last, id)).collect();
        latest.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        chosen.extend(
            latest
                .into_iter()
                .take(MAX_SESSIONS)
                .map(|(_, id)| SessionId::new(id.as_str().into())),
        );
        self.add_sessions(&chosen, |_| {})?;
        self.count_sessions();
        Ok(())
    }

    /// Counts the sessions that the fleet has beside those that it lists.
    pub(crate) fn count_sessions(&mut self) {
        let mut names: HashSet<u64> = self
            .fleet
            .sessions
            .keys()
            .map(|id| name(id.as_str()))
            .collect();
        names.reserve(self.independent.iter().map(|one| one.names.len()).sum());
        self.independent
            .iter()
            .for_each(|one| names.extend(one.names.iter()));
        self.fleet.unlisted = (names.len() as u64).saturating_sub(self.fleet.sessions.len() as u64);
    }

    /// Adds what independent portions have of some sessions, and shows it.
    pub(crate) fn add_sessions(
        &mut self,
        some: &BTreeSet<SessionId>,
        mut show: impl FnMut(&SessionSum),
    ) -> Result<(), DataError> {
        let wanted = SmallIdSet::of(some.iter().map(|id| name(id.as_str())));
        let ids: HashSet<&str> = some.iter().map(SessionId::as_str).collect();
        for one in self
            .independent
            .iter()
            .filter(|one| one.names.iter().any(|name| wanted.has(*name)))
        {
            for sum in one
                .sessions(self.repo, self.cache)?
                .iter()
                .filter(|sum| ids.contains(sum.id.as_str()))
            {
                let Some(at) = self.fleet.place(&one.portion.machine) else {
                    continue;
                };
                let view = self.fleet.session(&SessionId::new(sum.id.as_str().into()));
                view.totals = view.totals.plus(sum.totals());
                view.machines.insert(at);
                view.last = view.last.max(Some(sum.last()));
                let (first, project) = sum.first();
                view.begins(first, &project);
                show(sum);
            }
        }
        Ok(())
    }

    /// Shows the rows of independent portions, or at least those that are not before `since`.
    pub(crate) fn show_rows(&self, since: Option<Timestamp>, rows: Rows) -> Result<(), DataError> {
        let mut names = Interner::default();
        let late = |one: &&Digested| {
            since.is_none_or(|since| one.digest.span().is_none_or(|span| span.last >= since))
        };
        for one in self
            .independent
            .iter()
            .filter(|one| !one.portion.is_machine_file)
            .filter(late)
        {
            let Some(machine) = self.fleet.place(&one.portion.machine) else {
                continue;
            };
            for (blob, kind) in one.portion.files(self.repo)? {
                let mut shown = None;
                self.cache.rows(&blob.path, blob.oid, &mut |bytes| {
                    shown = packed::unpack(bytes, machine, rows);
                });
                if shown.is_none()
                    && let Content::Bytes(bytes) = read::content(self.repo, &blob.path, blob.oid)?
                    && let Path::Day(_, day, _) = kind
                    && let Ok((file, _)) =
                        DayFile::read(&one.portion.machine, day, &bytes, &mut names)
                {
                    file.records
                        .entries()
                        .for_each(|entry| rows(&Row::of(&entry, machine)));
                }
            }
        }
        Ok(())
    }
}

/// The machines, with the records of overlapping portions (those that are flagged), and all other
/// portions.
fn gather(
    repo: &Repo,
    portions: impl Iterator<Item = (Digested, bool)>,
) -> Result<(BTreeMap<MachineId, MachineData>, Vec<Digested>), DataError> {
    let mut machines: BTreeMap<MachineId, MachineData> = BTreeMap::new();
    let mut names = Interner::default();
    let mut independent = Vec::new();
    for (one, overlaps) in portions {
        let machine = &one.portion.machine;
        let data = machines.entry(machine.clone());
        let data = data.or_insert_with(|| MachineData::new(machine.clone()));
        if overlaps {
            for (blob, kind) in one.portion.files(repo)? {
                let content = read::content(repo, &blob.path, blob.oid)?;
                data.add(&blob.path, &kind, content, &mut names);
            }
        } else {
            data.is_vouched |= one.digest.is_vouched;
            add_digest(data, &one, &mut names);
            independent.push(one);
        }
    }
    Ok((machines, independent))
}

/// Adds what a digest has beside totals to its machine.
fn add_digest(data: &mut MachineData, one: &Digested, names: &mut Interner) {
    let (machine, digest) = (&one.portion.machine, &one.digest);
    if let Some(file) = &digest.machine_file {
        data.machine_file = Some(SyncFile::read(machine, file.as_bytes(), names));
    }
    for (path, code, lines) in &digest.damaged {
        let conflict = Conflict::about(code.clone(), path.as_str(), machine, *lines);
        data.problems.push(conflict);
    }
    let suspects = digest.suspects.iter();
    data.suspect
        .extend(suspects.map(|id| SessionId::new(names.name(id))));
}

/// Marks portions whose cost the price book changes as overlapping, so that they are read whole.
fn add_repriced(
    overlapping: &mut [bool],
    portions: &[Digested],
    book: &PriceBook,
    repo: &Repo,
    cache: &dyn Cache,
) -> Result<(), DataError> {
    if book.0.is_empty() {
        return Ok(());
    }
    let prices = Prices::new(book.clone());
    for (one, overlaps) in portions.iter().zip(overlapping) {
        if !one.portion.is_machine_file && !*overlaps {
            *overlaps = repriced(one, &prices, repo, cache)?;
        }
    }
    Ok(())
}

/// The fleet's price book, from the machine files in the digests.
fn price_book(portions: &[Digested]) -> PriceBook {
    let mut names = Interner::default();
    let files = portions
        .iter()
        .filter_map(|one| Some((&one.portion.machine, one.digest.machine_file.as_ref()?)));
    // Few machines set any, and parsing all their files takes time.
    let files: Vec<SyncFile> = files
        .filter(|(_, text)| text.contains(&format!("\"{PRICE}\"")))
        .filter_map(|(id, text)| SyncFile::read(id, text.as_bytes(), &mut names).ok())
        .collect();
    book::gather(files.iter())
}

/// Whether the book changes what a portion costs: digests are by the built-in prices. Records
/// without a session may be of any model.
fn repriced(
    one: &Digested,
    prices: &Prices,
    repo: &Repo,
    cache: &dyn Cache,
) -> Result<bool, DataError> {
    let sessions = one.sessions(repo, cache)?;
    let listed: u64 = sessions.iter().map(|sum| sum.totals().requests).sum();
    let bare =
        listed < one.digest.totals().requests || sessions.iter().any(|sum| sum.id.is_empty());
    Ok(bare
        || sessions
            .iter()
            .flat_map(|sum| &sum.models)
            .any(|model| prices.is_own(model)))
}

/// How many sessions were used after `time`.
fn later(seen: &BTreeMap<String, Timestamp>, time: Timestamp) -> usize {
    seen.values().filter(|last| **last > time).count()
}

/// Computes the manifest.
pub(crate) fn manifest(
    repo: &Repo,
    trees: InputTrees,
    basis: Basis,
    cache: &dyn Cache,
) -> Result<Manifest, DataError> {
    manifest_and_scraps(repo, trees, basis, cache).map(|(manifest, _)| manifest)
}

/// As [`manifest()`], with what was held. A process that ends right after may forget it: freeing
/// all of it takes longer than computing.
pub(crate) fn manifest_and_scraps<'a>(
    repo: &'a Repo,
    trees: InputTrees,
    basis: Basis,
    cache: &'a dyn Cache,
) -> Result<(Manifest, Overview<'a>), DataError> {
    let mut overview = Overview::read(repo, trees, None, cache, &mut |_| {})?;
    overview.add_latest_sessions()?;
    Ok((manifest::compute(&overview.fleet, trees, basis), overview))
}
