//! `claude-sync init`: set this machine up, from the question where history is kept to the first report.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::{Parser as _, ValueEnum};
use serde_json::Value;

use super::auto::EnableArgs;
use super::env::Env;
use super::error::CliError;
use super::questions::{self, Answers};
use super::{auto, exit, github, key, out, tracker};
use crate::auto::ledger::{self, Ledger};
use crate::base::text::{count, printable};
use crate::git::Git;
use crate::git::hooks::Installed;
use crate::git::repo::Repo;
use crate::git::visibility::{Visibility, visibility};
use crate::store::settings::Settings;
use crate::store::{Places, config};
use crate::sync::{self, Init, Options};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync init                                  asks, on a terminal
  claude-sync init git@github.com:me/usage.git      share history through a private repository, or join it
  claude-sync init --github claude-usage            make a private repository there, with gh
  claude-sync init --yes                            keep history on this machine, and ask nothing")]
pub struct Args {
    /// The repository to join: any address that git understands, empty or made by claude-sync
    remote: Option<String>,
    /// Make a private repository of this name at GitHub, or join the one that is there, with your gh
    #[arg(long, value_name = "NAME", conflicts_with = "remote")]
    github: Option<String>,
    /// Be one of the short-lived machines of this name, such as CI jobs or dev containers: all of them are one machine of the fleet
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ephemeral: Option<String>,
    /// Push to a repository that everybody can read
    #[arg(long)]
    allow_public: bool,
    /// What projects are called: by the last part of their path, by an HMAC under the fleet's key, or not at all
    #[arg(long, value_enum, value_name = "HOW")]
    project_names: Option<ProjectNames>,
    /// Call this machine by the first digits of its id
    #[arg(long)]
    anonymize_hostname: bool,
    /// Encrypt every file in the repository
    #[arg(long, conflicts_with = "front_page")]
    encrypt: bool,
    /// Keep only sums of what is older
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retention_days: Option<u32>,
    /// Sync by itself from now on: see claude-sync auto
    #[arg(long)]
    auto: bool,
    /// Leave Claude Code's settings and the system's timers alone
    #[arg(long, conflicts_with = "auto")]
    no_auto: bool,
    /// Set up only, and sync later
    #[arg(long)]
    no_sync: bool,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Let each machine push a branch of its own, never rejected, in place of one that all share
    #[arg(long)]
    branch_per_machine: bool,
    /// Show this month, the last months and the machines on the repository's front page: tables and charts in README.md
    #[arg(long)]
    front_page: bool,
    /// Take the front page out again
    #[arg(long, conflicts_with = "front_page")]
    no_front_page: bool,
}

/// What projects are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProjectNames {
    /// The last part of the path
    Last,
    /// An HMAC of it under the fleet's key
    Hash,
    /// Nothing
    None,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let usage = |message: &str, help: &str| {
        CliError::plain(message, "claude_sync::usage", exit::USAGE, help)
    };
    if args
        .remote
        .as_ref()
        .is_some_and(|remote| remote.is_empty() || remote.starts_with('-'))
    {
        return Err(usage(
            "the remote's address is empty or looks like an option",
            "give an address that git understands",
        ));
    }
    if args.front_page && config::read(&places.config)?.encrypt {
        let help = "leave --front-page out; claude-usage-tracker html shows more";
        return Err(usage(
            "a front page would tell in clear what encryption hides",
            help,
        ));
    }
    // Nobody is asked anything for nothing.
    Git::find(env.attended)?;
    let first = matches!(Repo::open(&places.repo), Ok(None));
    let asks = first && !args.yes && env.attended && std::io::stdout().is_terminal();
    let given = answers(args);
    let answers = if asks {
        questions::ask(given, args.auto || args.no_auto)?
    } else {
        given
    };
    let remote = match &answers.github {
        Some(name) => Some(github::repository(name, args.allow_public)?),
        None => answers.remote.as_deref().map(absolute),
    };
    if let Some(address) = &remote {
        refuse_public(address, args.allow_public, env)?;
    }
    let front_page = (args.front_page || args.no_front_page).then_some(args.front_page);
    let options = Options {
        front_page,
        ..env.options()
    };
    if let Some(name) = &args.ephemeral {
        sync::become_ephemeral(&places, name)?;
    }
    let done = sync::init(
        &places,
        &options,
        remote.as_deref(),
        args.branch_per_machine,
    )?;
    if let Some(name) = &args.ephemeral {
        sync::keep_ephemeral(&places, name)?;
    }
    out(&told(&done, &places, front_page));
    settings(&answers, &done, &places)?;
    let mut code = exit::OK;
    if args.no_sync {
        out("Next: claude-sync\n");
    } else {
        code = first_sync(&places, env, asks)?;
    }
    if answers.auto {
        out(&auto::enable(&EnableArgs::default())?);
    }
    Ok(code)
}

