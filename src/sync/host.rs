//! How this machine describes itself in its machine file.

use crate::base::time::Timestamp;
use crate::format::syncfile::Mode;

/// The machine as its machine file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// Its name, or a pseudonym.
    pub hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub platform: String,
    /// The system's name and version.
    pub os_version: String,
    /// A hash of the system's own id, which differs from that of all other computers; empty where
    /// there is none.
    pub fingerprint: String,
}

/// When and how a machine file is written.
#[derive(Debug, Clone)]
pub struct Stamp<'a> {
    /// The clock.
    pub now: Timestamp,
    /// The run's mode.
    pub mode: Mode,
    /// The machine.
    pub host: &'a Host,
}
