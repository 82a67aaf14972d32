//! Which folders are read: profiles, the desktop app's tasks, and what `transcripts.folders` names.

use std::fs;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

const TASK: &str = ".config/Claude/local-agent-mode-sessions/acc/org";

fn requests(machine: &Machine, args: &[&str]) -> u64 {
    machine.report(args)["totals"]["requests"]
        .as_u64()
        .expect("requests")
}

fn with_profile(machine: &Machine, profile: &str, args: &[&str]) -> Ran {
    let folder = machine.home.join(profile);
    fs::create_dir_all(&folder).expect("a folder");
    let ran = run(machine
        .command("claude-sync", NOON)
        .env("CLAUDE_CONFIG_DIR", folder)
        .args(args));
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

#[test]
fn tasks_of_the_desktop_app_count_under_their_working_folder_and_without_their_title() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..2));
    for (task, session, requests) in [("local_a", "s2", 2..5), ("agent/local_b", "s3", 5..7)] {
        // A newer version of the app writes the first of them to the usual place too.
        let text =
            transcript(session, requests).replace("/home/someone/work/shop", "/sessions/brave-fox");
        ada.write(
            &format!("{TASK}/{task}/.claude/projects/-sessions-brave-fox/{session}.jsonl"),
            &text,
        );
        ada.write(
            &format!("{TASK}/{task}/audit.jsonl"),
            "{\"type\":\"assistant\",\"message\":{\"usage\":{\"output_tokens\":9}}}\n",
        );
        ada.write(&format!("{TASK}/{task}.json"), r#"{"title":"CANARY-TITLE","cwd":"/home/someone/work/till","userMessage":"CANARY-ASK"}"#);
    }
    ada.write(".claude/projects/p/s2.jsonl", &transcript("s2", 2..3));
    assert_eq!(requests(&ada, &["daily", "--source=local"]), 7);
    ada.init();
    let ran = ada.sync(&[]);
    assert_eq!(ran.err, "", "the audit log is no transcript");
    assert_eq!(ada.fleet().0, 7);
    let projects = ada.report(&["projects"]);
    let names: Vec<_> = projects["projects"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["project"].as_str().expect("a name"))
        .collect();
    assert!(
        names.contains(&"till") && !names.contains(&"brave-fox"),
        "{names:?}"
    );
    let all = world.stored(&world.path().join("remote.git"));
    assert!(
        !all.contains("CANARY") && !all.contains("brave-fox") && all.contains("till"),
        "titles stay here"
    );
    assert!(
        ada.sync(&[])
            .out
            .starts_with("Nothing new in 4 transcripts."),
        "nothing is read twice"
    );
}

