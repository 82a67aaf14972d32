//! Which of this machine's files a run needs: of a long history a few, found by the digests of the others.

use std::collections::{BTreeSet, HashSet};

use super::SyncError;
use super::accounts::Others;
use super::own::Own;
use super::page::Figures;
use crate::base::id_set::{SmallIdSet, low_bits};
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::time::Day;
use crate::cache::Cache;
use crate::cache::digest::FileDigest;
use crate::cache::fingerprints::Sought;
use crate::cache::months::{self, Digested};
use crate::cache::overview::Overview;
use crate::cache::session::name;
use crate::fleet::read::{self, Content};
use crate::fleet::rules::forgotten_day;
use crate::format::dayfile::DayFile;
use crate::git::Oid;
use crate::git::repo::{Blob, Entry, Repo};
use crate::record::{Record, RecordSet, State};
use crate::store::layout::{self, Path};

/// This machine's files below a root tree.
pub(super) struct Files<'a> {
    repo: &'a Repo,
    cache: &'a dyn Cache,
    machine: &'a MachineId,
    page: Option<Entry>,
    months: Vec<Digested>,
    /// The months of all others.
    others: Vec<Digested>,
    /// Some file of the fleet has sums, or records without an id of their own: shortening may have to be settled.
    pub has_sums: bool,
}

impl<'a> Files<'a> {
    /// Lists them.
    pub fn of(
        repo: &'a Repo,
        root: Oid,
        machine: &'a MachineId,
        cache: &'a dyn Cache,
    ) -> Result<Self, SyncError> {
        let page = repo.entry(Some(root), &layout::machine_path(machine))?;
        let (all, ..) =
            months::digested(repo, read::inputs(repo, Some(root))?, Some(machine), cache)?;
        let has_sums = all
            .iter()
            .any(|one| one.digest.sums.is_some() || one.digest.derived);
        let days = all.into_iter().filter(|one| !one.portion.is_machine_file);
        let (months, others) = days.partition(|one| one.portion.machine == *machine);
        Ok(Self {
            repo,
            cache,
            machine,
            page,
            months,
            others,
            has_sums,
        })
    }

    /// Reads the page, and every day file too if `all` is wanted.
    pub fn open(&self, all: bool) -> Result<Own, SyncError> {
        let mut own = Own::new(self.machine);
        own.continues = !self.months.is_empty();
        if let Some(entry) = self.page {
            own.read(
                &layout::machine_path(self.machine),
                read::content(self.repo, &layout::machine_path(self.machine), entry.oid)?,
            )?;
        }
        if all {
            self.read(&mut own, |_| Ok(true), |_, _| Ok(true))?;
        }
        Ok(own)
    }

    /// Reads what adding these records may change: files that have them, and the days that new ones go to.
    pub fn read_for(&self, own: &mut Own, records: &RecordSet) -> Result<(), SyncError> {
        if self.months.is_empty() {
            return Ok(());
        }
        let mut wanted: HashSet<u64> = records.entries().map(|entry| entry.id.number()).collect();
        let copies = own.copies();
        wanted.extend(copies.iter().map(|record| record.id.number()));
        let sought = Sought::of(wanted.iter().map(|id| low_bits(*id)));
        let has = |one: &Digested| {
            Ok(!one
                .fingerprints_among(&sought, self.repo, self.cache)?
                .is_empty())
        };
        self.read(own, has, |_, digest| {
            Ok(digest()?.is_none_or(|file| file.ids.iter().any(|(id, _)| wanted.contains(id))))
        })?;
        let fresh = || {
            records
                .entries()
                .filter(|entry| !own.holds(entry.id))
                .map(|entry| (entry.at, entry.session))
        };
        let lost = copies
            .iter()
            .filter(|record| !own.holds(record.id))
            .map(|record| (record.origin.timestamp, &record.origin.session));
        let (mut days, mut sessions): (BTreeSet<Day>, BTreeSet<SessionId>) =
            (BTreeSet::new(), BTreeSet::new());
        for (at, session) in fresh().chain(lost) {
            days.insert(at.day());
            if !sessions.contains(session) {
                sessions.insert(session.clone());
            }
        }
        let months: BTreeSet<String> = days.iter().map(|day| month(self.machine, *day)).collect();
        self.read(
            own,
            |one| Ok(months.contains(&one.portion.path)),
            |day, _| Ok(days.contains(&day)),
        )?;
        let names = SmallIdSet::of(sessions.iter().map(|id| name(id.as_str())));
        let ids: HashSet<&str> = sessions.iter().map(SessionId::as_str).collect();
        for one in self
            .months
            .iter()
            .filter(|one| one.names.iter().any(|name| names.has(*name)))
        {
            for sum in one
                .sessions(self.repo, self.cache)?
                .iter()
                .filter(|sum| ids.contains(sum.id.as_str()))
            {
                own.given(&sum.id, sum.highest);
            }
        }
        Ok(())
    }

