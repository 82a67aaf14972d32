//! How this machine describes itself in its machine file.

use crate::base::time::Timestamp;
use crate::format::syncfile::Mode;

/// The machine as its machine file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Host {
    /// Its name, or a pseudonym.
    pub(crate) hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub(crate) platform: String,
    /// The system's name and version.
    pub(crate) os_version: String,
    /// A hash of the system's own id, which differs from that of all other computers; empty where
    /// there is none.
    pub(crate) fingerprint: String,
}

/// When and how a machine file is written.
#[derive(Debug, Clone)]
pub(crate) struct Stamp<'a> {
    /// The clock.
    pub(crate) now: Timestamp,
    /// The run's mode.
    pub(crate) mode: Mode,
    /// The machine.
    pub(crate) host: &'a Host,
}
