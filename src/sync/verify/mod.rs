//! Whether everything in and around the repository is as it should be.

mod data;
mod finding;
mod leftovers;
mod run;

pub(crate) use finding::{Finding, Kind};
pub(crate) use leftovers::clear_leftovers;
pub(crate) use run::verify;
