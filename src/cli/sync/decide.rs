//! Syncs with decisions of the user: shared by `machine`, `price` and `conflicts`.

use serde_json::{Value, json};

use crate::base::text::printable;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::outcome::{self, summary};
use crate::fleet::decisions::{GROUP, Intent, LABEL, USER};
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
        let (decided, summary) = (
            decided_text(&options.intents),
            summary(&outcome, &options, &places.repo),
        );
        format!("{decided} Other machines see it after their next sync.\n{summary}")
    };
    let more = json.then(|| vec![("decided", decided.into())]);
    Ok(outcome::print(&outcome, env, more, words))
}

/// What was decided, in words.
fn decided_text(intents: &[Intent]) -> String {
    let [intent] = intents else {
        return "Decision recorded.".to_owned();
    };
    let name = printable(intent.value.as_str().unwrap_or_default(), 100);
    match (intent.kind, name.is_empty()) {
        (LABEL, _) => format!("Renamed to \"{name}\"."),
        (GROUP, false) => format!("The machine is in the group \"{name}\"."),
        (GROUP, true) => "The machine is in no group.".to_owned(),
        (USER, false) => format!("The user of this machine is \"{name}\"."),
        (USER, true) => "No user of this machine is stated.".to_owned(),
        _ => "Decision recorded.".to_owned(),
    }
}

fn to_json(intent: &Intent) -> Value {
    json!({
        "kind": intent.kind,
        "subject": intent.subject,
        "key": intent.key,
        "value": intent.value,
    })
}