    /// Reads the files of months with records that retention no longer allows the details of.
    pub fn read_detailed(&self, own: &mut Own, before: Day) -> Result<(), SyncError> {
        let has = |one: &Digested| Ok(one.digest.days().1.is_some_and(|day| day < before));
        self.read(own, has, |_, _| Ok(true))
    }

    /// What other machines have of accounts that began with the same requests: a session may be forked where its original was never
    /// read.
    pub fn others(&self, states: &[State]) -> Result<Others, SyncError> {
        let first = |state: &State| {
            if state.before.is_none() {
                state.first
            } else {
                None
            }
        };
        let sought = Sought::of(
            states
                .iter()
                .filter_map(first)
                .map(|id| low_bits(id.number())),
        );
        let lineages: HashSet<RecordId> = states.iter().map(|state| state.lineage).collect();
        let mut names = Interner::default();
        let mut out = Others::default();
        for one in self
            .others
            .iter()
            .filter(|_| states.iter().any(|state| first(state).is_some()))
        {
            if one
                .fingerprints_among(&sought, self.repo, self.cache)?
                .is_empty()
            {
                continue;
            }
            for (blob, kind) in one.portion.files(self.repo)? {
                let Path::Day(machine, day, _) = &kind else {
                    continue;
                };
                if let Content::Bytes(bytes) = read::content(self.repo, &blob.path, blob.oid)?
                    && let Ok((file, _)) = DayFile::read(machine, *day, &bytes, &mut names)
                {
                    let is_kin = |record: &&Record| {
                        record
                            .ledger
                            .as_ref()
                            .is_some_and(|ledger| lineages.contains(&ledger.lineage))
                    };
                    out.increments
                        .extend(file.records.increments().filter(is_kin).cloned());
                    for entry in file.records.entries().filter(|entry| !entry.ledger) {
                        out.requests
                            .entry(entry.session.clone())
                            .or_default()
                            .push((entry.at, entry.id));
                    }
                }
            }
        }
        Ok(out)
    }

    /// Reads the files that hold ids of forgotten records.
    pub fn read_forgotten(&self, own: &mut Own) -> Result<(), SyncError> {
        let path = month(self.machine, forgotten_day());
        self.read(
            own,
            |one| Ok(one.portion.path == path),
            |day, _| Ok(day == forgotten_day()),
        )
    }

    /// Reads all files of the sessions that were touched: a session's checksum is over all its days.
    pub fn read_touched(&self, own: &mut Own) -> Result<(), SyncError> {
        let touched = own.needed();
        let names = SmallIdSet::of(touched.iter().map(|id| name(id.as_str())));
        let ids: HashSet<&str> = touched.iter().map(SessionId::as_str).collect();
        let has = |one: &Digested| Ok(one.names.iter().any(|name| names.has(*name)));
        self.read(own, has, |_, digest| {
            let of = |file: FileDigest| {
                file.sessions
                    .iter()
                    .any(|sum| ids.contains(sum.id.as_str()))
            };
            Ok(digest()?.is_none_or(of))
        })
    }

    /// Reads the files of some months that `wanted` picks and that were not read before.
    fn read(
        &self,
        own: &mut Own,
        months: impl Fn(&Digested) -> Result<bool, SyncError>,
        wanted: impl Fn(
            Day,
            &mut dyn FnMut() -> Result<Option<FileDigest>, SyncError>,
        ) -> Result<bool, SyncError>,
    ) -> Result<(), SyncError> {
        let mut names = Interner::default();
        for one in &self.months {
            if !months(one)? {
                continue;
            }
            for (blob, kind) in one.portion.files(self.repo)? {
                let Path::Day(_, day, number) = kind else {
                    continue;
                };
                let mut digest = || {
                    Ok(months::file(
                        self.repo, self.cache, &blob, &kind, &mut names,
                    )?)
                };
                if !own.has((day, number)) && wanted(day, &mut digest)? {
                    let Blob { path, oid, .. } = &blob;
                    own.read(path, read::content(self.repo, path, *oid)?)?;
                }
            }
        }
        Ok(())
    }
}

/// The folder of a machine's month.
fn month(machine: &MachineId, day: Day) -> String {
    let path = layout::day_path(machine, day, 1);
    path.rsplit_once('/')
        .map_or(String::new(), |(folder, _)| folder.to_owned())
}

/// What a root tree says of one machine, for its page.
pub(super) fn figures(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    wanted: BTreeSet<SessionId>,
    cache: &dyn Cache,
) -> Result<Figures, SyncError> {
    let mut models = std::collections::HashMap::new();
    let inputs = read::inputs(repo, Some(root))?;
    let mut overview = Overview::read(repo, inputs, Some(machine), cache, &mut |row| {
        Figures::see(&wanted, &mut models, row);
    })?;
    overview.add_sessions(&wanted, |sum| {
        models
            .entry(SessionId::new(sum.id.as_str().into()))
            .or_default()
            .extend(sum.models.iter().cloned());
    })?;
    overview.count_sessions();
    Ok(Figures::of(&overview.fleet, wanted, models))
}
