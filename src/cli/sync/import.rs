//! `claude-sync import`: imports old transcripts, and totals that other tools counted.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::outcome::{code, remote, repairs, set_up, warning_lines};
use crate::cli::print::{json, note};
use crate::cli::rows::zone;
use crate::cli::{exit, places};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::text::{count, printable, thousands};
use crate::report::Zone;
use crate::sync::import::{Import, Imported, Provenance, What};
use crate::sync::{self, Options, Outcome};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync import /mnt/old-laptop/.claude       transcripts of a copy or a backup
  ccusage claude daily --json > days.json
  claude-sync import days.json                     daily totals of ccusage
  claude-sync import ~/.claude/stats-cache.json    Claude Code's statistics, also of deleted transcripts

Importing twice, or before or after a sync, counts nothing twice. Requests of transcripts have ids. \
Of ccusage's daily totals, only what exceeds this machine's records of the same hours counts. \
Days of stats-cache.json are estimates. They count only if nothing else is known of this machine from the day before to the day after.")]
pub(crate) struct Args {
    /// A folder with transcripts, or a JSON file
    path: PathBuf,
    /// Kind of data, if it cannot be detected
    #[arg(long, value_name = "KIND", value_parser = ["stats-cache", "ccusage", "projects", "backup"])]
    from: Option<String>,
    /// Time zone of ccusage's days, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Show what would be imported, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Commit locally; neither fetch nor push
    #[arg(long)]
    offline: bool,
    /// Wait up to SECONDS for another claude-sync to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let import = open(args, env)?;
    let options = Options {
        import: Some(import.clone()),
        offline: args.offline,
        wait: Duration::from_secs(args.wait),
        ..env.options()
    };
    if args.dry_run {
        let preview = sync::preview(&places, &options)?;
        let imported = preview.imported.unwrap_or_default();
        let summary = summary(&import, &imported, "Would import");
        let text = format!("{summary} Nothing was changed (--dry-run).\n");
        print(args, env, (&import, &imported), None, &text);
        return Ok(exit::OK);
    }
    let outcome = sync::run(&places, &options)?;
    let imported = outcome.imported.clone().unwrap_or_default();
    let before = set_up(&outcome, &places.repo) + &repairs(&outcome);
    let summary = summary(&import, &imported, "Imported");
    let text = format!("{before}{summary}{}\n", remote(&outcome));
    print(args, env, (&import, &imported), Some(&outcome), &text);
    Ok(code(&outcome))
}

/// Opens the data to import, of the kind that was given or detected.
fn open(args: &Args, env: &Env) -> Result<Import, CliError> {
    let kinds = [
        Provenance::StatsCache,
        Provenance::Ccusage,
        Provenance::Projects,
        Provenance::Backup,
    ];
    let kind = args
        .from
        .as_deref()
        .and_then(|name| kinds.into_iter().find(|kind| kind.as_str() == name));
    let import = Import::open(&args.path, kind, &|date| args.timezone.range(date), env.now)?;
    match &import.what {
        What::Transcripts(folder) if crate::transcripts::is_empty(folder) => {
            Err(no_transcripts(&args.path))
        }
        _ => Ok(import),
    }
}

fn no_transcripts(path: &Path) -> CliError {
    let path = printable(&path.display().to_string(), 400);
    CliError::plain(
        &format!("there are no transcripts in {path}"),
        "claude_sync::import",
        exit::FAILURE,
        "name a copy of ~/.claude, or of the folder projects in it",
    )
}

/// Prints the result of an import, as JSON or text, and its warnings.
fn print(
    args: &Args,
    env: &Env,
    (import, imported): (&Import, &Imported),
    outcome: Option<&Outcome>,
    text: &str,
) {
    let mut warnings = unreadable(imported);
    warnings.extend(outcome.map_or(Vec::new(), |outcome| warning_lines(outcome, env.quiet)));
    if args.json {
        let mut value = to_json(import, imported, outcome);
        value["dry_run"] = args.dry_run.into();
        value["warnings"] = warnings.clone().into();
        json(&value);
    } else {
        note(env, text);
    }
    warnings
        .iter()
        .for_each(|line| eprint!("warning: {line}\n"));
}

fn to_json(import: &Import, imported: &Imported, outcome: Option<&Outcome>) -> Value {
    let commit = outcome.and_then(|outcome| outcome.commit);
    json!({
        "version": 1,
        "source": import.from.as_str(),
        "days": imported.days,
        "new_days": imported.new_days,
        "shown_days": imported.shown_days,
        "transcripts": imported.read.files,
        "requests": imported.records,
        "new_requests": imported.new_records,
        "skipped_lines": imported.read.bad_total,
        "commit": commit.map(|commit| commit.to_string()),
        "code": outcome.map_or(exit::OK, code),
    })
}

/// The result of an import, as a sentence.
fn summary(import: &Import, imported: &Imported, verb: &str) -> String {
    match import.what {
        What::Transcripts(_) => {
            let requests = count(imported.records, "request");
            let files = count(imported.read.files as u64, "transcript");
            let known = match imported.records.saturating_sub(imported.new_records) {
                0 => String::new(),
                known => format!(", {} of which were known", thousands(known)),
            };
            format!("{verb} {requests} of {files}{known}.")
        }
        What::Sums(_) => {
            let days = count(imported.days, "day");
            let covered = match imported.shown_days {
                0 => String::new(),
                covered => format!(", {} of which are covered by records", thousands(covered)),
            };
            let unchanged = imported
                .days
                .saturating_sub(imported.new_days)
                .saturating_sub(imported.shown_days);
            let unchanged = match unchanged {
                0 => String::new(),
                days => format!("; {} had nothing new", count(days, "day")),
            };
            let source = import.from.as_str();
            format!("{verb} {days} of {source}{covered}{unchanged}.")
        }
    }
}

/// Warnings of transcripts that could not be read.
fn unreadable(imported: &Imported) -> Vec<String> {
    let mut lines = Vec::new();
    if imported.read.bad_total > 0 {
        lines.push(format!(
            "{} of imported transcripts could not be read and were skipped.",
            count(imported.read.bad_total, "line")
        ));
    }
    for (path, reason) in &imported.read.unreadable {
        let path = printable(&path.display().to_string(), 400);
        lines.push(format!("{path}: skipped: {}", printable(reason, 200)));
    }
    lines
}
