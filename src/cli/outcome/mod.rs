//! The result of a run as text, JSON, warnings and exit code, for all commands that sync.

mod exit_code;
mod json;
mod left_out;
mod print;
mod remote;
mod summary;
mod warnings;

pub(crate) use exit_code::code;
pub(crate) use left_out::{left_out, work_tree_warning};
pub(crate) use print::print;
pub(crate) use remote::next_step;
pub(crate) use summary::{remote, repairs, set_up, summary};
pub(crate) use warnings::{warning_lines, warnings};
