//! Digests: what a file, and what a portion (a machine file, or one machine's month), contributes
//! to the fleet.
//!
//! They are kept under the ids of the very objects that they were made from, so that only changed
//! files are read again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use super::rows;
use super::session::{SessionSum, name};
use super::stored::Sums;
use crate::base::id_set::low_bits;
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::time::{Day, Timestamp};
use crate::base::window::{Span, Window};
use crate::fleet::decisions;
use crate::fleet::limits::Weight;
use crate::format::FormatError;
use crate::format::conflict::Code;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::syncfile::SyncFile;
use crate::record::{Level, Record, Totals};
use crate::store::layout::Path;

/// The figures of a file or a portion, without its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Digest {
    /// The number of its records.
    pub(crate) records: u64,
    totals: Sums,
    /// Its first and its last millisecond.
    span: Option<(i64, i64)>,
    /// The first time of which more than the day is known.
    detailed: Option<i64>,
    /// It has sums: requests from when to when are compared with them.
    pub(crate) sums: Option<Span>,
    /// It has records without an id of their own, or some that are known to be others.
    pub(crate) derived: bool,
    /// What could not be read: the file, the code of what is wrong with it, and how many of its
    /// lines; 0 for all of it.
    pub(crate) damaged: Vec<(String, Code, u64)>,
    /// Sessions with a checksum that failed.
    pub(crate) suspects: Vec<String>,
    /// Of a machine file: all of it but the view of the last sync.
    pub(crate) machine_file: Option<String>,
    /// Of a portion: its machine file cannot be read, or two of its files share a record. It is
    /// read whole.
    pub(crate) whole: bool,
    /// Of a portion: what reading it costs.
    pub(crate) weight: Weight,
    /// Of a portion: the sum of its records' ids, without overflow.
    pub(crate) ids: u64,
    /// Of some file more is known than that it may not be read.
    pub(crate) is_vouched: bool,
}

impl Digest {
    /// What counts in it.
    pub(crate) fn totals(&self) -> Totals {
        self.totals.into()
    }

    /// Its first and its last request.
    pub(crate) fn span(&self) -> Option<Window> {
        let time = |millis| Timestamp::from_millis(millis).unwrap_or(Timestamp::EPOCH);
        self.span.map(|(first, last)| Window {
            first: time(first),
            last: time(last),
        })
    }

    /// Its first day, and the first one of which details are there.
    pub(crate) fn days(&self) -> (Option<Day>, Option<Day>) {
        let day = |millis: Option<i64>| millis.and_then(Timestamp::from_millis).map(Timestamp::day);
        (day(self.span.map(|span| span.0)), day(self.detailed))
    }

    fn add_record(&mut self, record: &Record) {
        let at = record.origin.timestamp.millis();
        self.records += 1;
        self.totals.add(Totals::of(record));
        self.span = both(self.span, Some((at, at)));
        self.derived |= record.derived || !record.twins.is_empty();
        if record.origin.level > Level::Bare {
            self.detailed = Some(self.detailed.map_or(at, |first| first.min(at)));
        }
    }

    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.totals.add(other.totals());
        self.span = both(self.span, other.span);
        self.detailed = self.detailed.into_iter().chain(other.detailed).min();
        self.sums = all_of(self.sums.into_iter().chain(other.sums));
        self.derived |= other.derived;
        self.damaged.extend(other.damaged);
        self.suspects.extend(other.suspects);
        self.machine_file = self.machine_file.take().or(other.machine_file);
        self.is_vouched |= other.is_vouched;
    }
}

/// The span that all of these are within; none of none.
fn all_of(spans: impl IntoIterator<Item = Span>) -> Option<Span> {
    spans.into_iter().reduce(Span::hull)
}

/// The first and the last of two pairs of a first and a last.
fn both(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (only, None) | (None, only) => only,
    }
}

/// The ids of a file's records, each with a hash of all of the record.
pub(crate) type Ids = Vec<(u64, u64)>;

/// A file's digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FileDigest {
    /// Figures.
    pub(crate) digest: Digest,
    /// By session, sorted.
    pub(crate) sessions: Vec<SessionSum>,
    /// Its records' ids, sorted.
    pub(crate) ids: Ids,
    /// Its records for reports, packed as the cursor over rows reads them.
    pub(crate) rows: Vec<u8>,
}

/// A portion's digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PortionDigest {
    /// Figures.
    pub(crate) digest: Digest,
    /// Its records' ids, sorted by their fingerprints.
    pub(crate) ids: Vec<u64>,
    /// A hash of each session's id, sorted.
    pub(crate) names: Vec<u64>,
    /// By session, sorted.
    pub(crate) sessions: Vec<SessionSum>,
}

impl FileDigest {
    /// Of a day file that cannot be read, or may not be: nothing of it counts.
    pub(crate) fn unreadable(path: &str, code: Code, is_refused: bool) -> Self {
        let digest = Digest {
            damaged: vec![(path.to_owned(), code, 0)],
            is_vouched: !is_refused,
            ..Digest::default()
        };
        Self {
            digest,
            ..Self::default()
        }
    }
}

impl PortionDigest {
    /// The fingerprint of each record's id, sorted.
    pub(crate) fn fingerprints(&self) -> impl ExactSizeIterator<Item = u32> {
        self.ids.iter().map(|id| low_bits(*id))
    }

