//! `claude-sync status`: the state of this machine and of the others.

use super::auto::{self, AutoState};
use crate::auto::claude;
use crate::base::text::{count, printable, printable_lines};
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::outcome::{next_step, work_tree_warning};
use crate::cli::print::{json, out};
use crate::cli::{exit, places};
use crate::git::process::refuser;
use crate::report::ago;
use crate::store::Places;
use crate::sync::{self, Known, Status};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The default of `cleanupPeriodDays` in Claude Code, in days.
const DEFAULT_CLEANUP: u64 = 30;

/// A machine that has not synced for longer gets a warning, in ms.
const LATE: i64 = 14 * DAY;

/// A deletion within this time gets a warning, in ms: with automatic sync, and without.
const SOON: (i64, i64) = (DAY, 7 * DAY);

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let status = sync::status(&places)?;
    let started = AutoState::read(&places)?.with_pace(&places, env.now);
    let days = cleanup_days(&places);
    let warnings = warnings(&status, &started, days, env.now);
    if args.json {
        json(&to_json(&status, &started, days, &warnings));
        return Ok(exit::OK);
    }
    out(&text(&status, &started, env.now));
    warnings
        .iter()
        .for_each(|warning| eprintln!("warning: {warning}"));
    Ok(exit::OK)
}

/// The number of days after which Claude Code deletes transcripts: the lowest in any settings file.
fn cleanup_days(places: &Places) -> u64 {
    let days = auto::settings_files(places)
        .into_iter()
        .filter_map(|file| claude::cleanup_days(&std::fs::read_to_string(file).ok()?));
    days.min().unwrap_or(DEFAULT_CLEANUP)
}

/// Lines of a name and a value.
struct KeyValueLines(String);

impl KeyValueLines {
    fn put(&mut self, key: &str, value: &str) {
        self.0.push_str(&format!("  {key:<11} {value}\n"));
    }
}

fn when(now: Timestamp, time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| ago(now, time))
}

fn text(status: &Status, started: &AutoState, now: Timestamp) -> String {
    let is_own = |machine: &&Known| Some(&machine.id) == status.machine.as_ref();
    let own = status.machines.iter().find(is_own);
    let name = own.map(|own| printable(&own.label, 60));
    let name = name.filter(|label| !label.is_empty());
    let id = status.machine.as_ref();
    let id = id.map_or_else(|| "no id yet".to_owned(), ToString::to_string);
    let name = name.map_or_else(|| id.clone(), |name| format!("{name} ({id})"));
    let mut lines = KeyValueLines(format!("This machine: {name}\n"));
    for (what, name) in own.map(tags).into_iter().flatten() {
        lines.put(what, &name);
    }
    let last = own.and_then(|own| own.last_sync).max(status.exchanged);
    lines.put("last sync", &when(now, last));
    if let Some(requests) = status.synced {
        let text = format!("{} in the repository", count(requests, "request"));
        lines.put("synced", &text);
    }
    let new = &status.unsynced;
    let (files, sessions) = (
        count(new.files, "transcript"),
        count(new.sessions, "session"),
    );
    let to_sync = match new.files {
        0 => format!("nothing new in {}", count(new.all, "transcript")),
        _ => format!("{files} of {sessions}"),
    };
    lines.put("to sync", &to_sync);
    remote_lines(status, &mut lines);
    if status.pending > 0 {
        let sessions = count(status.pending, "session");
        lines.put(
            "conflicts",
            &format!("{sessions} to look at: claude-sync conflicts"),
        );
    }
    if !status.left_out.is_empty() {
        let files = count(status.left_out.len() as u64, "file");
        lines.put("left out", &format!("{files}: claude-sync conflicts"));
    }
    folder_lines(status, now, &mut lines);
    lines.put("automatic", started.text(now).trim_end());
    lines.0 + &others(status, now)
}

