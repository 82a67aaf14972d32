//! Entries of git's index.

use git2::{IndexEntry, IndexEntryExtendedFlag, IndexTime};

use super::repo::Entry;

/// A merged entry, without what git notes of the file in the work tree.
pub(super) fn index_entry(path: &str, entry: Entry, flags: IndexEntryExtendedFlag) -> IndexEntry {
    let zero = IndexTime::new(0, 0);
    IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode: entry.mode.cast_unsigned(),
        uid: 0,
        gid: 0,
        file_size: 0,
        id: entry.oid,
        flags: 0,
        flags_extended: flags.bits(),
        path: path.as_bytes().to_vec(),
    }
}
