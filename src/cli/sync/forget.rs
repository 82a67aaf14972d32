//! `claude-sync forget`: takes data out of the repository and out of its history, on all machines.

use super::machine;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, outcome, places, source};
use std::io::IsTerminal as _;

use std::collections::BTreeSet;

use clap::ArgGroup;
use serde_json::json;

use crate::base::key::{NameKey, hex};
use crate::base::text::{count, nearest, printable};
use crate::base::time::Day;
use crate::fleet::authority::{Effect, UNDONE};
use crate::fleet::decisions::Intent;
use crate::fleet::rules::{FORGOTTEN, Rules, Stone, Subject};
use crate::fleet::{DataError, Row};
use crate::format::syncfile::Mode;
use crate::record::Totals;
use crate::report;
use crate::store::{Places, config, key};
use crate::sync::Options;
use crate::sync::undo::{KEPT_DAYS, is_in_time};

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true), after_help = "\
All machines drop the data with their next sync, and none brings it back: what is in their transcripts stays there and is not synced \
again. The remote gets a new history without it. A hosting service may keep old commits for a while, and so may other clones and \
backups: ask it to collect garbage, and delete those.

This machine keeps what was forgotten for 7 days, so that claude-sync forget --undo can bring it back. What is in transcripts comes back \
too. To keep nothing: --for-good")]
pub struct Args {
    /// A session, by id
    #[arg(long, value_name = "ID", group = "what")]
    session: Vec<String>,
    /// A project, by the name that reports show; what it uses later is not synced either
    #[arg(long, value_name = "NAME", group = "what")]
    project: Vec<String>,
    /// A machine, by id, the beginning of its id, or name: all that it ever wrote
    #[arg(long, value_name = "MACHINE", group = "what")]
    machine: Vec<String>,
    /// Everything before a UTC day
    #[arg(long, value_name = "YYYY-MM-DD", group = "what")]
    before: Option<String>,
    /// Take back what was forgotten last, or what is named, within 7 days
    #[arg(long, group = "what", conflicts_with_all = ["ahead", "for_good"])]
    undo: bool,
    /// Keep nothing by which it could be taken back
    #[arg(long)]
    for_good: bool,
    /// Also where nothing that was synced fits: what comes later is kept out
    #[arg(long)]
    ahead: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Print JSON, and do not ask: that needs --yes
    #[arg(long, requires = "yes")]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    if args
        .session
        .iter()
        .chain(&args.project)
        .any(String::is_empty)
    {
        let help = "what has no name is forgotten by its session, its machine or its days";
        return Err(CliError::plain(
            "what is to be forgotten has no name",
            "claude_sync::usage",
            exit::USAGE,
            help,
        ));
    }
    let subjects = subjects(args, env, &places)?;
    if args.undo {
        return undo(args, env, &places, &subjects);
    }
    let found = Found::among(&places, &subjects)?;
    if found.gone.is_zero() && !args.ahead {
        return Err(found.nothing(args));
    }
    let what = format!(
        "{}, ${}",
        count(found.gone.requests, "request"),
        found.gone.cost.amount.cents()
    );
    if !args.yes && !agreed(&what, env)? {
        out("Nothing was forgotten.\n");
        return Ok(exit::OK);
    }
    let options = Options {
        intents: intents(&subjects, &places)?,
        // What nobody synced is in no history.
        reroot: !found.gone.is_zero(),
        keep_undo: !args.for_good,
        ..env.options()
    };
    let outcome = crate::sync::run(&places, &options)?;
    let cost = report::dollars(found.gone.cost.amount);
    let forgotten = json!({ "requests": found.gone.requests, "cost_usd": cost });
    let words = || {
        let summary = outcome::summary(&outcome, &options, &places.repo);
        format!("Forgot {what}. Other machines drop it with their next sync.\n{summary}")
    };
    let json = args.json.then(|| vec![("forgotten", forgotten)]);
    Ok(outcome::print(&outcome, env, json, words))
}

