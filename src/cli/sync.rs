//! `claude-sync`: one sync.

use std::time::Duration;

use super::env::Env;
use super::error::CliError;
use super::{exit, outcome};
use crate::base::text::{count, printable, printable_lines};
use crate::format::conflict::Code;
use crate::format::manifest::Conflict;
use crate::format::syncfile::Mode;
use crate::git::process::{Refuser, refuser};
use crate::git::{Cause, Healed, Place};
use crate::sync::{self, Options, Outcome, ReadReport, Remote, Task, Twin};

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Read only what is new, or everything
    #[arg(long, value_name = "MODE", default_value = "incremental", value_parser = ["full", "incremental"])]
    mode: String,
    /// Bring every machine's data without writing this machine's
    #[arg(long, conflicts_with_all = ["summary_only", "snapshot", "offline"])]
    download_all: bool,
    /// Sync requests without their time of day
    #[arg(long)]
    summary_only: bool,
    /// Keep a copy of this version of the machine's page
    #[arg(long)]
    snapshot: bool,
    /// With a branch per machine: push the joined branch too, for people who look at the remote
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    push_main: bool,
    /// Commit here, and neither fetch nor push
    #[arg(long)]
    offline: bool,
    /// Push in clear though this fleet was encrypted: from now on it is taken for one that is not
    #[arg(long, conflicts_with_all = ["offline", "download_all"])]
    in_clear: bool,
    /// Wait so long for another claude-sync to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if args.in_clear && env.quiet {
        let help = "run claude-sync --in-clear yourself, without --quiet, if that is what you want";
        return Err(CliError::plain(
            "only a person can have a run push in clear",
            "claude_sync::in_clear",
            exit::USAGE,
            help,
        ));
    }
    let options = Options {
        mode: Mode::parse(&args.mode).unwrap_or(Mode::Incremental),
        summary_only: args.summary_only,
        snapshot: args.snapshot,
        push_main: args.push_main,
        offline: args.offline,
        task: if args.download_all {
            Task::Download
        } else {
            Task::Sync
        },
        attended: env.attended && !env.quiet,
        unattended: env.quiet,
        wait: Duration::from_secs(args.wait),
        in_clear: args.in_clear,
        ..env.options()
    };
    let places = Env::places()?;
    let outcome = sync::run(&places, &options)?;
    Ok(outcome::tell(
        &outcome,
        env,
        args.json.then(Vec::new),
        || summary(&outcome, &options, &places.repo),
    ))
}

/// The exit code of a run that went through.
pub fn code(outcome: &Outcome) -> u8 {
    match outcome.remote {
        Remote::Queued(_)
        | Remote::Refused(_)
        | Remote::Waiting
        | Remote::Locked(_)
        | Remote::Unsigned(_) => exit::QUEUED,
        Remote::Held => exit::CLEAR,
        Remote::None | Remote::UpToDate | Remote::Pushed(_) | Remote::Skipped => exit::OK,
    }
}

/// What happened, in a few lines.
pub fn summary(outcome: &Outcome, options: &Options, repo: &std::path::Path) -> String {
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
            "Nothing new here; received what others wrote.".to_owned()
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
            "Held back {what} of this machine's transcripts, because they were forgotten. To take that back: claude-sync forget --undo\n"
        ));
    }
    text
}

/// What became of the push, to follow a sentence.
pub fn remote(outcome: &Outcome) -> String {
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
        Remote::Pushed(times) => {
            format!(" Pushed, after {}.", count(*times, "other machine's push"))
        }
        Remote::Skipped => " Not pushed (--offline).".to_owned(),
    }
}

/// That there was no repository, and now is one.
pub fn set_up(outcome: &Outcome, repo: &std::path::Path) -> String {
    if !outcome.set_up {
        return String::new();
    }
    let repo = printable(&repo.display().to_string(), 200);
    format!(
        "No set-up found: made a repository for this machine only, at {repo}.\nTo join other machines: claude-sync init ADDRESS\n"
    )
}

