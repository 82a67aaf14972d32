//! Printing to standard output, escaped for terminals. Commands print through this file alone.

pub(super) use super::{json, note, out, printed};
