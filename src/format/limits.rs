//! The version of the format, and the sizes up to which files are read.

/// The version that this tool writes: 1.0 plus optional fields.
pub(crate) const VERSION: &str = "1.1";

/// The largest day file that is read, in bytes. A part is closed at 1 MB, so only a join of many
/// clones could exceed it.
pub(crate) const MAX_DAY_FILE: usize = 64 << 20;

/// The largest sync file that is read, in bytes. Ours have at most 256 KB; those of version 1.0
/// hold a machine's whole history.
pub(crate) const MAX_SYNC_FILE: usize = 64 << 20;

/// The largest manifest that is read, in bytes.
pub(crate) const MAX_MANIFEST: usize = 16 << 20;

/// The most sessions in one file that is read. A day file of 1 MB has a few thousand.
pub(crate) const MAX_FILE_SESSIONS: usize = 100_000;