/// What was put right before anything else.
pub fn repairs(outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(operation) = outcome.finished {
        text.push_str(&format!(
            "Ended the {} that git had left half-done: both sides are joined.\n",
            operation.name()
        ));
    }
    if !outcome.cleared.is_empty() {
        text.push_str(&format!(
            "Cleared away {} that a killed run had left in .git.\n",
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
            "The old history is gone from this clone, because data in it was forgotten.\n",
        );
    }
    if !outcome.mended.is_empty() {
        text.push_str(&format!(
            "Mended {} in which conflict markers stood: both sides are joined.\n",
            count(outcome.mended.len() as u64, "file")
        ));
    }
    text
}

/// What was done about objects that were missing or damaged.
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
        text.push_str("The newest commit here was lost: went back to one that is whole, and read all transcripts again.\n");
    }
    text
}

/// That a file was left out, and why.
pub fn left_out(code: &str, path: &str) -> String {
    let path = printable(path, 300);
    match crate::git::Refusal::describe(code) {
        Some(what) => format!(
            "{path}: left out ({code}): {what}. Somebody without the key may have pushed it; all other files count."
        ),
        None => {
            format!("{path}: left out: its format is newer than this tool. Update claude-sync.")
        }
    }
}

/// Why the work tree does not show what was synced, and what to do.
pub fn late(place: &Place, branch: &str) -> String {
    let branch = printable(branch, 100);
    let show = |path: &std::path::Path| printable(&path.display().to_string(), 300);
    let (why, what) = match place {
        Place::Elsewhere(Some(here)) => {
            (format!("the repository is on the branch {}", printable(here, 100)), format!("back: claude-sync git switch {branch}"))
        }
        Place::Elsewhere(None) => ("the repository is on no branch".to_owned(), format!("back: claude-sync git switch {branch}")),
        Place::Operation(name) => (
            format!("a {name} is unfinished there"),
            "finish it or take it back (claude-sync git status says how), and run claude-sync again".to_owned(),
        ),
        Place::Locked(lock) => (
            format!("git holds the lock {}", show(lock)),
            "wait for the git command that works there; if none does, delete that file".to_owned(),
        ),
        Place::Another(tree) => {
            (format!("{branch} is checked out in another work tree ({})", show(tree)), "switch that one to another branch".to_owned())
        }
        Place::Obstacle(reason) => (format!("git says: {}", printable_lines(reason, 4)), "see claude-sync git status".to_owned()),
    };
    format!(
        "The files in the work tree do not show what was synced to {branch}: {why}. Records are synced all the same; {what}."
    )
}

/// That records wait, why, and what to do.
fn waits(what: &str, cause: Option<Cause>) -> String {
    let (why, next) = cause.map_or_else(Default::default, |cause| {
        (
            format!(": {}", cause.what()),
            format!(" Next: {}.", cause.next(true)),
        )
    });
    format!("{what}{why}; everything is committed here, and the next run pushes it.{next}")
}

/// That a push was refused, by whom as far as that is known, and what to do.
fn refused(reason: &str) -> String {
    match refuser(reason) {
        Some(refuser) => {
            let who = match refuser {
                Refuser::Hook => "A hook in the remote repository refused the push",
                Refuser::Host => "The remote's host refused the push",
            };
            format!(
                "{who}; everything is committed here, and the next run pushes it. Next: {}.",
                refuser.next()
            )
        }
        None => waits("The remote did not take the push", Cause::of(reason)),
    }
}

/// What to do next about a remote that failed for this reason, where that is known.
pub fn next(reason: &str) -> Option<String> {
    refuser(reason)
        .map(|refuser| refuser.next().to_owned())
        .or_else(|| Cause::of(reason).map(|cause| cause.next(true)))
}

/// What a person should know, a line each.
pub fn warnings(outcome: &Outcome, quiet: bool) -> String {
    warning_lines(outcome, quiet)
        .iter()
        .fold(String::new(), |text, line| text + "warning: " + line + "\n")
}