/// What the command line names.
fn subjects(args: &Args, env: &Env, places: &Places) -> Result<Vec<Subject>, CliError> {
    let mut subjects = Vec::new();
    subjects.extend(args.session.iter().cloned().map(Subject::Session));
    subjects.extend(args.project.iter().cloned().map(Subject::Project));
    if !args.machine.is_empty() {
        let fleet = machine::machines(places)?;
        for name in &args.machine {
            subjects.push(Subject::Machine(machine::find(&fleet, name)?.id.clone()));
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

/// What would be forgotten, and the names that there are.
struct Found {
    gone: Totals,
    sessions: BTreeSet<String>,
    projects: BTreeSet<String>,
}

impl Found {
    fn among(places: &Places, subjects: &[Subject]) -> Result<Self, CliError> {
        let mut found = Self {
            gone: Totals::default(),
            sessions: BTreeSet::new(),
            projects: BTreeSet::new(),
        };
        let of_sessions = subjects
            .iter()
            .any(|one| matches!(one, Subject::Session(_)));
        let of_projects = subjects
            .iter()
            .any(|one| matches!(one, Subject::Project(_)));
        let mut machines = Vec::new();
        let mut add = |row: &Row| {
            if of_sessions {
                found.sessions.extend(row.session.map(ToString::to_string));
            }
            if of_projects && !found.projects.contains(row.project) {
                found.projects.insert(row.project.to_string());
            }
            let hit = |subject: &Subject| match subject {
                Subject::Session(id) => row.session.is_some_and(|session| session.as_str() == id),
                Subject::Project(name) => row.project == name,
                Subject::Machine(_) => false,
                Subject::Before(day) => row.at.day() < *day,
            };
            if subjects.iter().any(hit) {
                found.gone = found.gone.plus(row.totals);
            }
            machines.push((row.machine, row.totals));
        };
        let fleet = source::synced(places, None, &mut add)?;
        for (at, totals) in machines {
            let id = &fleet.machines[at].id;
            if subjects
                .iter()
                .any(|one| matches!(one, Subject::Machine(other) if other == id))
            {
                found.gone = found.gone.plus(totals);
            }
        }
        Ok(found)
    }

    /// The error where nothing of it is there.
    fn nothing(&self, args: &Args) -> CliError {
        let near = |wanted: &[String], there: &BTreeSet<String>| {
            let near = wanted
                .iter()
                .find_map(|name| nearest(name, there.iter().map(String::as_str)));
            near.map(|name| format!("did you mean {}? ", printable(name, 100)))
        };
        let near =
            near(&args.project, &self.projects).or_else(|| near(&args.session, &self.sessions));
        let help = format!(
            "{}claude-sync brings what other machines have; to keep out what comes later: --ahead",
            near.unwrap_or_default()
        );
        CliError::plain(
            "nothing that was synced fits; nothing was forgotten",
            "claude_sync::nothing",
            exit::USAGE,
            help,
        )
    }
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
        let (subject, says) = subject.tombstone(&salt, key.as_ref());
        let value = says.get("salt").cloned();
        Intent {
            kind: FORGOTTEN,
            subject,
            key: if says.is_empty() { "all" } else { "salt" },
            value: value.unwrap_or(serde_json::Value::Bool(true)),
        }
    };
    Ok(subjects.iter().map(intent).collect())
}

/// What names are signed with: nothing where there is no key, or where what is written is sealed with it.
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

/// Takes back what was forgotten last, or what is named.
fn undo(args: &Args, env: &Env, places: &Places, subjects: &[Subject]) -> Result<u8, CliError> {
    let repo = source::open(places)?;
    let rules = repo
        .synced()
        .and_then(|head| head.map(|head| repo.tree_of(head)).transpose());
    let rules = rules
        .map_err(DataError::from)?
        .map(|root| Rules::read(&repo, root, |_, _| None))
        .transpose()?
        .unwrap_or_default();
    let stones: Vec<Stone> = rules
        .stones()
        .filter(|stone| stone.effect != Effect::Undone)
        .collect();
    let latest = stones
        .iter()
        .filter(|stone| stone.effect == Effect::Holds)
        .filter_map(|stone| stone.made)
        .max();
    let is_wanted = |stone: &&Stone| match (subjects.is_empty(), stone.effect) {
        (false, _) => subjects
            .iter()
            .any(|subject| subject.is_of(stone, repo.name_keys())),
        // What does nothing anyway is in the way of nobody.
        (true, Effect::Ahead) => true,
        (true, _) => latest.is_some() && stone.made == latest,
    };
    let wanted: Vec<&Stone> = stones.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        let help = "name what was forgotten as it was named then: --session, --project, --machine or --before";
        return Err(CliError::plain(
            "nothing that was forgotten fits; nothing was taken back",
            "claude_sync::nothing",
            exit::USAGE,
            help,
        ));
    }
    let is_late = |stone: &&&Stone| {
        stone.effect == Effect::Holds && stone.made.is_some_and(|made| !is_in_time(made, env.now))
    };
    if let Some(made) = wanted.iter().find(is_late).and_then(|stone| stone.made) {
        let message = format!(
            "it was forgotten on {}, more than {KEPT_DAYS} days ago, and is kept nowhere",
            made.day()
        );
        let help = "what is in a backup or in old transcripts can be imported under another name: claude-sync import";
        return Err(CliError::plain(
            &message,
            "claude_sync::too_late",
            exit::USAGE,
            help,
        ));
    }
    let intent = |stone: &&Stone| Intent {
        kind: FORGOTTEN,
        subject: stone.subject.clone(),
        key: UNDONE,
        value: true.into(),
    };
    let options = Options {
        intents: wanted.iter().map(intent).collect(),
        mode: Mode::Full,
        ..env.options()
    };
    drop(repo);
    let outcome = crate::sync::run(places, &options)?;
    let number = wanted.len() as u64;
    let words = || {
        let what = count(number, "decision");
        format!(
            "Took back {what} to forget. Other machines bring back what they have with their next sync.\n{}",
            outcome::summary(&outcome, &options, &places.repo)
        )
    };
    Ok(outcome::print(
        &outcome,
        env,
        args.json.then(|| vec![("undone", number.into())]),
        words,
    ))
}

fn agreed(what: &str, env: &Env) -> Result<bool, CliError> {
    if !env.attended || !std::io::stdin().is_terminal() {
        return Err(CliError::plain(
            &format!("this would take {what} out of the repository and its history for good"),
            "claude_sync::usage",
            exit::USAGE,
            "say --yes if that is what you want",
        ));
    }
    eprint!(
        "This takes {what} out of the repository and its history, on all machines, for good. Go on? [y/N] "
    );
    let mut answer = String::new();
    let _ = std::io::stdin().read_line(&mut answer);
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
