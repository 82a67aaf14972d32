//! The result of a run, in a few lines.

use std::path::Path;

use crate::base::text::{count, printable, thousands};
use crate::git::Healed;
use crate::sync::{Options, Outcome, Remote, Task};

/// The result of a run, in a few lines.
pub(crate) fn summary(outcome: &Outcome, options: &Options, repo: &Path) -> String {
    let mut text = set_up(outcome, repo) + &repairs(outcome);
    let delta = &outcome.delta;
    let records = delta.added.saturating_add(delta.grown);
    let news = match (
        options.task == Task::Download,
        outcome.commit.is_some() || outcome.received,
        records,
    ) {
        (true, true, _) => format!(
            "Received the data of {}.",
            count(outcome.machines as u64, "machine")
        ),
        (true, false, _) => "Nothing new from other machines.".to_owned(),
        (false, _, 0) if outcome.received => {
            "Nothing new on this machine; received data of others.".to_owned()
        }
        (false, _, 0) if delta.rewritten > 0 => {
            let files = count(delta.rewritten, "day file");
            format!("Rewrote {files}, without new usage.")
        }
        (false, _, 0) => format!(
            "Nothing new in {}.",
            count(outcome.read.files as u64, "transcript")
        ),
        (false, ..) => {
            format!(
                "Synced {} in {}, ${}.",
                count(records, "record"),
                count(delta.sessions.len() as u64, "session"),
                delta.cost.cents()
            )
        }
    };
    text.push_str(&format!("{news}{}\n", remote(outcome)));
    if outcome.held_back > 0 {
        let what = count(outcome.held_back, "request");
        text.push_str(&format!(
            "Held back {what} of this machine's transcripts, because they were forgotten. To undo that: claude-sync forget --undo\n"
        ));
    }
    text
}

/// The result of the push, as a sentence that follows another one.
pub(crate) fn remote(outcome: &Outcome) -> String {
    match &outcome.remote {
        Remote::None => " There is no remote: history is kept on this machine.".to_owned(),
        Remote::UpToDate
        | Remote::Queued(_)
        | Remote::Refused(_)
        | Remote::Waiting
        | Remote::Locked(_)
        | Remote::Held
        | Remote::Unsigned(_) => String::new(),
        Remote::Pushed(0) => " Pushed.".to_owned(),
        Remote::Pushed(1) => " Pushed, after 1 other machine's push.".to_owned(),
        Remote::Pushed(times) => format!(" Pushed, after {times} pushes of other machines."),
        Remote::Skipped => " Not pushed (--offline).".to_owned(),
    }
}

/// Reports that the run made a repository; empty if there was one.
pub(crate) fn set_up(outcome: &Outcome, repo: &Path) -> String {
    if !outcome.set_up {
        return String::new();
    }
    let repo = printable(&repo.display().to_string(), 200);
    format!(
        "No set-up found: made a repository for this machine only, at {repo}.\nTo join other machines: claude-sync init ADDRESS\n"
    )
}

/// Repairs before the run: unfinished operations, files of killed runs, damaged objects, conflict
/// markers.
pub(crate) fn repairs(outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(operation) = outcome.finished {
        text.push_str(&format!(
            "Finished the {} that was interrupted: both sides are joined.\n",
            operation.name()
        ));
    }
    if !outcome.cleared.is_empty() {
        text.push_str(&format!(
            "Deleted {} that a killed run left in .git.\n",
            count(outcome.cleared.len() as u64, "file")
        ));
    }
    if let Some((old, new)) = &outcome.followed {
        let (old, new) = (printable(old, 100), printable(new, 100));
        text.push_str(&format!("The remote's default branch is {new} now, not {old}: this clone follows it, and both are joined.\n"));
    }
    text.push_str(&healed(&outcome.healed));
    if outcome.purged {
        text.push_str(
            "Removed the old history from this clone: the fleet has a new one, since data was forgotten or the key rotated.\n",
        );
    }
    if let Some((before, after)) = outcome.folded {
        text.push_str(&format!(
            "Compacted the history: {} became {}.\n",
            count(before as u64, "commit"),
            thousands(after as u64)
        ));
    } else if outcome.compacted {
        text.push_str("Took over the history that another machine compacted.\n");
    }
    if !outcome.mended.is_empty() {
        text.push_str(&format!(
            "Repaired {} with conflict markers: both sides are joined.\n",
            count(outcome.mended.len() as u64, "file")
        ));
    }
    text
}

/// Repairs of missing or damaged objects.
fn healed(healed: &Healed) -> String {
    let mut text = String::new();
    if healed.damaged > 0 {
        let what = count(healed.damaged, "damaged object or pack");
        text.push_str(&format!(
            "Moved {what} aside, to .git/claude-sync-damaged.\n"
        ));
    }
    if healed.fetched {
        text.push_str("Objects were missing here: all were fetched again from the remote.\n");
    }
    if !healed.lost.is_empty() {
        let names: Vec<String> = healed
            .lost
            .iter()
            .take(5)
            .map(|name| printable(name, 100))
            .collect();
        text.push_str(&format!(
            "Moved aside, because the commits they lead to are lost: {} (see .git/claude-sync-damaged).\n",
            names.join(", ")
        ));
    }
    if !healed.refs.is_empty() {
        text.push_str("The newest commit of this clone was lost: went back to an intact one, and read all transcripts again.\n");
    }
    text
}
