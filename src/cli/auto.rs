//! `claude-sync auto`: syncs that nobody has to think of.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::ValueEnum;

use super::env::Env;
use super::error::CliError;
use super::{exit, last, out};
use crate::auto::ledger::{self, Ledger, PutBack};
use crate::auto::pace::{self, Last};
use crate::auto::schedule::{self, Job, Kind};
use crate::auto::{AutoError, claude};
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::git::process::refuser;
use crate::git::{Cause, Repo, setup};
use crate::report::ago;
use crate::store::{Places, config, machine_id};
use crate::sync::{self, Options, Outcome, Remote};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync auto enable              after each answer and session of Claude Code, and every hour
  claude-sync auto enable --print      show what would be written, and change nothing
  claude-sync auto status
  claude-sync auto disable             takes all of it back")]
pub struct Args {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Let Claude Code and the system start syncs
    Enable(EnableArgs),
    /// Show what starts syncs, and how the last one went
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sync as the timer does: quietly, and only where the remote is not to be left alone
    Run {
        /// What started it
        #[arg(long, value_enum, default_value = "hand")]
        trigger: Trigger,
        /// Sync for the last time before this machine goes away: wait for a running sync, and retry the remote
        #[arg(long)]
        last: bool,
        /// With --last: stop after this time
        #[arg(long, value_name = "SECONDS", default_value_t = last::WITHIN, requires = "last")]
        within: u64,
    },
    /// Take back what `enable` did
    Disable,
    /// What Claude Code calls: leaves a run behind and returns
    #[command(hide = true)]
    Hook {
        /// Wait for the end of that run: the machine may go away next
        #[arg(long)]
        last: bool,
    },
}

/// What is to start syncs.
#[derive(Debug, Clone, clap::Args)]
pub struct EnableArgs {
    /// What runs every hour: what this system has, a kind of your choice, or nothing
    #[arg(long, value_enum, default_value = "auto")]
    scheduler: Scheduler,
    /// Leave Claude Code's settings alone
    #[arg(long)]
    no_hooks: bool,
    /// Show what would be written, and change nothing
    #[arg(long)]
    print: bool,
}

