//! The desktop app's agent mode (Cowork): a configuration folder of Claude Code's for each task.
//!
//! `<app
//! data>/local-agent-mode-sessions/<account>/<organization>/[agent/]local_*/.claude/projects`.
//! Beside each task lies `local_*.json` with its title, which is never looked at, and its working
//! folder. `audit.jsonl` in a task has the same messages once more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::json::Fields;

const TASKS: &str = "local-agent-mode-sessions";

/// Tasks lie at most so deep: account, organization, `agent`, task.
const DEEPEST: usize = 4;

/// The file beside a task is no larger.
const MOST: u64 = 4 << 20;

/// The app's data folders on a system, as patterns.
pub(crate) fn data_folders(
    system: &str,
    home: &Path,
    config: &Path,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Vec<PathBuf> {
    match system {
        "macos" => vec![
            home.join("Library")
                .join("Application Support")
                .join("Claude"),
        ],
        "windows" => {
            let roaming =
                variable("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"));
            let local =
                variable("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData").join("Local"));
            let store = local
                .join("Packages")
                .join("Claude_*")
                .join("LocalCache")
                .join("Roaming")
                .join("Claude");
            vec![roaming.join("Claude"), store]
        }
        _ => vec![config.join("Claude")],
    }
}

/// The folders of transcripts in the app's data, each with the task's working folder. A folder that
/// holds the tasks itself will do.
pub(crate) fn tasks(data: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut out = Vec::new();
    let inside = data.join(TASKS);
    if inside.is_dir() {
        collect(&inside, 0, &mut out);
    } else if data.file_name().is_some_and(|name| name == TASKS) {
        collect(data, 0, &mut out);
    }
    out
}

fn collect(folder: &Path, depth: usize, out: &mut Vec<(PathBuf, Option<String>)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    paths.sort();
    for path in paths {
        let projects = path.join(".claude").join("projects");
        if projects.is_dir() {
            let working = working_folder(&path.with_extension("json"));
            out.push((projects, working));
        } else if depth + 1 < DEEPEST {
            collect(&path, depth + 1, out);
        }
    }
}

/// The folder that a task works in: one that the user chose, else the one that the app names.
/// Inside the app's virtual machine tasks run in `/sessions/<name>`, which names nothing of the
/// user's.
fn working_folder(file: &Path) -> Option<String> {
    if fs::metadata(file).ok()?.len() > MOST {
        return None;
    }
    let mut fields = Fields::of(serde_json::from_slice(&fs::read(file).ok()?).ok()?)?;
    let chosen = fields.array("userSelectedFolders").unwrap_or_default();
    let chosen = chosen
        .first()
        .and_then(|folder| folder.as_str())
        .map(str::to_owned);
    let named = fields
        .text("cwd")
        .ok()
        .filter(|cwd| !cwd.starts_with("/sessions/"));
    chosen
        .or(named)
        .filter(|folder| !folder.trim().is_empty() && folder.len() <= 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_folders() {
        let (home, config) = (Path::new("/h"), Path::new("/h/.config"));
        let of = |system| {
            data_folders(system, home, config, |name| {
                (name == "APPDATA").then(|| "/roam".into())
            })
        };
        assert_eq!(of("linux"), [PathBuf::from("/h/.config/Claude")]);
        assert_eq!(
            of("macos"),
            [PathBuf::from("/h/Library/Application Support/Claude")]
        );
        let packaged = "/h/AppData/Local/Packages/Claude_*/LocalCache/Roaming/Claude";
        assert_eq!(
            of("windows"),
            [PathBuf::from("/roam/Claude"), PathBuf::from(packaged)]
        );
    }

    #[test]
    fn tasks_are_found_with_and_without_an_agent_folder() {
        let root = tempfile::tempdir().expect("a folder");
        for (task, note) in [
            ("acc/org/local_a", r#"{"cwd":"/w/shop","title":"secret"}"#),
            (
                "acc/org/agent/local_b",
                r#"{"cwd":"/sessions/brave-fox","userSelectedFolders":["/w/till"]}"#,
            ),
            ("acc/org/local_c", r#"{"cwd":"/sessions/brave-fox"}"#),
            ("acc/org/local_d", "no JSON"),
        ] {
            let task = root.path().join(TASKS).join(task);
            fs::create_dir_all(task.join(".claude/projects")).expect("made");
            fs::write(task.with_extension("json"), note).expect("written");
        }
        fs::create_dir_all(root.path().join(TASKS).join("acc/org/local_e/.claude")).expect("made");
        let mut found: Vec<_> = tasks(root.path())
            .into_iter()
            .map(|(_, working)| working)
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                None,
                None,
                Some("/w/shop".to_owned()),
                Some("/w/till".to_owned())
            ]
        );
        assert_eq!(tasks(&root.path().join(TASKS)).len(), 4);
    }
}
