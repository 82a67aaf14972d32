//! The result of counting, made from digests: what did not change is not read again.
//!
//! Most portions (machine files, machines' months) share no record with another, and their totals
//! add up. Those that share one, or whose figures depend on others', are read whole and counted by
//! [`Fleet::count`](crate::fleet::Fleet::count). A property test compares the result with reading
//! everything.
//!
//! `stored` → `rows`, `session` → `digest` → `memo` → `fingerprints` → `months` → `overlap` →
//! `overview`; `memo` → `index` → `tables`, `columns` → `tables`: a file uses only files to its
//! left.

mod columns;
pub(crate) mod digest;
pub(crate) mod fingerprints;
pub(crate) mod index;
pub(crate) mod memo;
pub(crate) mod months;
mod overlap;
pub(crate) mod overview;
mod rows;
pub(crate) mod session;
mod stored;
mod tables;

pub(crate) use memo::{Cache, NoCache};
