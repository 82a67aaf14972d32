//! The system's scheduler: installs, removes and finds the hourly job.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::crontab;
use super::error::AutoError;
use super::files::delete;
pub(crate) use super::job::{Job, VARIABLES};
use super::texts;
use super::tool::run;
use crate::store::durable;

/// A scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheduler {
    /// A timer of the user's systemd.
    Systemd,
    /// A launchd agent.
    Launchd,
    /// A line of the user's crontab.
    Cron,
    /// A task of the Task Scheduler of Windows.
    Tasks,
}

impl Scheduler {
    /// All schedulers.
    pub(crate) const ALL: [Self; 4] = [Self::Systemd, Self::Launchd, Self::Cron, Self::Tasks];

    /// The scheduler's name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Cron => "cron",
            Self::Tasks => "tasks",
        }
    }

    /// The preferred scheduler of this system; `None` if it has none.
    pub(crate) fn here() -> Option<Self> {
        match std::env::consts::OS {
            "macos" => Some(Self::Launchd),
            "windows" => Some(Self::Tasks),
            _ if run("systemctl", &["--user", "show-environment"]).is_ok() => Some(Self::Systemd),
            _ => crontab::exists().then_some(Self::Cron),
        }
    }
}

/// The folders in which schedulers look for jobs.
#[derive(Debug, Clone)]
pub(crate) struct SchedulerFolders {
    /// `$XDG_CONFIG_HOME`.
    pub(crate) config: PathBuf,
    /// The home folder.
    pub(crate) home: PathBuf,
}

/// The files that a scheduler needs, each with its text. For cron, the path is just `crontab`, and
/// the text is the line.
pub(crate) fn texts(
    kind: Scheduler,
    job: &Job,
    folders: &SchedulerFolders,
) -> Vec<(PathBuf, String)> {
    match kind {
        Scheduler::Systemd => {
            let (service, timer) = texts::systemd(job);
            let units = folders.config.join("systemd/user");
            vec![
                (units.join("claude-sync.service"), service),
                (units.join("claude-sync.timer"), timer),
            ]
        }
        Scheduler::Launchd => vec![(
            folders.home.join("Library/LaunchAgents/claude-sync.plist"),
            texts::launchd(job),
        )],
        Scheduler::Cron => vec![(PathBuf::from("crontab"), texts::cron(job))],
        Scheduler::Tasks => vec![(
            folders.config.join("claude-sync").join("task.xml"),
            texts::task(job),
        )],
    }
}

/// The paths of a scheduler's files; none for cron.
fn paths(kind: Scheduler, folders: &SchedulerFolders) -> Vec<PathBuf> {
    // Paths do not depend on the job.
    let job = Job {
        program: String::new(),
        variables: Vec::new(),
        path: String::new(),
        minute: 0,
    };
    texts(kind, &job, folders)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|_| kind != Scheduler::Cron)
        .collect()
}

/// Installs the job, and starts it. An earlier installation is replaced.
pub(crate) fn install(
    kind: Scheduler,
    job: &Job,
    folders: &SchedulerFolders,
) -> Result<(), AutoError> {
    if kind == Scheduler::Cron {
        return crontab::add(&texts::cron(job));
    }
    for (path, text) in texts(kind, job, folders) {
        match kind {
            Scheduler::Tasks => durable::write(&path, &utf16(&text))?,
            _ => durable::write(&path, text.as_bytes())?,
        }
    }
    start(kind, folders)
}

/// A text in UTF-16 with a byte order mark, as the Task Scheduler reads it.
fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// Makes the scheduler read the job's files.
fn start(kind: Scheduler, folders: &SchedulerFolders) -> Result<(), AutoError> {
    let file = paths(kind, folders)
        .first()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    match kind {
        Scheduler::Systemd => {
            run("systemctl", &["--user", "daemon-reload"])?;
            let enable = ["--user", "enable", "--now", "claude-sync.timer"];
            run("systemctl", &enable)
        }
        Scheduler::Launchd => {
            // Loading an agent fails if it is already loaded.
            let _ = run("launchctl", &["unload", &file]);
            run("launchctl", &["load", "-w", &file])
        }
        Scheduler::Tasks => {
            let create = ["/Create", "/F", "/TN", Job::NAME, "/XML", &file];
            run("schtasks", &create)
        }
        Scheduler::Cron => Ok(()),
    }
}

/// Removes the job. A job that is not installed is not an error.
pub(crate) fn remove(kind: Scheduler, folders: &SchedulerFolders) -> Result<(), AutoError> {
    let files = paths(kind, folders);
    // A scheduler that does not know the job fails: its files are deleted all the same.
    match kind {
        Scheduler::Cron => crontab::remove()?,
        Scheduler::Systemd if files.iter().any(|file| file.exists()) => {
            let disable = ["--user", "disable", "--now", "claude-sync.timer"];
            let _ = run("systemctl", &disable);
        }
        Scheduler::Launchd => files.iter().filter(|file| file.exists()).for_each(|file| {
            let _ = run("launchctl", &["unload", "-w", &file.display().to_string()]);
        }),
        Scheduler::Tasks => drop(run("schtasks", &["/Delete", "/F", "/TN", Job::NAME])),
        Scheduler::Systemd => {}
    }
    files.iter().try_for_each(|file| delete(file))?;
    if kind == Scheduler::Systemd {
        let _ = run("systemctl", &["--user", "daemon-reload"]);
    }
    Ok(())
}

/// Whether the job is installed.
pub(crate) fn is_installed(kind: Scheduler, folders: &SchedulerFolders) -> bool {
    match kind {
        Scheduler::Cron => crontab::has_job(),
        _ => paths(kind, folders).iter().all(|path| path.exists()),
    }
}
