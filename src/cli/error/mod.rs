//! Errors of the library, each with a code, an exit code and what to do next. One file per group of
//! error types.

mod cli_error;
mod commands;
mod git;
mod store;
mod sync;

pub(crate) use cli_error::CliError;
