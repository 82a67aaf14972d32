//! The command line: arguments in, messages and exit codes out. Everything that prints, asks, or reads
//! the environment is here.
//!
//! `sync` has one file per command of `claude-sync`, and `tracker` one per command of
//! `claude-usage-tracker`. What they share is in the files beside them.

// First: its macros replace the standard `eprint!` in all files below.
#[macro_use]
mod stderr;

mod env;
mod error;
pub mod exit;
mod finish;
mod globals;
mod host;
mod machine_name;
mod outcome;
mod output_file;
mod places;
mod print;
mod progress;
mod projects;
mod prompt;
mod rows;
mod shell;
mod source;
mod sync;
mod table;
mod tracker;

pub use sync::claude_sync;
pub use tracker::claude_usage_tracker;