/// What the command line says already.
fn answers(args: &Args) -> Answers {
    Answers {
        remote: args.remote.clone(),
        github: args.github.clone(),
        project_names: args.project_names,
        anonymize_hostname: args.anonymize_hostname,
        encrypt: args.encrypt,
        retention_days: args.retention_days,
        auto: args.auto,
    }
}

/// A folder that is named from here is looked for from elsewhere too.
fn absolute(address: &str) -> String {
    let path = Path::new(address);
    let real = path
        .is_dir()
        .then(|| std::fs::canonicalize(path).ok())
        .flatten()
        .filter(|_| path.is_relative());
    real.map_or_else(|| address.to_owned(), |real| real.display().to_string())
}

/// Records say when and how much somebody works: they are not for everybody.
fn refuse_public(address: &str, allowed: bool, env: &Env) -> Result<(), CliError> {
    if allowed {
        return Ok(());
    }
    let git = Git::find(env.attended)?;
    if visibility(&git, &Env::folders()?.home, address) != Visibility::Public {
        return Ok(());
    }
    let message = format!(
        "everybody can read {}",
        printable(&crate::git::process::hide_secrets(address), 200)
    );
    let help = "make the repository private, then run this again: usage records tell when and how much you work, and on what. Or, if that is what you want: --allow-public";
    Err(CliError::plain(
        &message,
        "claude_sync::public_remote",
        exit::CONFIG,
        help,
    ))
}

/// What was set up, in words.
fn told(done: &Init, places: &Places, front_page: Option<bool>) -> String {
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    let mut text = format!(
        "This machine is {}{}.\n",
        done.machine,
        if done.new_id { " (a new id)" } else { "" }
    );
    let made = if done.new_repo { "made" } else { "ready" };
    text.push_str(&format!("Repository {made}: {}\n", show(&places.repo)));
    match (&done.remote, done.joined) {
        (Some(remote), true) => text.push_str(&format!("Joined {}, which has data already.\n", printable(remote, 400))),
        (Some(remote), false) => text.push_str(&format!("Remote: {}, still empty.\n", printable(remote, 400))),
        (None, _) => text.push_str("No remote: history is kept on this machine. To share it later: claude-sync init ADDRESS\n"),
    }
    if done.per_machine {
        text.push_str("Each machine pushes a branch of its own, and main is joined here.\n");
    }
    match &done.hooks {
        Installed::Here(_) => {}
        Installed::Shared(folder) => text.push_str(&format!(
            "Your git has one folder of hooks for all repositories, {}: it was left alone. To have claude-sync's checks, call them there: claude-sync hook pre-push \"$@\"\n",
            show(folder)
        )),
        Installed::Failed(folder) => text.push_str(&format!("No hooks were installed: {} cannot be written.\n", show(folder))),
    }
    match front_page {
        Some(true) => text.push_str("The next sync puts the front page into README.md.\n"),
        Some(false) => text.push_str("The next sync takes the front page out of README.md.\n"),
        None => {}
    }
    text
}