#[test]
fn two_profiles_are_one_machine_whichever_starts_a_sync() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..2));
    ada.write(".claude-work/projects/p/s2.jsonl", &transcript("s2", 2..5));
    ada.init();
    with_profile(&ada, ".claude-work", &["--quiet"]);
    assert!(!ada.home.join(".claude-work/machine_id").exists());
    assert_eq!(ada.fleet().0, 3, "CLAUDE_CONFIG_DIR replaces the default");
    // A timer knows no variable, and reads both.
    ada.write(".claude-work/projects/p/s3.jsonl", &transcript("s3", 5..6));
    ada.sync(&["--quiet"]);
    assert_eq!(ada.fleet().0, 6);
    assert_eq!(
        ada.manifest_json()["machines"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    // Where the second profile came first, its id holds.
    let bob = world.machine("bob");
    fs::remove_file(bob.home.join(".claude/machine_id")).expect("there");
    with_profile(&bob, ".claude-b", &["init", "--no-sync", &world.remote()]);
    bob.write(".claude/projects/p/s9.jsonl", &transcript("s9", 20..22));
    bob.sync(&[]);
    assert!(
        !bob.home.join(".claude/machine_id").exists()
            && bob.home.join(".claude-b/machine_id").exists()
    );
    assert_eq!(bob.fleet().0, 8);
    assert_eq!(
        bob.manifest_json()["machines"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2)
    );
}

#[test]
fn folders_of_the_settings_are_read_by_every_run() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..2));
    ada.write(".claude-work/projects/p/s2.jsonl", &transcript("s2", 2..5));
    ada.write(".claude-play/projects/p/s3.jsonl", &transcript("s3", 5..6));
    ada.write("backup/projects/p/s4.jsonl", &transcript("s4", 6..10));
    ada.write("copy/p/s5.jsonl", &transcript("s5", 10..11));
    // The same folder twice, by a link to it, and a link that leads back up.
    std::os::unix::fs::symlink(ada.home.join(".claude"), ada.home.join(".claude-link"))
        .expect("a link");
    std::os::unix::fs::symlink(
        ada.home.join("backup"),
        ada.home.join("backup/projects/p/loop"),
    )
    .expect("a link");
    ada.init();
    let folders = r#"["~/.claude-*", "~/backup/projects", "~/copy", "~/backup"]"#;
    ada.sync(&["config", "set", "transcripts.folders", folders]);
    let ran = ada.sync(&[]);
    assert_eq!((ran.err.as_str(), ada.fleet().0), ("", 11));
    with_profile(&ada, ".claude-play", &[]);
    assert_eq!(
        (ada.fleet().0, requests(&ada, &["daily", "--source=local"])),
        (11, 11)
    );
    let status: serde_json::Value =
        serde_json::from_str(&ada.sync(&["status", "--json"]).out).expect("JSON");
    let read: Vec<_> = status["folders"]
        .as_array()
        .expect("folders")
        .iter()
        .map(|one| (&one["source"], &one["files"]))
        .collect();
    assert_eq!(read[0], (&"profile".into(), &1.into()));
    assert_eq!(read.len(), 5, "{read:?}");
    assert_eq!(
        status["folders"][0]["last_usage"],
        "2026-03-10T08:01:00.000Z"
    );
}

#[test]
fn folders_that_find_nothing_or_are_relative_are_named() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..2));
    ada.init();
    for bad in [r#"["work"]"#, r#"["~ada/.claude"]"#, r#"[""]"#, "[7]", "{}"] {
        let ran = ada.try_sync(NOON, &["config", "set", "transcripts.folders", bad]);
        assert!(
            ran.code != 0 && ran.err.contains("folders"),
            "{bad}: {}",
            ran.err
        );
    }
    ada.sync(&["config", "set", "transcripts.folders", r#"["~/nothing-*"]"#]);
    let ran = ada.sync(&[]);
    assert!(
        ran.err
            .contains("transcripts.folders: there are no transcripts in ~/nothing-*"),
        "{}",
        ran.err
    );
    assert_eq!(ada.fleet().0, 2, "all else is synced");
    let ran = ada.try_sync(NOON, &["doctor", "--offline"]);
    assert!(ran.out.contains("~/nothing-*"), "{}", ran.out);
    ada.sync(&["config", "unset", "transcripts.folders"]);
    // A profile that nobody named is.
    ada.write(".claude-work/projects/p/s2.jsonl", &transcript("s2", 2..5));
    let ran = ada.sync(&["status"]);
    assert!(
        ran.err
            .contains(r#"claude-sync config set transcripts.folders '["~/.claude-work"]'"#),
        "{}",
        ran.err
    );
    let ran = ada.try_sync(NOON, &["doctor", "--offline"]);
    assert!(ran.out.contains("not read: ~/.claude-work"), "{}", ran.out);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_line_of_40_megabytes_counts() {
    let world = World::new();
    let ada = world.machine("ada");
    let long = "the secret plan".repeat(2_700_000);
    let text = transcript("s1", 0..3);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[1] = lines[1].replace("the secret plan", &long);
    ada.write(".claude/projects/p/s1.jsonl", &lines.join("\n"));
    assert_eq!(requests(&ada, &["daily", "--source=local"]), 3);
    ada.init();
    assert_eq!(ada.sync(&[]).err, "");
    // A long last line that grows is read again, from its beginning.
    let line = lines[1].replace("0000001\"", "0000009\"");
    let (head, tail) = line.split_at(39_000_000);
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &(lines.join("\n") + "\n" + head),
    );
    ada.sync(&[]);
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &(lines.join("\n") + "\n" + head + tail + "\n" + &transcript("s1", 10..11)),
    );
    assert_eq!(ada.sync(&[]).err, "");
    assert_eq!(ada.fleet().0, 5);
}
