//! `claude-sync compact`: folds old commits.

use serde_json::json;

use crate::base::text::{count, thousands};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, outcome, places, source};
use crate::store::{Places, config};
use crate::sync::compact::{KEEP, Plan, plan};
use crate::sync::{self, Options, Outcome};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Records stay as they are: they are in the files, not in the commits. Commits of the last days stay; older ones become one a day, and \
after another year one a month, with their figures added up, so that claude-sync log still shows what each machine added. The remote's \
branch is replaced. Other machines join it with their next sync, and fetch it once. `diff` and `restore` find no versions in between.

A run that is interrupted changes nothing, unless it was replacing the branch: then the next sync completes it.

A hosting service may keep the old commits for a while; ask it to collect garbage.

With a branch per machine, this machine's branch is compacted.")]
pub(crate) struct Args {
    /// Days of history to keep as they are, such as 90d; default: history.keep, or 90d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    keep: Option<u32>,
    /// Show what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads a number of days: `90d`, or `90`.
fn days(text: &str) -> Result<u32, String> {
    config::days(text).ok_or_else(|| "write days as 90d, at most 36500d".to_owned())
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let settings = config::read(&places.config)?;
    if settings.sign {
        return Err(CliError::plain(
            "the commits of this fleet are signed, and others' signatures cannot be made anew",
            "claude_sync::signed",
            exit::USAGE,
            "to compact all the same: claude-sync config set git.sign false; nothing was changed",
        ));
    }
    let keep = args.keep.or(settings.keep_history).unwrap_or(KEEP);
    if args.dry_run {
        return preview(args, &places, keep);
    }
    let options = Options {
        compact: Some(keep),
        ..env.options()
    };
    let outcome = sync::run(&places, &options)?;
    let summary = || to_text(&outcome, &options, &places);
    let more = vec![("folded", folded(&outcome))];
    Ok(outcome::print(
        &outcome,
        env,
        args.json.then_some(more),
        summary,
    ))
}

fn to_text(outcome: &Outcome, options: &Options, places: &Places) -> String {
    let summary = outcome::summary(outcome, options, &places.repo);
    match outcome.folded {
        None if outcome.remote.is_away() => {
            format!(
                "{summary}The history is compacted with the next sync that reaches the remote.\n"
            )
        }
        None => format!("{summary}There is nothing to fold.\n"),
        Some(_) => summary,
    }
}

fn folded(outcome: &Outcome) -> serde_json::Value {
    match outcome.folded {
        Some((before, after)) => json!({ "commits": before, "commits_after": after }),
        None => serde_json::Value::Null,
    }
}

fn preview(args: &Args, places: &Places, keep: u32) -> Result<u8, CliError> {
    let repo = source::open(places)?;
    let head = repo.synced()?.ok_or_else(source::no_data)?;
    let Plan { before, after } = plan(&repo, head, keep)?;
    if args.json {
        json(&json!({
            "version": 1,
            "keep_days": keep,
            "commits": before,
            "commits_after": after,
        }));
    } else {
        out(&format!(
            "{} would become {}. The last {} stay as they are.\n",
            count(before as u64, "commit"),
            thousands(after as u64),
            count(keep, "day")
        ));
    }
    Ok(exit::OK)
}
