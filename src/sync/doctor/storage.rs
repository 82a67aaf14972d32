//! What was stored: git's objects and the local index.

use super::check::Check;
use super::installation::Installation;
use super::text::size as bytes;
use crate::base::text::count;
use crate::cache::index::Index;
use crate::git::bulk::{GC_AUTO, measure};

/// A history of so many bytes is not what records make.
const LARGE: u64 = 1_000_000_000;

/// How large the repository is, and whether git should tidy it up.
pub(crate) fn size(here: &Installation) -> Check {
    const NAME: &str = "size";
    let Some(repo) = here.repo() else {
        return Check::skipped(NAME, "there is no repository to look at");
    };
    let bulk = measure(&repo.common_folder().join("objects"));
    let what = format!(
        "{} of objects: {}, {}",
        bytes(bulk.bytes),
        count(bulk.loose, "loose file"),
        count(bulk.packs, "pack")
    );
    let auto = repo
        .config()
        .ok()
        .and_then(|config| config.get_i64("gc.auto").ok());
    let limit = auto
        .and_then(|auto| u64::try_from(auto).ok())
        .filter(|auto| *auto > 0)
        .unwrap_or(GC_AUTO);
    if bulk.loose > limit {
        let why = if auto == Some(0) {
            ": gc.auto is 0, so that git never tidies up"
        } else {
            ", more than git leaves alone"
        };
        return Check::note(NAME, format!("{what}{why}"), "claude-sync git gc");
    }
    if bulk.bytes > LARGE {
        return Check::note(
            NAME,
            what,
            "see what is in it: claude-sync git count-objects -vH, claude-sync git log --stat",
        );
    }
    Check::ok(NAME, what)
}

/// The local index.
pub(crate) fn index(here: &Installation) -> Check {
    const NAME: &str = "index";
    let state = &here.places.state;
    match Index::defect(state) {
        Some(what) => {
            let advice =
                "claude-sync verify --repair makes it anew: it costs time and nothing else";
            Check::warning(NAME, format!("the local index is damaged: {what}"), advice)
        }
        None if Index::peek(state).is_none() => {
            Check::ok(NAME, "there is none yet: the next sync makes it")
        }
        None => Check::ok(NAME, "sound"),
    }
}
