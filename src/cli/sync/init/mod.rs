//! `claude-sync init`: sets this machine up, from the choice of a repository to the first report.

mod first_sync;
mod github;
mod privacy;
mod project_names;
mod questions;

use super::auto::{self, EnableArgs};
use super::machine::label_intent;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, places, prompt, status_line};
use std::io::IsTerminal as _;
use std::path::Path;

use crate::base::text::printable;
use crate::git::hooks::Installed;
use crate::git::process::hide_secrets;
use crate::git::repo::Repo;
use crate::git::visibility::{Visibility, visibility};
use crate::git::{Git, setup};
use crate::store::{Places, config};
use crate::sync::{self, Init, Options};
use first_sync::first_sync;
use project_names::ProjectNames;
use questions::{Answers, Known};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync init                                  asks questions, on a terminal
  claude-sync init git@github.com:me/usage.git      join a private repository, which may be empty
  claude-sync init --github claude-usage            create a private repository at GitHub, with gh
  claude-sync init --yes                            keep history on this machine, without questions")]
pub(crate) struct Args {
    /// The repository to join: any address that git understands. It must be empty, or made by
    /// claude-sync
    remote: Option<String>,
    /// Create a private repository of this name at GitHub with gh, or join it if it exists
    #[arg(long, value_name = "NAME", conflicts_with = "remote")]
    github: Option<String>,
    /// Name of this machine in reports [default: its hostname]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["ephemeral", "anonymize_hostname"], value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Count all short-lived machines of this name, such as CI jobs or dev containers, as one
    /// machine of the fleet
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ephemeral: Option<String>,
    /// Allow a repository that everybody can read
    #[arg(long)]
    allow_public: bool,
    /// How to name projects: last part of the path, HMAC under the fleet's key, or no name
    #[arg(long, value_enum, value_name = "HOW")]
    project_names: Option<ProjectNames>,
    /// Use the first digits of the machine id as its name
    #[arg(long)]
    anonymize_hostname: bool,
    /// Encrypt every file in the repository
    #[arg(long, conflicts_with = "front_page")]
    encrypt: bool,
    /// Remove the time of day, session and project from records older than DAYS days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retention_days: Option<u32>,
    /// Enable automatic sync: see claude-sync auto
    #[arg(long)]
    auto: bool,
    /// Do not change Claude Code's settings or the system's timers
    #[arg(long, conflicts_with = "auto")]
    no_auto: bool,
    /// Show usage and plan limits in Claude Code's status line, unless it has another one
    #[arg(long)]
    statusline: bool,
    /// Do not change Claude Code's status line
    #[arg(long, conflicts_with = "statusline")]
    no_statusline: bool,
    /// Set up only; do not sync
    #[arg(long)]
    no_sync: bool,
    /// Do not ask questions
    #[arg(short, long)]
    yes: bool,
    /// Push one branch per machine, which is never rejected, instead of one shared branch
    #[arg(long)]
    branch_per_machine: bool,
    /// Add a front page to the repository's README.md: tables and charts of this month, the last
    /// months and the machines
    #[arg(long)]
    front_page: bool,
    /// Remove the front page
    #[arg(long, conflicts_with = "front_page")]
    no_front_page: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    check(args, &places)?;
    // Without git, questions would be for nothing.
    Git::find(env.attended)?;
    let first = matches!(Repo::open(&places.repo), Ok(None));
    let asks = first && !args.yes && env.attended && std::io::stdout().is_terminal();
    let mut answers = args.answers();
    if asks {
        prompt::on_interrupt("claude-sync init");
        out(INTRODUCTION);
        let check = |address: &str| check_address(address, args, env);
        let hostname = printable(&env.options().host.hostname, 100);
        let known = Known {
            auto: args.auto || args.no_auto,
            statusline: args.statusline || args.no_statusline || !status_line::is_missing(&places),
        };
        answers = questions::ask(answers, known, &check, &hostname)?;
    }
    let remote = remote(args, &answers, env)?;
    let done = set_up(args, &places, env, remote.as_deref())?;
    out(&summary(&done, &places, args.front_page()));
    privacy::apply(&answers, &done, &places)?;
    keep_name(&answers, &done, &places)?;
    let code = if args.no_sync {
        out(first_sync::NEXT);
        exit::OK
    } else {
        first_sync(&places, env, asks)?
    };
    if answers.auto {
        out(&auto::enable(&EnableArgs::default())?);
    }
    if answers.statusline {
        out(&status_line::install(&places)?);
    }
    if !args.no_sync {
        out(&next_steps(remote.as_deref(), answers.auto));
    }
    Ok(code)
}

