//! `claude-sync config`: settings, one by one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::env::Env;
use super::error::CliError;
use super::{exit, out};
use crate::base::text::printable;
use crate::store::settings::{self, SCHEMA, SettingError, Settings};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync config list
  claude-sync config set privacy_settings.retention_days 365
  claude-sync config set privacy_settings.aliases./home/me/secret-client a
  claude-sync config unset privacy_settings.retention_days")]
pub struct Args {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show all settings, what they do and what they are set to
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a setting is set to, or its default
    Get {
        #[arg(help = "The setting, such as privacy_settings.retention_days")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a setting
    Set {
        #[arg(help = "The setting, such as privacy_settings.retention_days")]
        key: String,
        /// JSON; what is none is taken as text
        value: String,
    },
    /// Take a setting out, so that its default holds
    Unset {
        /// The setting
        key: String,
    },
    /// Open the settings in your editor, and take them over if they are valid
    Edit,
    /// Print the JSON Schema of the settings
    Schema,
}

pub fn run(args: &Args) -> Result<u8, CliError> {
    let path = Env::places()?.config;
    match &args.command {
        What::List { json } => list(&Settings::open(&path)?, *json),
        What::Get { key, json } => {
            let setting = settings::known(key)?;
            let file = Settings::open(&path)?;
            // An alias is found by its name, which may have dots.
            let named = key
                .strip_prefix("privacy_settings.aliases.")
                .and_then(|name| file.get(&setting.key)?.get(name));
            let value = if key == &setting.key {
                file.get(key).unwrap_or(&setting.default)
            } else {
                named.unwrap_or(&Value::Null)
            };
            if *json {
                // What stands below an alias's name has no default.
                let (is_set, default) = if key == &setting.key {
                    (file.get(key).is_some(), &setting.default)
                } else {
                    (named.is_some(), &Value::Null)
                };
                super::json(
                    &serde_json::json!({ "version": 1, "key": key, "value": value, "default": default, "is_set": is_set }),
                );
                return Ok(exit::OK);
            }
            if value.is_null() {
                return Ok(exit::FAILURE);
            }
            out(&format!("{}\n", shown(value)));
        }
        What::Set { key, value } => {
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
            Settings::open(&path)?.set(key, Some(value))?;
        }
        What::Unset { key } => Settings::open(&path)?.set(key, None)?,
        What::Edit => edit(&mut Settings::open(&path)?)?,
        What::Schema => out(SCHEMA),
    }
    Ok(exit::OK)
}

/// Text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn list(file: &Settings, json: bool) {
    let all = settings::settings();
    if json {
        let line = |setting: &settings::Setting| {
            let value = file.get(&setting.key);
            serde_json::json!({
                "key": setting.key, "value": value.unwrap_or(&setting.default), "default": setting.default,
                "is_set": value.is_some(), "description": setting.description,
            })
        };
        super::json(
            &serde_json::json!({ "version": 1, "file": file.path(), "settings": all.iter().map(line).collect::<Vec<_>>() }),
        );
        return;
    }
    let mut text = format!("# {}\n", printable(&file.path().display().to_string(), 400));
    for setting in &all {
        let value = file.get(&setting.key);
        let default = if value.is_none() { "  (default)" } else { "" };
        let value = value.unwrap_or(&setting.default);
        let value = if value.is_null() {
            "none".to_owned()
        } else {
            printable(&value.to_string(), 200)
        };
        text.push_str(&format!(
            "\n# {}\n{} = {value}{default}\n",
            setting.description, setting.key
        ));
    }
    out(&text);
}

fn edit(file: &mut Settings) -> Result<(), CliError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        let message = format!("failed to {what}: {}", printable(&error.to_string(), 400));
        CliError::plain(
            &message,
            "claude_sync::editor",
            exit::FAILURE,
            "set VISUAL or EDITOR to an editor that waits until you are done",
        )
    };
    let before = file.text();
    let mut draft = tempfile::Builder::new()
        .prefix("claude-sync-config-")
        .suffix(".json")
        .tempfile()
        .map_err(|e| failed("make a draft", &e))?;
    draft
        .write_all(before.as_bytes())
        .map_err(|e| failed("make a draft", &e))?;
    let path = draft.into_temp_path();
    let status = editor(&path)
        .status()
        .map_err(|e| failed("run the editor", &e))?;
    if !status.success() {
        return Err(failed(
            "edit the settings",
            &"the editor failed; nothing was changed",
        ));
    }
    let after = fs::read_to_string(&path).map_err(|e| failed("read the draft", &e))?;
    if after == before {
        out("Nothing changed.\n");
        return Ok(());
    }
    if let Err(error) = file.replace_text(&after) {
        // What was typed is not thrown away.
        let kept = path.keep().map_err(|e| failed("keep the draft", &e))?;
        out(&format!(
            "Nothing was changed. What you wrote is in {}\n",
            printable(&kept.display().to_string(), 400)
        ));
        return Err(error.into());
    }
    Ok(())
}

/// The editor, by the shell, as git does: the variable may hold arguments.
fn editor(path: &Path) -> Command {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| {
        std::env::var(name)
            .ok()
            .filter(|text| !text.trim().is_empty())
    });
    let editor = named.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    let mut command;
    if cfg!(windows) {
        command = Command::new("cmd");
        command.arg("/C").arg(editor).arg(path);
    } else {
        command = crate::store::private::user_command(Path::new("sh"));
        command
            .arg("-c")
            .arg(format!("{editor} \"$@\""))
            .arg(editor)
            .arg(path);
    }
    command
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Unknown { key, near } => {
                let near = near
                    .map(|near| format!("did you mean {near}? "))
                    .unwrap_or_default();
                let help = format!("{near}claude-sync config list shows all");
                Self::plain(
                    &format!("there is no setting \"{}\"", printable(&key, 100)),
                    "claude_sync::setting",
                    exit::USAGE,
                    help,
                )
            }
            SettingError::Config(error) => error.into(),
            SettingError::Write(error) => super::export::failed(
                &error,
                "claude-sync config list shows where the settings are",
            ),
        }
    }
}
