//! The manifest below a tree: whether it is there, and whether it must be computed anew.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::options::{Options, Task};
use super::view::View;
use crate::base::progress::Step;
use crate::fleet::read::{self, Content};
use crate::format::conflict::Code;
use crate::format::manifest::{Conflict, Manifest};
use crate::format::{FormatError, MAX_MANIFEST};
use crate::git::Oid;
use crate::git::repo::{Entry, FILE};
use crate::store::layout::MANIFEST;

/// The manifest that is stored below a tree.
pub(super) enum Stored {
    Readable(Box<Manifest>),
    /// There is none that can be read: it is computed anew.
    Unreadable,
    /// A later major version: it is left alone.
    Newer,
}

impl Stored {
    /// Reads the manifest.
    pub(crate) fn read(view: View<'_>) -> Result<Self, SyncError> {
        let Some(entry) = view.entry(MANIFEST)?.filter(|entry| entry.mode == FILE) else {
            return Ok(Self::Unreadable);
        };
        if !view.repo.is_blob_within(entry.oid, MAX_MANIFEST)? {
            return Ok(Self::Unreadable);
        }
        Ok(match read::content(view.repo, MANIFEST, entry.oid)? {
            Content::Bytes(bytes) => match Manifest::read(&bytes) {
                Ok(manifest) => Self::Readable(Box::new(manifest)),
                Err(FormatError::Newer(_)) => Self::Newer,
                Err(_) => Self::Unreadable,
            },
            Content::TooLarge(_) | Content::Refused(_) => Self::Unreadable,
        })
    }

    pub(crate) fn readable(&self) -> Option<&Manifest> {
        match self {
            Self::Readable(manifest) => Some(manifest),
            Self::Unreadable | Self::Newer => None,
        }
    }
}

/// A tree with its manifest, and what that contains.
pub(super) struct Derived {
    pub(crate) tree: Oid,
    pub(crate) machines: usize,
    pub(crate) problems: Vec<Conflict>,
    /// The rules of a manifest that a later version of this tool computed; it was kept.
    pub(crate) newer_rules: Option<u64>,
}

/// Whether a manifest stays as it is: it fits the trees beside it, or computing it is another
/// tool's business.
fn is_kept(view: View<'_>, old: &Manifest, options: &Options) -> Result<bool, SyncError> {
    let fits = old.inputs == Some(view.inputs()?.inputs());
    // A run that writes this machine's files has adopted it before.
    let foreign = old.is_foreign() && options.task != Task::Sync;
    // Computing it has the index follow, which reports read.
    let is_asked = options.rederive || view.cache.is_cold();
    let fresh = fits && old.rules == options.rules && !is_asked;
    Ok(old.rules > options.rules || foreign || fresh)
}

/// Computes the manifest anew, where the one that is there does not stay.
pub(super) fn derive(
    view: View<'_>,
    old: Option<&Manifest>,
    options: &Options,
) -> Result<Derived, SyncError> {
    if let Some(old) = old
        && is_kept(view, old, options)?
    {
        return Ok(Derived {
            tree: view.root,
            machines: old.machines.len(),
            problems: problems(&old.conflicts),
            newer_rules: (old.rules > options.rules).then_some(old.rules),
        });
    }
    let _doing = options.watcher.begin(Step::Manifest, 0);
    let new = view.manifest(options.rules)?;
    let oid = view.repo.write_file(MANIFEST, new.write().as_bytes())?;
    options.watcher.did(|| format!("wrote {MANIFEST} as {oid}"));
    let entry = Entry { mode: FILE, oid };
    let changes = BTreeMap::from([(MANIFEST.to_owned(), entry)]);
    Ok(Derived {
        tree: view.with(&changes)?.root,
        machines: new.machines.len(),
        problems: problems(&new.conflicts),
        newer_rules: None,
    })
}

/// Counts without writing a manifest, where a later tool wrote it. Records do not wait for it.
pub(super) fn count_only(view: View<'_>, rules: u64) -> Result<Derived, SyncError> {
    let computed = view.manifest(rules)?;
    let mut problems = problems(&computed.conflicts);
    problems.push(Conflict {
        code: Code::NewerVersion,
        subject: MANIFEST.to_owned(),
        machines: Vec::new(),
        count: 0,
    });
    Ok(Derived {
        tree: view.root,
        machines: computed.machines.len(),
        problems,
        newer_rules: None,
    })
}

fn problems(conflicts: &[Conflict]) -> Vec<Conflict> {
    conflicts
        .iter()
        .filter(|conflict| conflict.code != Code::Joined)
        .cloned()
        .collect()
}
