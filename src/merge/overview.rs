//! The fleet from digests: what did not change is not read again.
//!
//! Entangled units are read whole and go through [`Fleet::join`]; of all others the sums are added. The result is the same as if all
//! had been read; a property test holds it to that.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::data::{self, Content, MachineData};
use super::digest::{Memory, SessionSum, name};
use super::entangled::entangled;
use super::fleet::{Fleet, Row, Rows};
use super::trees::MergeError;
use super::units::{Unit, units};
use super::{manifest, rows as packed};
use crate::base::few::Few;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::time::Timestamp;
use crate::format::dayfile::DayFile;
use crate::format::manifest::{Conflict, MAX_SESSIONS, Manifest};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::store::layout::Path;

/// A fleet on its way out of the digests.
pub struct Overview<'a> {
    repo: &'a Repo,
    memory: &'a dyn Memory,
    /// The units that share nothing with any other.
    clean: Vec<Unit>,
    /// Sums are those of all units. Sessions are those of entangled units, with what entangled units have of them.
    pub fleet: Fleet,
}

impl<'a> Overview<'a> {
    /// Reads the trees `sync/machines` and `sync/archive`: all machines, or one as if it were alone. Rows of entangled units are shown.
    pub fn read(
        repo: &'a Repo,
        (machines, archive): (Option<Oid>, Option<Oid>),
        only: Option<&MachineId>,
        memory: &'a dyn Memory,
        rows: Rows,
    ) -> Result<Self, MergeError> {
        let (units, gone) = units(repo, machines, archive, memory)?;
        let entangled = entangled(repo, &units, &gone, memory)?;
        let mut fleet: BTreeMap<MachineId, MachineData> = BTreeMap::new();
        let mut names = Interner::default();
        let mut clean = Vec::new();
        let wanted = units.into_iter().zip(entangled).filter(|(unit, _)| only.is_none_or(|only| *only == unit.machine));
        for (unit, entangled) in wanted {
            let data = fleet.entry(unit.machine.clone()).or_insert_with(|| MachineData::new(unit.machine.clone()));
            if entangled {
                for (blob, kind) in unit.files(repo)? {
                    data.add(&blob.path, &kind, data::content(repo, blob.oid)?, &mut names);
                }
                continue;
            }
            if let Some(page) = &unit.digest.page {
                data.page = Some(SyncFile::read(&unit.machine, page.as_bytes(), &mut names));
            }
            for (path, lines) in &unit.digest.damaged {
                data.problems.push(Conflict::about("damaged-lines", path.as_str(), &unit.machine, *lines));
            }
            data.suspect.extend(unit.digest.suspects.iter().map(|id| SessionId::new(names.name(id))));
            clean.push(unit);
        }
        let mut fleet = Fleet::join_rows(fleet.into_values().collect(), rows);
        for unit in &clean {
            fleet.add_sums(&unit.machine, unit.digest.records, unit.digest.totals(), unit.digest.span());
        }
        Ok(Self { repo, memory, clean, fleet })
    }

    /// Completes the views of the sessions that entangled units have, and adds those that were used last; the fleet then knows how
    /// many there are.
    pub fn add_latest_sessions(&mut self) -> Result<(), MergeError> {
        let mut chosen: BTreeSet<SessionId> = self.fleet.sessions.keys().cloned().collect();
        let mut months: Vec<(Timestamp, &Unit)> = self.clean.iter().filter_map(|unit| Some((unit.digest.span()?.1, unit))).collect();
        months.sort_by_key(|(last, _)| std::cmp::Reverse(*last));
        let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (last, unit) in months {
            if later(&seen, last) >= MAX_SESSIONS {
                break;
            }
            for sum in unit.sessions(self.repo, self.memory)? {
                let known = seen.entry(sum.id.clone()).or_insert(Timestamp::EPOCH);
                *known = (*known).max(sum.last());
            }
        }
        let mut latest: Vec<(Timestamp, String)> = seen.into_iter().map(|(id, last)| (last, id)).collect();
        latest.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        chosen.extend(latest.into_iter().take(MAX_SESSIONS).map(|(_, id)| SessionId::new(id.as_str().into())));
        self.add_sessions(&chosen, |_| {})?;
        self.count_sessions();
        Ok(())
    }

