//! What is known of a file's sealing before it is opened, and where statements about keys lie.

use crate::base::text::printable;

/// How a sealed file begins.
pub(super) const MAGIC: &str = "claude-sync-sealed ";

/// The way of sealing that this version knows.
pub(super) const VERSION: &str = "1";

/// The folder of statements, each under the mark of the key that was replaced.
const KEYS: &str = "sync/keys";

/// The first line of a sealed file. Nothing vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The way of sealing.
    pub(crate) version: &'a str,
    /// The mark of the key.
    pub(crate) mark: &'a str,
    /// The path that it is sealed for.
    pub(crate) path: &'a str,
}

impl Head<'_> {
    /// Whether this version knows the way of sealing.
    pub(crate) fn is_known(&self) -> bool {
        self.version == VERSION
    }
}

/// Whether a file is a set of lines.
pub(super) fn is_set(path: &str) -> bool {
    path.strip_suffix(".jsonl").is_some()
}

/// Whether a file is sealed.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

/// The first line of a file, where it is sealed. One that cannot be read is that of a later
/// version.
pub(crate) fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let later = Head {
        version: "",
        mark: "",
        path: "",
    };
    let first = bytes
        .strip_prefix(MAGIC.as_bytes())?
        .split(|b| *b == b'\n')
        .next()?;
    let words: Vec<_> = std::str::from_utf8(first)
        .unwrap_or_default()
        .splitn(3, ' ')
        .collect();
    let [version, mark, path] = words[..] else {
        return Some(later);
    };
    Some(Head {
        version,
        mark,
        path,
    })
}

/// The mark of the key that sealed a file, where it is sealed.
pub(crate) fn mark(bytes: &[u8]) -> Option<String> {
    head(bytes).map(|head| printable(head.mark, 20))
}

/// Whether a path is that of a statement about a key that was replaced.
pub(crate) fn is_statement_path(path: &str) -> bool {
    let mark = path
        .strip_prefix(KEYS)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_default();
    mark.len() == 8
        && mark
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The path of the statement about the key of a mark.
pub(crate) fn statement_path(mark: &str) -> String {
    format!("{KEYS}/{mark}")
}