/// The remote, and what it does not have.
fn remote_lines(status: &Status, lines: &mut KeyValueLines) {
    let Some(url) = &status.remote else {
        lines.put("remote", "none: history is kept on this machine");
        return;
    };
    lines.put("remote", &printable(url, 200));
    let commits = match status.unpushed {
        0 => "nothing".to_owned(),
        commits => count(commits, "commit"),
    };
    lines.put("to push", &commits);
    if let Some((failures, next)) = status.retry {
        let reason = status.reason.as_deref();
        let refused = reason.is_some_and(|reason| refuser(reason).is_some());
        let what = if refused {
            "to push"
        } else {
            "to reach the remote"
        };
        let failures = count(failures, "failure");
        let text = format!("{failures} {what} in a row; unattended runs try again from {next} on");
        lines.put("retry", &text);
    }
    if let Some(reason) = &status.reason {
        let text = printable_lines(reason, 12).replace('\n', "\n              ");
        lines.put("reason", &text);
        if let Some(next) = next_step(reason) {
            lines.put("next step", &next);
        }
    }
}

fn folder_lines(status: &Status, now: Timestamp, lines: &mut KeyValueLines) {
    for (at, (folder, extent)) in status.folders.iter().enumerate() {
        let newest = extent
            .newest
            .map(|time| format!(", newest {}", ago(now, time)));
        let usage = extent
            .last_usage
            .map(|time| format!(", last usage {}", ago(now, time)));
        let text = format!(
            "{}: {}{}{}",
            printable(&short(&folder.path), 200),
            count(extent.files, "file"),
            newest.unwrap_or_default(),
            usage.unwrap_or_default()
        );
        lines.put(if at == 0 { "reads" } else { "" }, &text);
    }
}

fn others(status: &Status, now: Timestamp) -> String {
    let is_other = |machine: &&Known| Some(&machine.id) != status.machine.as_ref();
    let others: Vec<_> = status.machines.iter().filter(is_other).collect();
    if others.is_empty() {
        return String::new();
    }
    let label = |machine: &Known| printable(&machine.label, 40);
    let widths = others.iter().map(|machine| label(machine).chars().count());
    let width = widths.max().unwrap_or(0);
    let mut text = "\nOther machines:\n".to_owned();
    for machine in others {
        let state = match (&machine.error, machine.retired) {
            (Some(error), _) => format!(": {}", printable(error, 100)),
            (None, true) => ", retired".to_owned(),
            (None, false) => String::new(),
        };
        let last = when(now, machine.last_sync);
        let tags = tags(machine).map(|(what, name)| format!(", {what} {name}"));
        text.push_str(&format!(
            "  {:<width$}  last sync {last}{}{state}\n",
            label(machine),
            tags.collect::<String>()
        ));
    }
    text
}

/// The tags that a machine has, escaped.
fn tags(machine: &Known) -> impl Iterator<Item = (&'static str, String)> {
    let all = [("group", &machine.group), ("user", &machine.user)];
    all.into_iter()
        .filter(|(_, name)| !name.is_empty())
        .map(|(what, name)| (what, printable(name, 40)))
}

/// A path with the home folder as `~`.
fn short(path: &std::path::Path) -> String {
    let below =
        places::home().and_then(|home| path.strip_prefix(home).ok().map(std::path::Path::to_owned));
    below.map_or_else(
        || path.display().to_string(),
        |below| format!("~/{}", below.display()),
    )
}

fn warnings(status: &Status, auto: &AutoState, days: u64, now: Timestamp) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(place) = &status.late {
        let branch = status.branch.as_deref().unwrap_or("main");
        out.push(work_tree_warning(place, branch));
    }
    if !status.set_up {
        out.push(
            "This machine is not set up: claude-sync init, or claude-sync init ADDRESS to share."
                .to_owned(),
        );
    }
    out.extend(status.lacks_key.as_ref().map(|why| {
        format!(
            "{why}, and syncs fail without it: claude-sync key import, or claude-sync key init where no machine has one"
        )
    }));
    out.extend(deletion_warning(status, auto, days, now));
    out.extend(folder_warnings(status));
    out.extend(auto_warning(auto));
    out.extend(late_machines(status, now));
    out
}

