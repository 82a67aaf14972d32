//! Writes the parts that changed, and the machine file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::figures::Figures;
use super::machine_file::{Checksums, Views, blank, fit};
use super::parts::{LocalFiles, Part};
use crate::base::ids::{MachineId, RecordId, SessionId};
use crate::base::time::{Day, Timestamp};
use crate::cache::digest::{FileDigest, digest_day};
use crate::format::dayfile::Damage;
use crate::format::syncfile::{Mode, Session, SyncFile};
use crate::record::{Level, RecordSet};
use crate::store::layout;
use crate::sync::host::Stamp;

/// More sessions than this never fit into a machine file: each takes at least 280 bytes.
const MOST_VIEWS: usize = 1000;

/// More copies of records than this never fit into a machine file: each takes at least 180 bytes.
const MOST_COPIES: usize = 1500;

/// A day file to write.
pub(crate) struct NewDayFile {
    /// Where.
    pub(crate) path: String,
    /// What.
    pub(crate) text: String,
    /// Its digest.
    pub(crate) digest: FileDigest,
}

/// A part as text, with the checksum of each session in it, and with its digest where it changed.
type Rendered = (String, String, Vec<(SessionId, String)>, Option<FileDigest>);

fn render(machine: &MachineId, (day, number): (Day, u32), part: &Part) -> Rendered {
    let (text, sums) = part.file.write();
    let path = layout::day_path(machine, day, number);
    let digest = part
        .changed
        .then(|| digest_day(&path, &part.file, &Damage::default()));
    (path, text, sums.into_iter().collect(), digest)
}

impl LocalFiles {
    /// Gives out the files that changed, some at a time.
    pub(crate) fn write_parts<E>(
        &self,
        mut put: impl FnMut(Vec<NewDayFile>) -> Result<(), E>,
    ) -> Result<Checksums, E> {
        let all = self.parts.iter();
        let parts: Vec<_> = all.filter(|(_, part)| self.is_needed(part)).collect();
        let mut checksums = Checksums::default();
        // Some at a time, so that not all their texts are held at once.
        for some in parts.chunks(rayon::current_num_threads()) {
            let machine = &self.machine;
            let made: Vec<Rendered> = some
                .par_iter()
                .map(|(place, part)| render(machine, **place, part))
                .collect();
            let mut written = Vec::new();
            for (path, text, sums, digest) in made {
                for (session, sum) in sums {
                    if self.touched.contains(&session) {
                        checksums.add(session, &sum);
                    }
                }
                written.extend(digest.map(|digest| NewDayFile { path, text, digest }));
            }
            if !written.is_empty() {
                put(written)?;
            }
        }
        Ok(checksums)
    }

    /// No checksums are wanted: only what changed is rendered.
    pub(crate) fn leave_checksums_out(&mut self) {
        self.touched.clear();
    }

    /// Whether a part is to be written, or the checksum of a touched session needs it.
    fn is_needed(&self, part: &Part) -> bool {
        let mut sessions = part.file.records.entries().map(|entry| entry.session);
        part.changed
            || sessions.any(|session| self.touched.contains(session))
            || part
                .file
                .sums
                .keys()
                .any(|key| self.touched.contains(&key.session))
    }

    /// All files to write, by path, where all of the machine's files were read.
    #[cfg(test)]
    pub(crate) fn write(self, stamp: &Stamp, snapshot: bool) -> BTreeMap<String, Vec<u8>> {
        let mut out = BTreeMap::new();
        let put = |written: Vec<NewDayFile>| -> Result<(), std::convert::Infallible> {
            out.extend(
                written
                    .into_iter()
                    .map(|file| (file.path, file.text.into_bytes())),
            );
            Ok(())
        };
        let Ok(checksums) = self.write_parts(put);
        let figures = Figures::count(self.data(), self.views());
        let (machine, now) = (self.machine.clone(), stamp.now);
        let text = self.write_machine_file(&figures, checksums, stamp);
        if snapshot {
            out.insert(
                layout::snapshot_path(&machine, now),
                text.clone().into_bytes(),
            );
        }
        out.insert(layout::machine_path(&machine), text.into_bytes());
        out
    }

