//! How each command is run, and which have no JSON.

use std::collections::{BTreeMap, BTreeSet};

use crate::shells::{PROGRAMS, commands};
use crate::world::{Machine, NOON, Ran, World, run};

/// Commands without JSON, and why.
pub(super) const WITHOUT_JSON: [(&str, &str); 23] = [
    (
        "claude-sync auto disable",
        "status --json tells what is left",
    ),
    (
        "claude-sync auto enable",
        "status --json tells what came of it",
    ),
    ("claude-sync auto hook", "Claude Code must be told nothing"),
    ("claude-sync auto run", "claude-sync --json is for programs"),
    ("claude-sync completions", "it prints what a shell reads"),
    ("claude-sync config edit", "it is an editor's"),
    ("claude-sync config schema", "it is JSON"),
    ("claude-sync config set", "it prints nothing"),
    ("claude-sync config unset", "it prints nothing"),
    ("claude-sync demo", "it is for people"),
    ("claude-sync git", "git prints what it prints"),
    (
        "claude-sync init",
        "it is for people; status --json tells what came of it",
    ),
    ("claude-sync man", "it writes pages"),
    ("claude-sync price export", "it is JSON"),
    ("claude-sync uninstall", "it is for people"),
    ("claude-usage-tracker", "its commands have JSON"),
    (
        "claude-usage-tracker completions",
        "it prints what a shell reads",
    ),
    (
        "claude-usage-tracker export",
        "its formats are for programs",
    ),
    ("claude-usage-tracker html", "it writes a page"),
    (
        "claude-usage-tracker live",
        "it is a view; the same figures are in blocks, limits and export",
    ),
    ("claude-usage-tracker svg", "it draws a picture"),
    // Git calls these, and they are not listed in the help.
    ("claude-sync merge-driver", "git reads its exit code"),
    ("claude-sync hook", "git shows what it says"),
];

/// How each command that has JSON is run, on which machine, in this order.
pub(super) const RUNS: [(&str, &str); 63] = [
    ("ada", "claude-sync key init"),
    ("ada", "claude-sync key show"),
    ("bob", "claude-sync key import [KEY] --for names"),
    ("ada", "claude-sync preview"),
    ("ada", "claude-sync"),
    ("ada", "claude-sync --offline"),
    ("bob", "claude-sync --download-all"),
    ("ada", "claude-sync status"),
    ("ada", "claude-sync auto status"),
    ("ada", "claude-sync doctor --offline"),
    ("ada", "claude-sync conflicts"),
    ("ada", "claude-sync conflicts --accept bob"),
    ("ada", "claude-sync log"),
    ("ada", "claude-sync diff"),
    ("ada", "claude-sync machine rename laptop"),
    ("ada", "claude-sync machine group backend"),
    ("ada", "claude-sync machine user ada"),
    ("ada", "claude-sync machine retire bob"),
    ("ada", "claude-sync machine list"),
    ("ada", "claude-sync machine merge bob ada"),
    ("ada", "claude-sync machine adopt"),
    ("ada", "claude-sync verify"),
    ("ada", "claude-sync verify --read-data"),
    ("ada", "claude-sync restore --list"),
    ("ada", "claude-sync restore --from HEAD~1"),
    ("ada", "claude-sync migrate"),
    ("ada", "claude-sync compact --dry-run"),
    ("ada", "claude-sync compact --keep 30d"),
    ("ada", "claude-sync resolve"),
    ("ada", "claude-sync config list"),
    (
        "ada",
        "claude-sync config get privacy_settings.retention_days",
    ),
    ("ada", "claude-sync price set claude-* --multiply 0.5"),
    ("ada", "claude-sync price list"),
    ("ada", "claude-sync price list claude-opus-4-8"),
    (
        "ada",
        "claude-sync price import fixtures/elsewhere/prices.json",
    ),
    ("ada", "claude-sync price remove claude-*"),
    ("ada", "claude-usage-tracker daily"),
    ("ada", "claude-usage-tracker weekly --by machine"),
    ("ada", "claude-usage-tracker monthly --no-cost"),
    ("ada", "claude-usage-tracker session"),
    ("ada", "claude-usage-tracker blocks"),
    ("ada", "claude-usage-tracker machines"),
    ("ada", "claude-usage-tracker projects"),
    ("ada", "claude-usage-tracker models"),
    ("ada", "claude-usage-tracker groups --by user"),
    ("ada", "claude-usage-tracker users --by group"),
    ("ada", "claude-usage-tracker monthly --by group --user ada"),
    ("ada", "claude-usage-tracker groups --min-cost 1"),
    ("ada", "claude-usage-tracker models --min-cost 1"),
    ("ada", "claude-usage-tracker audit"),
    (
        "ada",
        "claude-usage-tracker daily --sections daily,machines --source=local",
    ),
    (
        "ada",
        "claude-usage-tracker budget --daily 1 --monthly 0.01",
    ),
    ("ada", "claude-usage-tracker explain 2026-03-10 --limit 2"),
    ("ada", "claude-usage-tracker statusline"),
    ("ada", "claude-usage-tracker limits"),
    (
        "ada",
        "claude-sync import fixtures/elsewhere/ccusage-daily.json --dry-run",
    ),
    (
        "ada",
        "claude-sync import fixtures/elsewhere/ccusage-daily.json",
    ),
    ("ada", "claude-sync forget --session shared --yes"),
    ("bob", "claude-sync"),
    ("bob", "claude-sync machine new-id"),
    // From here on the fleet is encrypted.
    ("ada", "claude-sync key import [KEY] --for sealing"),
    ("ada", "claude-sync --mode=full"),
    ("ada", "claude-sync key rotate --yes"),
];

