//! Names as other programs show them.

use crate::base::text::printable;

/// A name with control characters, and characters that reorder text, escaped.
pub(super) fn shown(text: &str) -> String {
    printable(text, usize::MAX)
}
