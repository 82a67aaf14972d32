//! The full-screen view of now: what it shows, collected from rows, and how that is drawn.
//!
//! `state` → `columns` → `panes` → `view`: a file uses only files to its left.

mod columns;
mod panes;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use state::{Collector, Origin, State};
pub(crate) use view::{Status, draw};
