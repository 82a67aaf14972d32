//! Whole versions of a repository in memory, and their join: what `merge::trees` must make of trees in a repository.

use std::collections::BTreeMap;

use claude_sync::format::FormatError;
use claude_sync::merge::algebra::join;
use claude_sync::store::layout::Path;

/// Everything below `sync` in one version of a repository: content by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// What two versions of a repository make together: every path that either has, and both versions joined where both have it.
///
/// Laws as in `base::join`, the manifest apart: that is computed from the result.
pub fn join_trees(a: &Tree, b: &Tree) -> Result<Tree, FormatError> {
    let mut out = a.clone();
    for (path, theirs) in b {
        let joined = match a.get(path) {
            Some(mine) if mine != theirs => join(&Path::parse(path), mine, theirs)?,
            _ => theirs.clone(),
        };
        out.insert(path.clone(), joined);
    }
    Ok(out)
}