impl Default for EnableArgs {
    fn default() -> Self {
        Self {
            scheduler: Scheduler::Auto,
            no_hooks: false,
            print: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scheduler {
    /// What this system has
    Auto,
    /// A timer of your systemd
    Systemd,
    /// An agent of launchd
    Launchd,
    /// A line of your crontab
    Cron,
    /// A task of Windows' Task Scheduler
    Tasks,
    /// Nothing
    None,
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trigger {
    /// Claude Code
    Hook,
    /// The system's timer
    Timer,
    /// The user
    Hand,
}

impl Trigger {
    fn name(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Timer => "timer",
            Self::Hand => "hand",
        }
    }
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    match &args.command {
        What::Enable(args) => {
            out(&enable(args)?);
            Ok(exit::OK)
        }
        What::Status { json } => status(env, *json),
        What::Run {
            trigger,
            last: true,
            within,
        } => last::run(*trigger, *within, env),
        What::Run { trigger, .. } => auto_run(*trigger, env),
        What::Disable => {
            out(&disable()?);
            Ok(exit::OK)
        }
        What::Hook { last } => Ok(hook(*last, env)),
    }
}

/// Claude Code's settings files: those of the folders that are there, else of the first.
pub fn settings_files(places: &Places) -> Vec<PathBuf> {
    let there: Vec<PathBuf> = places
        .claude
        .iter()
        .filter(|folder| folder.is_dir())
        .map(|folder| folder.join("settings.json"))
        .collect();
    if there.is_empty() {
        places
            .claude
            .iter()
            .take(1)
            .map(|folder| folder.join("settings.json"))
            .collect()
    } else {
        there
    }
}

fn job(places: &Places) -> Job {
    let variables = schedule::VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    // The same minute in each hour, another on each machine.
    let id = machine_id::read(&places.machine_id)
        .ok()
        .flatten()
        .map(|id| id.to_string())
        .unwrap_or_default();
    let minute = id
        .bytes()
        .fold(17_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
        % 60;
    Job {
        program: super::env::program().display().to_string(),
        variables: variables.filter(|(_, value)| !value.is_empty()).collect(),
        minute,
    }
}

/// Moves copies of settings files to where nobody commits them.
fn move_copies(places: &Places) -> Result<(), AutoError> {
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    if ledger.move_copies(&places.state)? {
        ledger.write(&place)
    } else {
        Ok(())
    }
}

/// Whether this is one of several machines of one name that live a short time: `init --ephemeral`.
fn is_short_lived(places: &Places) -> bool {
    let repo = Repo::open(&places.repo).ok().flatten();
    repo.and_then(|repo| setup::ephemeral(&repo).ok().flatten())
        .is_some()
}

/// Sets it up, and tells about it.
pub fn enable(args: &EnableArgs) -> Result<String, CliError> {
    let places = Env::places()?;
    let (job, folders) = (job(&places), Env::folders()?);
    let command = claude::command(&job.program);
    let short_lived = is_short_lived(&places);
    let kind = match args.scheduler {
        Scheduler::None => None,
        Scheduler::Auto => Kind::here(),
        Scheduler::Systemd => Some(Kind::Systemd),
        Scheduler::Launchd => Some(Kind::Launchd),
        Scheduler::Cron => Some(Kind::Cron),
        Scheduler::Tasks => Some(Kind::Tasks),
    };
    let show = |path: &std::path::Path| printable(&path.display().to_string(), 400);
    let mut text = String::new();
    if args.print {
        if !args.no_hooks {
            for file in settings_files(&places) {
                text.push_str(&format!(
                    "# {}: hooks for {}\n{command}\n\n",
                    show(&file),
                    claude::EVENTS.join(" and ")
                ));
                if short_lived {
                    text.push_str(&format!(
                        "# the one for {} waits for the sync:\n{command}{}\n\n",
                        claude::EVENTS[0],
                        claude::LAST
                    ));
                }
            }
        }
        for (path, file) in kind
            .map(|kind| schedule::texts(kind, &job, &folders))
            .unwrap_or_default()
        {
            text.push_str(&format!("# {}\n{file}\n", show(&path)));
        }
        return Ok(text);
    }
    let place = ledger::place(&places.config);
    move_copies(&places)?;
    let mut ledger = Ledger::read(&place);
    if !args.no_hooks {
        for file in settings_files(&places) {
            let changed = ledger.add_hooks(&file, &command, short_lived, &places.state)?;
            // Written down at once: whatever fails next can be taken back.
            ledger.write(&place)?;
            let state = if changed {
                "Claude Code now calls claude-sync"
            } else {
                "Claude Code calls claude-sync already"
            };
            text.push_str(&format!(
                "{state} after each answer and session: {}\n",
                show(&file)
            ));
            if std::fs::read_to_string(&file).is_ok_and(|text| claude::disables_hooks(&text)) {
                text.push_str("But \"disableAllHooks\" is set there: as long as it is, Claude Code calls nobody.\n");
            }
        }
    }
    if short_lived && !args.no_hooks {
        text.push_str("At the end of a session Claude Code waits for the sync: this machine may go away next.\n");
    }
    match kind {
        Some(kind) => {
            if let Some(other) = ledger.scheduler.filter(|other| *other != kind) {
                schedule::remove(other, &folders)?;
            }
            ledger.scheduler = Some(kind);
            ledger.write(&place)?;
            schedule::install(kind, &job, &folders)?;
            text.push_str(&format!(
                "Every hour: {}, at minute {}.\n",
                kind.name(),
                job.minute
            ));
        }
        None if args.scheduler == Scheduler::None => {}
        None => {
            text.push_str("Only Claude Code starts syncs: nothing here runs commands every hour, no systemd of yours\nand no crontab.\n");
        }
    }
    text.push_str(
        "How it goes: claude-sync auto status. To take it back: claude-sync auto disable\n",
    );
    Ok(text)
}

/// Takes it back, and tells about it.
pub fn disable() -> Result<String, CliError> {
    let places = Env::places()?;
    let folders = Env::folders()?;
    let place = ledger::place(&places.config);
    let mut ledger = Ledger::read(&place);
    let mut files: Vec<PathBuf> = ledger
        .settings
        .iter()
        .map(|changed| changed.path.clone())
        .collect();
    files.extend(
        settings_files(&places)
            .into_iter()
            .map(|file| ledger::target(&file)),
    );
    files.sort();
    files.dedup();
    let mut text = String::new();
    for file in files {
        let done = ledger.remove_hooks(&file)?;
        ledger.write(&place)?;
        let file = printable(&file.display().to_string(), 400);
        match done {
            PutBack::Untouched => {}
            PutBack::Restored => text.push_str(&format!("{file} is as it was before.\n")),
            PutBack::Cleaned => text.push_str(&format!(
                "{file} was changed since: only claude-sync's entries were taken out.\n"
            )),
        }
    }
    // Without a ledger, what is there is found by its looks.
    let found = ledger.scheduler.or_else(|| {
        Kind::ALL
            .into_iter()
            .find(|kind| schedule::is_installed(*kind, &folders))
    });
    if let Some(kind) = found {
        schedule::remove(kind, &folders)?;
        ledger.scheduler = None;
        ledger.write(&place)?;
        text.push_str(&format!("{} starts no syncs any more.\n", kind.name()));
    }
    if text.is_empty() {
        text.push_str("Automatic sync was not enabled.\n");
    }
    Ok(text)
}

/// What starts syncs.
#[derive(Debug)]
pub struct Started {
    /// Settings files with our hooks.
    pub hooks: Vec<PathBuf>,
    /// What the system runs every hour.
    pub scheduler: Option<Kind>,
    /// The last automatic run.
    pub last: Option<Last>,
}

impl Started {
    /// Looks.
    pub fn read(places: &Places) -> Result<Self, CliError> {
        let folders = Env::folders()?;
        let has = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .is_ok_and(|text| claude::has_hooks(&text) && !claude::disables_hooks(&text))
        };
        let kind = Ledger::read(&ledger::place(&places.config)).scheduler;
        Ok(Self {
            hooks: settings_files(places).into_iter().filter(has).collect(),
            scheduler: kind.filter(|kind| schedule::is_installed(*kind, &folders)),
            last: pace::last(&places.state),
        })
    }

    /// Whether anything does.
    pub fn is_enabled(&self) -> bool {
        self.scheduler.is_some() || !self.hooks.is_empty()
    }

    /// As JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "enabled": self.is_enabled(),
            "hooks": self.hooks,
            "scheduler": self.scheduler.map(Kind::name),
            "last_run": self.last.as_ref().map(|last| serde_json::json!({
                "trigger": last.trigger, "began": last.began, "ended": last.ended, "code": last.code, "error": last.error,
            })),
        })
    }

