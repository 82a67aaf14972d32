//! What a cache of digests does.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::digest::{Digest, FileDigest, PortionDigest};
use super::session::SessionSum;
use crate::fleet::enforce::Checked;
use crate::fleet::read::Portion;
use crate::fleet::rules::Rules;
use crate::git::Oid;

/// A portion in the cache. Its sessions are asked for when they are needed.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The blob or tree that it was made from.
    pub(crate) oid: Oid,
    /// It was compared with all other portions that are known as compared, and shares no record
    /// with any.
    pub(crate) compared: bool,
    /// The fingerprint of the rules that it was found to keep; 0 where it was not asked.
    pub(crate) rules: u64,
    /// Figures.
    pub(crate) digest: Rc<Digest>,
    /// How many fingerprints it has: see [`PortionDigest::fingerprints()`].
    pub(crate) fingerprints: usize,
    /// See [`PortionDigest::names`].
    pub(crate) names: Rc<[u64]>,
}

impl Known {
    /// Whether a portion that was found to keep some rules keeps these.
    pub(crate) fn keeps(&self, portion: &Portion, rules: &Rules) -> bool {
        if self.oid != portion.oid {
            return false;
        }
        let (first, detailed) = self.digest.days();
        let by_days = portion.is_machine_file
            || (self.digest.sums.is_none() && rules.allow_days(&portion.machine, first, detailed));
        by_days && self.rules == fingerprint(portion, rules)
    }
}

/// What is noted of a portion that keeps the rules. Whether a month keeps those that go by days,
/// its digest shows.
pub(crate) fn fingerprint(portion: &Portion, rules: &Rules) -> u64 {
    rules.fingerprint(portion.is_machine_file.then_some(&portion.machine))
}

/// A file for the cache: its path, its blob and its digest.
pub(crate) type FileEntry = (String, Oid, FileDigest);

/// Takes the path of each portion, what it was made from, and its fingerprints.
pub(crate) type ShowFingerprints<'s> = &'s mut dyn FnMut(&str, Oid, &[[u8; 4]]);

/// Keeps digests under the ids of the objects that they were made from. A cache that loses them
/// costs time only.
pub(crate) trait Cache: Checked {
    /// It can keep digests, and has none that this version made: reports would read everything.
    fn is_cold(&self) -> bool {
        false
    }
    /// All portions that are known, by path.
    fn portions(&self) -> BTreeMap<String, Known>;
    /// The text of a machine file, if it was digested from this blob.
    fn machine_file(&self, path: &str, blob: Oid) -> Option<String> {
        let known = self.portions().remove(path);
        let known = known.filter(|known| known.oid == blob)?;
        known.digest.machine_file.clone()
    }
    /// The sessions of a portion, if they were made from this blob or tree.
    fn sessions(&self, portion: &str, oid: Oid) -> Option<Vec<SessionSum>>;
    /// Shows the fingerprints of a portion, as little-endian numbers, if they were made from this
    /// blob or tree.
    fn fingerprints(&self, portion: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]]));
    /// Shows the fingerprints of all portions, as [`Self::fingerprints`] does for one.
    /// Asking for each of thousands takes longer. A cache may show none: each is asked for then.
    fn all_fingerprints(&self, _show: ShowFingerprints<'_>) {}
    /// A file's digest without its rows, if it was made from this blob.
    fn file(&self, path: &str, blob: Oid) -> Option<FileDigest>;
    /// Shows a file's rows, if they were made from this blob.
    fn rows(&self, path: &str, blob: Oid, show: &mut dyn FnMut(&[u8]));
    /// Keeps files.
    fn keep_files(&self, files: &[FileEntry]);
    /// Keeps a portion, not compared yet.
    fn keep_portion(&self, path: &str, oid: Oid, portion: &PortionDigest);
    /// Drops what is kept of a portion: it is another one now, which cannot be kept. Kept, it would
    /// still count as compared with portions that come in its absence.
    fn drop_portion(&self, path: &str);
    /// Keeps which portions were compared, and which are to be compared again.
    fn keep_compared(&self, compared: &[&str], others: &[&str]);
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoCache;

impl Checked for NoCache {
    fn keeps(&self, _: &Portion, _: &Rules) -> bool {
        false
    }

    fn note(&self, _: &Portion, _: &Rules) {}
}

impl Cache for NoCache {
    fn portions(&self) -> BTreeMap<String, Known> {
        BTreeMap::new()
    }

    fn sessions(&self, _: &str, _: Oid) -> Option<Vec<SessionSum>> {
        None
    }

    fn fingerprints(&self, _: &str, _: Oid, _: &mut dyn FnMut(&[[u8; 4]])) {}

    fn file(&self, _: &str, _: Oid) -> Option<FileDigest> {
        None
    }

    fn rows(&self, _: &str, _: Oid, _: &mut dyn FnMut(&[u8])) {}

    fn keep_files(&self, _: &[FileEntry]) {}

    fn keep_portion(&self, _: &str, _: Oid, _: &PortionDigest) {}

    fn drop_portion(&self, _: &str) {}

    fn keep_compared(&self, _: &[&str], _: &[&str]) {}
}