/// Keeps the chosen name of this machine for its next sync.
fn keep_name(answers: &Answers, done: &Init, places: &Places) -> Result<(), CliError> {
    let name = answers.name.as_deref().map(str::trim);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    label_intent(done.machine.to_string(), name)?;
    if let Some(repo) = Repo::open(&places.repo)? {
        setup::want_name(&repo, Some(name))?;
    }
    Ok(())
}

/// Shown before the questions.
const INTRODUCTION: &str = "\
claude-sync keeps the usage figures of Claude Code in a git repository of yours.
Of each request: time, model, token counts, price, session id, and the project's
name if you agree. Of this machine: id, system, and its name if you agree.
Prompts, answers and files never leave it. Nothing is uploaded before you agree;
claude-sync uninstall takes the set-up back.

";

/// Fails if git does not reach the repository at an address, or if everybody can read it.
fn check_address(address: &str, args: &Args, env: &Env) -> Result<(), CliError> {
    let address = absolute(address);
    let git = Git::find(env.attended)?;
    git.survey(&places::system_folders()?.home, &address)
        .map_err(|error| {
            let shown = printable(&hide_secrets(&address), 200);
            let what = format!("failed to reach {shown}: {error}");
            let help = "check the address, the network, and that git can log in there: git ls-remote ADDRESS";
            CliError::plain(&what, "claude_sync::remote", exit::REMOTE, help)
        })?;
    if args.allow_public {
        return Ok(());
    }
    refuse_public(&address, env)
}

/// What to do after the set-up.
fn next_steps(remote: Option<&str>, is_automatic: bool) -> String {
    let mut out = "\nNext:\n  claude-usage-tracker            report on all machines\n".to_owned();
    if !is_automatic {
        out.push_str("  claude-sync auto enable         sync automatically\n");
    }
    match remote {
        Some(remote) => {
            let shown = printable(&hide_secrets(remote), 200);
            out.push_str(&format!(
                "  claude-sync init {shown}   on each other machine\n"
            ));
        }
        None => out.push_str("  claude-sync init ADDRESS        share it with other machines\n"),
    }
    out
}

/// Fails for arguments that contradict each other or the settings.
fn check(args: &Args, places: &Places) -> Result<(), CliError> {
    let usage = |message: &str, help: &str| {
        CliError::plain(message, "claude_sync::usage", exit::USAGE, help)
    };
    let is_address = |remote: &String| !remote.is_empty() && !remote.starts_with('-');
    if !args.remote.as_ref().is_none_or(is_address) {
        return Err(usage(
            "the remote's address is empty or looks like an option",
            "give an address that git understands",
        ));
    }
    if args.front_page && config::read(&places.config)?.encrypt {
        return Err(usage(
            "a front page would show in plain text what encryption hides",
            "leave out --front-page; claude-usage-tracker html writes a page on this machine",
        ));
    }
    Ok(())
}

/// The address of the repository to join, if any. Creates one at GitHub if that was chosen.
fn remote(args: &Args, answers: &Answers, env: &Env) -> Result<Option<String>, CliError> {
    let remote = match &answers.github {
        Some(name) => Some(github::repository(name, args.allow_public)?),
        None => answers.remote.as_deref().map(absolute),
    };
    if let Some(address) = remote.as_ref().filter(|_| !args.allow_public) {
        refuse_public(address, env)?;
    }
    Ok(remote)
}