/// Every command of both programs by its words, with its long options; those that only hold others left out.
pub(super) fn leaves(machine: &Machine) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::new();
    for program in PROGRAMS {
        let all = commands(machine, program);
        for (path, options) in &all {
            let holds = !path.is_empty()
                && all
                    .iter()
                    .any(|(other, _)| other.len() > path.len() && other.starts_with(path));
            if !holds {
                out.insert(
                    [&[program.to_owned()][..], path].concat().join(" "),
                    options.clone(),
                );
            }
        }
    }
    assert!(out.len() > 30, "{out:?}");
    out
}

/// The command that a line runs, without its arguments.
pub(super) fn command_of<'l>(
    line: &str,
    leaves: &'l BTreeMap<String, BTreeSet<String>>,
) -> &'l str {
    let fits = leaves
        .keys()
        .filter(|leaf| line == *leaf || line.starts_with(&format!("{leaf} ")));
    fits.max_by_key(|leaf| leaf.len()).expect("a command")
}

pub(super) fn run_line(machine: &Machine, line: &str, more: &[&str]) -> Ran {
    let mut words = line.split(' ');
    let program = words.next().expect("a program");
    run(machine.command(program, NOON).args(words).args(more))
}

/// Masks what differs from run to run: commits, keys, ids made at random, times of commits, the folder, the system.
pub(super) fn without_chance(world: &World, text: &str, key: &str, mark: &str) -> String {
    let text = text
        .replace(&world.path().display().to_string(), "[WORLD]")
        .replace(key, "[KEY]")
        .replace(mark, "[MARK]");
    let is_id = |word: &str| {
        word.len() == 36
            && word.matches('-').count() == 4
            && !word.ends_with("-4000-8000-000000000000")
    };
    let mut out = String::new();
    for line in text.lines() {
        let system = line
            .find("\\\"os_version\\\": \\\"")
            .map(|at| format!("{}[SYSTEM],", &line[..at]));
        if let Some(line) = system {
            out.push_str(&(line + "\n"));
            continue;
        }
        let timed = ["\"at\": \"", "\"committedAt\": \"", "\"newest\": \""]
            .iter()
            .find(|start| line.trim_start().starts_with(**start));
        if let Some(start) = timed {
            let indent = &line[..line.len() - line.trim_start().len()];
            let comma = if line.ends_with(',') { "," } else { "" };
            out.push_str(&format!("{indent}{start}[TIME]\"{comma}\n"));
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let (before, after) = rest.split_at(at);
            let end = after
                .find(|c: char| !c.is_ascii_hexdigit() && c != '-')
                .unwrap_or(after.len());
            let found = &after[..end];
            out.push_str(before);
            // Whole commits, and the last one with a matching checksum.
            let commit = !found.contains('-')
                && (found.len() == 40 || found.len() == 8 && out.ends_with("matching checksum, "));
            out.push_str(if commit {
                "[COMMIT]"
            } else if is_id(found) {
                "[ID]"
            } else {
                found
            });
            rest = &after[end..];
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}
