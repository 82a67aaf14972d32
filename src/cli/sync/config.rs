//! `claude-sync config`: shows and changes settings.

use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempPath;

use crate::base::text::printable;
use crate::store::settings::{self, SCHEMA, Setting, Settings};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync config list
  claude-sync config set privacy_settings.retention_days 365
  claude-sync config set privacy_settings.aliases./home/me/secret-client a
  claude-sync config unset privacy_settings.retention_days")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List settings with their descriptions and values
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of a setting, or its default
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
        /// The value as JSON; anything else is text
        value: String,
    },
    /// Remove a setting, so that its default applies
    Unset {
        /// The setting
        key: String,
    },
    /// Edit the settings in your editor; they are saved only if they are valid
    Edit,
    /// Print the JSON Schema of the settings
    Schema,
}

pub(crate) fn run(args: &Args) -> Result<u8, CliError> {
    let places = places::find()?;
    let path = places.config;
    let open =
        || -> Result<Settings, CliError> { Ok(Settings::open(&path)?.with_key(&places.key)) };
    match &args.action {
        Action::List { json } => list(&open()?, *json),
        Action::Get { key, json } => return get(&open()?, key, *json),
        Action::Set { key, value } => {
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
            open()?.set(key, Some(value))?;
        }
        Action::Unset { key } => open()?.set(key, None)?,
        Action::Edit => edit(&mut open()?)?,
        Action::Schema => out(SCHEMA),
    }
    Ok(exit::OK)
}

/// Prints a setting's value. Exits with 1 if it has none.
fn get(file: &Settings, key: &str, as_json: bool) -> Result<u8, CliError> {
    let setting = settings::known(key)?;
    let (value, default) = if key == setting.key {
        (file.get(key), &setting.default)
    } else {
        // An alias or an account: its name may contain dots, and it has no default.
        let name = key.strip_prefix(&setting.key);
        let name = name.and_then(|name| name.strip_prefix('.'));
        let named = name.and_then(|name| file.get(&setting.key)?.get(name));
        (named, &Value::Null)
    };
    let shown = value.unwrap_or(default);
    if as_json {
        json(&json!({
            "version": 1,
            "key": key,
            "value": shown,
            "default": default,
            "is_set": value.is_some(),
        }));
        return Ok(exit::OK);
    }
    if shown.is_null() {
        eprintln!("{} is not set, and has no default", printable(key, 100));
        return Ok(exit::FAILURE);
    }
    // Text without quotes, for scripts.
    let text = shown
        .as_str()
        .map_or_else(|| shown.to_string(), str::to_owned);
    out(&format!("{text}\n"));
    Ok(exit::OK)
}

fn list(file: &Settings, as_json: bool) {
    let all = settings::settings();
    if as_json {
        let settings: Vec<_> = all.iter().map(|setting| to_json(setting, file)).collect();
        json(&json!({ "version": 1, "file": file.path(), "settings": settings }));
        return;
    }
    let path = printable(&file.path().display().to_string(), 400);
    let settings: String = all.iter().map(|setting| to_text(setting, file)).collect();
    out(&format!("# {path}\n{settings}"));
}

fn to_json(setting: &Setting, file: &Settings) -> Value {
    let value = file.get(&setting.key);
    json!({
        "key": setting.key,
        "value": value.unwrap_or(&setting.default),
        "default": setting.default,
        "is_set": value.is_some(),
        "description": setting.description,
    })
}

fn to_text(setting: &Setting, file: &Settings) -> String {
    let value = file.get(&setting.key);
    let default = if value.is_none() { "  (default)" } else { "" };
    let value = value.unwrap_or(&setting.default);
    let value = if value.is_null() {
        "none".to_owned()
    } else {
        printable(&value.to_string(), 200)
    };
    let (description, key) = (&setting.description, &setting.key);
    format!("\n# {description}\n{key} = {value}{default}\n")
}

/// Edits a copy of the settings, and saves it if it is valid.
fn edit(file: &mut Settings) -> Result<(), CliError> {
    let before = file.text();
    let path = draft(&before)?;
    let status = editor(&path)
        .status()
        .map_err(|error| edit_failed("run the editor", &error))?;
    if !status.success() {
        let reason = "the editor failed; nothing was changed";
        return Err(edit_failed("edit the settings", &reason));
    }
    let after = fs::read_to_string(&path).map_err(|error| edit_failed("read the draft", &error))?;
    if after == before {
        out("Nothing changed.\n");
        return Ok(());
    }
    if let Err(error) = file.replace_text(&after) {
        // The user's text is kept, to be corrected.
        let kept = path
            .keep()
            .map_err(|error| edit_failed("keep the draft", &error))?;
        let kept = printable(&kept.display().to_string(), 400);
        out(&format!("Nothing was changed. Your text is in {kept}\n"));
        return Err(error.into());
    }
    Ok(())
}

/// Writes a text to a temporary file, which is deleted with the value.
fn draft(text: &str) -> Result<TempPath, CliError> {
    let failed = |error: std::io::Error| edit_failed("make a draft", &error);
    let mut file = tempfile::Builder::new()
        .prefix("claude-sync-config-")
        .suffix(".json")
        .tempfile()
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(file.into_temp_path())
}

fn edit_failed(what: &str, reason: &dyn std::fmt::Display) -> CliError {
    let reason = printable(&reason.to_string(), 400);
    CliError::plain(
        &format!("failed to {what}: {reason}"),
        "claude_sync::editor",
        exit::FAILURE,
        "set VISUAL or EDITOR to an editor that waits until you close the file",
    )
}

/// The command of the editor. It runs in a shell, as git does it, because the variable may contain
/// arguments.
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
