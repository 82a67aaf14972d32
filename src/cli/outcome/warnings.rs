//! Warnings of a run, one line each.

use std::path::Path;

use super::left_out::{left_out, work_tree_warning};
use super::remote::{of_address, of_push};
use crate::base::text::{count, printable};
use crate::format::conflict::Code;
use crate::format::manifest::{BASIS, Basis, Conflict};
use crate::sync::{Outcome, ReadReport, Twin};

/// All warnings, one line each, with a prefix.
pub(crate) fn warnings(outcome: &Outcome, quiet: bool) -> String {
    warning_lines(outcome, quiet)
        .iter()
        .fold(String::new(), |text, line| text + "warning: " + line + "\n")
}

/// All warnings, one line each. `quiet`: without those that an unattended run repeats.
pub(crate) fn warning_lines(outcome: &Outcome, quiet: bool) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(of_push(&outcome.remote));
    if !quiet {
        lines.extend(of_address(outcome));
    }
    lines.extend(twin_warning(outcome));
    let late = outcome.late.as_ref();
    lines.extend(late.map(|place| work_tree_warning(place, &outcome.branch)));
    for (key, meant) in &outcome.unknown {
        let meant = meant.map(|meant| format!("; did you mean \"{meant}\"?"));
        lines.push(format!(
            "config.json: there is no setting \"{}\"{}",
            printable(key, 100),
            meant.unwrap_or_default()
        ));
    }
    lines.extend(transcript_warnings(&outcome.read, quiet));
    lines.extend(file_warnings(outcome));
    lines.extend(forgotten_warnings(outcome));
    lines.extend(outcome.newer.map(newer_warning));
    lines
}

fn newer_warning(newer: Basis) -> String {
    let edition = |basis: Basis| basis.prices.map_or(0, |table| table.edition);
    let (what, theirs, own) = if newer.rules > BASIS.rules {
        ("rules", newer.rules, BASIS.rules)
    } else {
        ("prices", edition(newer), edition(BASIS))
    };
    format!(
        "The manifest was computed by newer {what} ({theirs}, this tool has {own}). This machine's data is synced; the manifest is left alone. Update claude-sync."
    )
}

fn twin_warning(outcome: &Outcome) -> Option<String> {
    let next = "Nothing is lost or counted twice; but give one of the two its own id: claude-sync machine new-id. Or, if this is the same machine after a move or a restored backup: claude-sync machine adopt";
    let id = &outcome.machine;
    outcome.twin.map(|twin| match twin {
        Twin::Copied => format!(
            "The id {id} was made on another computer, as after copying a home folder or an image. {next}"
        ),
        Twin::Wrote => {
            format!("Another computer syncs with the id of this one, {id}. {next}")
        }
    })
}

fn transcript_warnings(read: &ReadReport, quiet: bool) -> Vec<String> {
    let path = |path: &Path| printable(&path.display().to_string(), 400);
    let mut lines = Vec::new();
    for bad in read.bad.iter().take(if quiet { 0 } else { 10 }) {
        lines.push(format!(
            "{}:{}: skipped: {}",
            path(&bad.path),
            bad.line,
            bad.error
        ));
    }
    if read.bad_total > 0 {
        lines.push(format!(
            "{} of transcripts could not be read and were skipped.",
            count(read.bad_total, "line")
        ));
    }
    for pattern in &read.unmatched {
        lines.push(format!(
            "transcripts.folders: there are no transcripts in {}",
            printable(pattern, 300)
        ));
    }
    for (file, reason) in &read.unreadable {
        lines.push(format!(
            "{}: skipped: {}",
            path(file),
            printable(reason, 200)
        ));
    }
    lines
}

/// Files that were left out, and sessions that need review.
fn file_warnings(outcome: &Outcome) -> Vec<String> {
    let files = &outcome.left_out;
    let mut lines: Vec<_> = files
        .iter()
        .map(|one| left_out(&one.code, &one.path))
        .collect();
    let named = |problem: &&Conflict| files.iter().any(|one| one.path == problem.subject);
    for problem in outcome.problems.iter().filter(|problem| !named(problem)) {
        let subject = printable(&problem.subject, 200);
        lines.push(match &problem.code {
            Code::UnequalRecords => format!(
                "Session {subject}: machines have different figures for {}; the larger ones count. To see who wrote them: claude-sync git log -p",
                count(problem.count, "request")
            ),
            Code::Checksum => format!("Session {subject}: a checksum does not fit its records, as after an edit by hand or a text merge."),
            Code::DamagedLines => format!("{subject}: {} could not be read and left out.", count(problem.count, "line")),
            Code::NewerVersion => format!("{subject}: left out: its format is newer than this tool. Update claude-sync."),
            Code::Other(code) => format!("{subject}: another tool or a later version states {}. Update claude-sync to see what that means.", printable(code, 40)),
            code => format!("{subject}: left out ({}). All other files count.", printable(code.as_str(), 40)),
        });
    }
    lines
}

fn forgotten_warnings(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if outcome.unknown_names > 0 {
        let names = count(outcome.unknown_names as u64, "name");
        lines.push(format!(
            "{names} of sessions or projects were forgotten, and only the fleet's key shows which. Usage under them on this machine is synced until another machine syncs; to keep it out: claude-sync key import"
        ));
    }
    for subject in &outcome.ahead {
        let day = printable(subject.strip_prefix("before:").unwrap_or(subject), 40);
        lines.push(format!(
            "Somebody had everything before {day} forgotten, and that day was still to come: it is ignored. To remove it: claude-sync forget --undo --before {day}"
        ));
    }
    lines
}
