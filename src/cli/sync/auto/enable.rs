//! `claude-sync auto enable`: adds hooks to Claude Code's settings, and installs a timer.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::settings_files::{move_copies, settings_files};
use crate::auto::claude;
use crate::auto::ledger::{self, Entries, Ledger};
use crate::auto::schedule::{self, Job, Scheduler, SchedulerFolders};
use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::{host, places};
use crate::git::{Repo, setup};
use crate::store::{Places, machine_id};

/// The options of `enable`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EnableArgs {
    /// What starts a sync every hour
    #[arg(long, value_enum, default_value = "auto")]
    scheduler: SchedulerArg,
    /// Do not change Claude Code's settings
    #[arg(long)]
    no_hooks: bool,
    /// Show the files that would be written, and change nothing
    #[arg(long)]
    print: bool,
}

impl Default for EnableArgs {
    fn default() -> Self {
        Self {
            scheduler: SchedulerArg::Auto,
            no_hooks: false,
            print: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchedulerArg {
    /// The scheduler of this system
    Auto,
    /// A timer of systemd, for this user
    Systemd,
    /// A launchd agent
    Launchd,
    /// A line in the crontab of this user
    Cron,
    /// A task of the Windows Task Scheduler
    Tasks,
    /// Nothing
    None,
}

impl SchedulerArg {
    /// The kind of scheduler to install; `None` if there is none.
    fn kind(self) -> Option<Scheduler> {
        match self {
            Self::None => None,
            Self::Auto => Scheduler::here(),
            Self::Systemd => Some(Scheduler::Systemd),
            Self::Launchd => Some(Scheduler::Launchd),
            Self::Cron => Some(Scheduler::Cron),
            Self::Tasks => Some(Scheduler::Tasks),
        }
    }
}

/// Enables automatic sync, and returns what was done, in words.
pub(crate) fn enable(args: &EnableArgs) -> Result<String, CliError> {
    let places = places::find()?;
    let job = job(&places);
    let plan = Plan {
        hooks: !args.no_hooks,
        kind: args.scheduler.kind(),
        command: claude::command(&host::program()),
        short_lived: is_short_lived(&places),
        folders: places::system_folders()?,
        job,
        places,
    };
    if args.print {
        return Ok(plan.describe());
    }
    move_copies(&plan.places)?;
    let mut ledger = Ledger::read(&plan.ledger());
    let before = Before::read(&plan, &ledger);
    let done = plan.apply(&mut ledger);
    let mut text = done.inspect_err(|_| before.restore(&plan, &mut ledger))?;
    if plan.kind.is_none() && args.scheduler != SchedulerArg::None {
        text.push_str("Only Claude Code starts syncs: nothing here runs commands every hour, no systemd of yours\nand no crontab.\n");
    }
    text.push_str(
        "How it goes: claude-sync auto status. To take it back: claude-sync auto disable\n",
    );
    Ok(text)
}

/// What `enable` changes.
struct Plan {
    places: Places,
    folders: SchedulerFolders,
    job: Job,
    /// Whether to change Claude Code's settings.
    hooks: bool,
    kind: Option<Scheduler>,
    /// The command of the hooks.
    command: String,
    /// This machine is one of several short-lived ones: `init --ephemeral`.
    short_lived: bool,
}

impl Plan {
    /// The file that records the changes, for `disable`.
    fn ledger(&self) -> PathBuf {
        ledger::place(&self.places.config)
    }

    /// Adds the hooks and installs the timer.
    fn apply(&self, ledger: &mut Ledger) -> Result<String, CliError> {
        let mut text = String::new();
        if self.hooks {
            text.push_str(&self.add_hooks(ledger)?);
        }
        if let Some(kind) = self.kind {
            text.push_str(&self.install(kind, ledger)?);
        }
        Ok(text)
    }

    /// The files that would be written, for `--print`.
    fn describe(&self) -> String {
        let mut text = String::new();
        let files = self.hooks.then(|| settings_files(&self.places));
        for file in files.unwrap_or_default() {
            text.push_str(&self.describe_hooks(&file));
        }
        let files = self
            .kind
            .map(|kind| schedule::texts(kind, &self.job, &self.folders));
        for (path, file) in files.unwrap_or_default() {
            text.push_str(&format!("# {}\n{file}\n", show(&path)));
        }
        text
    }

    fn describe_hooks(&self, file: &Path) -> String {
        let (file, command) = (show(file), &self.command);
        let events = claude::EVENTS.join(" and ");
        let mut text = format!("# {file}: hooks for {events}\n{command}\n\n");
        if self.short_lived {
            let (event, option) = (claude::EVENTS[0], claude::LAST);
            text.push_str(&format!(
                "# the one for {event} waits for the sync:\n{command}{option}\n\n"
            ));
        }
        text
    }

    /// Adds the hooks to all settings files.
    fn add_hooks(&self, ledger: &mut Ledger) -> Result<String, CliError> {
        let mut text = String::new();
        for file in settings_files(&self.places) {
            let state = &self.places.state;
            let changed = ledger.add_hooks(&file, &self.command, self.short_lived, state)?;
            // Written at once, so that `disable` can undo it even if the next step fails.
            ledger.write(&self.ledger())?;
            let state = if changed {
                "Claude Code now calls claude-sync"
            } else {
                "Claude Code calls claude-sync already"
            };
            let shown = show(&file);
            text.push_str(&format!("{state} after each answer and session: {shown}\n"));
            if std::fs::read_to_string(&file).is_ok_and(|text| claude::disables_hooks(&text)) {
                text.push_str("But \"disableAllHooks\" is set there: as long as it is, Claude Code calls nobody.\n");
            }
        }
        if self.short_lived {
            text.push_str("At the end of a session Claude Code waits for the sync: this machine may go away next.\n");
        }
        Ok(text)
    }

    /// Installs the timer, in place of one of another kind.
    fn install(&self, kind: Scheduler, ledger: &mut Ledger) -> Result<String, CliError> {
        if let Some(other) = ledger.scheduler.filter(|other| *other != kind) {
            schedule::remove(other, &self.folders)?;
        }
        ledger.scheduler = Some(kind);
        ledger.write(&self.ledger())?;
        schedule::install(kind, &self.job, &self.folders)?;
        let (name, minute) = (kind.name(), self.job.minute);
        Ok(format!("Every hour: {name}, at minute {minute}.\n"))
    }
}

/// What starts syncs before `enable` changes anything.
struct Before {
    /// Settings files without our hooks.
    without_hooks: Vec<PathBuf>,
    scheduler: Option<Scheduler>,
}

impl Before {
    fn read(plan: &Plan, ledger: &Ledger) -> Self {
        let has_none = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            !claude::has_hooks(&text)
        };
        let files = settings_files(&plan.places).into_iter();
        Self {
            without_hooks: files.filter(has_none).collect(),
            scheduler: ledger.scheduler,
        }
    }

    /// Undoes a change that failed half-way, as far as that is possible: `enable` enables
    /// everything or nothing.
    fn restore(&self, plan: &Plan, ledger: &mut Ledger) {
        for file in &self.without_hooks {
            let _ = ledger.remove(file, Entries::Hooks);
        }
        if ledger.scheduler != self.scheduler {
            let _ = ledger
                .scheduler
                .map(|kind| schedule::remove(kind, &plan.folders));
            let _ = self
                .scheduler
                .map(|kind| schedule::install(kind, &plan.job, &plan.folders));
            ledger.scheduler = self.scheduler;
        }
        let _ = ledger.write(&plan.ledger());
    }
}

/// What the timer runs.
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
        program: host::program().display().to_string(),
        variables: variables.filter(|(_, value)| !value.is_empty()).collect(),
        path: std::env::var("PATH").unwrap_or_default(),
        minute,
    }
}

/// Whether this is one of several machines of one name that live a short time: `init --ephemeral`.
fn is_short_lived(places: &Places) -> bool {
    let repo = Repo::open(&places.repo).ok().flatten();
    repo.and_then(|repo| setup::ephemeral(&repo).ok().flatten())
        .is_some()
}

fn show(path: &Path) -> String {
    printable(&path.display().to_string(), 400)
}