    /// Sums files up. None stands for a machine file that cannot be read.
    pub(crate) fn of(files: impl IntoIterator<Item = Option<FileDigest>>) -> Self {
        let mut out = Self::default();
        let mut sessions: BTreeMap<String, SessionSum> = BTreeMap::new();
        let mut ids: Vec<u64> = Vec::new();
        for file in files {
            let Some(file) = file else {
                out.digest.whole = true;
                continue;
            };
            out.digest.add(file.digest);
            ids.extend(file.ids.iter().map(|(id, _)| *id));
            for sum in file.sessions {
                match sessions.get_mut(&sum.id) {
                    Some(known) => known.add(&sum),
                    None => drop(sessions.insert(sum.id.clone(), sum)),
                }
            }
        }
        ids.sort_unstable();
        out.digest.whole |= ids.windows(2).any(|pair| pair[0] == pair[1]);
        out.digest.ids = ids.iter().fold(0, |sum, id| sum.wrapping_add(*id));
        ids.sort_unstable_by_key(|id| (low_bits(*id), *id));
        out.ids = ids;
        out.names = sessions.keys().map(|id| name(id)).collect();
        out.names.sort_unstable();
        out.sessions = sessions.into_values().collect();
        out
    }
}

/// Digests a file; for one that cannot be read, or is none of those that count, the code of what is
/// wrong with it.
pub(crate) fn digest(
    path: &str,
    kind: &Path,
    bytes: &[u8],
    names: &mut Interner,
) -> Result<FileDigest, Code> {
    match kind {
        Path::Day(machine, day, _) => {
            let (file, damage) =
                DayFile::read(machine, *day, bytes, names).map_err(|error| error.code())?;
            Ok(digest_day(path, &file, &damage))
        }
        Path::Machine(machine) => {
            digest_machine_file(machine, bytes, names).map_err(|error| error.code())
        }
        _ => Err(Code::Malformed),
    }
}

/// Digests a day file.
pub(crate) fn digest_day(path: &str, file: &DayFile, damage: &Damage) -> FileDigest {
    let mut sums: BTreeMap<SessionId, SessionSum> = BTreeMap::new();
    let mut out = FileDigest::default();
    out.digest.is_vouched = true;
    for record in file.records.iter() {
        out.digest.add_record(&record);
        out.ids.push((record.id.number(), content_hash(&record)));
        // A bare record has no session.
        if record.origin.level > Level::Bare {
            match sums.get_mut(&record.origin.session) {
                Some(sum) => sum.add_record(&record),
                None => drop(sums.insert(record.origin.session.clone(), SessionSum::of(&record))),
            }
        }
    }
    let forgotten = file.forgotten.iter().map(|one| one.id);
    let noted: BTreeSet<RecordId> = forgotten.chain(file.kept()).collect();
    out.ids.extend(noted.into_iter().map(|id| (id.number(), 0)));
    // In one order, independent of the hash map's.
    out.ids.sort_unstable();
    out.digest.sums = all_of(file.sums.iter().map(|(key, sum)| sum.reach(key)));
    if damage.lines > 0 {
        out.digest
            .damaged
            .push((path.to_owned(), Code::DamagedLines, damage.lines));
    }
    let suspects: BTreeSet<&SessionId> = damage.checksums.iter().chain(file.suspects()).collect();
    out.digest.suspects = suspects.into_iter().map(ToString::to_string).collect();
    out.sessions = sums.into_values().collect();
    out.rows = rows::pack(&file.records);
    out
}

fn digest_machine_file(
    machine: &MachineId,
    bytes: &[u8],
    names: &mut Interner,
) -> Result<FileDigest, FormatError> {
    let mut file = SyncFile::read(machine, bytes, names)?;
    let mut out = FileDigest::default();
    out.digest.is_vouched = true;
    for record in file
        .sessions
        .values()
        .flat_map(|session| session.records.iter())
    {
        out.ids.push((record.id.number(), content_hash(&record)));
        out.digest.derived |= record.derived;
    }
    // Sessions of one machine file may repeat a record; together they state it once.
    out.ids.sort_unstable();
    out.ids.dedup();
    out.digest.sums = claims(&file);
    file.sessions.retain(|_, session| session.claimed.is_some());
    out.digest.machine_file = Some(file.write());
    Ok(out)
}

/// From when to when requests are compared with what a machine file claims.
fn claims(file: &SyncFile) -> Option<Span> {
    let span = |window: Option<Window>| window.map_or(Span::ALL, Window::span);
    let of_sessions = file
        .sessions
        .values()
        .filter(|session| session.claimed.is_some())
        .map(|session| span(session.claim_window()));
    let all = file.claimed.iter().map(|_| span(file.claim_window()));
    let adopted = decisions::adopted([file].into_iter())
        .into_iter()
        .flat_map(|manifest| manifest.machines.into_values())
        .map(|entry| span(entry.first_seen.zip(entry.last_usage).map(Window::from)));
    all_of(of_sessions.chain(all).chain(adopted))
}

/// A hash of all of a record. Two copies with equal hashes need not be joined.
fn content_hash(record: &Record) -> u64 {
    let mut hash = DefaultHasher::new();
    let body = &record.body;
    (
        record.id,
        record.derived,
        record.fast,
        record.index,
        &record.origin,
        &record.twins,
    )
        .hash(&mut hash);
    (
        &body.model,
        body.counters,
        &body.service_tier,
        &body.inference_geo,
        body.provisional,
        body.sidechain,
    )
        .hash(&mut hash);
    (body.cost, body.recorded_cost, &record.ledger).hash(&mut hash);
    for (key, value) in &record.extra {
        (key, value.to_string()).hash(&mut hash);
    }
    hash.finish()
}
