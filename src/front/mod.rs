//! The repository's front page: a block in README.md, charts and a table of months, computed from the days before the latest one that
//! has usage. Opted into by the block: where README.md has none, there is no front page.
//!
//! The block names what it was computed from (`inputs`), so that it differs whenever that differs, and is left alone otherwise.

mod bars;
mod block;
mod compute;
mod figures;
mod inputs;
mod tables;

pub use block::{EMPTY, Split, join_readme};
pub use compute::{Front, There, compute};
