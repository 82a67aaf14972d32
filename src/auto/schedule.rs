//! The system's own way of running something every hour.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::AutoError;
use super::ledger::delete;
use super::texts::{self, CRON_MARK};
use crate::store::durable;

/// What runs things here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A timer of the user's systemd.
    Systemd,
    /// An agent of launchd.
    Launchd,
    /// A line of the user's crontab.
    Cron,
    /// A task of Windows' Task Scheduler.
    Tasks,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Systemd, Self::Launchd, Self::Cron, Self::Tasks];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Cron => "cron",
            Self::Tasks => "tasks",
        }
    }

    /// What this system has: the best that answers.
    pub fn here() -> Option<Self> {
        match std::env::consts::OS {
            "macos" => Some(Self::Launchd),
            "windows" => Some(Self::Tasks),
            _ if run("systemctl", &["--user", "show-environment"]).is_ok() => Some(Self::Systemd),
            // Without a crontab yet it ends with 1.
            _ => Command::new("crontab")
                .arg("-l")
                .stdin(Stdio::null())
                .output()
                .is_ok()
                .then_some(Self::Cron),
        }
    }
}

/// What is to run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program's path.
    pub program: String,
    /// Variables that say where things lie, where the user has set any.
    pub variables: Vec<(String, String)>,
    /// The minute of the hour, so that not all machines come at once.
    pub minute: u8,
}

impl Job {
    /// What the job is called.
    pub const NAME: &str = "claude-sync";
}

/// The folders in which systems look.
#[derive(Debug, Clone)]
pub struct Folders {
    /// `$XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// The home folder.
    pub home: PathBuf,
}

/// What would be written, and where: a file, or what is handed to a tool.
pub fn texts(kind: Kind, job: &Job, folders: &Folders) -> Vec<(PathBuf, String)> {
    match kind {
        Kind::Systemd => {
            let (service, timer) = texts::systemd(job);
            let units = folders.config.join("systemd/user");
            vec![
                (units.join("claude-sync.service"), service),
                (units.join("claude-sync.timer"), timer),
            ]
        }
        Kind::Launchd => vec![(
            folders.home.join("Library/LaunchAgents/claude-sync.plist"),
            texts::launchd(job),
        )],
        Kind::Cron => vec![(PathBuf::from("crontab"), texts::cron(job))],
        Kind::Tasks => vec![(
            folders.config.join("claude-sync").join("task.xml"),
            texts::task(job),
        )],
    }
}

/// Tells the system to run the job every hour.
pub fn install(kind: Kind, job: &Job, folders: &Folders) -> Result<(), AutoError> {
    let all = texts(kind, job, folders);
    match kind {
        Kind::Cron => {
            let line = all.into_iter().map(|(_, line)| line).collect::<String>();
            return write_crontab(&(without_ours(&crontab()?) + &line));
        }
        // The Task Scheduler reads UTF-16 with its mark.
        Kind::Tasks => all.iter().try_for_each(|(path, text)| {
            let bytes: Vec<u8> = std::iter::once(0xfeff)
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect();
            durable::write(path, &bytes)
        })?,
        Kind::Systemd | Kind::Launchd => all
            .iter()
            .try_for_each(|(path, text)| durable::write(path, text.as_bytes()))?,
    }
    let file = all
        .first()
        .map(|(path, _)| path.display().to_string())
        .unwrap_or_default();
    match kind {
        Kind::Systemd => {
            run("systemctl", &["--user", "daemon-reload"])?;
            run(
                "systemctl",
                &["--user", "enable", "--now", "claude-sync.timer"],
            )
        }
        Kind::Launchd => {
            // One that is loaded already would be an error.
            let _ = run("launchctl", &["unload", &file]);
            run("launchctl", &["load", "-w", &file])
        }
        Kind::Tasks => run(
            "schtasks",
            &["/Create", "/F", "/TN", Job::NAME, "/XML", &file],
        ),
        Kind::Cron => Ok(()),
    }
}

