//! The first sync, at the end of `init`: what it publishes, the sync, and a first report.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, outcome, prompt, source, tracker};
use clap::Parser as _;

use crate::base::text::count;
use crate::fleet::Fleet;
use crate::store::Places;
use crate::store::layout::ARCHIVE;
use crate::sync::{self, Options};

/// Syncs, after confirmation if `asks` is set. Returns the exit code.
pub(crate) fn first_sync(places: &Places, env: &Env, asks: bool) -> Result<u8, CliError> {
    out(&announcement(places, env)?);
    if asks && !prompt::confirm("Sync now?", true)? {
        out(NEXT);
        return Ok(exit::OK);
    }
    let options = env.options();
    let outcome = sync::run(places, &options)?;
    let summary = outcome::summary(&outcome, &options, &places.repo);
    out(&format!("\n{summary}"));
    eprint!("{}", outcome::warnings(&outcome, false));
    let fleet = source::synced(places, None, &mut |_| {})?;
    if fleet.records > 0 {
        out("\n");
        report(&fleet, env)?;
    }
    Ok(outcome::code(&outcome))
}

/// The command to go on with, where nothing was synced.
pub(crate) const NEXT: &str = "Next: claude-sync\n";

/// What the sync publishes.
fn announcement(places: &Places, env: &Env) -> Result<String, CliError> {
    let options = Options {
        attended: false,
        ..env.options()
    };
    let preview = sync::preview(places, &options)?;
    let days = preview
        .files
        .iter()
        .filter(|file| file.path.starts_with(ARCHIVE));
    let lines: u64 = days.map(|file| file.lines.len() as u64).sum();
    let lines = count(lines, "line");
    let earlier = earlier(places)?;
    let sealed = if preview.sealed.is_some() {
        " Everything is encrypted."
    } else {
        ""
    };
    Ok(format!(
        "\nWhat leaves this machine: {lines} of figures{earlier}. For each request: time, model, token counts,\nprice, session id and project name. For the machine: its name and system.\nPrompts and answers never leave it.{sealed} To see each line: claude-sync preview\n"
    ))
}

/// What was synced here before there was a remote, in words.
fn earlier(places: &Places) -> Result<String, CliError> {
    let status = sync::status(places)?;
    let requests = status.synced.filter(|_| status.unpushed > 0);
    Ok(match requests {
        Some(number @ 1..) => format!(", and {} of earlier syncs", count(number, "request")),
        _ => String::new(),
    })
}

/// Prints the report of the last days if they have usage, else of all months.
fn report(fleet: &Fleet, env: &Env) -> Result<(), CliError> {
    const SIX_DAYS: i64 = 6 * 24 * 60 * 60 * 1000;
    let recent = fleet
        .last_usage()
        .is_some_and(|last| env.now.since(last) < SIX_DAYS);
    out(if recent {
        "Usage of the last 7 days, then by machine:\n"
    } else {
        "Usage by month, then by machine:\n"
    });
    let sections: &[&str] = if recent {
        &["daily,machines", "--last", "7d"]
    } else {
        &["monthly,machines"]
    };
    let words = [
        &["claude-usage-tracker", "daily", "--no-pager", "--sections"],
        sections,
    ]
    .concat();
    let args = tracker::Args::try_parse_from(words).map_err(|error| {
        CliError::plain(
            &error.to_string(),
            "claude_sync::usage",
            exit::USAGE,
            "run claude-usage-tracker",
        )
    })?;
    tracker::run(&args, env)?;
    Ok(())
}
