//! Takes git's conflict markers out of files that somebody committed them in.

use std::collections::BTreeMap;

use super::join::LeftOut;
use crate::fleet::read::Content;
use crate::format::manifest::Conflict;
use crate::git::repo::{Entry, FILE};
use crate::merge::algebra;
use crate::store::layout;
use crate::sync::error::SyncError;
use crate::sync::view::View;

/// Whether git's conflict markers stand in a file.
pub(super) fn has_markers(view: View<'_>, path: &str) -> Result<bool, SyncError> {
    let content = view.content(path)?;
    Ok(matches!(content, Some(Content::Bytes(bytes)) if algebra::sides(&bytes).is_some()))
}

/// Joins the two versions between the markers of files that cannot be read for them. The result
/// depends on the file alone, so that two machines that do this make the same bytes.
pub(super) fn resolve_markers(
    view: View<'_>,
    problems: &[Conflict],
    left_out: &LeftOut,
) -> Result<BTreeMap<String, Entry>, SyncError> {
    let mut changes = BTreeMap::new();
    let unreadable = problems
        .iter()
        .filter(|problem| ["malformed", "damaged-lines"].contains(&problem.code.as_str()));
    for path in unreadable.map(|problem| &problem.subject) {
        let Some(Content::Bytes(bytes)) = view.content(path)? else {
            continue;
        };
        // Of an encrypted file both sides must be authentic: else it waits for somebody who has a
        // version that is.
        if left_out.iter().any(|(left, _)| left == path) {
            continue;
        }
        let Some((ours, theirs)) = algebra::sides(&bytes) else {
            continue;
        };
        let kind = layout::Path::parse(path);
        if let Ok(joined) = algebra::unmark(&kind, &bytes, &ours, &theirs) {
            let oid = view.repo.write_file(path, &joined)?;
            changes.insert(path.clone(), Entry { mode: FILE, oid });
        }
    }
    Ok(changes)
}
