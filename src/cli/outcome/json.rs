//! The result of a run as JSON.

use serde_json::{Value, json};

use super::exit_code::code;
use super::left_out::work_tree_warning;
use super::warnings::warning_lines;
use crate::cli::env::Env;
use crate::git::unfinished::Operation;
use crate::report::dollars;
use crate::sync::{Outcome, Remote};

/// Members that a command adds to the JSON of its run.
pub type More = Vec<(&'static str, Value)>;

pub fn to_json(outcome: &Outcome, env: &Env, more: More) -> Value {
    let (remote, reason) = match &outcome.remote {
        Remote::None => ("none", None),
        Remote::UpToDate => ("up_to_date", None),
        Remote::Pushed(_) => ("pushed", None),
        Remote::Queued(reason) => ("queued", Some(reason)),
        Remote::Refused(reason) => ("refused", Some(reason)),
        Remote::Skipped => ("skipped", None),
        Remote::Locked(mark) => ("locked", Some(mark)),
        Remote::Unsigned(reason) => ("unsigned", Some(reason)),
        Remote::Waiting => ("waiting", None),
        Remote::Held => ("held", None),
    };
    let problems: Vec<_> = outcome
        .problems
        .iter()
        .map(|one| json!({ "code": one.code, "subject": one.subject, "count": one.count }))
        .collect();
    let (delta, read) = (&outcome.delta, &outcome.read);
    let mut all = json!({
        "version": 1,
        "machine_id": outcome.machine.as_str(),
        "commit": outcome.commit.map(|commit| commit.to_string()),
        "records_added": delta.added,
        "records_grown": delta.grown,
        "sessions": delta.sessions.len(),
        "cost_added_usd": dollars(delta.cost),
        "transcripts": {
            "files": read.files, "opened": read.opened, "bad_lines": read.bad_total, "unreadable": read.unreadable.len(),
        },
        "machines": outcome.machines,
        "received": outcome.received,
        "remote": remote,
        "remote_reason": reason,
        "next_try": outcome.next_try.map(|time| time.to_string()),
        "set_up": outcome.set_up,
        "finished": outcome.finished.map(Operation::name),
        "cleared": outcome.cleared.len(),
        "branch": outcome.branch,
        "work_tree": outcome.late.as_ref().map(|place| work_tree_warning(place, &outcome.branch)),
        "followed": outcome.followed.as_ref().map(|(old, new)| json!({ "from": old, "to": new })),
        "healed": outcome.healed.is_something(),
        "mended": outcome.mended,
        "purged": outcome.purged,
        "problems": problems,
        "left_out": outcome.left_out,
        "held_back": outcome.held_back,
        "ignored": outcome.ahead,
        "newer_rules": outcome.newer_rules,
        "warnings": warning_lines(outcome, env.quiet),
        "code": code(outcome),
    });
    more.into_iter().for_each(|(key, value)| all[key] = value);
    all
}
