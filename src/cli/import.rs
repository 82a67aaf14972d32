//! `claude-sync import`: history from elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::env::Env;
use super::error::CliError;
use super::rows::zone;
use super::sync::{code, remote, repairs, set_up, warning_lines};
use super::{exit, note};
use crate::base::text::{count, printable, printable_lines};
use crate::report::Zone;
use crate::sync::import::{Import, ImportError, Imported, Provenance, What};
use crate::sync::{self, Options, Outcome};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync import /mnt/old-laptop/.claude       transcripts of a copy or a backup
  ccusage claude daily --json > days.json
  claude-sync import days.json                     days that ccusage added up
  claude-sync import ~/.claude/stats-cache.json    what Claude Code remembers of deleted transcripts

Nothing counts twice, however often it is imported, before or after syncs. Requests of transcripts have ids. \
Of ccusage's days counts what exceeds what this machine's records show of the same hours. \
Days of stats-cache.json are estimates, and count where nothing else is known of this machine from the day before to the day after.")]
pub struct Args {
    /// A folder with transcripts, or a file of JSON
    path: PathBuf,
    /// What it is, where that is not plain from what is in it
    #[arg(long, value_name = "KIND", value_parser = ["stats-cache", "ccusage", "projects", "backup"])]
    from: Option<String>,
    /// The time zone of ccusage's days, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Say what would be imported, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Commit here, and neither fetch nor push
    #[arg(long)]
    offline: bool,
    /// Wait so long for another claude-sync to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let told = args.from.as_deref().and_then(|word| {
        let all = [
            Provenance::StatsCache,
            Provenance::Ccusage,
            Provenance::Projects,
            Provenance::Backup,
        ];
        all.into_iter().find(|kind| kind.as_str() == word)
    });
    let import = Import::open(&args.path, told, &|date| args.timezone.range(date), env.now)?;
    if let What::Transcripts(folder) = &import.what
        && crate::transcripts::is_empty(folder)
    {
        return Err(nothing(&args.path));
    }
    let options = Options {
        import: Some(import.clone()),
        offline: args.offline,
        wait: Duration::from_secs(args.wait),
        ..env.options()
    };
    if args.dry_run {
        let imported = sync::preview(&places, &options)?
            .imported
            .unwrap_or_default();
        let text = format!(
            "{} Nothing was changed (--dry-run).\n",
            said(&import, &imported, "Would import")
        );
        tell(args, env, (&import, &imported), None, &text);
        return Ok(exit::OK);
    }
    let outcome = sync::run(&places, &options)?;
    let imported = outcome.imported.clone().unwrap_or_default();
    let before = set_up(&outcome, &places.repo) + &repairs(&outcome);
    let text = format!(
        "{before}{}{}\n",
        said(&import, &imported, "Imported"),
        remote(&outcome)
    );
    tell(args, env, (&import, &imported), Some(&outcome), &text);
    Ok(code(&outcome))
}

/// Tells of an import, in JSON or in words.
fn tell(
    args: &Args,
    env: &Env,
    (import, imported): (&Import, &Imported),
    outcome: Option<&Outcome>,
    text: &str,
) {
    let Imported {
        days,
        new_days,
        shown_days,
        records,
        new_records,
        read,
    } = imported;
    let mut lines = skipped(imported);
    lines.extend(
        outcome
            .into_iter()
            .flat_map(|outcome| warning_lines(outcome, env.quiet)),
    );
    if args.json {
        super::json(&json!({
            "version": 1,
            "source": import.from.as_str(),
            "dry_run": args.dry_run,
            "days": days,
            "new_days": new_days,
            "shown_days": shown_days,
            "transcripts": read.files,
            "requests": records,
            "new_requests": new_records,
            "skipped_lines": read.bad_total,
            "commit": outcome.and_then(|outcome| outcome.commit).map(|commit| commit.to_string()),
            "warnings": lines,
            "code": outcome.map_or(exit::OK, code),
        }));
    } else {
        note(env, text);
    }
    lines.iter().for_each(|line| eprint!("warning: {line}\n"));
}

fn nothing(path: &std::path::Path) -> CliError {
    let message = format!(
        "there are no transcripts in {}",
        printable(&path.display().to_string(), 400)
    );
    CliError::plain(
        &message,
        "claude_sync::import",
        exit::FAILURE,
        "name a copy of ~/.claude, or of the folder projects in it",
    )
}

/// What came of it, in a sentence.
fn said(import: &Import, imported: &Imported, verb: &str) -> String {
    let Imported {
        days,
        new_days,
        shown_days,
        records,
        new_records,
        read,
    } = imported;
    match import.what {
        What::Transcripts(_) => {
            let files = count(read.files as u64, "transcript");
            let known = records.saturating_sub(*new_records);
            let of = if known == 0 {
                String::new()
            } else {
                format!(", {known} of which were known")
            };
            format!("{verb} {} of {files}{of}.", count(*records, "request"))
        }
        What::Sums(_) => {
            let of = if *shown_days == 0 {
                String::new()
            } else {
                format!(", {shown_days} of which records already show")
            };
            let before = days.saturating_sub(*new_days).saturating_sub(*shown_days);
            let before = if before == 0 {
                String::new()
            } else {
                format!("; {} had nothing new", count(before, "day"))
            };
            format!(
                "{verb} {} of {}{of}{before}.",
                count(*days, "day"),
                import.from.as_str()
            )
        }
    }
}

/// What could not be read of transcripts.
fn skipped(imported: &Imported) -> Vec<String> {
    let mut lines = Vec::new();
    if imported.read.bad_total > 0 {
        lines.push(format!(
            "{} of imported transcripts could not be read and were skipped.",
            count(imported.read.bad_total, "line")
        ));
    }
    for (path, reason) in &imported.read.unreadable {
        lines.push(format!(
            "{}: skipped: {}",
            printable(&path.display().to_string(), 400),
            printable(reason, 200)
        ));
    }
    lines
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        let help = match &error {
            ImportError::Read { .. } => {
                "name a file or a folder that is there and that you may read"
            }
            ImportError::TooLarge { .. } => {
                "is it the right file? ccusage claude daily --json makes a small one"
            }
            ImportError::Unknown { .. } => {
                "what can be imported: a copy of ~/.claude or of its projects, the JSON of ccusage claude daily --json, and stats-cache.json"
            }
            ImportError::Malformed { .. } => {
                "nothing was imported; make the file anew (ccusage claude daily --json), or copy it from ~/.claude once more"
            }
        };
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        Self::plain(
            &printable_lines(&format!("{error}{cause}"), 12),
            "claude_sync::import",
            exit::FAILURE,
            help,
        )
    }
}
