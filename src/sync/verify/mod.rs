//! Whether everything in and around the repository is as it should be.

mod data;
mod finding;
mod leftovers;
mod run;

pub use finding::{Finding, Kind};
pub use leftovers::clear_leftovers;
pub use run::verify;
