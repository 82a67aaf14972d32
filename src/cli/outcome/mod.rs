//! The result of a run as text, JSON, warnings and exit code, for all commands that sync.

mod exit_code;
mod json;
mod left_out;
mod print;
mod remote;
mod summary;
mod warnings;

pub use exit_code::code;
pub use left_out::{left_out, work_tree_warning};
pub use print::print;
pub use remote::next_step;
pub use summary::{remote, repairs, set_up, summary};
pub use warnings::{warning_lines, warnings};
