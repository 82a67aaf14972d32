//! Prints the result of a run.

use super::exit_code::code;
use super::json::{More, to_json};
use super::warnings::warnings;
use crate::cli::env::Env;
use crate::cli::print::{json, note};
use crate::sync::Outcome;

/// Prints the result of a run, as JSON with the members that the command adds, or as text, and its
/// warnings. Returns the exit code.
pub(crate) fn print(
    outcome: &Outcome,
    env: &Env,
    as_json: Option<More>,
    text: impl FnOnce() -> String,
) -> u8 {
    match as_json {
        Some(more) => json(&to_json(outcome, env, more)),
        None => note(env, &text()),
    }
    eprint!("{}", warnings(outcome, env.quiet));
    code(outcome)
}