/// Takes it back. What is not there is no failure.
pub fn remove(kind: Kind, folders: &Folders) -> Result<(), AutoError> {
    let job = Job {
        program: String::new(),
        variables: Vec::new(),
        minute: 0,
    };
    let files: Vec<PathBuf> = texts(kind, &job, folders)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|_| kind != Kind::Cron)
        .collect();
    match kind {
        Kind::Cron => {
            let there = crontab()?;
            let rest = without_ours(&there);
            if rest != there {
                write_crontab(&rest)?;
            }
        }
        Kind::Systemd if files.iter().any(|file| file.exists()) => {
            let _ = run(
                "systemctl",
                &["--user", "disable", "--now", "claude-sync.timer"],
            );
        }
        Kind::Launchd => files.iter().filter(|file| file.exists()).for_each(|file| {
            let _ = run("launchctl", &["unload", "-w", &file.display().to_string()]);
        }),
        Kind::Tasks => drop(run("schtasks", &["/Delete", "/F", "/TN", Job::NAME])),
        Kind::Systemd => {}
    }
    files.iter().try_for_each(|file| delete(file))?;
    if kind == Kind::Systemd {
        let _ = run("systemctl", &["--user", "daemon-reload"]);
    }
    Ok(())
}

/// Whether what [`install`] made is there.
pub fn is_installed(kind: Kind, folders: &Folders) -> bool {
    let job = Job {
        program: String::new(),
        variables: Vec::new(),
        minute: 0,
    };
    match kind {
        Kind::Cron => {
            crontab().is_ok_and(|text| text.lines().any(|line| line.ends_with(CRON_MARK)))
        }
        _ => texts(kind, &job, folders)
            .iter()
            .all(|(path, _)| path.exists()),
    }
}

/// The variables that say where things lie.
pub const VARIABLES: [&str; 4] = [
    "CLAUDE_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

fn without_ours(crontab: &str) -> String {
    crontab
        .split_inclusive('\n')
        .filter(|line| !line.trim_end().ends_with(CRON_MARK))
        .collect()
}

/// The user's crontab; empty where there is none.
fn crontab() -> Result<String, AutoError> {
    let out = Command::new("crontab")
        .arg("-l")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    let out = out.map_err(|error| tool("crontab -l", &error.to_string()))?;
    let said = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() && !said.contains("no crontab") {
        return Err(tool("crontab -l", said.trim()));
    }
    let mut text =
        String::from_utf8(out.stdout).map_err(|error| tool("crontab -l", &error.to_string()))?;
    if !(text.is_empty() || text.ends_with('\n')) {
        text.push('\n');
    }
    Ok(text)
}

fn write_crontab(text: &str) -> Result<(), AutoError> {
    let fail = |error: std::io::Error| tool("crontab -", &error.to_string());
    let mut command = Command::new("crontab");
    // An empty one is none.
    if text.is_empty() {
        return run("crontab", &["-r"]);
    }
    let mut child = command
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    child
        .stdin
        .take()
        .map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()))
        .map_err(fail)?;
    let out = child.wait_with_output().map_err(fail)?;
    if out.status.success() {
        Ok(())
    } else {
        Err(tool(
            "crontab -",
            String::from_utf8_lossy(&out.stderr).trim(),
        ))
    }
}

fn run(program: &str, args: &[&str]) -> Result<(), AutoError> {
    let command = || format!("{program} {}", args.join(" "));
    let out = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| tool(&command(), &error.to_string()))?;
    if out.status.success() {
        Ok(())
    } else {
        Err(tool(
            &command(),
            String::from_utf8_lossy(&out.stderr).trim(),
        ))
    }
}

fn tool(command: &str, reason: &str) -> AutoError {
    AutoError::Tool {
        command: command.to_owned(),
        reason: crate::base::text::printable_lines(reason, 6),
    }
}