/// What a person should know, a line each.
pub fn warning_lines(outcome: &Outcome, quiet: bool) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(remote_warning(&outcome.remote));
    if !quiet {
        lines.extend(of_address(outcome));
    }
    lines.extend(twin_warning(outcome));
    let late = outcome.late.as_ref();
    lines.extend(late.map(|place| self::late(place, &outcome.branch)));
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
    if let Some(rules) = outcome.newer_rules {
        let own = crate::format::manifest::RULES;
        lines.push(format!(
            "The manifest was computed by newer rules ({rules}, this tool has {own}). This machine's data is synced; the manifest is left alone. Update claude-sync."
        ));
    }
    lines
}

/// Why the remote does not have everything.
fn remote_warning(remote: &Remote) -> Option<String> {
    Some(match remote {
        Remote::Queued(reason) => {
            let broken = reason.contains("is corrupt") || reason.contains("is empty");
            let why = if broken {
                "git cannot use this clone: an object in it is damaged; help: claude-sync verify"
                    .to_owned()
            } else {
                waits("The remote was not reached", Cause::of(reason))
            };
            format!("{why}\n{}", printable_lines(reason, 12))
        }
        Remote::Locked(mark) => format!(
            "The remote is encrypted now, with the key {}; everything is committed here and waits for it. On a machine that has it: claude-sync key show; then here: claude-sync key import",
            printable(mark, 20)
        ),
        Remote::Held => "This fleet is encrypted, its key is not here, and the remote shows nothing encrypted: it may have been emptied or rewound. Everything is committed here and waits; nothing leaves in clear. On a machine that has the key: claude-sync key show; then here: claude-sync key import. If the fleet is not encrypted any more: claude-sync --in-clear".to_owned(),
        Remote::Refused(reason) => {
            format!("{}\n{}", refused(reason), printable_lines(reason, 12))
        }
        Remote::Unsigned(reason) => format!(
            "The commit could not be signed (git.sign); it is kept here, and the next run that can sign pushes it. Without signatures: claude-sync config set git.sign false\n{}",
            printable_lines(reason, 12)
        ),
        _ => return None,
    })
}

/// Where the remote is now, and when it is tried again.
fn of_address(outcome: &Outcome) -> impl Iterator<Item = String> {
    let moved = outcome.moved.as_deref().map(|address| {
        let address = printable(address, 400);
        format!(
            "The remote moved to {address}, and its server redirects there for now. Next: claude-sync git remote set-url origin {address}"
        )
    });
    let next = outcome
        .next_try
        .map(|next| format!("Each claude-sync tries again; those with --quiet from {next} on."));
    moved.into_iter().chain(next)
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
    let path = |path: &std::path::Path| printable(&path.display().to_string(), 400);
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
    let left_out = &outcome.left_out;
    let mut lines: Vec<_> = left_out
        .iter()
        .map(|one| self::left_out(&one.code, &one.path))
        .collect();
    let named = |problem: &&Conflict| left_out.iter().any(|one| one.path == problem.subject);
    for problem in outcome.problems.iter().filter(|problem| !named(problem)) {
        let subject = printable(&problem.subject, 200);
        lines.push(match &problem.code {
            Code::UnequalRecords => format!(
                "Session {subject}: machines tell different figures of {}; the larger counts. Who wrote what: git log -p in the repository.",
                count(problem.count, "request")
            ),
            Code::Checksum => format!("Session {subject}: a checksum does not fit its records, as after an edit by hand or a text merge."),
            Code::DamagedLines => format!("{subject}: {} could not be read and left out.", count(problem.count, "line")),
            Code::NewerVersion => format!("{subject}: left out: its format is newer than this tool. Update claude-sync."),
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
            "{names} of sessions or projects were forgotten, and only the fleet's key tells which. What is used under them here comes in until another machine syncs; with the key it stays out: claude-sync key import"
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
