//! `claude-sync diff`: the difference of sessions and totals between two commits.

use crate::cli::deepen::deepen;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::table::{Column, TextTable};
use crate::cli::{exit, places, source};
use serde_json::{Value, json};

use crate::base::text::{count, printable, thousands};
use crate::fleet::{DataError, Fleet, read};
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::record::Totals;
use crate::report::diff::{Diff, SessionChange};
use crate::report::{self, dollars};
use crate::sync::SyncError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Older commit, as git names commits [default: HEAD^]
    from: Option<String>,
    /// Newer commit [default: HEAD]
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Below this width, session ids are cut to their first digits.
const FULL_IDS: u16 = 120;

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let repo = source::open(&places)?;
    let is_here = |text: &str| repo.revision(text).is_some();
    if !is_here(args.from.as_deref().unwrap_or("HEAD^")) || !args.to.as_deref().is_none_or(is_here)
    {
        deepen(&repo, env);
    }
    // Opened anew, with the commits that came.
    let repo = source::open(&places)?;
    let to = commit(&repo, args.to.as_deref().unwrap_or("HEAD"))?;
    let from = match &args.from {
        Some(text) => Some(commit(&repo, text)?),
        // The first commit has no parent: it is compared with an empty fleet.
        None => repo.revision("HEAD^"),
    };
    let (old, new) = (fleet(&repo, from)?, fleet(&repo, Some(to))?);
    let changes = report::diff::diff(&old, &new);
    if args.json {
        json(&to_json(&changes, from, to));
    } else if changes.sessions.is_empty() {
        out("No session changed.\n");
    } else {
        out(&to_table(&changes, env.width));
    }
    Ok(exit::OK)
}

fn commit(repo: &Repo, text: &str) -> Result<Oid, CliError> {
    repo.revision(text).ok_or_else(|| {
        CliError::plain(
            &format!("there is no commit \"{text}\""),
            "claude_sync::no_commit",
            exit::USAGE,
            "name it as git does: HEAD~3, a branch, or the beginning of an id from claude-sync log",
        )
    })
}

/// The fleet at a commit; an empty one without a commit.
fn fleet(repo: &Repo, commit: Option<Oid>) -> Result<Fleet, CliError> {
    let read = || -> Result<Fleet, DataError> {
        let root = commit.map(|commit| repo.tree_of(commit)).transpose()?;
        let trees = read::inputs(repo, root)?;
        Ok(Fleet::count(read::load(repo, trees)?))
    };
    read().map_err(|error| SyncError::Merge(error).into())
}

fn to_json(changes: &Diff, from: Option<Oid>, to: Oid) -> Value {
    let session = |change: &SessionChange| {
        json!({
            "session_id": change.session.as_str(),
            "project": change.project,
            "machines": change.machines,
            "before": totals(&change.before),
            "after": totals(&change.after),
        })
    };
    json!({
        "version": 1,
        "from": from.map(|commit| commit.to_string()),
        "to": to.to_string(),
        "sessions": changes.sessions.iter().map(session).collect::<Vec<_>>(),
        "before": totals(&changes.before),
        "after": totals(&changes.after),
    })
}

fn totals(totals: &Totals) -> Value {
    json!({
        "requests": totals.requests,
        "total_tokens": totals.counters.total(),
        "total_cost_usd": dollars(totals.cost.amount),
    })
}

fn to_table(changes: &Diff, width: u16) -> String {
    let columns = [
        Column::text("Session"),
        Column::text("Project"),
        Column::text("Machines").wide_only(),
        Column::number("Requests"),
        Column::number("Tokens").wide_only(),
        Column::number("Cost (USD)"),
    ];
    let id_length = if width < FULL_IDS { 8 } else { 40 };
    let mut table = TextTable::new(width, columns);
    let mut row = |names: [String; 3], before: &Totals, after: &Totals| {
        let [session, project, machines] = names;
        let [requests, tokens, cost] = change_of(before, after);
        table.row([session, project, machines, requests, tokens, cost]);
    };
    for change in &changes.sessions {
        let names = [
            printable(change.session.as_str(), id_length),
            printable(&change.project, 30),
            printable(&change.machines.join(", "), 60),
        ];
        row(names, &change.before, &change.after);
    }
    let sessions = count(changes.sessions.len() as u64, "session");
    let names = ["Total".to_owned(), sessions, String::new()];
    row(names, &changes.before, &changes.after);
    table.to_string()
}

/// The change of requests, tokens and cost, each with its sign.
fn change_of(before: &Totals, after: &Totals) -> [String; 3] {
    let signed = |was: u64, is: u64| {
        if is >= was {
            format!("+{}", thousands(is - was))
        } else {
            format!("-{}", thousands(was - is))
        }
    };
    let (was, is) = (before.cost.amount, after.cost.amount);
    let cost = if is >= was {
        format!("+${}", is.minus(was).cents())
    } else {
        format!("-${}", was.minus(is).cents())
    };
    [
        signed(before.requests, after.requests),
        signed(before.counters.total(), after.counters.total()),
        cost,
    ]
}
