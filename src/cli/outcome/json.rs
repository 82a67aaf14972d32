//! The result of a run as JSON.

use serde_json::{Value, json};

use super::exit_code::code;
use super::left_out::work_tree_warning;
use super::warnings::warning_lines;
use crate::cli::env::Env;
use crate::format::manifest::Conflict;
use crate::git::unfinished::Operation;
use crate::report::dollars;
use crate::sync::{Outcome, ReadReport, Remote};

/// Members that a command adds to the JSON of its run.
pub(crate) type More = Vec<(&'static str, Value)>;

/// The result of a run, with the members that a command adds.
pub(crate) fn to_json(outcome: &Outcome, env: &Env, more: More) -> Value {
    let (remote, reason) = remote(&outcome.remote);
    let place = outcome.late.as_ref();
    let followed = outcome.followed.as_ref();
    let (delta, read) = (&outcome.delta, &outcome.read);
    let mut all = json!({
        "version": 1,
        "machine_id": outcome.machine.as_str(),
        "commit": outcome.commit.map(|commit| commit.to_string()),
        "records_added": delta.added,
        "records_grown": delta.grown,
        "sessions": delta.sessions.len(),
        "cost_added_usd": dollars(delta.cost),
        "transcripts": transcripts(read),
        "machines": outcome.machines,
        "received": outcome.received,
        "remote": remote,
        "remote_reason": reason,
        "next_try": outcome.next_try.map(|time| time.to_string()),
        "set_up": outcome.set_up,
        "finished": outcome.finished.map(Operation::name),
        "cleared": outcome.cleared.len(),
        "branch": outcome.branch,
        "work_tree": place.map(|place| work_tree_warning(place, &outcome.branch)),
        "followed": followed.map(|(old, new)| json!({ "from": old, "to": new })),
        "healed": outcome.healed.is_something(),
        "mended": outcome.mended,
        "purged": outcome.purged,
        "problems": outcome.problems.iter().map(problem).collect::<Vec<_>>(),
        "left_out": outcome.left_out,
        "held_back": outcome.held_back,
        "ignored": outcome.ahead,
        "newer_rules": outcome.newer.map(|basis| basis.rules),
        "warnings": warning_lines(outcome, env.quiet),
        "code": code(outcome),
    });
    more.into_iter().for_each(|(key, value)| all[key] = value);
    all
}

/// The state of the remote, and why it is so.
fn remote(remote: &Remote) -> (&'static str, Option<&str>) {
    match remote {
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
    }
}

fn transcripts(read: &ReadReport) -> Value {
    json!({
        "files": read.files,
        "opened": read.opened,
        "bad_lines": read.bad_total,
        "unreadable": read.unreadable.len(),
    })
}

fn problem(problem: &Conflict) -> Value {
    json!({ "code": problem.code, "subject": problem.subject, "count": problem.count })
}