    /// The sessions that the machine file will list: those that were touched, or the last used of
    /// them where it has no room for all.
    pub(crate) fn views(&self) -> BTreeSet<SessionId> {
        let wanted = self.touched.clone();
        if wanted.len() <= MOST_VIEWS {
            return wanted;
        }
        let mut last: HashMap<&SessionId, Timestamp> = HashMap::new();
        for entry in self
            .parts
            .values()
            .flat_map(|part| part.file.records.entries())
            .filter(|entry| wanted.contains(entry.session))
        {
            let slot = last.entry(entry.session).or_insert(entry.at);
            *slot = (*slot).max(entry.at);
        }
        let mut order: Vec<_> = last
            .into_iter()
            .map(|(session, last)| (std::cmp::Reverse(last), session.clone()))
            .collect();
        order.sort();
        order
            .into_iter()
            .take(MOST_VIEWS)
            .map(|(_, session)| session)
            .collect()
    }

    /// The records that this run brought, where the machine file has room for all of them.
    fn brought(&self) -> RecordSet {
        if self.brought.len() > MOST_COPIES {
            return RecordSet::default();
        }
        let copies = |id: &RecordId| {
            self.parts
                .values()
                .filter_map(|part| part.file.records.get(*id))
                .collect::<Vec<_>>()
        };
        self.brought
            .iter()
            .flat_map(copies)
            .filter(|record| record.origin.level == Level::Full)
            .collect()
    }

    /// The machine file as it is, with what was decided since it was read.
    pub(crate) fn draft(&self) -> Option<String> {
        self.machine_file.as_ref().map(SyncFile::write)
    }

    /// The machine file as it is, without the sessions that it lists of the last sync.
    pub(crate) fn without_copies(&self) -> Option<String> {
        let mut file = self.machine_file.clone()?;
        file.sessions.retain(|_, session| session.claimed.is_some());
        Some(file.write())
    }

    /// The text of the machine file with these figures.
    pub(crate) fn write_machine_file(
        self,
        figures: &Figures,
        checksums: Checksums,
        stamp: &Stamp,
    ) -> String {
        let brought = self.brought();
        let mut file = self
            .machine_file
            .unwrap_or_else(|| blank(&self.machine, stamp));
        let claimed: BTreeMap<SessionId, Session> = file
            .sessions
            .iter()
            .filter(|(_, s)| s.claimed.is_some())
            .map(|(id, s)| (id.clone(), s.clone()))
            .collect();
        if !self.touched.is_empty() {
            // It lists the sessions of the last sync that brought something.
            file.sessions.clone_from(&claimed);
        }
        put_stamp(&mut file, stamp);
        put_figures(&mut file, figures);
        let mut views = Views::new(figures, &brought, &self.highest, checksums);
        for id in figures.views.keys().filter(|id| !claimed.contains_key(id)) {
            if let Some(view) = views.session(id) {
                file.sessions.insert(id.clone(), view);
            }
        }
        self.rules.apply_machine_file(&mut file);
        fit(file).write()
    }
}

fn put_stamp(file: &mut SyncFile, stamp: &Stamp) {
    let machine = &mut file.machine;
    machine.hostname.clone_from(&stamp.host.hostname);
    machine.platform.clone_from(&stamp.host.platform);
    machine.os_version.clone_from(&stamp.host.os_version);
    env!("CARGO_PKG_VERSION").clone_into(&mut machine.tracker_version);
    machine.updated_at = stamp.now;
    machine.revision = machine.revision.saturating_add(1);
    match stamp.mode {
        Mode::Full => file.metadata.last_full_sync = Some(stamp.now),
        Mode::Incremental => file.metadata.last_incremental_sync = Some(stamp.now),
    }
    file.metadata.sync_mode = stamp.mode;
}

fn put_figures(file: &mut SyncFile, figures: &Figures) {
    file.metadata.total_sessions = figures.sessions;
    file.metadata.total_usage_records = figures.records;
    file.totals = figures.totals;
    file.first_usage = figures
        .first
        .into_iter()
        .chain(file.claimed.and_then(|claim| claim.first))
        .min();
    file.last_usage = figures.last;
}
