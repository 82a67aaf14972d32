//! The manifest below a tree: whether it is there, and whether it must be computed anew.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::options::{Options, Task};
use super::starts::Starts;
use super::view::View;
use crate::base::progress::Step;
use crate::fleet::read::{self, Content};
use crate::format::conflict::{Code, Concern};
use crate::format::manifest::{Basis, Conflict, Manifest};
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

/// A tree whose manifest a later version of this tool computed, with the manifest that fits it, if
/// a commit that the tree is joined from has that one.
///
/// This version cannot compute it, and a join of two does not know which of them is stale: machines
/// of this version would push the stale one again and again.
pub(super) fn with_fitting_manifest<'a>(
    view: View<'a>,
    stored: Stored,
    starts: &Starts,
    basis: Basis,
) -> Result<(View<'a>, Stored), SyncError> {
    let fits = |manifest: &Manifest| -> Result<bool, SyncError> {
        Ok(manifest.inputs == Some(view.inputs()?.inputs()))
    };
    let is_later = |manifest: &&Manifest| manifest.basis > basis;
    let Some(own) = stored.readable().filter(is_later) else {
        return Ok((view, stored));
    };
    if fits(own)? {
        return Ok((view, stored));
    }
    for commit in starts.commits() {
        let other = View::of_commit(view.repo, commit, view.cache)?;
        let candidate = Stored::read(other)?;
        let Some(manifest) = candidate.readable().filter(is_later) else {
            continue;
        };
        if let Some(entry) = other
            .entry(MANIFEST)?
            .filter(|_| manifest.basis >= own.basis)
            && fits(manifest)?
        {
            let changes = BTreeMap::from([(MANIFEST.to_owned(), entry)]);
            return Ok((view.with(&changes)?, candidate));
        }
    }
    Ok((view, stored))
}

/// A tree with its manifest, and what that contains.
pub(super) struct Derived {
    pub(crate) tree: Oid,
    pub(crate) machines: usize,
    pub(crate) problems: Vec<Conflict>,
    /// What a later version of this tool computed the manifest by; it was kept.
    pub(crate) newer: Option<Basis>,
}

/// Whether a manifest stays as it is: it fits the trees beside it, or computing it is another
/// tool's business.
fn is_kept(view: View<'_>, old: &Manifest, options: &Options) -> Result<bool, SyncError> {
    let fits = old.inputs == Some(view.inputs()?.inputs());
    // A run that writes this machine's files has adopted it before.
    let foreign = old.is_foreign() && options.task != Task::Sync;
    // Computing it has the index follow, which reports read.
    let is_asked = options.rederive || view.cache.is_cold();
    let fresh = fits && old.basis == options.basis && !is_asked;
    Ok(old.basis > options.basis || foreign || fresh)
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
            newer: (old.basis > options.basis).then_some(old.basis),
        });
    }
    let _doing = options.watcher.begin(Step::Manifest, 0);
    let new = view.manifest(options.basis)?;
    let oid = view.repo.write_file(MANIFEST, new.write().as_bytes())?;
    options.watcher.did(|| format!("wrote {MANIFEST} as {oid}"));
    let entry = Entry { mode: FILE, oid };
    let changes = BTreeMap::from([(MANIFEST.to_owned(), entry)]);
    Ok(Derived {
        tree: view.with(&changes)?.root,
        machines: new.machines.len(),
        problems: problems(&new.conflicts),
        newer: None,
    })
}

/// Counts without writing a manifest, where a later tool wrote it. Records do not wait for it.
pub(super) fn count_only(view: View<'_>, basis: Basis) -> Result<Derived, SyncError> {
    let computed = view.manifest(basis)?;
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
        newer: None,
    })
}

fn problems(conflicts: &[Conflict]) -> Vec<Conflict> {
    conflicts
        .iter()
        .filter(|conflict| conflict.code.concern() != Concern::Join)
        .cloned()
        .collect()
}
