//! The command line: arguments in, messages and exit codes out. Everything that prints, asks, or
//! reads the environment is here.
//!
//! `sync` has one file per command of `claude-sync`, and `tracker` one per command of
//! `claude-usage-tracker`. What they share is in the files beside them.

// First: its macros replace the standard `eprint!` in all files below.
#[macro_use]
mod stderr;

mod amount;
mod days;
pub(crate) mod deepen;
mod env;
mod error;
pub(crate) mod exit;
mod finish;
mod globals;
mod host;
mod machine_filter;
mod machine_name;
mod opener;
mod outcome;
mod output_file;
mod pager;
mod places;
mod print;
mod progress;
mod projects;
mod prompt;
mod rows;
mod shell;
mod source;
mod status_line;
mod sync;
mod table;
mod tracker;

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument if `claude-usage-tracker` started this program: see `src/bin`.
const AS_TRACKER: &str = "--claude-usage-tracker";

/// Runs `claude-sync`, or `claude-usage-tracker` if that started it.
pub fn run() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|word| word == AS_TRACKER) {
        args.remove(1);
        if let Some(program) = args.first_mut() {
            *program = "claude-usage-tracker".into();
        }
        return tracker::claude_usage_tracker(args);
    }
    sync::claude_sync(args)
}
