//! `config.json`: the settings of the spec. Known keys are checked; unknown ones are kept, and
//! named to the user.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::accounts::{self, Accounts};
use super::auto_sync::{self, Auto};
use super::failures::Failures;
use super::tracker::{self, Tracker};
use crate::base::json::{FieldError, Fields};
use crate::base::text::nearest;
use crate::transcripts::pattern;

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    /// `privacy_settings.anonymize_hostname`: the machine's name is a pseudonym.
    pub(crate) anonymize_hostname: bool,
    /// `privacy_settings.exclude_project_names`: no project leaves the machine.
    pub(crate) exclude_project_names: bool,
    /// `privacy_settings.project_names` is `hash`: projects are named by hashes under the fleet's
    /// key.
    pub(crate) hash_project_names: bool,
    /// `privacy_settings.aliases`: what projects are called, by path or by its last component.
    pub(crate) aliases: BTreeMap<String, String>,
    /// `privacy_settings.retention_days`: older records become bare.
    pub(crate) retention_days: Option<u32>,
    /// `privacy_settings.encryption` is `at-rest` or `both`.
    pub(crate) encrypt: bool,
    /// `privacy_settings.sealed`: the fleet is encrypted, even where the remote shows another.
    pub(crate) sealed: bool,
    /// `privacy_settings.limits` is false: plan limits stay on this machine.
    pub(crate) keep_limits: bool,
    /// `accounts`: the names of subscription accounts.
    pub(crate) accounts: Accounts,
    /// `summary_only`: sums per session, day and model leave the machine, no records.
    pub(crate) summary_only: bool,
    /// `snapshots`: keep a copy of each version of the sync file.
    pub(crate) snapshots: bool,
    /// `error_states`.
    pub(crate) failures: Failures,
    /// `auto_sync`.
    pub(crate) auto: Auto,
    /// `git.sign`: commits are signed by the user's set-up for signing. `commit.gpgSign` alone does
    /// not: a run that nobody attends cannot answer a passphrase.
    pub(crate) sign: bool,
    /// `history.keep`: the history is compacted automatically, and so many days of it are kept.
    pub(crate) keep_history: Option<u32>,
    /// `transcripts.folders`: more folders with transcripts, absolute or from `~` on, with `*` and
    /// `?`.
    pub(crate) folders: Vec<String>,
    /// `transcripts.wsl`: on WSL Windows' profiles are read too, on Windows those of WSL.
    pub(crate) wsl: bool,
    /// `tracker`: defaults for reports.
    pub(crate) tracker: Tracker,
    /// Settings that this version does not know, each with the one that may be meant.
    pub(crate) unknown: Vec<(String, Option<&'static str>)>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Its path on disk.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No JSON object.
    #[error("{} is not a JSON object: {reason}", path.display())]
    Syntax {
        /// Its path on disk.
        path: PathBuf,
        /// Line and column, or what it is instead.
        reason: String,
    },
    /// A setting of the wrong kind.
    #[error("{}: setting {problem}", path.display())]
    Setting {
        /// Its path on disk.
        path: PathBuf,
        /// The setting, and what it should be.
        problem: FieldError,
    },
}