    /// Counts the sessions that the fleet has beside those that it lists.
    pub fn count_sessions(&mut self) {
        let mut names: HashSet<u64> = self.fleet.sessions.keys().map(|id| name(id.as_str())).collect();
        names.reserve(self.clean.iter().map(|unit| unit.names.len()).sum());
        self.clean.iter().for_each(|unit| names.extend(unit.names.iter()));
        self.fleet.unlisted = (names.len() as u64).saturating_sub(self.fleet.sessions.len() as u64);
    }

    /// Adds what clean units have of some sessions, and shows it.
    pub fn add_sessions(&mut self, some: &BTreeSet<SessionId>, mut show: impl FnMut(&SessionSum)) -> Result<(), MergeError> {
        let wanted = Few::of(some.iter().map(|id| name(id.as_str())));
        let ids: HashSet<&str> = some.iter().map(SessionId::as_str).collect();
        for unit in self.clean.iter().filter(|unit| unit.names.iter().any(|name| wanted.has(*name))) {
            for sum in unit.sessions(self.repo, self.memory)?.iter().filter(|sum| ids.contains(sum.id.as_str())) {
                self.fleet.add_session(&unit.machine, sum);
                show(sum);
            }
        }
        Ok(())
    }

    /// Shows the rows of clean units, or at least those that are not before `since`.
    pub fn show_rows(&self, since: Option<Timestamp>, rows: Rows) -> Result<(), MergeError> {
        let mut names = Interner::default();
        let late = |unit: &&Unit| since.is_none_or(|since| unit.digest.span().is_none_or(|(_, last)| last >= since));
        for unit in self.clean.iter().filter(|unit| !unit.is_page).filter(late) {
            let Some(machine) = self.fleet.place(&unit.machine) else { continue };
            for (blob, kind) in unit.files(self.repo)? {
                let mut shown = None;
                self.memory.rows(&blob.path, blob.oid, &mut |bytes| shown = packed::unpack(bytes, machine, rows));
                if shown.is_none()
                    && let Content::Bytes(bytes) = data::content(self.repo, blob.oid)?
                    && let Path::Day(_, day, _) = kind
                    && let Ok((file, _)) = DayFile::read(&unit.machine, day, &bytes, &mut names)
                {
                    file.records.entries().for_each(|entry| rows(&Row::of(&entry, machine)));
                }
            }
        }
        Ok(())
    }
}

/// How many sessions were used after `time`.
fn later(seen: &BTreeMap<String, Timestamp>, time: Timestamp) -> usize {
    seen.values().filter(|last| **last > time).count()
}

/// Computes the manifest of the trees `sync/machines` and `sync/archive`.
pub fn manifest(repo: &Repo, machines: Option<Oid>, archive: Option<Oid>, rules: u64, memory: &dyn Memory) -> Result<Manifest, MergeError> {
    manifest_and_scraps(repo, machines, archive, rules, memory).map(|(manifest, _)| manifest)
}

/// As [`manifest()`], with what was held. A process that ends right after may forget it: freeing all of it takes longer than computing.
pub fn manifest_and_scraps<'a>(
    repo: &'a Repo,
    machines: Option<Oid>,
    archive: Option<Oid>,
    rules: u64,
    memory: &'a dyn Memory,
) -> Result<(Manifest, Overview<'a>), MergeError> {
    let mut overview = Overview::read(repo, (machines, archive), None, memory, &mut |_| {})?;
    overview.add_latest_sessions()?;
    Ok((manifest::compute(&overview.fleet, machines, archive, rules), overview))
}