    /// In words.
    pub fn text(&self, now: Timestamp) -> String {
        let mut by: Vec<String> = self
            .hooks
            .iter()
            .take(1)
            .map(|_| "Claude Code, after each answer and session".to_owned())
            .collect();
        by.extend(
            self.scheduler
                .map(|kind| format!("{}, every hour", kind.name())),
        );
        if by.is_empty() {
            return "off; to have syncs by themselves: claude-sync auto enable\n".to_owned();
        }
        let mut text = format!("by {}\n", by.join("; and by "));
        if let Some(last) = &self.last {
            let when = last
                .began()
                .map(|began| ago(now, began))
                .unwrap_or_default();
            let went = match (last.code, &last.error) {
                (Some(exit::OK), _) => "went well".to_owned(),
                (Some(code), Some(error)) => {
                    format!("ended with {code}: {}", printable(error, 300))
                }
                (Some(code), None) => format!("ended with {code}"),
                (None, _) => "is going on, or was cut off".to_owned(),
            };
            text.push_str(&format!(
                "  last run: {when}, by {}, {went}\n",
                printable(&last.trigger, 20)
            ));
        }
        text
    }
}

fn status(env: &Env, json: bool) -> Result<u8, CliError> {
    let started = Started::read(&Env::places()?)?;
    if json {
        let mut value = started.json();
        value["version"] = 1.into();
        super::json(&value);
    } else {
        out(&format!("Automatic sync: {}", started.text(env.now)));
    }
    Ok(exit::OK)
}

/// Whatever happens, Claude Code must neither wait nor be told anything: what is printed here may be taken for an answer.
fn hook(last: bool, env: &Env) -> u8 {
    let _ = leave_run_behind(last, env);
    exit::OK
}