fn set_up(args: &Args, places: &Places, env: &Env, remote: Option<&str>) -> Result<Init, CliError> {
    let options = Options {
        front_page: args.front_page(),
        ..env.options()
    };
    if let Some(name) = &args.ephemeral {
        sync::become_ephemeral(places, name)?;
    }
    let done = sync::init(places, &options, remote, args.branch_per_machine)?;
    if let Some(name) = &args.ephemeral {
        sync::keep_ephemeral(places, name)?;
    }
    Ok(done)
}

impl Args {
    /// The answers that the command line contains.
    fn answers(&self) -> Answers {
        Answers {
            remote: self.remote.clone(),
            github: self.github.clone(),
            name: self.name.clone(),
            project_names: self.project_names,
            anonymize_hostname: self.anonymize_hostname,
            encrypt: self.encrypt,
            retention_days: self.retention_days,
            auto: self.auto,
            statusline: self.statusline,
        }
    }

    /// Whether to add or remove the front page; `None` leaves it as it is.
    fn front_page(&self) -> Option<bool> {
        (self.front_page || self.no_front_page).then_some(self.front_page)
    }
}

/// The address, with an absolute path if it is a folder: git runs in another folder.
fn absolute(address: &str) -> String {
    let path = Path::new(address);
    let real = path
        .is_dir()
        .then(|| dunce::canonicalize(path).ok())
        .flatten()
        .filter(|_| path.is_relative());
    real.map_or_else(|| address.to_owned(), |real| real.display().to_string())
}

/// Fails if everybody can read the repository: records show when and how much a person works.
fn refuse_public(address: &str, env: &Env) -> Result<(), CliError> {
    let git = Git::find(env.attended)?;
    if visibility(&git, &places::system_folders()?.home, address) != Visibility::Public {
        return Ok(());
    }
    let address = printable(&hide_secrets(address), 200);
    Err(CliError::plain(
        &format!("everybody can read {address}"),
        "claude_sync::public_remote",
        exit::CONFIG,
        "make the repository private, then run this again: usage records show when, how much and on what you work. To accept that: --allow-public",
    ))
}

/// What was set up, in words.
fn summary(done: &Init, places: &Places, front_page: Option<bool>) -> String {
    let new = if done.new_id { " (a new id)" } else { "" };
    let made = if done.new_repo { "made" } else { "ready" };
    let repo = printable(&places.repo.display().to_string(), 400);
    let mut text = format!(
        "This machine is {}{new}.\nRepository {made}: {repo}\n",
        done.machine
    );
    text.push_str(&match (&done.remote, done.joined) {
        (Some(remote), true) => {
            format!("Joined {}, which has data already.\n", printable(remote, 400))
        }
        (Some(remote), false) => format!("Remote: {}, still empty.\n", printable(remote, 400)),
        (None, _) => "No remote: history is kept on this machine. To share it later: claude-sync init ADDRESS\n".to_owned(),
    });
    if done.per_machine {
        text.push_str("Each machine pushes its own branch; main is merged on this machine.\n");
    }
    text.push_str(&hooks(&done.hooks));
    text.push_str(match front_page {
        Some(true) => "The next sync adds the front page to README.md.\n",
        Some(false) => "The next sync removes the front page from README.md.\n",
        None => "",
    });
    text
}

/// Why no hooks were installed; empty if they were.
fn hooks(hooks: &Installed) -> String {
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    match hooks {
        Installed::Here(_) => String::new(),
        Installed::Shared(folder) => format!(
            "No hooks were installed, because your git uses those in {} for all repositories. For claude-sync's checks, add to pre-push there: claude-sync hook pre-push \"$@\"\n",
            show(folder)
        ),
        Installed::Failed(folder) => {
            format!(
                "No hooks were installed: {} cannot be written.\n",
                show(folder)
            )
        }
    }
}
