//! A run as a command line, and the program that kills it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::lines::write;
use crate::laws::world::set_mode;
use crate::model::rows::day;
use crate::model::site::{How, Import, Run};
use crate::model::truth::Forgotten;

/// A folder with a `git` that kills the program that called it, at one of its commands.
pub(super) fn killer(folder: &Path, when: &str, what: &str) -> PathBuf {
    let folder = folder.join(format!("kill-{when}-{what}"));
    if folder.join("git").exists() {
        return folder;
    }
    let found = Command::new("sh")
        .args(["-c", "command -v git"])
        .output()
        .expect("sh runs")
        .stdout;
    let git = String::from_utf8(found).expect("a path");
    let git = git.trim();
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do\n  if [ \"$word\" = {what} ]; then\n    [ {when} = before ] || {git} \"$@\"\n    kill -9 $PPID\n    exit 1\n  fi\ndone\nexec {git} \"$@\"\n"
    );
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("git"), script).expect("written");
    set_mode(&folder.join("git"), 0o755);
    folder
}

/// The arguments of a run.
pub(super) fn arguments(run: &Run, folder: &Path) -> Vec<String> {
    let file = |text: &str| {
        let path = folder.join("import.json");
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let named = |what: &Forgotten| {
        let (flag, value) = match what {
            Forgotten::Session(id) => ("--session", id.clone()),
            Forgotten::Project(name) => ("--project", (*name).to_owned()),
            Forgotten::Machine(id) => ("--machine", id.to_string()),
            Forgotten::Before(at) => ("--before", day(*at).to_string()),
        };
        text(&["forget", flag, &value])
    };
    if let Some(what) = &run.undo {
        return named(what).into_iter().chain(text(&["--undo"])).collect();
    }
    if let Some(what) = &run.forget {
        return named(what).into_iter().chain(text(&["--yes"])).collect();
    }
    if let Some((from, into)) = &run.merge {
        return text(&["machine", "merge", from.as_str(), into.as_str()]);
    }
    if let Some((machine, name)) = &run.group {
        return text(&["machine", "group", machine.as_str(), name]);
    }
    if let Some(name) = run.user {
        return text(&["machine", "user", name]);
    }
    if let Some(days) = run.compact {
        return text(&["compact", "--keep", &days.to_string()]);
    }
    match run.price {
        Some((pattern, 0)) => return text(&["price", "remove", pattern]),
        Some((pattern, permille)) => {
            return text(&[
                "price",
                "set",
                pattern,
                "--multiply",
                &format!("0.{permille:03}"),
            ]);
        }
        None => {}
    }
    match &run.import {
        Some(Import::Backup(rows)) => {
            write(&folder.join("backup/projects/p"), rows, &[]);
            return text(&[
                "import",
                &folder.join("backup/projects").display().to_string(),
            ]);
        }
        Some(Import::Ccusage(report, zone)) => {
            return text(&["import", &file(report), "--timezone", zone]);
        }
        Some(Import::Statistics(statistics)) => return text(&["import", &file(statistics)]),
        None => {}
    }
    let mut out = Vec::new();
    if run.full {
        out.push("--mode=full".to_owned());
    }
    if run.how == How::Offline {
        out.push("--offline".to_owned());
    }
    out
}
