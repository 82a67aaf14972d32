//! `claude-sync auto status`: what starts syncs, and how the last automatic sync went.

use std::path::PathBuf;

use super::due::Pace;
use super::settings_files::settings_files;
use crate::auto::claude;
use crate::auto::ledger::{self, Ledger};
use crate::auto::pace::{self, LastRun};
use crate::auto::schedule::{self, Scheduler};
use crate::base::text::{count, printable};
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places};
use crate::report::ago;
use crate::store::{Places, config};

pub(crate) fn run(env: &Env, as_json: bool) -> Result<u8, CliError> {
    let places = places::find()?;
    let started = AutoState::read(&places)?.with_pace(&places, env.now);
    if as_json {
        let mut value = started.json();
        value["version"] = 1.into();
        json(&value);
    } else {
        out(&format!("Automatic sync: {}", started.text(env.now)));
    }
    Ok(exit::OK)
}

/// What starts syncs.
#[derive(Debug)]
pub(crate) struct AutoState {
    /// Settings files with our hooks.
    pub(crate) hooks: Vec<PathBuf>,
    /// The scheduler that starts a sync every hour.
    pub(crate) scheduler: Option<Scheduler>,
    /// The last automatic run.
    pub(crate) last: Option<LastRun>,
    /// How far runs stay apart, where that was asked for.
    pace: Option<Pace>,
}

impl AutoState {
    /// Reads the settings files, the scheduler and the result of the last run.
    pub(crate) fn read(places: &Places) -> Result<Self, CliError> {
        let folders = places::system_folders()?;
        let has = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .is_ok_and(|text| claude::has_hooks(&text) && !claude::disables_hooks(&text))
        };
        let kind = Ledger::read(&ledger::place(&places.config)).scheduler;
        Ok(Self {
            hooks: settings_files(places).into_iter().filter(has).collect(),
            scheduler: kind.filter(|kind| schedule::is_installed(*kind, &folders)),
            last: pace::last(&places.state),
            pace: None,
        })
    }

    /// With how far runs stay apart, where the settings can be read.
    pub(crate) fn with_pace(self, places: &Places, now: Timestamp) -> Self {
        let config = config::read(&places.config).ok();
        Self {
            pace: config.map(|config| Pace::of(places, &config.auto, now)),
            ..self
        }
    }

    /// Whether anything starts syncs.
    pub(crate) fn is_enabled(&self) -> bool {
        self.scheduler.is_some() || !self.hooks.is_empty()
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "enabled": self.is_enabled(),
            "hooks": self.hooks,
            "scheduler": self.scheduler.map(Scheduler::name),
            "interval_seconds": self.pace.map(|pace| pace.interval),
            "machines": self.pace.and_then(|pace| pace.machines),
            "last_run": self.last.as_ref().map(|last| serde_json::json!({
                "trigger": last.trigger, "began": last.began, "ended": last.ended, "code": last.code, "error": last.error,
            })),
        })
    }

    /// In words.
    pub(crate) fn text(&self, now: Timestamp) -> String {
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
        let is_slow = |pace: &Pace| pace.is_slow && !self.hooks.is_empty();
        if let Some(pace) = self.pace.filter(is_slow) {
            text.push_str(&format!(
                "  pace: {} apart, because {} synced in the last 7 days\n",
                count(pace.interval.div_ceil(60), "minute"),
                count(pace.machines.unwrap_or_default(), "machine")
            ));
        }
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
