//! What there is to sync, and whether it is still there when the next sync comes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use super::check::{Check, Status};
use super::installation::Installation;
use super::text::show;
use crate::base::text::{ago, count, printable, thousands};
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::git::repo::KNOWN;
use crate::sync::settings::{binding, naming, reader};
use crate::transcripts::{Cursors, Folder, Search, TranscriptFile, mark};

/// Whether transcripts are found and can be read. Only the last part of a path is named: the rest
/// contains project names.
pub(crate) fn transcripts(here: &Installation) -> Check {
    const NAME: &str = "transcripts";
    let found = here.places.folders().discover();
    let unreadable: Vec<&PathBuf> = found
        .files
        .par_iter()
        .map(|file| &file.path)
        .filter(|path| File::open(path).is_err())
        .collect();
    let total = found.files.len() as u64;
    if !unreadable.is_empty() || !found.unreadable.is_empty() {
        let what = format!(
            "of {}, these cannot be read: {}",
            count(total, "transcript"),
            names(&unreadable, found.unreadable.len() as u64)
        );
        let advice = "give them back to yourself (chown, chmod u+r); \
                      claude-sync --mode=full names their paths";
        return Check::warning(NAME, what, advice);
    }
    if total == 0 {
        let folders: Vec<_> = here
            .places
            .claude
            .iter()
            .map(|folder| show(&folder.join("projects")))
            .collect();
        let advice = "if Claude Code keeps them elsewhere, name its folder in CLAUDE_CONFIG_DIR";
        return Check::warning(NAME, format!("none in {}", folders.join(", ")), advice);
    }
    Check::ok(
        NAME,
        format!("{}, all readable", count(total, "transcript")),
    )
}

/// The names of the first files, and how many more files and folders there are.
fn names(files: &[&PathBuf], folders: u64) -> String {
    let name = |path: &&PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let mut names: Vec<String> = files.iter().take(5).map(name).collect();
    if files.len() > names.len() {
        names.push(format!("{} more", files.len() - names.len()));
    }
    if folders > 0 {
        names.push(count(folders, "folder"));
    }
    names.join(", ")
}

/// Which folders are read, and which look like it and are not.
pub(crate) fn folders(here: &Installation) -> Check {
    const NAME: &str = "folders";
    let found = here.places.folders();
    let listed: Vec<String> = found
        .folders
        .iter()
        .map(|folder| described(folder, here.options.now))
        .collect();
    let read = if listed.is_empty() {
        "none are read".to_owned()
    } else {
        format!("{} read: {}", listed.len(), listed.join("; "))
    };
    if let Some(pattern) = found.unmatched.first() {
        let what = format!(
            "{read}; there are no transcripts in {}, which transcripts.folders names",
            printable(pattern, 300)
        );
        return Check::warning(NAME, what, "correct or remove it: claude-sync config edit");
    }
    let unread = here.places.search.unread(&found);
    match (unread.is_empty(), listed.is_empty()) {
        (true, true) => Check::skipped(NAME, read),
        (true, false) => Check::ok(NAME, read),
        (false, _) => not_read(NAME, &read, &unread),
    }
}

fn not_read(name: &'static str, read: &str, unread: &[PathBuf]) -> Check {
    let names: Vec<String> = unread.iter().take(5).map(|folder| show(folder)).collect();
    let what = format!(
        "{read}; {} like Claude Code's and not read: {}",
        if unread.len() == 1 { "looks" } else { "look" },
        names.join(", ")
    );
    let list = serde_json::json!(names).to_string();
    let advice = format!("to read them too: claude-sync config set transcripts.folders '{list}'");
    Check::note(name, what, advice)
}

/// A folder's path and content.
fn described(folder: &Folder, now: Timestamp) -> String {
    let extent = folder.extent();
    let newest = extent
        .newest
        .map(|time| format!(", the newest written {}", ago(now, time)))
        .unwrap_or_default();
    let usage = extent
        .last_usage
        .map(|time| format!(", last usage {}", ago(now, time)))
        .unwrap_or_default();
    format!(
        "{} ({}{newest}{usage})",
        show(&folder.path),
        count(extent.files, "file")
    )
}

/// How long Claude Code keeps transcripts, in days, where its settings do not set it.
const USUAL: f64 = 30.0;
/// A shorter time takes syncs more often than somebody does by hand.
const SHORT: f64 = 3.0;
/// So many days before they are deleted it is time to sync.
const MARGIN: f64 = 3.0;
/// Claude Code's settings are no larger.
const MOST: u64 = 16 << 20;

