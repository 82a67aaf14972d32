//! Printing to standard output, escaped for terminals. Commands print through these functions only.

pub(super) use super::{json, note, out, printed};
