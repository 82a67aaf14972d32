//! Fingerprints: the low 32 bits of records' ids, enough to show that two portions share none.
//!
//! A long history has many, and a run asks for few of them: those of a known portion stay in the
//! cache, and some are asked for there.

use std::borrow::Cow;

use super::digest::PortionDigest;
use super::memo::{Cache, Known};
use crate::base::id_set::{Bits, low_bits};
use crate::fleet::DataError;
use crate::fleet::read::Portion;

/// A portion's fingerprints, sorted.
#[derive(Debug)]
pub(crate) enum Fingerprints {
    /// They were made in this run.
    Here {
        /// All of them.
        all: Vec<u32>,
        /// Those that the portion did not have when it was last compared with all others; none
        /// where it never was.
        fresh: Option<Vec<u32>>,
    },
    /// The cache has so many of them.
    Kept(usize),
}

impl Fingerprints {
    /// Of a portion that was made now, in place of the known one.
    pub(crate) fn made(
        made: &PortionDigest,
        before: Option<&Known>,
        path: &str,
        cache: &dyn Cache,
    ) -> Self {
        let mut fresh = None;
        if let Some(before) = before.filter(|before| before.compared) {
            cache.fingerprints(path, before.oid, &mut |old| {
                fresh = gained(
                    &made.ids,
                    old,
                    made.digest.ids.wrapping_sub(before.digest.ids),
                );
            });
        }
        Self::Here {
            all: made.fingerprints().collect(),
            fresh,
        }
    }

    /// Whether the cache has them.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Here { all, .. } => all.len(),
            Self::Kept(count) => *count,
        }
    }

    /// Those that the last comparison has not seen, where that is known.
    pub(crate) fn fresh(&self) -> Option<&[u32]> {
        match self {
            Self::Here { fresh, .. } => fresh.as_deref(),
            Self::Kept(_) => None,
        }
    }

    /// All; `make` makes them anew where the cache has lost them.
    pub(crate) fn all(
        &self,
        portion: &Portion,
        cache: &dyn Cache,
        make: impl FnOnce() -> Result<Vec<u32>, DataError>,
    ) -> Result<Cow<'_, [u32]>, DataError> {
        if let Self::Here { all, .. } = self {
            return Ok(all.into());
        }
        let mut out = None;
        let read = |kept: &[[u8; 4]]| {
            kept.iter()
                .map(|one| u32::from_le_bytes(*one))
                .collect::<Vec<_>>()
        };
        cache.fingerprints(&portion.path, portion.oid, &mut |kept| {
            out = Some(read(kept));
        });
        out.map_or_else(make, Ok).map(Cow::from)
    }

    /// Those that are sought; where many are, also a few that are not.
    pub(crate) fn among(
        &self,
        sought: &Sought,
        portion: &Portion,
        cache: &dyn Cache,
        make: impl FnOnce() -> Result<Vec<u32>, DataError>,
    ) -> Result<Vec<u32>, DataError> {
        if let Self::Here { all, .. } = self {
            return Ok(sought.among(all, |one| one));
        }
        let mut out = None;
        cache.fingerprints(&portion.path, portion.oid, &mut |kept| {
            out = Some(sought.among(kept, u32::from_le_bytes));
        });
        out.map_or_else(|| Ok(sought.among(&make()?, |one| one)), Ok)
    }
}

/// The fingerprints of those ids that `old` has not; all are sorted by fingerprint. None unless the
/// ids gained add up to `sum`: another id may have come with the fingerprint of one that went.
fn gained(ids: &[u64], old: &[[u8; 4]], sum: u64) -> Option<Vec<u32>> {
    let mut old = old
        .iter()
        .map(|fingerprint| u32::from_le_bytes(*fingerprint))
        .peekable();
    let mut left = sum;
    let mut out = Vec::new();
    for id in ids {
        let fingerprint = low_bits(*id);
        while old.next_if(|old| *old < fingerprint).is_some() {}
        // Each of the old fingerprints stands for one id.
        if old.next_if_eq(&fingerprint).is_none() {
            left = left.wrapping_sub(*id);
            out.push(fingerprint);
        }
    }
    (left == 0).then_some(out)
}

/// Marks that are looked for in units.
pub(crate) struct Sought {
    bits: Bits,
    /// All of them, sorted, where they are few.
    few: Option<Vec<u32>>,
}