/// Reads the configuration; without a file all settings have their defaults.
pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(source) => {
            return Err(ConfigError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    check(path, json(path, &bytes)?)
}

/// What stands in the file, as JSON.
pub(super) fn json(path: &Path, bytes: &[u8]) -> Result<serde_json::Value, ConfigError> {
    serde_json::from_slice(bytes).map_err(|e| ConfigError::Syntax {
        path: path.to_owned(),
        reason: format!("line {}, column {}", e.line(), e.column()),
    })
}

/// What settings mean, where they are valid.
pub(super) fn check(path: &Path, value: serde_json::Value) -> Result<Config, ConfigError> {
    let Some(fields) = Fields::of(value) else {
        return Err(ConfigError::Syntax {
            path: path.to_owned(),
            reason: "it is another kind of value".to_owned(),
        });
    };
    parse(fields).map_err(|problem| ConfigError::Setting {
        path: path.to_owned(),
        problem,
    })
}

/// What `history.keep` can be.
const KEEP: &str =
    "a number of days from 1d on, such as \"90d\"; without the setting all history is kept";

fn parse(mut fields: Fields) -> Result<Config, FieldError> {
    let mut config = Config {
        summary_only: fields.flag("summary_only")?,
        snapshots: fields.flag("snapshots")?,
        ..Config::default()
    };
    if let Some(privacy) = fields.object("privacy_settings")? {
        privacy_settings(privacy, &mut config)?;
    }
    if let Some(states) = fields.object("error_states")? {
        error_states(states, &mut config)?;
    }
    if let Some(mut auto) = fields.object("auto_sync")? {
        config.auto = auto_sync::take(&mut auto)?;
        config.name_unknown("auto_sync.", auto, &auto_sync::KEYS);
    }
    if let Some(mut git) = fields.object("git")? {
        config.sign = git.flag("sign")?;
        config.name_unknown("git.", git, &["sign"]);
    }
    if let Some(mut history) = fields.object("history")? {
        let keep = history.text("keep")?;
        if !keep.is_empty() {
            let days = days(&keep).filter(|days| *days > 0);
            config.keep_history = Some(days.ok_or_else(|| wants("keep", KEEP))?);
        }
        config.name_unknown("history.", history, &["keep"]);
    }
    if let Some(transcripts) = fields.object("transcripts")? {
        transcript_folders(transcripts, &mut config)?;
    }
    config.accounts = accounts::take(&mut fields)?;
    if let Some(mut tracker) = fields.object("tracker")? {
        config.tracker = tracker::take(&mut tracker)?;
        config.name_unknown("tracker.", tracker, &tracker::KEYS);
    }
    for key in ["$schema", "version"] {
        fields.take(key);
    }
    config.name_unknown("", fields, &TOP);
    Ok(config)
}

fn privacy_settings(mut privacy: Fields, config: &mut Config) -> Result<(), FieldError> {
    config.anonymize_hostname = privacy.flag("anonymize_hostname")?;
    config.exclude_project_names = privacy.flag("exclude_project_names")?;
    config.encrypt = match privacy.text("encryption")?.as_str() {
        "" | "transit" => false,
        "at-rest" | "both" => true,
        _ => return Err(wants("encryption", "\"transit\", \"at-rest\" or \"both\"")),
    };
    config.sealed = privacy.flag("sealed")?;
    config.hash_project_names = match privacy.text("project_names")?.as_str() {
        "" | "last" => false,
        "hash" => true,
        _ => return Err(wants("project_names", "\"last\" or \"hash\"")),
    };
    let aliases = privacy.object("aliases")?;
    for (name, alias) in aliases.map(Fields::rest).unwrap_or_default() {
        let alias = alias
            .as_str()
            .filter(|alias| alias.len() <= 100)
            .ok_or_else(|| wants("aliases", "names of at most 100 bytes"))?;
        config.aliases.insert(name, alias.to_owned());
    }
    if let Some(days) = privacy.take("retention_days") {
        let days = days.as_u64().and_then(|days| u32::try_from(days).ok());
        let days = days.filter(|days| (1..=36_500).contains(days));
        config.retention_days =
            Some(days.ok_or_else(|| {
                wants("retention_days", "a whole number of days from 1 to 36500")
            })?);
    }
    // Not `flag`: without the setting, limits are synced.
    if let Some(value) = privacy.take("limits") {
        let synced = value.as_bool();
        config.keep_limits = !synced.ok_or_else(|| wants("limits", "true or false"))?;
    }
    config.name_unknown("privacy_settings.", privacy, &PRIVACY);
    Ok(())
}

fn error_states(mut states: Fields, config: &mut Config) -> Result<(), FieldError> {
    if let Some(failed) = states.object("sync_failed")? {
        sync_failed(failed, config)?;
    }
    if let Some(corrupt) = states.object("corrupt_data")? {
        corrupt_data(corrupt, config)?;
    }
    config.name_unknown("error_states.", states, &["sync_failed", "corrupt_data"]);
    Ok(())
}

fn sync_failed(mut failed: Fields, config: &mut Config) -> Result<(), FieldError> {
    let most = 31 * DAY;
    let pauses = failed.array("backoff_seconds")?;
    let pauses: Option<Vec<u64>> = pauses
        .iter()
        .map(|pause| pause.as_u64().filter(|pause| *pause <= most))
        .collect();
    let pauses = pauses.ok_or_else(|| {
        wants(
            "backoff_seconds",
            "an array of seconds, each at most 31 days",
        )
    })?;
    if !pauses.is_empty() {
        config.failures.backoff = pauses;
    }
    if let Some(count) = failed.take("retry_count") {
        let count = count
            .as_u64()
            .ok_or_else(|| wants("retry_count", "a whole number"))?;
        let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
        config.failures.backoff.truncate(count);
    }
    if !["", "queue_for_later"].contains(&failed.text("fallback")?.as_str()) {
        return Err(wants("fallback", "\"queue_for_later\""));
    }
    if let Some(seconds) = failed.take("silence_seconds") {
        let seconds = seconds
            .as_u64()
            .filter(|seconds| (1..=most).contains(seconds));
        config.failures.silence = seconds.ok_or_else(|| {
            wants(
                "silence_seconds",
                "a whole number of seconds, from 1 to 31 days",
            )
        })?;
    }
    config.name_unknown("error_states.sync_failed.", failed, &FAILED);
    Ok(())
}

fn corrupt_data(mut corrupt: Fields, config: &mut Config) -> Result<(), FieldError> {
    if !["", "skip_session"].contains(&corrupt.text("action")?.as_str()) {
        return Err(wants("action", "\"skip_session\""));
    }
    // Not `flag`: without the setting, lines are named.
    if let Some(value) = corrupt.take("log_error") {
        let named = value.as_bool();
        config.failures.name_bad_lines =
            named.ok_or_else(|| wants("log_error", "true or false"))?;
    }
    config.name_unknown(
        "error_states.corrupt_data.",
        corrupt,
        &["action", "log_error"],
    );
    Ok(())
}

fn transcript_folders(mut transcripts: Fields, config: &mut Config) -> Result<(), FieldError> {
    for folder in transcripts.array("folders")? {
        // What is relative to the folder that a program was started in differs between a shell and
        // a timer.
        let is_absolute =
            |text: &&str| text.len() <= 4096 && pattern::absolute(text, Path::new("")).is_some();
        let folder = folder.as_str().filter(is_absolute).ok_or_else(|| {
            wants(
                "folders",
                "an array of absolute paths, or of paths from ~/ on",
            )
        })?;
        config.folders.push(folder.to_owned());
    }
    config.wsl = transcripts.flag("wsl")?;
    config.name_unknown("transcripts.", transcripts, &["folders", "wsl"]);
    Ok(())
}

/// Reads a number of days: `90d`, or `90`.
pub(crate) fn days(text: &str) -> Option<u32> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number.parse().ok().filter(|days| *days <= 36_500)
}

