//! Codes, commands, examples and links that guides and help name.

use std::fs;
use std::path::Path;

use super::guides;
use crate::stage::Stage;

/// What stands for itself in a command, by an example.
fn example(word: &str) -> String {
    let text = match word.trim_matches(['"', '\'']) {
        "DAY" => "2026-11-20",
        "ZONE" => "UTC",
        "N" | "SECONDS" => "1",
        "SHELL" => "bash",
        other => other,
    };
    text.split('|').next().unwrap_or_default().to_owned()
}

#[test]
fn every_command_that_is_named_in_a_sentence_is_there() {
    let stage = Stage::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, text) in guides() {
        let outside: Vec<&str> = text.split("```").step_by(2).collect();
        let outside = outside.join("\n").replace("\\|", "|");
        for code in outside.split('`').skip(1).step_by(2) {
            let words: Vec<&str> = code
                .split_whitespace()
                .filter(|word| !word.starts_with(['[', '…']))
                .collect();
            let is_ours = matches!(words[..], ["claude-sync" | "claude-usage-tracker", ..])
                && words.get(1) != Some(&"git");
            if !is_ours || code.contains('#') {
                continue;
            }
            let words: Vec<String> = words
                .iter()
                .map(|word| format!("'{}'", example(word)))
                .collect();
            // What comes before is parsed first: an option that is not there is an error, and not help.
            let ran = stage.sh("laptop", &format!("{} --help", words.join(" ")));
            seen += 1;
            if ran.code != 0 {
                wrong.push(format!("{name}: {code}\n{}", ran.err));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 30, "only {seen} commands were found");
}

/// The text of all files below a folder.
fn sources(folder: &Path) -> String {
    let paths = fs::read_dir(folder)
        .expect("sources")
        .flatten()
        .map(|entry| entry.path());
    paths
        .map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                fs::read_to_string(&path).expect("a source")
            }
        })
        .collect()
}

#[test]
fn help_and_guides_list_every_exit_code() {
    // `--help` lists all that `src/cli/exit.rs` defines, each with its meaning.
    let stage = Stage::new();
    let help = stage.sh("laptop", "claude-sync --help").out;
    let (_, help) = help.split_once("Exit codes:\n").expect("the codes");
    let (help, _) = help.split_once("\n\n").expect("their end");
    let guides = guides();
    let (_, guide) = guides
        .iter()
        .find(|(name, _)| name == "docs/troubleshooting.md")
        .expect("the guide");
    for line in help.lines() {
        let (code, meaning) = line
            .trim()
            .split_once("  ")
            .expect("a code and its meaning");
        let row = match meaning.split_once(": ") {
            Some(("verify", text)) => vec![format!("| {code} | {text} |")],
            Some((command, text)) => vec![
                format!("| {code} | {meaning} |"),
                format!("| {code} | `{command}`: {text} |"),
            ],
            None => vec![format!("| {code} | {meaning} |")],
        };
        assert!(
            row.iter().any(|row| guide.contains(row)),
            "the guide lacks {row:?}"
        );
    }
    assert!(help.lines().count() > 20, "{help}");
}

#[test]
fn codes_examples_and_links_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let sources = sources(&root.join("src/cli"));
    let mut wrong = Vec::new();
    for (name, text) in guides() {
        let codes = text
            .split('`')
            .filter(|code| code.starts_with("claude_sync::"));
        wrong.extend(
            codes
                .filter(|code| !sources.contains(&format!("\"{code}\"")))
                .map(|code| format!("{name}: {code}")),
        );
        let folder = root.join(&name);
        let folder = folder.parent().expect("a folder");
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
            .filter(|to| !to.is_empty())
        {
            // Where the repository is hosted, this path is the host's page of releases, whoever the owner is.
            let is_hosts = target == "../../releases";
            if !target.contains("://") && !is_hosts && !folder.join(target).exists() {
                wrong.push(format!("{name}: {target}"));
            }
        }
    }
    let archive = root.join(
        "fixtures/formats/1.1/sync/archive/2026/03/a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b/10.jsonl",
    );
    let example = read(&root.join("docs/format.md"));
    let example: Vec<&str> = example
        .lines()
        .filter(|line| line.starts_with("{\""))
        .collect();
    assert_eq!(
        example,
        read(&archive).lines().take(3).collect::<Vec<_>>(),
        "the example of a day file"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
