//! Which of this machine's stored files a run must read: of a long history a few, found by the
//! digests of the others.

use std::collections::{BTreeSet, HashSet};

use super::accounts::Others;
use super::parts::LocalFiles;
use crate::base::id_set::{SmallIdSet, low_bits};
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::time::Day;
use crate::cache::digest::FileDigest;
use crate::cache::fingerprints::Sought;
use crate::cache::months::{self, Digested};
use crate::cache::session::name;
use crate::fleet::read::{self, Content};
use crate::fleet::rules::forgotten_day;
use crate::format::dayfile::DayFile;
use crate::git::repo::{Blob, Entry};
use crate::record::{Record, RecordSet, State};
use crate::store::layout::{self, Path};
use crate::sync::error::SyncError;
use crate::sync::view::View;

/// This machine's files below a root tree.
pub(crate) struct StoredFiles<'a> {
    view: View<'a>,
    machine: &'a MachineId,
    machine_file: Option<Entry>,
    months: Vec<Digested>,
    /// The months of all others.
    others: Vec<Digested>,
    /// Some file of the fleet has sums, or records without an id of their own: pruning may have to
    /// be settled.
    pub(crate) has_sums: bool,
}

impl<'a> StoredFiles<'a> {
    /// Lists them.
    pub(crate) fn of(view: View<'a>, machine: &'a MachineId) -> Result<Self, SyncError> {
        let machine_file = view.entry(&layout::machine_path(machine))?;
        let all = view.digested(machine)?;
        let has_sums = all
            .iter()
            .any(|one| one.digest.sums.is_some() || one.digest.derived);
        let days = all.into_iter().filter(|one| !one.portion.is_machine_file);
        let (months, others) = days.partition(|one| one.portion.machine == *machine);
        Ok(Self {
            view,
            machine,
            machine_file,
            months,
            others,
            has_sums,
        })
    }

    /// Reads the machine file, and every day file too if `all` is wanted.
    pub(crate) fn open(&self, all: bool) -> Result<LocalFiles, SyncError> {
        let mut own = LocalFiles::new(self.machine);
        own.continues = !self.months.is_empty();
        if let Some(entry) = self.machine_file {
            own.read(
                &layout::machine_path(self.machine),
                read::content(
                    self.view.repo,
                    &layout::machine_path(self.machine),
                    entry.oid,
                )?,
            )?;
        }
        if all {
            self.read(&mut own, |_| Ok(true), |_, _| Ok(true))?;
        }
        Ok(own)
    }

    /// Reads what adding these records may change: files that have them, and the days that new ones
    /// go to.
    pub(crate) fn read_for(
        &self,
        own: &mut LocalFiles,
        records: &RecordSet,
    ) -> Result<(), SyncError> {
        if self.months.is_empty() {
            return Ok(());
        }
        let copies = own.copies();
        self.read_holders(own, records, &copies)?;
        let fresh = records
            .entries()
            .filter(|entry| !own.holds(entry.id))
            .map(|entry| (entry.at, entry.session));
        let lost = copies
            .iter()
            .filter(|record| !own.holds(record.id))
            .map(|record| (record.origin.timestamp, &record.origin.session));
        let (mut days, mut sessions): (BTreeSet<Day>, BTreeSet<SessionId>) =
            (BTreeSet::new(), BTreeSet::new());
        for (at, session) in fresh.chain(lost) {
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
        self.note_indexes(own, &sessions)
    }

    /// Reads the files that have one of these records, found by fingerprints of their ids.
    fn read_holders(
        &self,
        own: &mut LocalFiles,
        records: &RecordSet,
        copies: &[Record],
    ) -> Result<(), SyncError> {
        let mut wanted: HashSet<u64> = records.entries().map(|entry| entry.id.number()).collect();
        wanted.extend(copies.iter().map(|record| record.id.number()));
        let sought = Sought::of(wanted.iter().map(|id| low_bits(*id)));
        let has = |one: &Digested| {
            Ok(!one
                .fingerprints_among(&sought, self.view.repo, self.view.cache)?
                .is_empty())
        };
        self.read(own, has, |_, digest| {
            Ok(digest()?.is_none_or(|file| file.ids.iter().any(|(id, _)| wanted.contains(id))))
        })
    }

    /// Takes note of the indexes that sessions gave out in files that are not read.
    fn note_indexes(
        &self,
        own: &mut LocalFiles,
        sessions: &BTreeSet<SessionId>,
    ) -> Result<(), SyncError> {
        let names = SmallIdSet::of(sessions.iter().map(|id| name(id.as_str())));
        let ids: HashSet<&str> = sessions.iter().map(SessionId::as_str).collect();
        for one in self
            .months
            .iter()
            .filter(|one| one.names.iter().any(|name| names.has(*name)))
        {
            for sum in one
                .sessions(self.view.repo, self.view.cache)?
                .iter()
                .filter(|sum| ids.contains(sum.id.as_str()))
            {
                own.given(&sum.id, sum.highest);
            }
        }
        Ok(())
    }

    /// Reads the files of months with records that retention no longer allows the details of.
    pub(crate) fn read_detailed(&self, own: &mut LocalFiles, before: Day) -> Result<(), SyncError> {
        let has = |one: &Digested| Ok(one.digest.days().1.is_some_and(|day| day < before));
        self.read(own, has, |_, _| Ok(true))
    }

    /// What other machines have of accounts that began with the same requests: a session may be
    /// forked where its original was never read.
    pub(crate) fn others(&self, states: &[State]) -> Result<Others, SyncError> {
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
        if states.iter().all(|state| first(state).is_none()) {
            return Ok(out);
        }
        let (repo, cache) = (self.view.repo, self.view.cache);
        for one in &self.others {
            if one.fingerprints_among(&sought, repo, cache)?.is_empty() {
                continue;
            }
            for (blob, kind) in one.portion.files(repo)? {
                let Path::Day(machine, day, _) = &kind else {
                    continue;
                };
                if let Content::Bytes(bytes) = read::content(repo, &blob.path, blob.oid)?
                    && let Ok((file, _)) = DayFile::read(machine, *day, &bytes, &mut names)
                {
                    out.add(&file, &lineages);
                }
            }
        }
        Ok(out)
    }

    /// Reads the files that hold ids of forgotten records.
    pub(crate) fn read_forgotten(&self, own: &mut LocalFiles) -> Result<(), SyncError> {
        let path = month(self.machine, forgotten_day());
        self.read(
            own,
            |one| Ok(one.portion.path == path),
            |day, _| Ok(day == forgotten_day()),
        )
    }

    /// Reads all files of the sessions that were touched: a session's checksum is over all its
    /// days.
    pub(crate) fn read_touched(&self, own: &mut LocalFiles) -> Result<(), SyncError> {
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
        own: &mut LocalFiles,
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
            for (blob, kind) in one.portion.files(self.view.repo)? {
                let Path::Day(_, day, number) = kind else {
                    continue;
                };
                let mut digest = || {
                    Ok(months::file(
                        self.view.repo,
                        self.view.cache,
                        &blob,
                        &kind,
                        &mut names,
                    )?)
                };
                if !own.has((day, number)) && wanted(day, &mut digest)? {
                    let Blob { path, oid, .. } = &blob;
                    own.read(path, read::content(self.view.repo, path, *oid)?)?;
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