/// Up to so many are sorted.
const FEW: usize = 4096;

impl Sought {
    /// These.
    pub(crate) fn of(fingerprints: impl Iterator<Item = u32> + Clone) -> Self {
        let count = fingerprints.clone().count();
        let mut bits = Bits::for_count(count);
        for fingerprint in fingerprints.clone() {
            bits.put(fingerprint);
        }
        Self::with(bits, count, fingerprints)
    }

    /// These, whose bits were put already.
    pub(crate) fn with(bits: Bits, count: usize, fingerprints: impl Iterator<Item = u32>) -> Self {
        let few = (count <= FEW).then(|| {
            let mut few: Vec<u32> = fingerprints.collect();
            few.sort_unstable();
            few.dedup();
            few
        });
        Self { bits, few }
    }

    /// Whether a fingerprint is looked for, or has its bit with one that is.
    pub(crate) fn may_have(&self, fingerprint: u32) -> bool {
        self.bits.has(fingerprint)
    }

    /// Those of a portion's sorted fingerprints that are looked for; where many are, also a few
    /// that are not.
    pub(super) fn among<T: Copy>(&self, fingerprints: &[T], number: impl Fn(T) -> u32) -> Vec<u32> {
        let Some(few) = &self.few else {
            return fingerprints
                .iter()
                .map(|fingerprint| number(*fingerprint))
                .filter(|fingerprint| self.bits.has(*fingerprint))
                .collect();
        };
        // A search takes about as many steps as the length has bits.
        if few.len() * 16 < fingerprints.len() {
            let is_there = |fingerprint: &&u32| {
                fingerprints
                    .binary_search_by_key(*fingerprint, |there| number(*there))
                    .is_ok()
            };
            return few.iter().filter(is_there).copied().collect();
        }
        fingerprints
            .iter()
            .map(|fingerprint| number(*fingerprint))
            .filter(|fingerprint| {
                self.bits.has(*fingerprint) && few.binary_search(fingerprint).is_ok()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks that lie apart unevenly, sorted.
    fn some(count: u32, seed: u32) -> Vec<u32> {
        let mut out: Vec<u32> = (0..count)
            .map(|n| (n.wrapping_mul(seed) ^ seed) % (count * 3))
            .collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn what_is_sought_is_found_whichever_way_is_taken() {
        for (wanted, there) in [
            (3, 5000),
            (500, 600),
            (5000, 300),
            (6000, 6000),
            (0, 100),
            (100, 0),
        ] {
            let (wanted, there) = (some(wanted, 2_654_435_769), some(there, 2_246_822_519));
            let sought = Sought::of(wanted.iter().copied());
            let mut found = sought.among(&there, |fingerprint| fingerprint);
            let mut right: Vec<u32> = there
                .iter()
                .copied()
                .filter(|fingerprint| wanted.contains(fingerprint))
                .collect();
            if wanted.len() > FEW {
                assert!(right.iter().all(|fingerprint| found.contains(fingerprint)));
                found.retain(|fingerprint| wanted.contains(fingerprint));
            }
            found.dedup();
            right.dedup();
            assert_eq!(found, right);
        }
    }

    #[test]
    fn what_is_new_is_what_was_not_there() {
        let bytes = |ids: &[u64]| {
            ids.iter()
                .map(|id| low_bits(*id).to_le_bytes())
                .collect::<Vec<_>>()
        };
        let sum = |ids: &[u64]| ids.iter().fold(0_u64, |sum, id| sum.wrapping_add(*id));
        let gained =
            |new: &[u64], old: &[u64]| gained(new, &bytes(old), sum(new).wrapping_sub(sum(old)));
        assert_eq!(gained(&[1, 3, 7, 9], &[1, 3]), Some(vec![7, 9]));
        assert_eq!(gained(&[1, 2], &[]), Some(vec![1, 2]));
        assert_eq!(gained(&[1, 2], &[1, 2]), Some(vec![]));
        // Two ids with one fingerprint.
        let twin = 5 | 1 << 32;
        assert_eq!(gained(&[5, twin], &[5]), Some(vec![5]));
        assert_eq!(gained(&[twin], &[5]), None);
        assert_eq!(gained(&[1, twin], &[5]), None);
        // What went makes no harm, but leaves the sum open.
        assert_eq!(gained(&[1], &[1, 5]), None);
    }
}
