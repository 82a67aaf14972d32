//! `claude-sync forget`: takes data out of the repository and out of its history, on all machines.

mod matches;
mod undo;

use clap::ArgGroup;
use serde_json::json;

use crate::base::key::{NameKey, hex};
use crate::base::text::{count, printable};
use crate::base::time::Day;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::machine_name::{find, machines};
use crate::cli::print::out;
use crate::cli::{exit, outcome, places, prompt, source};
use crate::fleet::decisions::Intent;
use crate::fleet::rules::{FORGOTTEN, Subject};
use crate::record::Totals;
use crate::report::dollars;
use crate::store::{Places, config, key};
use crate::sync::{self, Options};
use matches::Matches;

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true), after_help = "\
All machines delete the data with their next sync. Their transcripts are not changed, and are not synced again. \
The remote gets a new history without the data. A hosting service may keep old commits for a while, and so may other clones and \
backups: ask the service to collect garbage, and delete the others.

This machine keeps the data for 7 days, for claude-sync forget --undo. To keep nothing: --for-good")]
pub(crate) struct Args {
    /// Session to delete, by id
    #[arg(long, value_name = "ID", group = "what")]
    session: Vec<String>,
    /// Project to delete, by the name that reports show; its later usage is not synced either
    #[arg(long, value_name = "NAME", group = "what")]
    project: Vec<String>,
    /// Machine whose data to delete: its id, the beginning of its id, or its name
    #[arg(long, value_name = "MACHINE", group = "what")]
    machine: Vec<String>,
    /// Delete everything before a UTC day
    #[arg(long, value_name = "YYYY-MM-DD", group = "what")]
    before: Option<String>,
    /// Restore the data deleted last, or the selected data, within 7 days
    #[arg(long, group = "what", conflicts_with_all = ["ahead", "for_good"])]
    undo: bool,
    /// Keep no copy for --undo
    #[arg(long)]
    for_good: bool,
    /// Do not fail if no synced data is selected; data that is synced later is deleted too
    #[arg(long)]
    ahead: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Print JSON; requires --yes
    #[arg(long, requires = "yes")]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    refuse_empty_names(args)?;
    let subjects = subjects(args, env, &places)?;
    if args.undo {
        return undo::undo(&places, env, &subjects, args.json);
    }
    let matches = Matches::find(&places, &subjects)?;
    if matches.totals.is_zero() && !args.ahead {
        return Err(matches.none(&args.session, &args.project));
    }
    let what = describe(&matches.totals);
    if !args.yes && !confirm(&what, env)? {
        out("Nothing was forgotten.\n");
        return Ok(exit::OK);
    }
    forget(args, env, &places, (&subjects, &matches.totals))
}

/// Fails for an empty name. Rows without a session or project would match it.
fn refuse_empty_names(args: &Args) -> Result<(), CliError> {
    let mut names = args.session.iter().chain(&args.project);
    if !names.any(String::is_empty) {
        return Ok(());
    }
    Err(CliError::plain(
        "what is to be forgotten has no name",
        "claude_sync::usage",
        exit::USAGE,
        "what has no name is forgotten by its session, its machine or its days",
    ))
}

/// Records the decisions, syncs, and prints the result.
fn forget(
    args: &Args,
    env: &Env,
    places: &Places,
    (subjects, totals): (&[Subject], &Totals),
) -> Result<u8, CliError> {
    let options = Options {
        intents: intents(subjects, places)?,
        // Data that was never synced is in no history.
        reroot: !totals.is_zero(),
        keep_undo: !args.for_good,
        ..env.options()
    };
    let outcome = sync::run(places, &options)?;
    let cost = dollars(totals.cost.amount);
    let forgotten = json!({ "requests": totals.requests, "cost_usd": cost });
    let text = || {
        let (what, summary) = (
            describe(totals),
            outcome::summary(&outcome, &options, &places.repo),
        );
        format!("Forgot {what}. Other machines drop it with their next sync.\n{summary}")
    };
    let json = args.json.then(|| vec![("forgotten", forgotten)]);
    Ok(outcome::print(&outcome, env, json, text))
}

fn describe(totals: &Totals) -> String {
    let requests = count(totals.requests, "request");
    format!("{requests}, ${}", totals.cost.amount.cents())
}

/// What the command line selects.
fn subjects(args: &Args, env: &Env, places: &Places) -> Result<Vec<Subject>, CliError> {
    let mut subjects = Vec::new();
    subjects.extend(args.session.iter().cloned().map(Subject::Session));
    subjects.extend(args.project.iter().cloned().map(Subject::Project));
    if !args.machine.is_empty() {
        let fleet = machines(places)?;
        for name in &args.machine {
            subjects.push(Subject::Machine(find(&fleet, name)?.id.clone()));
        }
    }
    let Some(text) = &args.before else {
        return Ok(subjects);
    };
    let day = Day::parse(text).ok_or_else(|| {
        CliError::plain(
            &format!("{} is no day", printable(text, 40)),
            "claude_sync::usage",
            exit::USAGE,
            "write it as 2026-11-23; it is a day of UTC",
        )
    })?;
    let today = env.now.day();
    if day > today && !args.undo {
        let message = format!("{day} is after today, {today}: nothing would be synced until then");
        let help = format!("a day of UTC, {today} at the latest; nothing was forgotten");
        return Err(CliError::plain(
            &message,
            "claude_sync::day_ahead",
            exit::USAGE,
            help,
        ));
    }
    subjects.push(Subject::Before(day));
    Ok(subjects)
}

/// The decisions, with a salt of their own.
fn intents(subjects: &[Subject], places: &Places) -> Result<Vec<Intent>, CliError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| {
        CliError::plain(
            "the system gave no random bytes",
            "claude_sync::failure",
            exit::FAILURE,
            "try again; nothing was forgotten",
        )
    })?;
    let salt = hex(&salt);
    let key = name_key(places)?;
    let intent = |subject: &Subject| {
        let (subject, members) = subject.tombstone(&salt, key.as_ref());
        let salt = members.get("salt").cloned();
        Intent {
            kind: FORGOTTEN,
            subject,
            key: if members.is_empty() { "all" } else { "salt" },
            value: salt.unwrap_or(serde_json::Value::Bool(true)),
        }
    };
    Ok(subjects.iter().map(intent).collect())
}

/// The key that tombstones of names are signed with. `None` without the fleet's key, and in an
/// encrypted repository.
fn name_key(places: &Places) -> Result<Option<NameKey>, CliError> {
    let Some(key) = key::read(&places.key)? else {
        return Ok(None);
    };
    let asked = config::read(&places.config)?.encrypt;
    let repo = source::open(places)?;
    let sealed = repo
        .synced()?
        .map(|head| repo.seal_of(repo.tree_of(head)?))
        .transpose()?
        .flatten();
    Ok((!asked && sealed.is_none()).then(|| NameKey::of(&key)))
}

/// Asks for confirmation. Fails without a terminal.
fn confirm(what: &str, env: &Env) -> Result<bool, CliError> {
    let would = format!("this would permanently delete {what} from the repository and its history");
    let question =
        format!("Permanently delete {what} from the repository and its history, on all machines?");
    prompt::confirm_or_refuse(env, &would, &question)
}