/// Transcripts that Claude Code deletes before they are synced. `days`: its `cleanupPeriodDays`.
fn deletion_warning(
    status: &Status,
    auto: &AutoState,
    days: u64,
    now: Timestamp,
) -> Option<String> {
    if days == 0 {
        return Some("Claude Code keeps no transcripts (cleanupPeriodDays is 0 in its settings.json): there is nothing to sync.".to_owned());
    }
    let oldest = status.unsynced.oldest?;
    let life = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY);
    let left = life.saturating_sub(now.since(oldest));
    let soon = if auto.is_enabled() { SOON.0 } else { SOON.1 };
    if left > soon {
        return None;
    }
    let when = if left <= 0 {
        "any time now".to_owned()
    } else {
        format!("in {}", count((left / DAY).unsigned_abs(), "day"))
    };
    Some(format!(
        "Claude Code deletes transcripts after {} (cleanupPeriodDays), and some that are not synced {when}: run claude-sync",
        count(days, "day")
    ))
}

/// Settings that match no transcripts, and transcripts that are not read.
fn folder_warnings(status: &Status) -> Vec<String> {
    let unmatched = status.unmatched.iter().map(|pattern| {
        let pattern = printable(pattern, 300);
        format!("transcripts.folders: there are no transcripts in {pattern}")
    });
    let mut out: Vec<String> = unmatched.collect();
    if !status.unread.is_empty() {
        let folders = status.unread.iter().take(5);
        let list: Vec<String> = folders.map(|folder| short(folder)).collect();
        let names = printable(&list.join(", "), 400);
        let json = printable(&serde_json::json!(list).to_string(), 400);
        out.push(format!(
            "There are transcripts in {names}, which are not read. To read them: claude-sync config set transcripts.folders '{json}'"
        ));
    }
    out
}

/// An automatic sync that failed.
fn auto_warning(auto: &AutoState) -> Option<String> {
    let last = auto.last.as_ref().filter(|_| auto.is_enabled())?;
    last.code.filter(|code| *code != exit::OK)?;
    let error = last.error.as_deref().unwrap_or("see claude-sync doctor");
    let error = printable(error, 300);
    Some(format!("The last automatic sync failed: {error}"))
}

/// Other machines that have not synced for a long time.
fn late_machines(status: &Status, now: Timestamp) -> impl Iterator<Item = String> {
    let machines = status.machines.iter();
    let others = machines.filter(|machine| Some(&machine.id) != status.machine.as_ref());
    others
        .filter(|machine| !machine.retired)
        .filter_map(move |machine| {
            let last = machine.last_sync.filter(|last| now.since(*last) > LATE)?;
            let (name, when) = (printable(&machine.label, 40), ago(now, last));
            Some(format!(
                "{name} last synced {when}. If it will not again: claude-sync machine retire {name}"
            ))
        })
}

fn to_json(
    status: &Status,
    started: &AutoState,
    days: u64,
    warnings: &[String],
) -> serde_json::Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let machine = |known: &Known| {
        serde_json::json!({
            "id": known.id.to_string(), "name": known.label, "group": known.group, "user": known.user, "last_sync": time(known.last_sync), "retired": known.retired,
            "error": known.error, "this": Some(&known.id) == status.machine.as_ref(),
        })
    };
    serde_json::json!({
        "version": 1,
        "set_up": status.set_up,
        "machine": status.machine.as_ref().map(ToString::to_string),
        "remote": status.remote,
        "branch": status.branch,
        "reason": status.reason.as_deref().map(|reason| printable_lines(reason, 20)),
        "advice": status.reason.as_deref().and_then(next_step),
        "last_exchange": time(status.exchanged),
        "synced_requests": status.synced,
        "unpushed_commits": status.unpushed,
        "retry": status.retry.map(|(failures, next)| serde_json::json!({ "failures": failures, "next": next.to_string() })),
        "unsynced": {
            "transcripts": status.unsynced.files, "sessions": status.unsynced.sessions, "oldest": time(status.unsynced.oldest),
            "all_transcripts": status.unsynced.all,
        },
        "pending_sessions": status.pending,
        "left_out": status.left_out,
        "cleanup_period_days": days,
        "auto": started.json(),
        "folders": status.folders.iter().map(|(folder, extent)| serde_json::json!({
            "path": folder.path, "source": folder.source.as_str(), "files": extent.files,
            "newest": time(extent.newest), "last_usage": time(extent.last_usage),
        })).collect::<Vec<_>>(),
        "folders_not_read": status.unread,
        "machines": status.machines.iter().map(machine).collect::<Vec<_>>(),
        "warnings": warnings,
    })
}