/// Writes down what was chosen, and makes the key that it needs where this fleet has none yet.
fn settings(answers: &Answers, done: &Init, places: &Places) -> Result<(), CliError> {
    let mut chosen: Vec<(&str, Value)> = Vec::new();
    match answers.project_names {
        Some(ProjectNames::Last) => chosen.push(("project_names", "last".into())),
        Some(ProjectNames::Hash) => chosen.push(("project_names", "hash".into())),
        Some(ProjectNames::None) => chosen.push(("exclude_project_names", true.into())),
        None => {}
    }
    if answers.anonymize_hostname {
        chosen.push(("anonymize_hostname", true.into()));
    }
    if answers.encrypt {
        chosen.push(("encryption", "at-rest".into()));
    }
    chosen.extend(
        answers
            .retention_days
            .map(|days| ("retention_days", days.into())),
    );
    if chosen.is_empty() {
        return Ok(());
    }
    let needs_key = answers.encrypt || answers.project_names == Some(ProjectNames::Hash);
    if needs_key && !places.key.exists() {
        if done.joined {
            let help = "on a machine that has it: claude-sync key show; then here: claude-sync key import, and this again";
            return Err(CliError::plain(
                "this fleet's key is not on this machine",
                "claude_sync::no_key",
                exit::CONFIG,
                help,
            ));
        }
        out(&key::about(&key::make(places)?, places));
    }
    let new = !places.config.exists();
    let mut file = Settings::open(&places.config)?;
    for (name, value) in chosen {
        file.set(&format!("privacy_settings.{name}"), Some(value))?;
    }
    out(&format!(
        "Settings: {}\n",
        printable(&places.config.display().to_string(), 400)
    ));
    if new {
        let place = ledger::place(&places.config);
        let mut ledger = Ledger::read(&place);
        ledger.config = std::fs::read(&places.config)
            .ok()
            .map(|bytes| ledger::sha256(&bytes));
        ledger.write(&place)?;
    }
    Ok(())
}

/// Shows what leaves, lets it leave, and shows what came of it.
fn first_sync(places: &Places, env: &Env, asks: bool) -> Result<u8, CliError> {
    let preview = sync::preview(
        places,
        &Options {
            attended: false,
            ..env.options()
        },
    )?;
    let days = preview
        .files
        .iter()
        .filter(|file| file.path.starts_with(crate::store::layout::ARCHIVE));
    let lines: usize = days.map(|file| file.lines.len()).sum();
    let sealed = if preview.sealed.is_some() {
        " Everything is encrypted."
    } else {
        ""
    };
    out(&format!(
        "\nWhat leaves this machine: {} of figures. Of each request its time, model,\ntoken counts, price, session id and project's name; of the machine its name and system.\nNever a word of what was said.{sealed} Line by line: claude-sync preview\n",
        count(lines as u64, "line")
    ));
    if asks && !questions::confirm("Sync now?", true)? {
        out("Next: claude-sync\n");
        return Ok(exit::OK);
    }
    let options = Options {
        attended: env.attended,
        ..env.options()
    };
    let outcome = sync::run(places, &options)?;
    out(&format!(
        "\n{}",
        super::sync::summary(&outcome, &options, &places.repo)
    ));
    eprint!("{}", super::sync::warnings(&outcome, false));
    let used = super::source::synced(places, None, &mut |_| {})?;
    if used.records > 0 {
        out("\n");
        // The last days, where there was anything in them; else all months.
        let week = used
            .last_usage()
            .is_some_and(|last| env.now.since(last) < 6 * 24 * 60 * 60 * 1000);
        let sections: &[&str] = if week {
            &["daily,machines", "--last", "7d"]
        } else {
            &["monthly,machines"]
        };
        let report = tracker::Args::try_parse_from(
            [&["claude-usage-tracker", "--sections"], sections].concat(),
        );
        let report = report.map_err(|error| {
            CliError::plain(
                &error.to_string(),
                "claude_sync::usage",
                exit::USAGE,
                "claude-usage-tracker",
            )
        })?;
        tracker::run(&report, env)?;
    }
    Ok(super::sync::code(&outcome))
}
