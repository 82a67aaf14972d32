//! What was stored: git's objects and the local index.

use std::path::Path;

use super::check::Check;
use super::installation::Installation;
use super::text::{show, size as bytes};
use crate::base::text::{count, printable};
use crate::cache::index::Index;
use crate::git::ASIDE;
use crate::git::bulk::{GC_AUTO, measure, parts};

/// A clone of so many bytes is more than records make of most fleets, and may fill the disk.
const LARGE: u64 = 1_000_000_000;

/// How large the repository is, and whether git should tidy it up.
pub(crate) fn size(here: &Installation) -> Check {
    const NAME: &str = "size";
    let Some(repo) = here.repo() else {
        return Check::skipped(NAME, "there is no repository to look at");
    };
    let folder = repo.common_folder();
    let bulk = measure(&folder.join("objects"));
    let auto = repo
        .config()
        .ok()
        .and_then(|config| config.get_i64("gc.auto").ok());
    let limit = auto
        .and_then(|auto| u64::try_from(auto).ok())
        .filter(|auto| *auto > 0)
        .unwrap_or(GC_AUTO);
    let untidy = match auto {
        _ if bulk.loose <= limit => "",
        Some(0) => ": gc.auto is 0, so that git never tidies up",
        _ => ", more than git leaves alone",
    };
    let what = format!(
        "{} of objects: {}, {}{untidy}",
        bytes(bulk.bytes),
        count(bulk.loose, "loose file"),
        count(bulk.packs, "pack")
    );
    let parts = parts(folder);
    let all = parts
        .iter()
        .fold(0_u64, |all, (size, _)| all.saturating_add(*size));
    match parts.iter().max() {
        Some((size, largest)) if all > LARGE => {
            let mut what = format!("{} in .git; {what}", bytes(all));
            if largest != "objects" {
                let name = printable(largest, 100);
                what.push_str(&format!("; {} of it in {name}", bytes(*size)));
            }
            Check::warning(NAME, what, advice(folder, largest))
        }
        _ if untidy.is_empty() => Check::ok(NAME, what),
        _ => Check::note(NAME, what, "claude-sync git gc"),
    }
}

/// What to do about a clone that is large by this part of its `.git`.
fn advice(folder: &Path, largest: &str) -> String {
    let path = show(&folder.join(largest));
    match largest {
        "objects" => "claude-sync git gc --prune=now; if that does not help, see what is in it: \
                      claude-sync git count-objects -vH, claude-sync git log --stat"
            .to_owned(),
        ASIDE => {
            format!("it holds what was damaged: if claude-sync verify finds nothing, delete {path}")
        }
        _ => format!("claude-sync writes nothing so large there: see what is in {path}"),
    }
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
