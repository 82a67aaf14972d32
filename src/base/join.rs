//! Joins: what two versions of one thing make together.
//!
//! Everything that machines write is an element of a join-semilattice, so that the order in which
//! versions meet, and how often, makes no difference. A type is joined part by part, each part by
//! one of a few rules:
//!
//! | part | rule |
//! |---|---|
//! | figures, later times | the greater, [`greater`] |
//! | earlier times, indices | the smaller |
//! | flags | or |
//! | sets | union |
//! | maps | union of keys, values joined |
//! | what must stay whole | the greater by a total order, in which only equal values are equal |
//!
//! Where the joins are: records and totals in `records::join`; summary lines, day files, sync files
//! in `format::join`; two versions of one path in `merge::algebra`, whole trees in
//! `merge::trees`.
//! `tests/laws/join.rs` holds all of them to the laws.

use std::collections::{BTreeMap, BTreeSet};

/// Can be joined. Implementations keep these laws, for all `a`, `b` and `c`:
///
/// - idempotent: `a ∨ a = a`
/// - commutes: `a ∨ b = b ∨ a`
/// - associates: `(a ∨ b) ∨ c = a ∨ (b ∨ c)`
/// - monotone: nothing that counts in `a` counts for less in `a ∨ b`
pub(crate) trait Join: Sized {
    /// `self ∨ other`.
    #[must_use]
    fn join(self, other: Self) -> Self;
}

/// Joins a value into a map: the new value of `key` is its old value joined with this one.
pub(crate) fn absorb<K: Ord, V: Join>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    let joined = match map.remove(&key) {
        Some(known) => known.join(value),
        None => value,
    };
    map.insert(key, joined);
}

/// The greater of two values.
pub(crate) fn greater<T: Ord>(a: T, b: T) -> T {
    a.max(b)
}

/// None is below everything.
impl<T: Join> Join for Option<T> {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(a.join(b)),
            (a, b) => a.or(b),
        }
    }
}

impl<K: Ord, V: Join> Join for BTreeMap<K, V> {
    fn join(mut self, other: Self) -> Self {
        other
            .into_iter()
            .for_each(|(key, value)| absorb(&mut self, key, value));
        self
    }
}

impl<T: Ord> Join for BTreeSet<T> {
    fn join(mut self, other: Self) -> Self {
        self.extend(other);
        self
    }
}
