//! Compaction: a new history with the same tree, in which one commit stands for all of an old day,
//! later of an old month.
//!
//! `fold` makes the new history as a pure function of the old one. `onto` decides on which commit
//! the next one goes: on the remote's branch, or on a history that takes its place. Machines join a
//! compacted history as they join any other: what they have is in their trees, and their next
//! commit goes on the remote's.

mod fold;
mod onto;
mod sums;

pub(crate) use fold::{KEEP, Plan, fold, plan};
pub(crate) use onto::{Onto, onto};