/// Whether Claude Code deletes transcripts before they are synced.
pub(crate) fn retention(here: &Installation) -> Check {
    const NAME: &str = "retention";
    let folders = here.places.claude.iter().filter(|folder| folder.is_dir());
    let checks = folders.map(|folder| of_folder(here, folder));
    let worst = checks.max_by_key(|(status, _, _)| *status);
    match worst {
        None => Check::skipped(NAME, "there is no folder of Claude Code's"),
        Some((status, what, advice)) => Check::new(NAME, status, what, advice),
    }
}

fn of_folder(here: &Installation, folder: &Path) -> (Status, String, String) {
    let path = folder.join("settings.json");
    let file = show(&path);
    let days = match period(&path) {
        Ok(days) => days.unwrap_or(USUAL),
        Err(what) => {
            let advice = "correct it: Claude Code cannot read it either".to_owned();
            return (Status::Warning, format!("{file} {what}"), advice);
        }
    };
    let longer = format!("set cleanupPeriodDays to 30 or more in {file}");
    if days <= 0.0 {
        let what = "Claude Code keeps no transcripts: there is nothing to sync".to_owned();
        return (Status::Error, what, longer);
    }
    let kept = format!("Claude Code keeps transcripts for {}", plain(days));
    let waiting = waiting(here, folder);
    let now = here.options.now.millis();
    let ages = waiting
        .iter()
        .map(|file| now.saturating_sub(file.modified / 1_000_000));
    let oldest = ages.max().unwrap_or(0) as f64 / 86_400_000.0;
    if !waiting.is_empty() && oldest > (days - MARGIN).max(days / 2.0) {
        let age = plain(oldest.floor());
        let what = format!("{kept}, and one that waits to be synced is {age} old");
        let advice = format!("sync now, and often enough: claude-sync; or {longer}");
        return (Status::Warning, what, advice);
    }
    if days < SHORT {
        let advice = format!("sync more often than that; or {longer}");
        return (Status::Warning, kept, advice);
    }
    let wait = if waiting.is_empty() {
        "none waits".to_owned()
    } else {
        format!("{} to be synced", waits(waiting.len() as u64))
    };
    (Status::Ok, format!("{kept}; {wait}"), String::new())
}

fn waits(number: u64) -> String {
    format!(
        "{} {}",
        thousands(number),
        if number == 1 { "waits" } else { "wait" }
    )
}

/// A number of days without the noise of a float.
fn plain(days: f64) -> String {
    format!(
        "{days} day{}",
        if days.to_bits() == 1.0_f64.to_bits() {
            ""
        } else {
            "s"
        }
    )
}

/// `cleanupPeriodDays` of a settings file of Claude Code's; none where it is not set.
fn period(file: &Path) -> Result<Option<f64>, &'static str> {
    let size = fs::metadata(file).map_or(0, |meta| meta.len());
    if size > MOST {
        return Err("is too large for settings");
    }
    let Ok(text) = fs::read(file) else {
        return if file.exists() {
            Err("cannot be read")
        } else {
            Ok(None)
        };
    };
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(&text).map_err(|_| "is no JSON")?;
    match value.get("cleanupPeriodDays") {
        None | Some(Value::Null) => Ok(None),
        Some(days) => days
            .as_f64()
            .map(Some)
            .ok_or("has a cleanupPeriodDays that is no number"),
    }
}

/// The transcripts of a folder that were not read to their end.
fn waiting(here: &Installation, folder: &Path) -> Vec<TranscriptFile> {
    let known = cursors(here).unwrap_or_default();
    let files = Search::default()
        .folders(&[folder.to_owned()])
        .discover()
        .files;
    files
        .into_iter()
        .filter(|file| {
            known
                .get(&mark(&file.path))
                .is_none_or(|cursor| !cursor.is_current(file))
        })
        .collect()
}

/// How far transcripts were read, where that is remembered and still true.
fn cursors(here: &Installation) -> Option<Cursors> {
    let config = here.config.as_ref().ok()?;
    let naming = naming(config, here.key.as_ref().ok()?.as_ref()).ok()?;
    let repo = here.repo()?;
    // Without a commit nothing was remembered.
    repo.commit_at(KNOWN).ok()??;
    let machine = here.machine.as_ref().ok()?.as_ref()?;
    let reader = reader(repo, &naming, config.summary_only).ok()?;
    let binding = binding(repo, Some(machine), reader).ok()?;
    Index::peek(&here.places.state)?.cursors(&binding).ok()
}
