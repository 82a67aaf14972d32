//! Settings one by one: what there is, what it is set to, and how it is changed.
//!
//! The published schema (`fixtures/schemas/config.schema.json`) is the list of what there is;
//! [`super::config`] reads what was written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::config::{self, Config, ConfigError};
use super::durable::{self, WriteError};
use crate::base::text::nearest;

/// The schema, as it is published.
pub(crate) const SCHEMA: &str = include_str!("../../fixtures/schemas/config.schema.json");

/// A setting that there is.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Its place: `privacy_settings.retention_days`.
    pub(crate) key: String,
    /// What it does.
    pub(crate) description: String,
    /// What holds where it is not set.
    pub(crate) default: Value,
}

/// A setting cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    /// There is none of that name.
    #[error("there is no setting {key}")]
    Unknown {
        /// What was asked for.
        key: String,
        /// What may be meant.
        near: Option<String>,
    },
    /// It would need the fleet's key, which is not here.
    #[error("{setting} needs the fleet's key, which is not on this machine")]
    NeedsKey {
        /// The setting.
        setting: &'static str,
    },
    /// The file, or what it would become, is not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// All settings, in the schema's order of names.
pub(crate) fn settings() -> Vec<Setting> {
    let mut out = Vec::new();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    collect(&schema, "", &mut out);
    out.retain(|setting| !["$schema", "version"].contains(&setting.key.as_str()));
    out
}

fn collect(schema: &Value, place: &str, out: &mut Vec<Setting>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let key = format!("{place}{name}");
        if property["properties"].is_object() {
            collect(property, &format!("{key}."), out);
            continue;
        }
        let description = property["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        out.push(Setting {
            key,
            description,
            default: property["default"].clone(),
        });
    }
}

/// The settings file, open for changes.
#[derive(Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    root: Map<String, Value>,
    /// The file of the fleet's key: without it, no setting that needs a key is added.
    key: Option<PathBuf>,
}

impl Settings {
    /// Opens the file at `path`; where there is none, it will be made.
    pub(crate) fn open(path: &Path) -> Result<Self, ConfigError> {
        // A link means that the user keeps settings elsewhere: that file is changed.
        let path = dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let root = match fs::read(&path) {
            Ok(bytes) => object(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        let key = None;
        Ok(Self { path, root, key })
    }

    /// Settings that need a key are refused as long as there is no file at `key`.
    #[must_use]
    pub(crate) fn with_key(self, key: &Path) -> Self {
        let key = Some(key.to_owned());
        Self { key, ..self }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is written there, as text.
    pub(crate) fn text(&self) -> String {
        format!("{:#}\n", Value::Object(self.root.clone()))
    }

    /// What a setting is set to, if it is.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let first = self.root.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// Sets a setting, or takes it out, and writes the file. Nothing is written that would not be
    /// read.
    pub(crate) fn set(&mut self, key: &str, value: Option<Value>) -> Result<(), SettingError> {
        known(key)?;
        let mut root = self.root.clone();
        put(&mut root, key, value);
        self.replace(root)
    }

    /// Replaces all of it, from text.
    pub(crate) fn replace_text(&mut self, text: &str) -> Result<(), SettingError> {
        let root = object(&self.path, text.as_bytes())?;
        self.replace(root)
    }

    fn replace(&mut self, root: Map<String, Value>) -> Result<(), SettingError> {
        let config = config::check(&self.path, Value::Object(root.clone()))?;
        self.check_key(&config)?;
        let before = std::mem::replace(&mut self.root, root);
        if let Err(error) = durable::write(&self.path, self.text().as_bytes()) {
            self.root = before;
            return Err(error.into());
        }
        Ok(())
    }

    /// Fails if the settings need a key that is not there, and did not before.
    fn check_key(&self, next: &Config) -> Result<(), SettingError> {
        let Some(setting) = next.needs_key() else {
            return Ok(());
        };
        if self.key.as_ref().is_none_or(|key| key.exists()) {
            return Ok(());
        }
        let now = config::check(&self.path, Value::Object(self.root.clone()))?;
        if now.needs_key().is_some() {
            return Ok(());
        }
        Err(SettingError::NeedsKey { setting })
    }
}

/// The setting of that name.
pub(crate) fn known(key: &str) -> Result<Setting, SettingError> {
    let all = settings();
    if let Some(setting) = all.iter().find(|setting| {
        setting.key == key || alias(key).is_some_and(|(place, _)| place == setting.key)
    }) {
        return Ok(setting.clone());
    }
    let last = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
    // The last part alone is what people remember.
    let ends: Vec<String> = all.iter().map(|setting| last(&setting.key)).collect();
    let near = nearest(&last(key), ends.iter().map(String::as_str));
    let near = near
        .and_then(|near| all.iter().find(|setting| last(&setting.key) == near))
        .map(|setting| setting.key.clone());
    let near = near.or_else(|| {
        nearest(key, all.iter().map(|setting| setting.key.as_str())).map(str::to_owned)
    });
    Err(SettingError::Unknown {
        key: key.to_owned(),
        near,
    })
}

/// `privacy_settings.aliases.NAME`, `accounts.FOLDER`: settings whose members are named by the
/// user.
fn alias(key: &str) -> Option<(&'static str, &str)> {
    let member = |place: &'static str| Some((place, key.strip_prefix(place)?.strip_prefix('.')?));
    let found = ["privacy_settings.aliases", "accounts"]
        .into_iter()
        .find_map(member);
    found.filter(|(_, name)| !name.is_empty())
}

fn put(root: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    let (place, last) = alias(key)
        .or_else(|| key.rsplit_once('.'))
        .map_or((None, key), |(place, last)| (Some(place), last));
    let mut at = root;
    for part in place.into_iter().flat_map(|place| place.split('.')) {
        let slot = at.entry(part).or_insert_with(|| Value::Object(Map::new()));
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(next) = slot else { return };
        at = next;
    }
    match value {
        Some(value) => drop(at.insert(last.to_owned(), value)),
        None => drop(at.remove(last)),
    }
}

fn object(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    match config::json(path, bytes)? {
        Value::Object(root) => Ok(root),
        _ => Err(ConfigError::Syntax {
            path: path.to_owned(),
            reason: "it is another kind of value".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_can_be_set_to_its_default() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        for setting in settings()
            .into_iter()
            .filter(|setting| !setting.default.is_null())
        {
            let mut file = Settings::open(&path).expect("opens");
            file.set(&setting.key, Some(setting.default.clone()))
                .expect("is valid");
            assert_eq!(
                Settings::open(&path).expect("opens").get(&setting.key),
                Some(&setting.default),
                "{}",
                setting.key
            );
        }
        assert_eq!(
            config::read(&path).expect("valid"),
            Config::default(),
            "and the defaults are what holds without them"
        );
    }

    #[test]
    fn an_account_is_named_by_its_folder() {
        let mut root = Map::new();
        put(&mut root, "accounts.~/.claude-work", Some("work".into()));
        assert_eq!(root["accounts"]["~/.claude-work"], "work");
    }

    #[test]
    fn an_alias_may_have_dots_in_its_name() {
        let mut root = Map::new();
        put(
            &mut root,
            "privacy_settings.aliases./home/me/a.b",
            Some("client".into()),
        );
        assert_eq!(
            root["privacy_settings"]["aliases"]["/home/me/a.b"],
            "client"
        );
        put(&mut root, "privacy_settings.aliases./home/me/a.b", None);
        assert_eq!(
            root["privacy_settings"]["aliases"],
            Value::Object(Map::new())
        );
    }
}
