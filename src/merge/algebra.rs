//! The join of two versions of one path: pure functions of bytes, the same in `claude-sync` and in
//! the driver.
//!
//! [`super::trees`] joins whole trees with it, where equal ids need no look inside.

use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::join::Join as _;
use crate::base::time::Day;
use crate::format::FormatError;
use crate::format::dayfile::{Damage, DayFile};
use crate::format::manifest::Manifest;
pub(crate) use crate::format::markers::sides;
use crate::format::syncfile::SyncFile;
use crate::front;
use crate::store::layout::Path;

/// Joins two versions of the file at `path`.
///
/// The manifest is not joined but computed; until then the version of higher rules stands for it,
/// which an older tool leaves alone.
///
/// A version that cannot be read yields to one that can. A version of a later major format is an
/// error: it must not be written over.
pub(crate) fn join(path: &Path, a: &[u8], b: &[u8]) -> Result<Vec<u8>, FormatError> {
    if a == b {
        return Ok(a.to_vec());
    }
    let mut names = Interner::default();
    match path {
        Path::Day(machine, day, _) => {
            let mut read = |bytes| read_day(machine, *day, bytes, &mut names);
            pick(a, b, read(a), read(b), join_days)
        }
        Path::Machine(machine) => {
            let mut read = |bytes| SyncFile::read(machine, bytes, &mut names);
            let join = |a: SyncFile, b| a.join(b).write().into_bytes();
            pick(a, b, read(a), read(b), join)
        }
        Path::Manifest => {
            let rank = |m: &Manifest| (m.basis, m.updated_at);
            let greater = |left: Manifest, right: Manifest| {
                if (rank(&left), a) >= (rank(&right), b) {
                    a.to_vec()
                } else {
                    b.to_vec()
                }
            };
            pick(a, b, Manifest::read(a), Manifest::read(b), greater)
        }
        Path::Readme => Ok(front::join_readme(None, a, b).unwrap_or_else(|| a.max(b).to_vec())),
        Path::Snapshot(_) | Path::Front | Path::Statement | Path::Unknown | Path::Outside => {
            Ok(a.max(b).to_vec())
        }
    }
}

/// Joins two versions of a day file. A new checksum must not hide that an old one failed, unless a
/// version that is sound has the same.
fn join_days((a, harm_a): (DayFile, Damage), (b, harm_b): (DayFile, Damage)) -> Vec<u8> {
    let mut joined = a.clone().join(b.clone());
    let failed = |harm: &Damage, other: &DayFile, sound: &Damage| -> Vec<SessionId> {
        let proven = |session: &SessionId| {
            !sound.checksums.contains(session) && joined.agrees(other, session)
        };
        harm.checksums
            .iter()
            .filter(|session| !proven(session))
            .cloned()
            .collect()
    };
    let suspect = [failed(&harm_a, &b, &harm_b), failed(&harm_b, &a, &harm_a)].concat();
    for session in suspect {
        joined.mark_suspect(&session);
    }
    joined.write().0.into_bytes()
}

/// Whether a file is of a later major format, which this version cannot read.
pub(crate) fn is_newer(path: &Path, bytes: &[u8]) -> bool {
    let mut names = Interner::default();
    let read = match path {
        Path::Day(machine, day, _) => DayFile::read(machine, *day, bytes, &mut names).map(drop),
        Path::Machine(machine) => SyncFile::read(machine, bytes, &mut names).map(drop),
        Path::Manifest => Manifest::read(bytes).map(drop),
        _ => return false,
    };
    matches!(read, Err(FormatError::Newer(_)))
}

/// The file at `path` without the conflict markers that stand in it, between the two versions
/// `ours` and `theirs`.
pub(crate) fn unmark(
    path: &Path,
    bytes: &[u8],
    ours: &[u8],
    theirs: &[u8],
) -> Result<Vec<u8>, FormatError> {
    match path {
        Path::Day(machine, day, _) => read_day(machine, *day, bytes, &mut Interner::default())
            .map(|(file, _)| file.write().0.into_bytes()),
        _ => join(path, ours, theirs),
    }
}

/// Reads a day file; where git's conflict markers stand in it, as the two versions that they came
/// from.
fn read_day(
    machine: &MachineId,
    day: Day,
    bytes: &[u8],
    names: &mut Interner,
) -> Result<(DayFile, Damage), FormatError> {
    let read = DayFile::read(machine, day, bytes, names);
    let Some((ours, theirs)) = sides(bytes) else {
        return read;
    };
    // What a text merge did to checksums is no sign of anything.
    match (
        DayFile::read(machine, day, &ours, names),
        DayFile::read(machine, day, &theirs, names),
    ) {
        (Ok((ours, _)), Ok((theirs, _))) => Ok((ours.join(theirs), Damage::default())),
        _ => read,
    }
}

fn pick<T>(
    a: &[u8],
    b: &[u8],
    left: Result<T, FormatError>,
    right: Result<T, FormatError>,
    join: impl Fn(T, T) -> Vec<u8>,
) -> Result<Vec<u8>, FormatError> {
    match (left, right) {
        (Err(newer @ FormatError::Newer(_)), _) | (_, Err(newer @ FormatError::Newer(_))) => {
            Err(newer)
        }
        (Ok(left), Ok(right)) => Ok(join(left, right)),
        (Ok(_), Err(_)) => Ok(a.to_vec()),
        (Err(_), Ok(_)) => Ok(b.to_vec()),
        (Err(_), Err(_)) => Ok(a.max(b).to_vec()),
    }
}
