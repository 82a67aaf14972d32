//! Conflicts that need review, the history of syncs, and differences in words.

use std::fs;

use crate::world::{Machine, World, transcript};

const DAY: &str = "sync/archive/2026/03/00616461-0000-4000-8000-000000000000/10.jsonl";

fn tree(machine: &Machine) -> String {
    machine.git(&["rev-parse", "HEAD^{tree}"])
}

/// Commits and their times differ from run to run.
fn masked(machine: &Machine, text: &str) -> String {
    let mut text = text.to_owned();
    for commit in machine.git(&["log", "--format=%H", "--all"]).lines() {
        text = text.replace(&commit[..8], "[commit]");
    }
    let time = |word: &str| word.len() == 16 && word.as_bytes()[10] == b' ';
    let mut out = String::new();
    for line in text.lines() {
        let cell = line
            .split('┆')
            .next()
            .unwrap_or_default()
            .trim_matches(['│', ' ']);
        out.push_str(&if time(cell) {
            line.replace(cell, "[minute        ]")
        } else {
            line.to_owned()
        });
        out.push('\n');
    }
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_checksum_that_fails_is_shown_beside_the_last_that_fitted() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    let file = bob.repo().join(DAY);
    fs::write(
        &file,
        fs::read_to_string(&file)
            .expect("there")
            .replace("\"output_tokens\":101", "\"output_tokens\":999"),
    )
    .expect("written");
    bob.git(&["commit", "-qam", "make it look more"]);
    let ran = bob.sync(&["--offline"]);
    assert!(
        ran.err.contains("a checksum does not fit its records"),
        "{}",
        ran.err
    );
    insta::assert_snapshot!("checksum", masked(&bob, &bob.sync(&["conflicts"]).out));
    let json: serde_json::Value =
        serde_json::from_str(&bob.sync(&["conflicts", "--json"]).out).expect("JSON");
    assert_eq!(
        (
            &json["conflicts"][0]["code"],
            json["conflicts"][0]["sides"].as_array().map(Vec::len)
        ),
        (&"checksum".into(), Some(2))
    );
    // The mark outlives joins and new checksums, on every machine, until somebody decides.
    bob.sync(&[]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let ran = ada.sync(&[]);
    assert!(
        ran.err.contains("a checksum does not fit its records"),
        "{}",
        ran.err
    );
    assert_eq!(
        ada.manifest_json()["sessions_index"]["s1"]["conflict_status"],
        "pending"
    );
    let ran = bob.sync(&["conflicts", "--accept", "ada"]);
    assert!(ran.out.starts_with("Decision recorded."), "{}", ran.out);
    assert_eq!(
        bob.try_sync(crate::world::NOON, &["conflicts", "--accept", "ada"])
            .code,
        2,
        "nothing is open"
    );
    assert_eq!(bob.sync(&["conflicts"]).out, "No conflicts.\n");
    assert_eq!(ada.sync(&[]).err, "");
    assert_eq!(tree(&ada), tree(&bob));
}

#[test]
fn history_in_words() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(
        ".claude/projects/p/s.jsonl",
        &transcript("0fae0449-64d3-4788-8622-d3a47d82c14b", 0..3),
    );
    ada.init().sync(&[]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("0fae0449-64d3-4788-8622-d3a47d82c14b", 2..5) + &transcript("bobs", 20..22)),
    );
    bob.init().sync(&[]);
    ada.sync(&[]);
    fs::write(ada.repo().join("NOTES.md"), "mine\n").expect("written");
    ada.git(&["add", "-A"]);
    ada.git(&["commit", "-qm", "notes of my own"]);
    insta::assert_snapshot!("log", masked(&ada, &ada.sync(&["log"]).out));
    let json: serde_json::Value =
        serde_json::from_str(&ada.sync(&["log", "--json", "--machine", "bob"]).out).expect("JSON");
    assert_eq!(
        (
            json["syncs"].as_array().map(Vec::len),
            &json["syncs"][0]["records_added"]
        ),
        (Some(1), &5.into())
    );
    assert_eq!(
        ada.sync(&["log", "--since", "2999-01-01"]).out,
        "No syncs.\n"
    );
    insta::assert_snapshot!("diff", ada.sync(&["diff", "HEAD~2", "HEAD"]).out);
    let narrow = |args: &[&str]| {
        let mut command = ada.command("claude-sync", crate::world::NOON);
        masked(
            &ada,
            &crate::world::run(command.env("COLUMNS", "60").args(args)).out,
        )
    };
    insta::assert_snapshot!(
        "narrow",
        [
            narrow(&["log"]),
            narrow(&["diff", "HEAD~2"]),
            narrow(&["machine", "list"])
        ]
        .join("\n")
    );
    assert_eq!(
        ada.sync(&["diff"]).out,
        "No session changed.\n",
        "the last commit is notes"
    );
    insta::assert_snapshot!("diff_back", ada.sync(&["diff", "HEAD", "HEAD~2"]).out);
    let json: serde_json::Value =
        serde_json::from_str(&ada.sync(&["diff", "HEAD~2", "--json"]).out).expect("JSON");
    assert_eq!(
        (&json["before"]["requests"], &json["after"]["requests"]),
        (&3.into(), &7.into())
    );
    assert_eq!(
        ada.try_sync(crate::world::NOON, &["diff", "nowhere"]).code,
        2
    );
}

#[test]
fn plain_git_shows_records_as_lines() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
    machine.init().sync(&[]);
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.sync(&[]);
    let shown = machine.git(&["log", "-p", "-1", "--format=%s"]);
    insta::assert_snapshot!(
        "git_log_p",
        shown
            .lines()
            .filter(|line| !line.starts_with("index "))
            .map(|line| line.split("  linux  ").next().unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let raw = machine.git(&["show", "--no-textconv", "--format=", "HEAD", "--", DAY]);
    assert!(
        raw.contains("+{\"timestamp\""),
        "and the file as it is with --no-textconv"
    );
}