fn leave_run_behind(last: bool, env: &Env) -> Result<(), CliError> {
    let places = Env::places()?;
    let interval = config::read(&places.config)?.auto.interval;
    if !last && !pace::is_due(pace::last(&places.state).as_ref(), env.now, interval) {
        return Ok(());
    }
    let mut command = Command::new(super::env::program());
    command
        .args(["auto", "run", "--trigger", "hook"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own: Claude Code ends the hook's when it takes too long, and terminals end theirs.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.current_dir(
        places
            .claude
            .iter()
            .find(|folder| folder.is_dir())
            .map_or(std::path::Path::new("/"), PathBuf::as_path),
    );
    if last {
        last::wait_for_it(command);
    } else {
        let _ = command.spawn();
    }
    Ok(())
}

fn auto_run(trigger: Trigger, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let Some(_turn) = pace::take_turn(&places.state)? else {
        return Ok(exit::OK);
    };
    // Who set this up with an earlier version may never do so again.
    let _ = move_copies(&places);
    let interval = config::read(&places.config)?.auto.interval;
    // Asked only now: of many that a busy hour starts, one runs.
    if trigger == Trigger::Hook
        && !pace::is_due(pace::last(&places.state).as_ref(), env.now, interval)
    {
        return Ok(exit::OK);
    }
    let options = Options {
        attended: false,
        unattended: true,
        ..env.options()
    };
    let outcome = noted(&places, trigger, env, || {
        sync::run(&places, &options).map_err(CliError::from)
    })?;
    eprint!("{}", super::sync::warnings(&outcome, true));
    Ok(super::sync::code(&outcome))
}

/// Runs, and writes down how the automatic run went.
pub fn noted(
    places: &Places,
    trigger: Trigger,
    env: &Env,
    run: impl FnOnce() -> Result<Outcome, CliError>,
) -> Result<Outcome, CliError> {
    let mut last = Last {
        trigger: trigger.name().to_owned(),
        began: env.now.to_string(),
        ended: None,
        code: None,
        error: None,
    };
    pace::remember(&places.state, &last)?;
    let result = run();
    last.ended = Some(ended(env).to_string());
    (last.code, last.error) = match &result {
        Ok(outcome) => (Some(super::sync::code(outcome)), trouble(&outcome.remote)),
        Err(error) => (Some(error.exit), Some(error.to_string())),
    };
    pace::remember(&places.state, &last)?;
    result
}

/// The clock now, where it is not stopped.
fn ended(env: &Env) -> Timestamp {
    if std::env::var_os("CLAUDE_SYNC_NOW").is_some() {
        env.now
    } else {
        Timestamp::now()
    }
}

fn trouble(remote: &Remote) -> Option<String> {
    match remote {
        Remote::Queued(reason) => Some(format!("the remote was not reached: {}", in_short(reason))),
        Remote::Refused(reason) => Some(format!(
            "the remote did not take the push: {}",
            in_short(reason)
        )),
        Remote::Locked(mark) => Some(format!(
            "the remote is encrypted with the key {mark}, which is not here"
        )),
        Remote::Unsigned(reason) => Some(format!(
            "the commit could not be signed: {}",
            first_line(reason)
        )),
        Remote::Held => Some(
            "this fleet is encrypted, and its key is not here: nothing leaves in clear".to_owned(),
        ),
        Remote::Waiting => {
            Some("the remote failed lately and is left alone for a while".to_owned())
        }
        Remote::None | Remote::UpToDate | Remote::Pushed(_) | Remote::Skipped => None,
    }
}

/// The cause, or else the last line: git's own end with general advice.
fn in_short(reason: &str) -> String {
    Cause::of(reason)
        .filter(|_| refuser(reason).is_none())
        .map_or_else(|| first_line(reason), |cause| cause.what().to_owned())
}

fn first_line(text: &str) -> String {
    printable(
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default(),
        200,
    )
}

impl From<AutoError> for CliError {
    fn from(error: AutoError) -> Self {
        let help = match &error {
            AutoError::Read { .. } | AutoError::Write(_) => {
                "check the permissions of the file and its folder"
            }
            AutoError::Settings { .. } => {
                "correct the file, then run claude-sync auto enable again; or leave it alone: --no-hooks"
            }
            AutoError::Tool { .. } => {
                "see what the tool says; another way: --scheduler cron, or --scheduler none"
            }
        };
        Self::new(&error, "claude_sync::auto", exit::FAILURE, help)
    }
}
