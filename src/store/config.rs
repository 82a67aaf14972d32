//! `config.json`: the settings of the spec. Known keys are checked; unknown ones are kept, and named to the user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::json::{FieldError, Fields};

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `privacy_settings.anonymize_hostname`: the machine's name is a pseudonym.
    pub anonymize_hostname: bool,
    /// `privacy_settings.exclude_project_names`: no project leaves the machine.
    pub exclude_project_names: bool,
    /// `summary_only`: sums per session, day and model leave the machine, no records.
    pub summary_only: bool,
    /// `snapshots`: keep a copy of each version of the sync file.
    pub snapshots: bool,
    /// Settings that this version does not know, each with the one that may be meant.
    pub unknown: Vec<(String, Option<&'static str>)>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No JSON object.
    #[error("{} is not a JSON object: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        reason: String,
    },
    /// A setting of the wrong kind.
    #[error("{}: setting {problem}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// Which.
        problem: FieldError,
    },
    /// A setting that this version cannot honour. Ignoring it would break a promise.
    #[error("{}: setting \"{setting}\" asks for what this version cannot do", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which.
        setting: &'static str,
    },
}

/// Reads the configuration; without a file all settings have their defaults.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|e| ConfigError::Syntax { path: path.to_owned(), reason: format!("line {}, column {}", e.line(), e.column()) })?;
    let Some(fields) = Fields::of(value) else {
        return Err(ConfigError::Syntax { path: path.to_owned(), reason: "it is another kind of value".to_owned() });
    };
    parse(fields).map_err(|problem| match problem {
        Problem::Field(problem) => ConfigError::Setting { path: path.to_owned(), problem },
        Problem::Unsupported(setting) => ConfigError::Unsupported { path: path.to_owned(), setting },
    })
}

enum Problem {
    Field(FieldError),
    Unsupported(&'static str),
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

fn parse(mut fields: Fields) -> Result<Config, Problem> {
    let mut config = Config { summary_only: fields.flag("summary_only")?, snapshots: fields.flag("snapshots")?, ..Config::default() };
    if let Some(mut privacy) = fields.object("privacy_settings")? {
        config.anonymize_hostname = privacy.flag("anonymize_hostname")?;
        config.exclude_project_names = privacy.flag("exclude_project_names")?;
        match privacy.text("encryption")?.as_str() {
            "" | "transit" => {}
            "at-rest" | "both" => return Err(Problem::Unsupported("privacy_settings.encryption")),
            _ => return Err(FieldError { key: "encryption".to_owned(), want: "\"transit\", \"at-rest\" or \"both\"" }.into()),
        }
        if privacy.take("retention_days").is_some() {
            return Err(Problem::Unsupported("privacy_settings.retention_days"));
        }
        config.unknown.extend(unknown("privacy_settings.", privacy, &PRIVACY));
    }
    if let Some(mut states) = fields.object("error_states")? {
        ERRORS.iter().for_each(|key| drop(states.take(key)));
        config.unknown.extend(unknown("error_states.", states, &ERRORS));
    }
    for key in ["$schema", "version"] {
        fields.take(key);
    }
    config.unknown.extend(unknown("", fields, &TOP));
    Ok(config)
}

const TOP: [&str; 4] = ["summary_only", "snapshots", "privacy_settings", "error_states"];
const PRIVACY: [&str; 4] = ["anonymize_hostname", "exclude_project_names", "encryption", "retention_days"];
/// The spec's settings of what is done about failures. They are read by later versions.
const ERRORS: [&str; 4] = ["retry_count", "backoff_seconds", "queue_for_later", "corrupt_data"];

/// What is left of an object, each with the known key that is most like it. A privacy setting with a typing error protects nobody.
fn unknown(place: &str, fields: Fields, known: &[&'static str]) -> Vec<(String, Option<&'static str>)> {
    let near = |key: &str| {
        let scored = known.iter().map(|known| (similar::TextDiff::from_chars(key, *known).ratio(), *known));
        scored.filter(|(score, _)| *score > 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
    };
    fields.rest().into_keys().map(|key| (format!("{place}{key}"), near(&key))).collect()
}