fn wants(key: &str, want: &'static str) -> FieldError {
    FieldError {
        key: key.to_owned(),
        want,
    }
}

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

const TOP: [&str; 10] = [
    "accounts",
    "summary_only",
    "snapshots",
    "privacy_settings",
    "error_states",
    "auto_sync",
    "git",
    "history",
    "transcripts",
    "tracker",
];
const PRIVACY: [&str; 8] = [
    "limits",
    "anonymize_hostname",
    "exclude_project_names",
    "project_names",
    "aliases",
    "encryption",
    "sealed",
    "retention_days",
];
const FAILED: [&str; 4] = [
    "retry_count",
    "backoff_seconds",
    "fallback",
    "silence_seconds",
];

impl Config {
    /// The setting that needs the fleet's key, if one does.
    pub(crate) fn needs_key(&self) -> Option<&'static str> {
        if self.encrypt {
            return Some("privacy_settings.encryption");
        }
        let hashes = self.hash_project_names && !self.exclude_project_names;
        hashes.then_some("privacy_settings.project_names")
    }

    /// Names the settings that nobody took, each with the known one that is most like it. A privacy
    /// setting with a typing error protects nobody.
    fn name_unknown(&mut self, place: &str, fields: Fields, known: &[&'static str]) {
        for key in fields.rest().into_keys() {
            let near = nearest(&key, known.iter().copied());
            self.unknown.push((format!("{place}{key}"), near));
        }
    }
}
