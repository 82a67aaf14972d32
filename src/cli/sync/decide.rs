//! Syncs with decisions of the user: shared by `machine`, `price` and `conflicts`.

use serde_json::{Value, json};

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::outcome::{self, summary};
use crate::fleet::decisions::Intent;
use crate::store::Places;
use crate::sync::{self, Options};

/// Syncs with decisions, and prints the result. Returns the exit code.
pub(crate) fn decide(
    places: &Places,
    env: &Env,
    intents: Vec<Intent>,
    json: bool,
) -> Result<u8, CliError> {
    let options = Options {
        intents,
        ..env.options()
    };
    let outcome = sync::run(places, &options)?;
    let decided: Vec<Value> = options.intents.iter().map(to_json).collect();
    let words = || {
        format!(
            "Decision recorded. It takes effect on each machine with its next sync.\n{}",
            summary(&outcome, &options, &places.repo)
        )
    };
    let more = json.then(|| vec![("decided", decided.into())]);
    Ok(outcome::print(&outcome, env, more, words))
}

fn to_json(intent: &Intent) -> Value {
    json!({
        "kind": intent.kind,
        "subject": intent.subject,
        "key": intent.key,
        "value": intent.value,
    })
}
