//! The repository's front page: a block in README.md, charts and a table of months, computed from
//! the days before that of the latest sync. The block enables it: without one in README.md there is
//! no front page.
//!
//! The block contains a hash of its inputs: it is recomputed if they change, and not otherwise.

mod bars;
mod block;
mod compute;
mod figures;
mod inputs;
mod tables;

pub(crate) use block::{EMPTY, Split, join_readme};
pub(crate) use compute::{There, compute};
